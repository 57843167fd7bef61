select
    'contrat_ville:' || code_contrat_avant || ':2015' as cle_territoire_avant,
    'contrat_ville:' || code_contrat_apres || ':2024' as cle_territoire_apres,
    code_contrat_avant,
    code_contrat_apres,
    nature,
    date_effet,
    origine,
    source,
    remarque
from {{ ref('int_contrat_succession') }}
order by code_contrat_avant, code_contrat_apres
