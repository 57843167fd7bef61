select
    cle_ventilation,
    axe,
    modalite,
    libelle as libelle_ventilation,
    age_min,
    age_max,
    est_total,
    est_borne_documentee,
    remarque
from {{ ref('ventilation') }}
order by cle_ventilation
