-- Versions of each dispositif. The reviewed list gives one. A page of the directory is a dispositif of its
-- own, one version per content: no source says which one of the list it describes, and a title is no key.
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
    document as documents,
    cast(null as varchar) as page_url,
    cast(null as date) as page_vue_le
from {{ ref('dispositif') }}
union all
select
    'C2RP_' || upper(replace(slug, '-', '_')) as code_dispositif,
    cast(numero_version as varchar) as version,
    titre as libelle_dispositif,
    'NON_QUALIFIE' as type_dispositif,
    'NON_QUALIFIE' as theme,
    publics as public_vise,
    cast(null as varchar) as porteur,
    cast(null as varchar) as financeur,
    cast(null as varchar) as territoire_cite,
    cast(null as varchar) as debut_cite,
    cast(null as varchar) as fin_cite,
    valide_du,
    valide_au,
    cast(null as varchar) as predecesseurs,
    cast(null as varchar) as successeurs,
    cast(null as varchar) as documents,
    url as page_url,
    dernier_releve_le as page_vue_le
from {{ ref('int_dispositif_page_version') }}
