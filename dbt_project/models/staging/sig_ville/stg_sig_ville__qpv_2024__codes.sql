select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(code_qp), '') as code_qpv,
    nullif(trim(lib_qp), '') as libelle_qpv
from {{ source('bronze', 'sig_ville__qpv_2024__codes') }}
