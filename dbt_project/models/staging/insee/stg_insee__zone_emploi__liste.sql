select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(ze2020), '') as code_zone_emploi,
    nullif(trim(libze2020), '') as libelle_zone_emploi,
    nb_com__valeur as nb_communes
from {{ source('bronze', 'insee__zone_emploi__liste') }}
