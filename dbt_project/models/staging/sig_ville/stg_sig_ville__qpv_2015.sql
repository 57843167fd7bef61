select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(code_qp), '') as code_qpv,
    nullif(trim(nom_qp), '') as libelle_qpv,
    nullif(trim(commune_qp), '') as communes,
    surface_m2,
    longitude,
    latitude,
    geometrie_reparee,
    geometrie_wkb
from {{ source('bronze', 'sig_ville__qpv_2015') }}
