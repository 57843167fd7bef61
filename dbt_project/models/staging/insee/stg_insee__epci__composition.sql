select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(codgeo), '') as code_commune,
    nullif(trim(epci), '') as siren_epci,
    nullif(trim(dep), '') as code_departement,
    nullif(trim(reg), '') as code_region
from {{ source('bronze', 'insee__epci__composition') }}
