select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(epci), '') as siren_epci,
    nullif(trim(libepci), '') as libelle_epci,
    nullif(trim(nature_epci), '') as nature_epci,
    nb_com__valeur as nb_communes
from {{ source('bronze', 'insee__epci__liste') }}
