select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(code_cv), '') as code_contrat,
    nullif(trim(codgeo), '') as code_porteur,
    nullif(trim(insee_dep), '') as code_departement,
    nullif(trim(lib_cv), '') as libelle_contrat,
    pop__valeur as population_annoncee,
    longitude,
    latitude,
    correction as code_correction
from {{ source('bronze', 'sig_ville__contrats_ville') }}
