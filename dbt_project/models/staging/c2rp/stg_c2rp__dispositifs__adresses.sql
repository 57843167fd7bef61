select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(url), '') as url,
    nullif(trim(note), '') as remarque
from {{ source('bronze', 'c2rp__dispositifs__adresses') }}
