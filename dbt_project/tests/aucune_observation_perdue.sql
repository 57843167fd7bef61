-- Every expected cell becomes an observation: a join that finds no period or no indicator would lose it. The
-- one cell that may be left out is an absent variable whose statement another column of the same file makes.
with observations as (
    select
        cle_jeu_source,
        cle_territoire,
        code_variable,
        code_indicateur,
        cle_ventilation
    from {{ ref('fct_observation') }}
),

attendues as (
    select
        producteur || ':' || jeu || ':' || millesime as cle_jeu_source,
        'qpv:' || code_qpv || ':2015' as cle_territoire,
        code_variable,
        code_indicateur,
        cle_ventilation,
        est_absente
    from {{ ref('int_observation__attendue') }}
)

select
    attendues.cle_jeu_source,
    attendues.cle_territoire,
    attendues.code_variable
from attendues
left join observations as obtenue
    on
        attendues.cle_jeu_source = obtenue.cle_jeu_source
        and attendues.cle_territoire = obtenue.cle_territoire
        and attendues.code_variable = obtenue.code_variable
left join observations as renommee
    on
        attendues.est_absente
        and attendues.cle_jeu_source = renommee.cle_jeu_source
        and attendues.cle_territoire = renommee.cle_territoire
        and attendues.code_indicateur = renommee.code_indicateur
        and attendues.cle_ventilation = renommee.cle_ventilation
where obtenue.code_variable is null and renommee.code_variable is null
