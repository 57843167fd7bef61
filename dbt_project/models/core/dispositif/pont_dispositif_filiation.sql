select
    code_avant,
    code_apres,
    nature,
    date_effet,
    precision_date,
    source,
    remarque
from {{ ref('filiation_dispositif') }}
order by code_avant, code_apres, nature
