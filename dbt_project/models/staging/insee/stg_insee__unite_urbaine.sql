select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(commune), '') as code_commune,
    nullif(trim(unite_urbaine), '') as code_unite_urbaine
from {{ source('bronze', 'insee__unite_urbaine') }}
