select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(qp2024), '') as code_qpv_2024,
    nullif(trim(label_qp2024), '') as libelle_qpv_2024,
    nullif(trim(statut), '') as statut_passage,
    nullif(trim(qp2015_1), '') as code_qpv_2015_1,
    nullif(trim(label_qp2015_1), '') as libelle_qpv_2015_1,
    nullif(trim(qp2015_2), '') as code_qpv_2015_2,
    nullif(trim(label_qp2015_2), '') as libelle_qpv_2015_2,
    nullif(trim(qp2015_3), '') as code_qpv_2015_3,
    nullif(trim(label_qp2015_3), '') as libelle_qpv_2015_3
from {{ source('bronze', 'sig_ville__passage_qpv_2015_2024') }}
