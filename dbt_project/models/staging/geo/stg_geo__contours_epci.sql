select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(epci), '') as siren_epci,
    nullif(trim(libepci), '') as libelle_epci,
    cast(nb_com_hdf__valeur as integer) as nb_communes_region,
    longitude,
    latitude,
    geometrie_reparee,
    geometrie_wkb
from {{ source('bronze', 'geo__contours_epci') }}
