select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(idbank), '') as code_serie,
    nullif(trim(ref_area), '') as code_zone,
    nullif(trim(time_period), '') as trimestre,
    obs_value__valeur as taux_chomage,
    nullif(trim(obs_status), '') as statut_observation,
    nullif(trim(title_fr), '') as libelle_serie
from {{ source('bronze', 'insee__taux_chomage_bdm') }}
