-- Zones d'emploi with a commune in the region. A zone that crosses the border of the region has no region.
with courant as (
    select millesime from {{ ref('int_millesime_courant') }}
    where producteur = 'insee' and jeu = 'zone_emploi'
),

membres as (
    select
        composition.code_zone_emploi,
        composition.millesime as millesime_geo,
        count(distinct composition.code_departement) as nb_departements,
        count(distinct composition.code_region) as nb_regions,
        min(composition.code_departement) as code_departement,
        min(composition.code_region) as code_region,
        max(case when {{ dans_la_region('composition.code_region') }} then 1 else 0 end) as est_retenu
    from {{ ref('stg_insee__zone_emploi__composition') }} as composition
    inner join courant on composition.millesime = courant.millesime
    group by composition.code_zone_emploi, composition.millesime
)

select
    membres.code_zone_emploi,
    membres.millesime_geo,
    liste.libelle_zone_emploi,
    case when membres.nb_departements = 1 then membres.code_departement end as code_departement,
    case when membres.nb_regions = 1 then membres.code_region end as code_region
from membres
inner join {{ ref('stg_insee__zone_emploi__liste') }} as liste
    on membres.code_zone_emploi = liste.code_zone_emploi and membres.millesime_geo = liste.millesime
where membres.est_retenu = 1
