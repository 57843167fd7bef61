select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    cast(millesime as date) as releve_le,
    slug,
    cast(ordre__valeur as integer) as ordre,
    titre_section,
    nullif(texte, '') as texte
from {{ source('bronze', 'c2rp__pages__sections') }}
