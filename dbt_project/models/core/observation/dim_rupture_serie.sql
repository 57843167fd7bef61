-- Breaks of series: two periods on either side of a break do not measure the same thing.
select
    indicateur.code as code_indicateur,
    rupture.rupture_le,
    rupture.raison
from {{ ref('rupture_serie') }} as rupture
inner join {{ ref('indicateur') }} as indicateur on indicateur.code like rupture.motif_indicateur
order by indicateur.code, rupture.rupture_le
