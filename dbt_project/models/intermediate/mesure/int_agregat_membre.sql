-- The neighbourhoods over which a contract, a département or a region is added up, one generation at a
-- time. A neighbourhood shared by two contracts counts in both; the département and the region count it
-- once.
with contrats as (
    select
        code_qpv,
        generation,
        code_contrat,
        count(*) over (partition by code_qpv, generation) > 1 as est_partage
    from {{ ref('int_qpv_contrat') }}
)

select
    'contrat_ville:' || code_contrat || ':' || generation as cle_territoire,
    'contrat_ville' as type_territoire,
    generation,
    'qpv:' || code_qpv || ':' || generation as cle_territoire_qpv,
    est_partage
from contrats
{% for niveau in ['departement', 'region'] %}
union all
select
    territoire.cle_territoire,
    '{{ niveau }}' as type_territoire,
    qpv.generation,
    qpv.cle_territoire as cle_territoire_qpv,
    false as est_partage
from {{ ref('int_qpv') }} as qpv
inner join {{ ref('int_territoire_code') }} as territoire
    on territoire.type_territoire = '{{ niveau }}' and qpv.code_{{ niveau }} = territoire.code_territoire
{% endfor %}
