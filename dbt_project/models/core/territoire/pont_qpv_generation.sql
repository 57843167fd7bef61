select
    'qpv:' || code_qpv_2015 || ':2015' as cle_territoire_2015,
    'qpv:' || code_qpv_2024 || ':2024' as cle_territoire_2024,
    code_qpv_2015,
    code_qpv_2024,
    relation,
    part_2015_vers_2024,
    part_2024_depuis_2015,
    methode_poids,
    origine,
    qualite,
    remarque
from {{ ref('int_qpv_generation') }}
order by code_qpv_2015, code_qpv_2024
