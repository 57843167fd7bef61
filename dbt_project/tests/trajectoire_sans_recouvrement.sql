-- A published trajectory never compares two overlapping or undocumented windows.
select trajectoire.cle_trace
from {{ ref('mart_trajectoire') }} as trajectoire
inner join {{ ref('dim_periode') }} as periode_t0 on trajectoire.cle_periode_t0 = periode_t0.cle_periode
inner join {{ ref('dim_periode') }} as periode_t on trajectoire.cle_periode_t = periode_t.cle_periode
where
    trajectoire.trajectoire is not null
    and (periode_t0.fin is null or periode_t.debut is null or periode_t.debut <= periode_t0.fin)
