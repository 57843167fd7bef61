select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(insee_com), '') as code_commune,
    nullif(trim(lib_com), '') as libelle_commune,
    nullif(trim(code_qp), '') as codes_qpv,
    nullif(trim(lib_qp), '') as libelles_qpv,
    longitude,
    latitude
from {{ source('bronze', 'sig_ville__qpv_communes_2024') }}
