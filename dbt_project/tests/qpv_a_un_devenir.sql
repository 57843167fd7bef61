-- Every QPV of either generation has a row in the bridge, if only to say that nothing ties it.
with lies as (
    select code_qpv_2015 as code_qpv from {{ ref('pont_qpv_generation') }}
    union
    select code_qpv_2024 as code_qpv from {{ ref('pont_qpv_generation') }}
)

select qpv.code_qpv
from {{ ref('dim_qpv') }} as qpv
left join lies on qpv.code_qpv = lies.code_qpv
where lies.code_qpv is null
