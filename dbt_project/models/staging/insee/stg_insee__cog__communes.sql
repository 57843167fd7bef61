select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(typecom), '') as type_commune,
    nullif(trim(com), '') as code_commune,
    nullif(trim(reg), '') as code_region,
    nullif(trim(dep), '') as code_departement,
    nullif(trim(arr), '') as code_arrondissement,
    nullif(trim(libelle), '') as libelle_commune,
    nullif(trim(comparent), '') as code_commune_parente
from {{ source('bronze', 'insee__cog__communes') }}
