select
    code as code_acteur,
    nom as nom_acteur,
    siren,
    role as role_acteur,
    predecesseur as code_predecesseur,
    valide_du,
    valide_au,
    precision_date,
    source,
    remarque
from {{ ref('acteur') }}
order by code
