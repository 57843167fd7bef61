select
    code_correction,
    producteur,
    jeu,
    millesime,
    table_bronze,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    repere as repere_source,
    colonne as colonne_source,
    valeur_publiee,
    valeur_corrigee,
    motif as motif_correction,
    source as source_correction,
    decide_le,
    auteur as auteur_correction
from {{ source('bronze', 'entrepot__correction') }}
