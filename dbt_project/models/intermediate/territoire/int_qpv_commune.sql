-- The producers list the communes of a QPV 2015 by name only. Each name is identified once, here, and only
-- when a single commune of the département bears or bore it, else of the region; see docs/adr/0005. Those of
-- a QPV 2024 come with their codes.
with noms as (
    select
        qpv.code_qpv,
        qpv.code_departement,
        qpv.code_region,
        liste.rang as rang_citation,
        trim(liste.nom) as libelle_source
    from {{ ref('int_qpv') }} as qpv
    cross join {{ elements('qpv.communes', ', ', 'liste', 'nom') }}
    where qpv.generation = '2015'
),

-- « Marseille 15ème et 16ème arrondissements » names the commune; « 2ème » alone repeats it.
nettoyes as (
    select
        code_qpv,
        code_departement,
        code_region,
        rang_citation,
        libelle_source,
        trim(
            regexp_replace({{ libelle_normalise('libelle_source') }}, ' [0-9]+(ER|E|EME) ?.*$', '')
        ) as libelle_normalise
    from noms
    where not {{ correspond('libelle_source', '[0-9].*') }}
),

candidats as (
    select distinct
        nettoyes.code_qpv,
        nettoyes.rang_citation,
        nettoyes.libelle_source,
        commune.code_commune_courante as code_commune,
        commune.millesime_geo,
        case
            when commune.code_departement <> nettoyes.code_departement then 3
            when commune.type_commune = 'ANCIEN' then 2
            else 1
        end as priorite
    from nettoyes
    inner join {{ ref('int_commune') }} as commune
        on
            nettoyes.libelle_normalise = commune.libelle_normalise
            and (
                nettoyes.code_departement = commune.code_departement
                or (nettoyes.code_region = commune.code_region and commune.type_commune <> 'ANCIEN')
            )
),

priorites as (
    select
        code_qpv,
        rang_citation,
        min(priorite) as priorite
    from candidats
    group by code_qpv, rang_citation
),

uniques as (
    select
        candidats.code_qpv,
        candidats.rang_citation,
        max(candidats.libelle_source) as libelle_source,
        max(candidats.code_commune) as code_commune,
        max(candidats.millesime_geo) as millesime_geo,
        max(candidats.priorite) as priorite
    from candidats
    inner join priorites
        on
            candidats.code_qpv = priorites.code_qpv
            and candidats.rang_citation = priorites.rang_citation
            and candidats.priorite = priorites.priorite
    group by candidats.code_qpv, candidats.rang_citation
    having count(distinct candidats.code_commune) = 1
),

par_nom as (
    select
        nettoyes.code_qpv,
        '2015' as generation,
        min(nettoyes.rang_citation) as rang_citation,
        min(nettoyes.libelle_source) as libelle_source,
        uniques.code_commune,
        max(uniques.millesime_geo) as millesime_geo,
        case
            when min(uniques.priorite) = 1 then 'nom_departement'
            when min(uniques.priorite) = 2 then 'ancien_nom_departement'
            when min(uniques.priorite) = 3 then 'nom_region'
            else 'non_identifie'
        end as mode_identification
    from nettoyes
    left join uniques
        on nettoyes.code_qpv = uniques.code_qpv and nettoyes.rang_citation = uniques.rang_citation
    group by
        nettoyes.code_qpv,
        uniques.code_commune,
        -- two names that nothing identifies stay two rows
        case when uniques.code_commune is null then nettoyes.rang_citation end
),

-- The code may be that of a delegated commune or of an arrondissement: it stands for the whole commune.
communes as (
    select
        code_commune,
        coalesce(
            min(case when type_commune = 'COM' then code_commune end),
            min(code_commune_courante)
        ) as code_commune_courante,
        min(millesime_geo) as millesime_geo
    from {{ ref('int_commune') }}
    where type_commune <> 'ANCIEN'
    group by code_commune
    having count(distinct code_commune_courante) = 1 or count(case when type_commune = 'COM' then 1 end) = 1
),

par_code as (
    select
        qpv.code_qpv,
        '2024' as generation,
        cast(null as bigint) as rang_citation,
        min(lien.code_commune) as libelle_source,
        communes.code_commune_courante as code_commune,
        max(communes.millesime_geo) as millesime_geo,
        case when communes.code_commune_courante is null then 'non_identifie' else 'code' end
            as mode_identification
    from {{ ref('int_qpv_2024_commune') }} as lien
    inner join {{ ref('int_qpv') }} as qpv on lien.code_qpv = qpv.code_qpv and qpv.generation = '2024'
    left join communes on lien.code_commune = communes.code_commune
    group by
        qpv.code_qpv,
        communes.code_commune_courante,
        case when communes.code_commune_courante is null then lien.code_commune end
)

{% for nom in ['par_nom', 'par_code'] %}
select
    code_qpv,
    generation,
    rang_citation,
    libelle_source,
    code_commune,
    millesime_geo,
    mode_identification
from {{ nom }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
