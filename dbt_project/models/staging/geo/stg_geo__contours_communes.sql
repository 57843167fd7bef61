select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(codgeo), '') as code_commune,
    nullif(trim(libgeo), '') as libelle_commune,
    nullif(trim(dep), '') as code_departement,
    nullif(trim(reg), '') as code_region,
    longitude,
    latitude,
    geometrie_reparee,
    geometrie_wkb
from {{ source('bronze', 'geo__contours_communes') }}
