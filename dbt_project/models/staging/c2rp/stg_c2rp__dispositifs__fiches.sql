select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(url), '') as url,
    nullif(trim(titre), '') as titre,
    nullif(trim(themes), '') as themes,
    nullif(trim(publics), '') as publics,
    nullif(trim(date_mise_a_jour), '') as mise_a_jour_imprimee,
    nullif(trim(date_parution), '') as parution_imprimee,
    nullif(trim(mots_cles), '') as mots_cles,
    nullif(trim(type_publication), '') as type_publication,
    nullif(trim(producteur_publication), '') as producteur_publication,
    nullif(trim(fichier_attache), '') as fichier_attache,
    nullif(trim(rubriques), '') as rubriques
from {{ source('bronze', 'c2rp__dispositifs__fiches') }}
