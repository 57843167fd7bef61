-- Unités urbaines 2020 of the region, with their communes; a code that ends in 000 is « outside any unité
-- urbaine » and no territory. Another producer's « unité urbaine environnante » is not this zone. The table
-- of communes comes first, the table d'appartenance when it is the only one held.
with sources as (
    select
        code_commune,
        code_unite_urbaine,
        millesime,
        1 as priorite
    from {{ ref('stg_insee__unite_urbaine') }}
    union all
    select
        code_commune,
        code_unite_urbaine,
        millesime,
        2 as priorite
    from {{ ref('stg_insee__table_appartenance__communes') }}
),

ordonnees as (
    select
        priorite,
        millesime,
        row_number() over (order by priorite asc, millesime desc nulls last) as rang
    from sources
    group by priorite, millesime
),

retenues as (
    select
        sources.code_commune,
        sources.code_unite_urbaine,
        sources.millesime as millesime_geo
    from sources
    inner join ordonnees
        on
            sources.priorite = ordonnees.priorite
            and sources.millesime = ordonnees.millesime
            and ordonnees.rang = 1
    where
        {{ correspond('sources.code_unite_urbaine', '[0-9AB]{5}') }}
        and substr(sources.code_unite_urbaine, 3, 3) <> '000'
),

membres as (
    select
        retenues.code_unite_urbaine,
        retenues.millesime_geo,
        retenues.code_commune,
        commune.code_departement,
        commune.code_region
    from retenues
    left join {{ ref('int_commune') }} as commune
        on retenues.code_commune = commune.code_commune and commune.type_commune = 'COM'
),

regionales as (
    select distinct code_unite_urbaine
    from membres
    where code_region is not null and {{ dans_la_region('code_region') }}
)

select
    membres.code_unite_urbaine,
    membres.millesime_geo,
    membres.code_commune,
    membres.code_departement,
    membres.code_region
from membres
inner join regionales on membres.code_unite_urbaine = regionales.code_unite_urbaine
