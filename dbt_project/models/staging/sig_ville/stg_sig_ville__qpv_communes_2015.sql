select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(code), '') as code_qpv,
    nullif(trim(nom_qp), '') as libelle_qpv,
    nullif(trim(insee_com), '') as code_commune
from {{ source('bronze', 'sig_ville__qpv_communes_2015') }}
