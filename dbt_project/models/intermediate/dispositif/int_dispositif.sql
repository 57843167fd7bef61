-- Versions of each dispositif. The reviewed list gives one; the pages of a directory may add others, which
-- join here and nowhere else.
select
    code as code_dispositif,
    '1' as version,
    libelle as libelle_dispositif,
    type as type_dispositif,
    theme,
    public as public_vise,
    porteur,
    financeur,
    territoire as territoire_cite,
    debut as debut_cite,
    fin as fin_cite,
    {{ debut_periode_citee('debut') }} as valide_du,
    {{ fin_periode_citee('fin') }} as valide_au,
    predecesseur as predecesseurs,
    successeur as successeurs,
    document as documents
from {{ ref('dispositif') }}
