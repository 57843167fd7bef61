-- From the SIREN that an EPCI bore in 2015 to the one of the current geography. The table of events comes
-- first; an EPCI of 2015 that it does not know and that no longer exists is followed through the communes of
-- its QPV, those of a QPV on two EPCI left aside, and this is said to be derived.
with epci_2015 as (
    select siren_epci
    from {{ ref('int_epci') }}
    where not est_courant
),

epci_courant as (
    select
        siren_epci,
        millesime_geo
    from {{ ref('int_epci') }}
    where est_courant
),

declares as (
    select
        evenement.code_avant as siren_avant,
        evenement.code_apres as siren_apres,
        case evenement.type_evenement
            when 'fusion_epci' then 'fusion'
            else 'changement_siren'
        end as nature,
        evenement.date_effet,
        evenement.statut_date,
        'declare' as origine,
        evenement.source,
        evenement.remarque
    from {{ ref('evenement_territoire') }} as evenement
    inner join epci_2015 on evenement.code_avant = epci_2015.siren_epci
    where
        evenement.type_evenement in ('fusion_epci', 'changement_siren')
        and evenement.code_apres <> evenement.code_avant
),

disparus as (
    select epci_2015.siren_epci
    from epci_2015
    left join epci_courant on epci_2015.siren_epci = epci_courant.siren_epci
    left join declares on epci_2015.siren_epci = declares.siren_avant
    where epci_courant.siren_epci is null and declares.siren_avant is null
),

qpv_d_un_epci as (
    select
        code_qpv,
        min(siren_epci) as siren_epci
    from {{ ref('int_qpv_epci') }}
    where generation = '2015'
    group by code_qpv
    having count(distinct siren_epci) = 1
),

suivis as (
    select distinct
        disparus.siren_epci as siren_avant,
        epci_courant.siren_epci as siren_apres
    from disparus
    inner join qpv_d_un_epci on disparus.siren_epci = qpv_d_un_epci.siren_epci
    inner join {{ ref('int_qpv_commune') }} as qpv_commune
        on qpv_d_un_epci.code_qpv = qpv_commune.code_qpv and qpv_commune.generation = '2015'
    inner join {{ ref('stg_insee__epci__composition') }} as composition
        on qpv_commune.code_commune = composition.code_commune
    inner join epci_courant
        on
            composition.siren_epci = epci_courant.siren_epci
            and composition.millesime = epci_courant.millesime_geo
),

comptes as (
    select
        siren_avant,
        count(*) as nb_apres
    from suivis
    group by siren_avant
)

select
    siren_avant,
    siren_apres,
    nature,
    date_effet,
    statut_date,
    origine,
    source,
    remarque
from declares
union all
select
    suivis.siren_avant,
    suivis.siren_apres,
    case when comptes.nb_apres = 1 then 'changement_siren' else 'partage' end as nature,
    cast(null as date) as date_effet,
    'a_verifier' as statut_date,
    'derive' as origine,
    'communes des QPV 2015 de cet EPCI dans la composition courante des intercommunalités' as source,
    'fusion, changement de SIREN ou partage : aucun événement tenu, date non établie' as remarque
from suivis
inner join comptes on suivis.siren_avant = comptes.siren_avant
