-- Every label that a file of the producers gives to a QPV, and the one that is kept: that of the outline,
-- else of the list of codes, else of the first file that names it. A label is never a key. The décret
-- 2024-806 corrected labels in July 2024; no file says which of its labels are from before or after it, so a
-- second label is a variant, not a version.
with libelles as (
    select
        code_qpv,
        libelle_qpv,
        'sig_ville:qpv_2015' as source,
        millesime,
        1 as priorite
    from {{ ref('stg_sig_ville__qpv_2015') }}
    union all
    select
        code_qpv,
        nullif(trim(valeur_texte), '') as libelle_qpv,
        'insee:population_qpv' as source,
        millesime,
        2 as priorite
    from {{ ref('stg_insee__population_qpv') }}
    where role = 'attribut' and code_variable = 'nom_qp' and est_version_courante
    union all
    select
        code_qpv,
        libelle_qpv,
        'sig_ville:qpv_2024:perimetres' as source,
        millesime,
        1 as priorite
    from {{ ref('stg_sig_ville__qpv_2024__perimetres') }}
    union all
    select
        code_qpv,
        libelle_qpv,
        'sig_ville:qpv_2024:codes' as source,
        millesime,
        2 as priorite
    from {{ ref('stg_sig_ville__qpv_2024__codes') }}
    union all
    select
        code_qpv,
        libelle_qpv,
        'sig_ville:qpv_2024_liste' as source,
        millesime,
        3 as priorite
    from {{ ref('stg_sig_ville__qpv_2024_liste') }}
    union all
    select distinct
        code_qpv,
        libelle_qpv,
        'geo:qpv_2024_communes_contrats_hdf' as source,
        millesime,
        4 as priorite
    from {{ ref('stg_geo__qpv_2024_communes_contrats_hdf') }}
    union all
    select
        code_qpv_2024 as code_qpv,
        libelle_qpv_2024 as libelle_qpv,
        'sig_ville:passage_qpv_2015_2024' as source,
        millesime,
        5 as priorite
    from {{ ref('stg_sig_ville__passage_qpv_2015_2024') }}
),

nettoyes as (
    select
        code_qpv,
        regexp_replace(libelle_qpv, ' {2,}', ' ', 'g') as libelle_qpv,
        source,
        millesime,
        priorite
    from libelles
    where libelle_qpv is not null and code_qpv is not null
),

groupes as (
    select
        code_qpv,
        libelle_qpv,
        min(priorite) as priorite,
        max(millesime) as millesime,
        string_agg(distinct source, '|' order by source) as sources
    from nettoyes
    group by code_qpv, libelle_qpv
)

select
    code_qpv,
    libelle_qpv,
    sources,
    row_number() over (
        partition by code_qpv
        order by priorite asc, millesime desc nulls last, libelle_qpv asc
    ) = 1 as est_retenu
from groupes
