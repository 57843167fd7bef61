-- On a given day a statement is known with one value: the days of two versions never overlap.
with versions as (
    select
        cle_observation,
        connu_du,
        connu_au,
        lead(connu_du) over (
            partition by code_indicateur, cle_territoire, cle_periode, cle_ventilation, cle_jeu_source
            order by connu_du
        ) as connu_du_suivant
    from {{ ref('fct_observation') }}
)

select cle_observation
from versions
where connu_du_suivant > connu_du and connu_du_suivant < coalesce(connu_au, cast('9999-12-31' as date))
