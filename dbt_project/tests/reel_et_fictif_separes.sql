-- Fictional data never mixes with real data in one release.
select count(distinct est_fictif) as nb
from {{ ref('dim_jeu_source') }}
having count(distinct est_fictif) > 1
