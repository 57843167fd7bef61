select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(serie_slug), '') as code_serie,
    nullif(trim(libelle), '') as libelle_serie,
    nullif(trim(nature), '') as nature,
    nullif(trim(champ), '') as champ,
    nullif(trim(page_mise_a_jour), '') as revise_le,
    nullif(trim(mois), '') as mois,
    nullif(trim(valeur), '') as valeur_texte,
    valeur__valeur as valeur,
    case when valeur__valeur is null then nullif(trim(valeur), '') end as signe_source
from {{ source('bronze', 'dares__poem') }}
