with communes as (
    select
        code_qpv,
        generation,
        count(*) as nb_communes
    from {{ ref('int_qpv_commune') }}
    group by code_qpv, generation
),

epci as (
    select
        code_qpv,
        generation,
        count(*) as nb_epci
    from {{ ref('int_qpv_epci') }}
    group by code_qpv, generation
)

select
    territoire.cle_territoire,
    qpv.code_qpv,
    qpv.generation,
    qpv.lettre,
    qpv.libelle_qpv,
    qpv.code_departement,
    qpv.code_region,
    cast(communes.nb_communes as integer) as nb_communes,
    communes.nb_communes > 1 as est_multi_commune,
    epci.nb_epci > 1 as est_multi_epci,
    qpv.surface_m2 / 10000.0 as surface_ha,
    qpv.longitude,
    qpv.latitude,
    qpv.geometrie_reparee as est_geometrie_reparee,
    generation_qpv.textes as texte_fixant,
    territoire.valide_du,
    territoire.valide_au,
    territoire.est_fictif
from {{ ref('int_qpv') }} as qpv
inner join {{ ref('dim_territoire') }} as territoire on qpv.cle_territoire = territoire.cle_territoire
left join communes on qpv.code_qpv = communes.code_qpv and qpv.generation = communes.generation
left join epci on qpv.code_qpv = epci.code_qpv and qpv.generation = epci.generation
left join {{ ref('generation_qpv') }} as generation_qpv
    on qpv.generation = cast(generation_qpv.generation as varchar)
order by qpv.code_qpv
