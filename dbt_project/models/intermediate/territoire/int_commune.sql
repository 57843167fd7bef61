-- Present communes of the region, and the former or delegated ones that a list of names may still cite:
-- each keeps the code of the commune it now belongs to.
with courant as (
    select millesime from {{ ref('int_millesime_courant') }}
    where producteur = 'insee' and jeu = 'cog'
),

toutes as (
    select
        commune.type_commune,
        commune.code_commune,
        commune.libelle_commune,
        commune.code_departement,
        commune.millesime as millesime_geo,
        case
            when commune.type_commune = 'COM' then commune.code_commune
            else commune.code_commune_parente
        end as code_commune_courante
    from {{ ref('stg_insee__cog__communes') }} as commune
    inner join courant on commune.millesime = courant.millesime
),

-- Associated, delegated and district communes have no département of their own in the file.
rattachees as (
    select
        toutes.type_commune,
        toutes.code_commune,
        toutes.libelle_commune,
        toutes.code_commune_courante,
        toutes.millesime_geo,
        parente.code_departement
    from toutes
    inner join toutes as parente
        on toutes.code_commune_courante = parente.code_commune and parente.type_commune = 'COM'
)

select
    rattachees.type_commune,
    rattachees.code_commune,
    rattachees.libelle_commune,
    {{ libelle_normalise('rattachees.libelle_commune') }} as libelle_normalise,
    rattachees.code_commune_courante,
    rattachees.code_departement,
    departement.code_region,
    rattachees.millesime_geo
from rattachees
inner join {{ ref('int_departement') }} as departement
    on rattachees.code_departement = departement.code_departement
