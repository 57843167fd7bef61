-- The labels that the files give to a QPV. A second label is a variant and not a version: no file dates it.
select
    qpv.cle_territoire,
    variante.code_qpv,
    qpv.generation,
    variante.libelle_qpv,
    variante.sources,
    variante.est_retenu,
    {{ libelle_normalise('variante.libelle_qpv') }} = {{ libelle_normalise('qpv.libelle_qpv') }}
        as est_meme_au_caractere_pres
from {{ ref('int_qpv_libelle') }} as variante
inner join {{ ref('int_qpv') }} as qpv on variante.code_qpv = qpv.code_qpv
order by variante.code_qpv, variante.libelle_qpv
