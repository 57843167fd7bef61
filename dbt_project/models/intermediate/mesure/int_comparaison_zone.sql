-- What each territory may be compared with: whole zones, the rest of a zone once its neighbourhoods are
-- out, all the neighbourhoods of the contract, the département or the region. The subject is a
-- neighbourhood, or the neighbourhoods of a contract, a département or a region taken together.
with qpv as (
    select
        cle_territoire_qpv as cle_territoire,
        'qpv' as type_territoire,
        generation,
        code_comparateur,
        'zone' as nature,
        cle_territoire_zone
    from {{ ref('int_qpv_zone') }}
    where
        code_comparateur in (
            'commune', 'epci', 'unite_urbaine', 'zone_emploi', 'partie_regionale_zone_emploi', 'departement',
            'region', 'metropole'
        )
),

restes as (
    select
        cle_territoire,
        type_territoire,
        generation,
        'reste_' || code_comparateur as code_comparateur,
        'reste' as nature,
        cle_territoire_zone
    from qpv
    where code_comparateur in ('commune', 'epci')
),

membres as (
    select
        cle_territoire_qpv as cle_territoire,
        'qpv' as type_territoire,
        generation,
        case type_territoire
            when 'contrat_ville' then 'qpv_contrat'
            when 'departement' then 'qpv_departement'
            else 'qpv_region'
        end as code_comparateur,
        'agregat' as nature,
        cle_territoire as cle_territoire_zone
    from {{ ref('int_agregat_membre') }}
),

encadrements as (
    {% for nom in ['qpv', 'membres'] %}
    select
        cle_territoire,
        code_comparateur,
        nature,
        cle_territoire_zone
    from {{ nom }}
    where code_comparateur in ('departement', 'region', 'metropole', 'qpv_departement', 'qpv_region')
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- The départements and the region of an aggregate are those of its neighbourhoods, when there is one only.
cadres as (
    select
        membre.cle_territoire,
        membre.type_territoire,
        membre.generation,
        zone.code_comparateur,
        zone.nature,
        min(zone.cle_territoire_zone) as cle_territoire_zone
    from {{ ref('int_agregat_membre') }} as membre
    inner join encadrements as zone on membre.cle_territoire_qpv = zone.cle_territoire
    where
        membre.type_territoire = 'contrat_ville'
        or (
            membre.type_territoire = 'departement'
            and zone.code_comparateur in ('departement', 'region', 'metropole', 'qpv_region')
        )
        or (membre.type_territoire = 'region' and zone.code_comparateur in ('region', 'metropole'))
    group by
        membre.cle_territoire,
        membre.type_territoire,
        membre.generation,
        zone.code_comparateur,
        zone.nature
    having count(distinct zone.cle_territoire_zone) = 1
),

liens as (
    {% for nom in ['qpv', 'restes', 'membres', 'cadres'] %}
    select
        cle_territoire,
        type_territoire,
        generation,
        code_comparateur,
        nature,
        cle_territoire_zone
    from {{ nom }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    cle_territoire,
    type_territoire,
    generation,
    code_comparateur,
    nature,
    cle_territoire_zone,
    case
        when nature = 'zone' then cle_territoire_zone
        else code_comparateur || '|' || generation || '|' || cle_territoire_zone
    end as cle_comparateur
from liens
