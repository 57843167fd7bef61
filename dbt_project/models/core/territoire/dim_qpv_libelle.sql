-- The labels that the files give to a QPV. A second label is a variant and not a version: no file dates it.
select
    qpv.cle_territoire,
    libelle.code_qpv,
    qpv.generation,
    libelle.libelle_qpv,
    libelle.sources,
    libelle.est_retenu,
    {{ libelle_normalise('libelle.libelle_qpv') }} = {{ libelle_normalise('qpv.libelle_qpv') }}
        as est_meme_au_caractere_pres
from {{ ref('int_qpv_libelle') }} as libelle
inner join {{ ref('int_qpv') }} as qpv on libelle.code_qpv = qpv.code_qpv
order by libelle.code_qpv, libelle.libelle_qpv
