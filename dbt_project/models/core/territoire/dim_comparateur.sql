select
    code as code_comparateur,
    libelle as libelle_comparateur,
    nature as nature_comparateur,
    definition,
    type_territoire,
    hors_qpv,
    est_definition_lue,
    remarque
from {{ ref('comparateur') }}
order by code
