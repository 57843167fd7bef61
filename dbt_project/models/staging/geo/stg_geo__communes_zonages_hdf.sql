select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(codgeo), '') as code_commune,
    nullif(trim(libgeo), '') as libelle_commune,
    nullif(trim(dep), '') as code_departement,
    nullif(trim(reg), '') as code_region,
    nullif(trim(arr), '') as code_arrondissement,
    nullif(trim(epci), '') as siren_epci,
    nullif(trim(libepci), '') as libelle_epci,
    nullif(trim(ze2020), '') as code_zone_emploi,
    nullif(trim(libze2020), '') as libelle_zone_emploi,
    nullif(trim(ze_partie_reg), '') as code_partie_regionale,
    nullif(trim(unite_urbaine), '') as code_unite_urbaine
from {{ source('bronze', 'geo__communes_zonages_hdf') }}
