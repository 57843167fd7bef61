select
    code_qpv_2015,
    code_qpv_2024,
    aire_intersection_m2,
    part_2015,
    part_2024
from {{ source('bronze', 'entrepot__recouvrement_qpv') }}
