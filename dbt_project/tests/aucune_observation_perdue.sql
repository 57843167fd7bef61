-- Every expected cell, of any level and any version, becomes an observation known on the day it came: a join
-- that finds no period or no indicator would lose it. The one cell that may be left out is an absent variable
-- whose statement another column of the same file makes.
with observations as (
    select
        cle_jeu_source,
        cle_territoire,
        code_variable,
        code_indicateur,
        cle_ventilation,
        connu_du,
        connu_au
    from {{ ref('fct_observation') }}
),

attendues as (
    select
        producteur || ':' || jeu || ':' || millesime as cle_jeu_source,
        cle_territoire,
        code_variable,
        code_indicateur,
        cle_ventilation,
        connu_du,
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
        and attendues.cle_ventilation = obtenue.cle_ventilation
        and attendues.connu_du >= obtenue.connu_du
        and attendues.connu_du < coalesce(obtenue.connu_au, cast('9999-12-31' as date))
left join observations as renommee
    on
        attendues.est_absente
        and attendues.cle_jeu_source = renommee.cle_jeu_source
        and attendues.cle_territoire = renommee.cle_territoire
        and attendues.code_indicateur = renommee.code_indicateur
        and attendues.cle_ventilation = renommee.cle_ventilation
where obtenue.code_variable is null and renommee.code_variable is null
