-- The vintage in use of each reference dataset: the most recent one of the lock.
select
    producteur,
    jeu,
    max(millesime) as millesime
from {{ ref('stg_entrepot__jeu_source') }}
group by producteur, jeu
