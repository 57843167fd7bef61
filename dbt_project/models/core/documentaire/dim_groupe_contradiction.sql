select
    code as code_groupe,
    sujet,
    regle,
    attendu,
    nb_faits,
    nb_cibles
from {{ ref('groupe_contradiction') }}
order by code
