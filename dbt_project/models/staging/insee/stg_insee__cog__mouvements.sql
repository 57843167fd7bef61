select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(mod), '') as code_mouvement,
    nullif(trim(date_eff), '') as date_effet,
    nullif(trim(typecom_av), '') as type_commune_avant,
    nullif(trim(com_av), '') as code_commune_avant,
    nullif(trim(libelle_av), '') as libelle_commune_avant,
    nullif(trim(typecom_ap), '') as type_commune_apres,
    nullif(trim(com_ap), '') as code_commune_apres
from {{ source('bronze', 'insee__cog__mouvements') }}
