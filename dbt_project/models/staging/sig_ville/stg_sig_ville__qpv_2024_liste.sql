select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(code_qp), '') as code_qpv,
    nullif(trim(lib_qp), '') as libelle_qpv,
    nullif(trim(insee_reg), '') as code_region,
    nullif(trim(insee_dep), '') as code_departement,
    nullif(trim(replace(replace(insee_com, '="', ''), '"', '')), '') as codes_communes,
    nullif(trim(lib_com), '') as communes,
    nullif(trim(replace(replace(siren_epci, '="', ''), '"', '')), '') as siren_epci,
    nullif(trim(lib_epci), '') as libelle_epci
from {{ source('bronze', 'sig_ville__qpv_2024_liste') }}
