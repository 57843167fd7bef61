select
    code as code_indicateur,
    libelle as libelle_indicateur,
    definition,
    numerateur,
    denominateur,
    unite,
    sens_souhaite,
    additif,
    famille,
    champ,
    source_usuelle,
    est_derive,
    ecart_min_annees
from {{ ref('indicateur') }}
order by code
