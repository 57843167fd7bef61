-- Where the table of events follows the QPV of a region, a QPV 2015 that nothing explains is a new orphan: to
-- be looked into and written there.
with regions_suivies as (
    select distinct qpv.code_region
    from {{ ref('evenement_territoire') }} as evenement
    inner join {{ ref('dim_qpv') }} as qpv on evenement.code_avant = qpv.code_qpv
    where evenement.type_evenement in ('qpv_sortant', 'fusion_qpv_presumee')
)

select lien.code_qpv_2015
from {{ ref('pont_qpv_generation') }} as lien
inner join {{ ref('dim_qpv') }} as qpv on lien.code_qpv_2015 = qpv.code_qpv
inner join regions_suivies on qpv.code_region = regions_suivies.code_region
where lien.code_qpv_2024 is null and lien.relation <> 'sortant'
