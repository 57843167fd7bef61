select
    code as code_statut,
    libelle as libelle_statut,
    definition,
    valeur_affichee,
    compte_comme_manquant,
    rang_gravite,
    calcul_derive
from {{ ref('statut') }}
order by code
