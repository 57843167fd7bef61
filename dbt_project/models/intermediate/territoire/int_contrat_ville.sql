-- One row per contract and generation. A few contracts are written on two rows (two départements or two
-- holders): what differs between the rows is counted, not chosen.
with porteurs as (
    select
        contrat.code_contrat,
        contrat.millesime as generation,
        contrat.code_porteur,
        contrat.code_departement,
        contrat.libelle_contrat,
        contrat.longitude,
        contrat.latitude,
        departement.code_region
    from {{ ref('stg_sig_ville__contrats_ville') }} as contrat
    left join {{ ref('int_departement') }} as departement
        on contrat.code_departement = departement.code_departement
)

select
    code_contrat,
    generation,
    'contrat_ville:' || code_contrat || ':' || generation as cle_territoire,
    -- « 59 - CA de X »: the département is a column of its own
    min(regexp_replace(libelle_contrat, '^[0-9AB]{2,3} - ', '')) as libelle_contrat,
    case when count(distinct code_porteur) = 1 then min(code_porteur) end as code_porteur,
    count(distinct code_porteur) as nb_porteurs,
    case when count(distinct code_departement) = 1 then min(code_departement) end as code_departement,
    case when count(distinct code_region) = 1 then min(code_region) end as code_region,
    min(longitude) as longitude,
    min(latitude) as latitude
from porteurs
where {{ dans_la_region('code_region') }}
group by code_contrat, generation
