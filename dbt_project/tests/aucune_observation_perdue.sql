-- Every expected cell becomes an observation: a join that finds no period or no indicator would lose it.
with attendues as (
    select count(*) as nb from {{ ref('int_observation__attendue') }}
),

obtenues as (
    select count(*) as nb from {{ ref('fct_observation') }}
)

select
    attendues.nb as nb_attendues,
    obtenues.nb as nb_obtenues
from attendues
cross join obtenues
where attendues.nb <> obtenues.nb
