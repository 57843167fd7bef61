-- Present communes, and the delegated ones and former names (`ANCIEN`) that a list of names may still cite:
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
),

anciens_noms as (
    select distinct
        'ANCIEN' as type_commune,
        mouvement.code_commune_avant as code_commune,
        mouvement.libelle_commune_avant as libelle_commune,
        mouvement.code_commune_apres as code_commune_courante,
        commune.millesime_geo,
        commune.code_departement
    from {{ ref('stg_insee__cog__mouvements') }} as mouvement
    inner join toutes as commune
        on
            mouvement.code_commune_apres = commune.code_commune
            and mouvement.millesime = commune.millesime_geo
            and commune.type_commune = 'COM'
    where
        mouvement.type_commune_avant = 'COM'
        and mouvement.type_commune_apres = 'COM'
        and mouvement.libelle_commune_avant <> commune.libelle_commune
),

reunies as (
    select
        type_commune,
        code_commune,
        libelle_commune,
        code_commune_courante,
        millesime_geo,
        code_departement
    from rattachees
    union all
    select
        type_commune,
        code_commune,
        libelle_commune,
        code_commune_courante,
        millesime_geo,
        code_departement
    from anciens_noms
)

select
    reunies.type_commune,
    reunies.code_commune,
    reunies.libelle_commune,
    {{ libelle_normalise('reunies.libelle_commune') }} as libelle_normalise,
    reunies.code_commune_courante,
    reunies.code_departement,
    departement.code_region,
    reunies.millesime_geo
from reunies
inner join {{ ref('int_departement') }} as departement
    on reunies.code_departement = departement.code_departement
