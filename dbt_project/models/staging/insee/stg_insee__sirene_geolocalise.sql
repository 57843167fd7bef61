select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(siret), '') as siret,
    nullif(trim(plg_qp24), '') as code_qpv,
    nullif(trim(qualite_qp24), '') as qualite_qpv,
    nullif(trim(plg_code_commune), '') as code_commune,
    nullif(trim(qualite_xy), '') as qualite_position,
    x_longitude__valeur as longitude,
    y_latitude__valeur as latitude
from {{ source('bronze', 'insee__sirene_geolocalise') }}
