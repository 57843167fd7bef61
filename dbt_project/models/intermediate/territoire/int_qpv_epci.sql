-- EPCI of a QPV 2015 at 1 January 2015, as the population file gives them (the order epci1, epci2 is not an
-- attribution); EPCI of a QPV 2024 in the current geography, those of its communes.
with declares as (
    select
        population.code_qpv,
        '2015' as generation,
        trim(population.valeur_texte) as siren_epci,
        case when population.code_variable = 'epci1' then 1 else 2 end as rang_citation,
        '2015' as millesime_geo
    from {{ ref('stg_insee__population_qpv') }} as population
    inner join {{ ref('int_qpv') }} as qpv on population.code_qpv = qpv.code_qpv
    where
        population.code_variable in ('epci1', 'epci2')
        and population.est_version_courante
        and {{ correspond('trim(population.valeur_texte)', '[0-9]{9}') }}
),

epci_courant as (
    select millesime from {{ ref('int_millesime_courant') }}
    where producteur = 'insee' and jeu = 'epci'
),

par_commune as (
    select distinct
        qpv_commune.code_qpv,
        qpv_commune.generation,
        composition.siren_epci,
        cast(null as integer) as rang_citation,
        composition.millesime as millesime_geo
    from {{ ref('int_qpv_commune') }} as qpv_commune
    inner join {{ ref('stg_insee__epci__composition') }} as composition
        on qpv_commune.code_commune = composition.code_commune
    inner join epci_courant on composition.millesime = epci_courant.millesime
    where
        qpv_commune.generation = '2024'
        and {{ correspond('composition.siren_epci', '[0-9]{9}') }}
)

select
    code_qpv,
    generation,
    siren_epci,
    rang_citation,
    millesime_geo
from declares
union all
select
    code_qpv,
    generation,
    siren_epci,
    rang_citation,
    millesime_geo
from par_commune
