select
    'dispositif:' || dispositif.code_dispositif || ':' || dispositif.version as cle_dispositif,
    dispositif.code_dispositif,
    dispositif.version,
    dispositif.libelle_dispositif,
    dispositif.type_dispositif,
    dispositif.theme,
    dispositif.public_vise,
    dispositif.porteur,
    dispositif.financeur,
    dispositif.territoire_cite,
    dispositif.debut_cite,
    dispositif.fin_cite,
    dispositif.valide_du,
    dispositif.valide_au,
    dispositif.predecesseurs,
    dispositif.successeurs,
    base_legale.base_legale,
    dispositif.documents,
    dispositif.page_url,
    dispositif.page_vue_le,
    row_number() over (
        partition by dispositif.code_dispositif
        order by length(dispositif.version) desc nulls last, dispositif.version desc nulls last
    ) = 1 as est_courant
from {{ ref('int_dispositif') }} as dispositif
left join {{ ref('base_legale_dispositif') }} as base_legale
    on dispositif.code_dispositif = base_legale.code_dispositif
order by dispositif.code_dispositif, dispositif.version
