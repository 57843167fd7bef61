with courant as (
    select millesime from {{ ref('int_millesime_courant') }}
    where producteur = 'insee' and jeu = 'cog'
)

select
    departement.code_departement,
    departement.libelle_departement,
    departement.code_region,
    departement.millesime as millesime_geo
from {{ ref('stg_insee__cog__departements') }} as departement
inner join courant on departement.millesime = courant.millesime
