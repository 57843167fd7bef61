-- No published table gives the contract of a QPV 2015: it is that of its EPCI, or of its commune when a
-- commune holds the contract.
with par_epci as (
    select
        qpv_epci.code_qpv,
        porteur.code_contrat,
        'epci' as mode_rattachement
    from {{ ref('int_qpv_epci') }} as qpv_epci
    inner join {{ ref('int_contrat_porteur') }} as porteur
        on
            qpv_epci.siren_epci = porteur.code_porteur
            and porteur.niveau_porteur = 'epci'
            and porteur.generation = '2015'
),

par_commune as (
    select distinct
        qpv_commune.code_qpv,
        porteur.code_contrat,
        'commune' as mode_rattachement
    from {{ ref('int_qpv_commune') }} as qpv_commune
    inner join {{ ref('int_contrat_porteur') }} as porteur
        on
            qpv_commune.code_commune = porteur.code_porteur
            and porteur.niveau_porteur = 'commune'
            and porteur.generation = '2015'
),

rattachements as (
    select
        code_qpv,
        code_contrat,
        mode_rattachement
    from par_commune
    union all
    select
        code_qpv,
        code_contrat,
        mode_rattachement
    from par_epci
)

select
    code_qpv,
    '2015' as generation,
    code_contrat,
    min(mode_rattachement) as mode_rattachement
from rattachements
group by code_qpv, code_contrat
