select
    cle_territoire_qpv,
    code_qpv,
    generation,
    code_comparateur,
    cle_territoire_zone,
    annee_geo,
    est_principal,
    mode_rattachement
from {{ ref('int_qpv_zone') }}
order by cle_territoire_qpv, code_comparateur, cle_territoire_zone
