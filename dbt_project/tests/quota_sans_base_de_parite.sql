-- A quota of residents that names no public to compare with: it rewards or punishes by geography.
{{ config(severity='warn') }}
select
    code_cible,
    code_dispositif
from {{ ref('fct_cible') }}
where code_indicateur like 'DC.PART_QPV.%' and code_base_parite is null
