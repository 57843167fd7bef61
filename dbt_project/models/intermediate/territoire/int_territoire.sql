-- Every territory of the release, one row per version. A version that has no date of its own is valid from
-- 1 January of its geography; the version of 2015 of an EPCI ends the day before the event that replaced its
-- SIREN, else the day before the geography that follows.
{%- set colonnes = [
    'type_territoire', 'code_territoire', 'libelle_territoire', 'generation', 'millesime_geo',
    'code_departement', 'code_region', 'valide_du', 'valide_au', 'est_courant'
] %}
with pays as (
    select
        'france' as type_territoire,
        'france' as code_territoire,
        'France' as libelle_territoire
    union all
    select
        'france_metropolitaine' as type_territoire,
        'france_metropolitaine' as code_territoire,
        'France métropolitaine' as libelle_territoire
),

pays_complets as (
    select
        type_territoire,
        code_territoire,
        libelle_territoire,
        cast(null as varchar) as generation,
        cast(null as varchar) as millesime_geo,
        cast(null as varchar) as code_departement,
        cast(null as varchar) as code_region,
        cast(null as date) as valide_du,
        cast(null as date) as valide_au,
        true as est_courant
    from pays
),

regions as (
    select
        'region' as type_territoire,
        region.code_region as code_territoire,
        region.libelle_region as libelle_territoire,
        cast(null as varchar) as generation,
        max(departement.millesime_geo) as millesime_geo,
        cast(null as varchar) as code_departement,
        region.code_region,
        cast(max(departement.millesime_geo) || '-01-01' as date) as valide_du,
        cast(null as date) as valide_au,
        true as est_courant
    from {{ ref('int_departement') }} as departement
    inner join {{ ref('region') }} as region on departement.code_region = region.code_region
    where {{ dans_la_region('region.code_region') }}
    group by region.code_region, region.libelle_region
),

departements as (
    select
        'departement' as type_territoire,
        code_departement as code_territoire,
        libelle_departement as libelle_territoire,
        cast(null as varchar) as generation,
        millesime_geo,
        code_departement,
        code_region,
        cast(millesime_geo || '-01-01' as date) as valide_du,
        cast(null as date) as valide_au,
        true as est_courant
    from {{ ref('int_departement') }}
    where {{ dans_la_region('code_region') }}
),

communes as (
    select
        'commune' as type_territoire,
        code_commune as code_territoire,
        libelle_commune as libelle_territoire,
        cast(null as varchar) as generation,
        millesime_geo,
        code_departement,
        code_region,
        valide_du,
        valide_au,
        est_courant
    from {{ ref('int_commune_version') }}
    where {{ dans_la_region('code_region') }}
),

-- The models below are limited to the region themselves: they know the territories that cross its border.
zones_emploi as (
    select
        'zone_emploi' as type_territoire,
        code_zone_emploi as code_territoire,
        libelle_zone_emploi as libelle_territoire,
        cast(null as varchar) as generation,
        millesime_geo,
        code_departement,
        code_region,
        cast(millesime_geo || '-01-01' as date) as valide_du,
        cast(null as date) as valide_au,
        true as est_courant
    from {{ ref('int_zone_emploi') }}
),

parties_regionales as (
    select
        'partie_regionale_zone_emploi' as type_territoire,
        code_partie_regionale as code_territoire,
        libelle_partie_regionale as libelle_territoire,
        cast(null as varchar) as generation,
        millesime_geo,
        code_departement,
        code_region,
        cast(millesime_geo || '-01-01' as date) as valide_du,
        cast(null as date) as valide_au,
        true as est_courant
    from {{ ref('int_partie_regionale') }}
),

unites_urbaines as (
    select
        'unite_urbaine' as type_territoire,
        code_unite_urbaine as code_territoire,
        'Unité urbaine ' || code_unite_urbaine || ' (libellé non tenu)' as libelle_territoire,
        cast(null as varchar) as generation,
        millesime_geo,
        case when count(distinct code_departement) = 1 then min(code_departement) end as code_departement,
        case when count(distinct code_region) = 1 then min(code_region) end as code_region,
        cast(millesime_geo || '-01-01' as date) as valide_du,
        cast(null as date) as valide_au,
        true as est_courant
    from {{ ref('int_unite_urbaine') }}
    group by code_unite_urbaine, millesime_geo
),

-- The event that made the SIREN, or ended it.
siren_crees as (
    select
        siren_apres as siren_epci,
        max(date_effet) as date_effet
    from {{ ref('int_epci_succession') }}
    group by siren_apres
),

siren_eteints as (
    select
        siren_avant as siren_epci,
        max(date_effet) as date_effet
    from {{ ref('int_epci_succession') }}
    group by siren_avant
),

epci_courant as (
    select max(millesime_geo) as millesime_geo
    from {{ ref('int_epci') }}
    where est_courant
),

epci as (
    select
        'epci' as type_territoire,
        epci.siren_epci as code_territoire,
        epci.libelle_epci as libelle_territoire,
        cast(null as varchar) as generation,
        epci.millesime_geo,
        epci.code_departement,
        epci.code_region,
        case
            when epci.est_courant
                then coalesce(siren_crees.date_effet, cast(epci.millesime_geo || '-01-01' as date))
            else cast(epci.millesime_geo || '-01-01' as date)
        end as valide_du,
        case
            when not epci.est_courant
                then
                    coalesce(siren_eteints.date_effet, cast(epci_courant.millesime_geo || '-01-01' as date))
                    - 1
        end as valide_au,
        epci.est_courant
    from {{ ref('int_epci') }} as epci
    left join epci_courant on 1 = 1
    left join siren_crees on epci.siren_epci = siren_crees.siren_epci
    left join siren_eteints on epci.siren_epci = siren_eteints.siren_epci
),

contrats as (
    select
        'contrat_ville' as type_territoire,
        contrat.code_contrat as code_territoire,
        contrat.libelle_contrat as libelle_territoire,
        contrat.generation,
        cast(null as varchar) as millesime_geo,
        contrat.code_departement,
        contrat.code_region,
        generation_contrat.t0 as valide_du,
        coalesce(generation_contrat.fin_prolongee, generation_contrat.fin_initiale) as valide_au,
        contrat.generation = '2024' as est_courant
    from {{ ref('int_contrat_ville') }} as contrat
    left join {{ ref('generation_contrat') }} as generation_contrat
        on contrat.generation = cast(generation_contrat.generation as varchar)
),

qpv as (
    select
        'qpv' as type_territoire,
        qpv.code_qpv as code_territoire,
        qpv.libelle_qpv as libelle_territoire,
        qpv.generation,
        cast(null as varchar) as millesime_geo,
        qpv.code_departement,
        qpv.code_region,
        generation_qpv.valide_du,
        generation_qpv.valide_au,
        qpv.generation = '2024' as est_courant
    from {{ ref('int_qpv') }} as qpv
    left join {{ ref('generation_qpv') }} as generation_qpv
        on qpv.generation = cast(generation_qpv.generation as varchar)
),

reunis as (
    {% for nom in [
        'pays_complets', 'regions', 'departements', 'communes', 'zones_emploi', 'parties_regionales',
        'unites_urbaines', 'epci', 'contrats', 'qpv'
    ] %}
    select
        {{ colonnes | join(',\n        ') }}
    from {{ nom }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    reunis.type_territoire
    || case
        -- the country has one version and its type says which it is
        when reunis.type_territoire in ('france', 'france_metropolitaine') then ''
        else
            ':' || reunis.code_territoire
            || coalesce(':' || coalesce(reunis.generation, reunis.millesime_geo), '')
    end as cle_territoire,
    reunis.type_territoire,
    reunis.code_territoire,
    reunis.libelle_territoire,
    reunis.generation,
    reunis.millesime_geo,
    case
        when reunis.type_territoire = 'france' then 'france_entiere'
        when reunis.type_territoire = 'france_metropolitaine' then 'metropole'
        else region.champ
    end as champ,
    reunis.code_departement,
    reunis.code_region,
    reunis.valide_du,
    reunis.valide_au,
    reunis.est_courant
from reunis
left join {{ ref('region') }} as region on reunis.code_region = region.code_region
