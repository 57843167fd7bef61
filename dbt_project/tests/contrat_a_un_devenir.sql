-- Every contract of 2015 has a successor or an exit, every contract of 2024 an origin, if only to say that it
-- is not known.
with suivis as (
    select
        code_contrat_avant as code_contrat,
        '2015' as generation
    from {{ ref('pont_contrat_succession') }}
    union
    select
        code_contrat_apres as code_contrat,
        '2024' as generation
    from {{ ref('pont_contrat_succession') }}
)

select
    contrat.code_contrat,
    contrat.generation
from {{ ref('dim_contrat_ville') }} as contrat
left join suivis on contrat.code_contrat = suivis.code_contrat and contrat.generation = suivis.generation
where suivis.code_contrat is null
