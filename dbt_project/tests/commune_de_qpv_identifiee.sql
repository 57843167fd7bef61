-- Names of communes that no code could be given to: to read, not to hide.
{{ config(severity='warn') }}
select
    lien.code_qpv,
    lien.libelle_source
from {{ ref('int_qpv_commune') }} as lien
inner join {{ ref('int_qpv') }} as qpv on lien.code_qpv = qpv.code_qpv
where lien.code_commune is null and qpv.code_region is not null
