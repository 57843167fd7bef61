select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(commune_id), '') as code_commune,
    nullif(trim(territoire_id), '') as code_clpe,
    nullif(trim(territoire_libelle), '') as libelle_clpe,
    nullif(trim(departement_id), '') as code_departement,
    nullif(trim(nom_departement), '') as libelle_departement,
    nullif(trim(region_id), '') as code_region,
    nullif(trim(nom_region), '') as libelle_region
from {{ source('bronze', 'france_travail__clpe') }}
