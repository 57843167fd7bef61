-- A weight has a method and a method has its weights; the shares of one QPV do not add up to more than
-- itself. Outlines drawn twice cross a little: the tolerance is theirs.
select
    code_qpv_2015,
    code_qpv_2024
from {{ ref('pont_qpv_generation') }}
where
    (methode_poids = 'aucune') <> (part_2015_vers_2024 is null)
    or (methode_poids = 'aucune') <> (part_2024_depuis_2015 is null)
union all
select
    code_qpv_2015,
    cast(null as varchar) as code_qpv_2024
from {{ ref('pont_qpv_generation') }}
group by code_qpv_2015
having sum(part_2015_vers_2024) > 101
union all
select
    cast(null as varchar) as code_qpv_2015,
    code_qpv_2024
from {{ ref('pont_qpv_generation') }}
group by code_qpv_2024
having sum(part_2024_depuis_2015) > 101
