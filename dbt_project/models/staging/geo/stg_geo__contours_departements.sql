select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(code), '') as code_departement,
    nullif(trim(nom), '') as libelle_departement,
    longitude,
    latitude,
    geometrie_reparee,
    geometrie_wkb
from {{ source('bronze', 'geo__contours_departements') }}
