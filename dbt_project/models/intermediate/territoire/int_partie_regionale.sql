-- Parts of the zones d'emploi that cross the border of a region, for the region of the build.
with courant as (
    select millesime from {{ ref('int_millesime_courant') }}
    where producteur = 'insee' and jeu = 'zone_emploi'
)

select
    composition.code_partie_regionale,
    composition.code_zone_emploi,
    composition.millesime as millesime_geo,
    liste.libelle_zone_emploi || ' (partie ' || region.libelle_region || ')' as libelle_partie_regionale,
    case
        when count(distinct composition.code_departement) = 1 then min(composition.code_departement)
    end as code_departement,
    composition.code_region
from {{ ref('stg_insee__zone_emploi__composition') }} as composition
inner join courant on composition.millesime = courant.millesime
inner join {{ ref('stg_insee__zone_emploi__liste') }} as liste
    on composition.code_zone_emploi = liste.code_zone_emploi and composition.millesime = liste.millesime
inner join {{ ref('region') }} as region on composition.code_region = region.code_region
where
    {{ correspond('composition.code_partie_regionale', '[0-9]{4}-[0-9]{2}') }}
    and {{ dans_la_region('composition.code_region') }}
group by
    composition.code_partie_regionale,
    composition.code_zone_emploi,
    composition.millesime,
    liste.libelle_zone_emploi,
    region.libelle_region,
    composition.code_region
