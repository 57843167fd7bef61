select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(codgeo), '') as code_commune,
    nullif(trim(ze2020), '') as code_zone_emploi,
    nullif(trim(ze2020_partie_reg), '') as code_partie_regionale,
    nullif(trim(dep), '') as code_departement,
    nullif(trim(reg), '') as code_region
from {{ source('bronze', 'insee__zone_emploi__composition') }}
