-- Percentages are stored from 0 to 100; only the share of taxes is negative, and changes have no bounds.
select
    cle_observation,
    valeur
from {{ ref('fct_observation') }}
where
    unite = 'pourcent'
    and code_variable not like 'EVOL%'
    and (valeur > 100 or (valeur < 0 and code_variable <> 'PIMPOT'))
