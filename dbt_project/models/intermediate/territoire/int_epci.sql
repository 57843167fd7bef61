-- EPCI that have a commune in the region, as of the current geography, and the EPCI of 2015 that the QPV
-- and the contracts of that generation name. A SIREN of 2015 without a current EPCI takes its label from the
-- table of events, or from its contract.
with epci_courant as (
    select millesime from {{ ref('int_millesime_courant') }}
    where producteur = 'insee' and jeu = 'epci'
),

membres as (
    select
        composition.siren_epci,
        composition.millesime as millesime_geo,
        count(*) as nb_communes,
        count(distinct composition.code_departement) as nb_departements,
        count(distinct composition.code_region) as nb_regions,
        min(composition.code_departement) as code_departement,
        min(composition.code_region) as code_region,
        max(case when {{ dans_la_region('composition.code_region') }} then 1 else 0 end) as est_retenu
    from {{ ref('stg_insee__epci__composition') }} as composition
    inner join epci_courant on composition.millesime = epci_courant.millesime
    -- ZZZZZZZZZ marks the communes outside any EPCI: it is not a territory.
    where {{ correspond('composition.siren_epci', '[0-9]{9}') }}
    group by composition.siren_epci, composition.millesime
),

courants as (
    select
        membres.siren_epci,
        membres.millesime_geo,
        liste.libelle_epci,
        case when membres.nb_departements = 1 then membres.code_departement end as code_departement,
        case when membres.nb_regions = 1 then membres.code_region end as code_region,
        true as est_courant
    from membres
    inner join {{ ref('stg_insee__epci__liste') }} as liste
        on membres.siren_epci = liste.siren_epci and membres.millesime_geo = liste.millesime
    where membres.est_retenu = 1
),

-- A QPV belongs to one département, the EPCI may not: the département is kept when there is only one.
epci_2015 as (
    select
        qpv_epci.siren_epci,
        qpv_epci.millesime_geo,
        count(distinct qpv.code_departement) as nb_departements,
        count(distinct qpv.code_region) as nb_regions,
        min(qpv.code_departement) as code_departement,
        min(qpv.code_region) as code_region
    from {{ ref('int_qpv_epci') }} as qpv_epci
    inner join {{ ref('int_qpv') }} as qpv on qpv_epci.code_qpv = qpv.code_qpv
    where qpv_epci.generation = '2015'
    group by qpv_epci.siren_epci, qpv_epci.millesime_geo
),

noms_evenement as (
    select
        code_avant as siren_epci,
        min(libelle_avant) as libelle
    from {{ ref('evenement_territoire') }}
    where type_territoire = 'epci' and libelle_avant is not null
    group by code_avant
),

noms_contrat as (
    select
        porteur.code_porteur as siren_epci,
        min(contrat.libelle_contrat) as libelle
    from {{ ref('int_contrat_porteur') }} as porteur
    inner join {{ ref('int_contrat_ville') }} as contrat
        on porteur.code_contrat = contrat.code_contrat and porteur.generation = contrat.generation
    where porteur.niveau_porteur = 'epci' and porteur.generation = '2015'
    group by porteur.code_porteur
)

select
    siren_epci,
    millesime_geo,
    libelle_epci,
    code_departement,
    code_region,
    est_courant
from courants
union all
select
    epci_2015.siren_epci,
    epci_2015.millesime_geo,
    coalesce(
        noms_contrat.libelle,
        noms_evenement.libelle,
        courants.libelle_epci,
        'EPCI ' || epci_2015.siren_epci || ' (libellé de 2015 non tenu)'
    ) as libelle_epci,
    case when epci_2015.nb_departements = 1 then epci_2015.code_departement end as code_departement,
    case when epci_2015.nb_regions = 1 then epci_2015.code_region end as code_region,
    false as est_courant
from epci_2015
left join noms_contrat on epci_2015.siren_epci = noms_contrat.siren_epci
left join noms_evenement on epci_2015.siren_epci = noms_evenement.siren_epci
left join courants on epci_2015.siren_epci = courants.siren_epci
