-- Every territory of the release, one row per version.
with regions as (
    select
        'region' as type_territoire,
        region.code_region as code_territoire,
        region.libelle_region as libelle_territoire,
        cast(null as varchar) as generation,
        max(departement.millesime_geo) as millesime_geo,
        cast(null as varchar) as code_departement,
        region.code_region,
        true as est_courant
    from {{ ref('int_departement') }} as departement
    inner join {{ ref('region') }} as region on departement.code_region = region.code_region
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
        true as est_courant
    from {{ ref('int_departement') }}
),

zones_emploi as (
    select
        'zone_emploi' as type_territoire,
        code_zone_emploi as code_territoire,
        libelle_zone_emploi as libelle_territoire,
        cast(null as varchar) as generation,
        millesime_geo,
        code_departement,
        code_region,
        true as est_courant
    from {{ ref('int_zone_emploi') }}
),

epci as (
    select
        'epci' as type_territoire,
        siren_epci as code_territoire,
        libelle_epci as libelle_territoire,
        cast(null as varchar) as generation,
        millesime_geo,
        code_departement,
        code_region,
        est_courant
    from {{ ref('int_epci') }}
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
        true as est_courant
    from {{ ref('int_commune') }}
    where type_commune = 'COM'
),

contrats as (
    select
        'contrat_ville' as type_territoire,
        code_contrat as code_territoire,
        libelle_contrat as libelle_territoire,
        generation,
        cast(null as varchar) as millesime_geo,
        code_departement,
        code_region,
        generation = '2024' as est_courant
    from {{ ref('int_contrat_ville') }}
),

qpv as (
    select
        'qpv' as type_territoire,
        code_qpv as code_territoire,
        libelle_qpv as libelle_territoire,
        generation,
        cast(null as varchar) as millesime_geo,
        code_departement,
        code_region,
        generation = '2024' as est_courant
    from {{ ref('int_qpv') }}
),

filtres as (
    {% for nom in ['regions', 'departements', 'communes'] %}
    select
        type_territoire,
        code_territoire,
        libelle_territoire,
        generation,
        millesime_geo,
        code_departement,
        code_region,
        est_courant
    from {{ nom }}
    where {{ dans_la_region('code_region') }}
    union all
    {% endfor %}
    -- these are limited to the region by their own models, which know those that cross its border
    {% for nom in ['zones_emploi', 'epci', 'contrats', 'qpv'] %}
    select
        type_territoire,
        code_territoire,
        libelle_territoire,
        generation,
        millesime_geo,
        code_departement,
        code_region,
        est_courant
    from {{ nom }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    filtres.type_territoire || ':' || filtres.code_territoire
    || coalesce(':' || coalesce(filtres.generation, filtres.millesime_geo), '') as cle_territoire,
    filtres.type_territoire,
    filtres.code_territoire,
    filtres.libelle_territoire,
    filtres.generation,
    filtres.millesime_geo,
    filtres.code_departement,
    filtres.code_region,
    case
        when filtres.type_territoire = 'qpv' then generation_qpv.valide_du
        when filtres.type_territoire = 'contrat_ville' then generation_contrat.t0
        when filtres.millesime_geo is not null
            then cast(filtres.millesime_geo || '-01-01' as date)
    end as valide_du,
    case
        when filtres.type_territoire = 'qpv' then generation_qpv.valide_au
        when filtres.type_territoire = 'contrat_ville'
            then coalesce(generation_contrat.fin_prolongee, generation_contrat.fin_initiale)
    end as valide_au,
    filtres.est_courant
from filtres
left join {{ ref('generation_qpv') }} as generation_qpv
    on filtres.type_territoire = 'qpv' and filtres.generation = cast(generation_qpv.generation as varchar)
left join {{ ref('generation_contrat') }} as generation_contrat
    on
        filtres.type_territoire = 'contrat_ville'
        and filtres.generation = cast(generation_contrat.generation as varchar)
