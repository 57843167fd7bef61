select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(dep), '') as code_departement,
    nullif(trim(reg), '') as code_region,
    nullif(trim(libelle), '') as libelle_departement
from {{ source('bronze', 'insee__cog__departements') }}
