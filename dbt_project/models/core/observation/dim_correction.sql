select
    code_correction || ':' || millesime as cle_correction,
    code_correction,
    producteur || ':' || jeu || ':' || millesime as cle_jeu_source,
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne_source,
    repere_source,
    colonne_source,
    valeur_publiee,
    valeur_corrigee,
    motif_correction,
    source_correction,
    decide_le,
    auteur_correction
from {{ ref('stg_entrepot__correction') }}
order by producteur, jeu, millesime, code_correction
