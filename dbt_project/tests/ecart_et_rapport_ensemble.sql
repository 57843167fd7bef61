-- A ratio and a reading never come without the difference they go with.
select
    cle_trace,
    rapport,
    lecture
from {{ ref('mart_ecart_zone') }}
where ecart_points is null and (rapport is not null or lecture is not null)
