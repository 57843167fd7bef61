-- EPCI of 1 January 2015, as the population file gives them. The order epci1, epci2 is not an attribution.
select
    population.code_qpv,
    trim(population.valeur_texte) as siren_epci,
    case when population.code_variable = 'epci1' then 1 else 2 end as rang_citation,
    '2015' as millesime_geo
from {{ ref('stg_insee__population_qpv') }} as population
inner join {{ ref('int_qpv') }} as qpv on population.code_qpv = qpv.code_qpv
where
    population.code_variable in ('epci1', 'epci2')
    and {{ correspond('trim(population.valeur_texte)', '[0-9]{9}') }}
