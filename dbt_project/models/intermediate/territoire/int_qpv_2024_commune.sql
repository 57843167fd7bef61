-- Pairs (QPV 2024, commune code) that the producers give. Several files say the same thing: for each QPV one
-- file speaks, the live list first, then the outlines, the communes of the ANCT, and the table derived from
-- it.
with liste as (
    select
        liste.code_qpv,
        trim(commune.code_commune) as code_commune,
        liste.millesime,
        'sig_ville:qpv_2024_liste' as source,
        1 as priorite
    from {{ ref('stg_sig_ville__qpv_2024_liste') }} as liste
    cross join {{ elements("replace(liste.codes_communes, ',', ';')", ';', 'commune', 'code_commune') }}
    where liste.codes_communes is not null
),

perimetres as (
    select
        perimetre.code_qpv,
        trim(commune.code_commune) as code_commune,
        perimetre.millesime,
        'sig_ville:qpv_2024' as source,
        2 as priorite
    from {{ ref('stg_sig_ville__qpv_2024__perimetres') }} as perimetre
    cross join {{ elements("replace(perimetre.codes_communes, ';', ',')", ',', 'commune', 'code_commune') }}
    where perimetre.codes_communes is not null
),

communes as (
    select
        trim(qpv.code_qpv) as code_qpv,
        commune.code_commune,
        commune.millesime,
        'sig_ville:qpv_communes_2024' as source,
        3 as priorite
    from {{ ref('stg_sig_ville__qpv_communes_2024') }} as commune
    cross join {{ elements('commune.codes_qpv', ',', 'qpv', 'code_qpv') }}
    where commune.codes_qpv is not null
),

derives as (
    select
        code_qpv,
        code_commune,
        millesime,
        'geo:qpv_2024_communes_contrats_hdf' as source,
        4 as priorite
    from {{ ref('stg_geo__qpv_2024_communes_contrats_hdf') }}
),

reunis as (
    {% for nom in ['liste', 'perimetres', 'communes', 'derives'] %}
    select
        code_qpv,
        code_commune,
        millesime,
        source,
        priorite
    from {{ nom }}
    where code_commune <> ''
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- The last vintage of the first file that knows the QPV.
ordonnes as (
    select
        code_qpv,
        source,
        millesime,
        row_number() over (partition by code_qpv order by priorite asc, millesime desc nulls last) as rang
    from reunis
    group by code_qpv, source, millesime, priorite
)

select distinct
    reunis.code_qpv,
    reunis.code_commune,
    reunis.source
from reunis
inner join ordonnes
    on
        reunis.code_qpv = ordonnes.code_qpv
        and reunis.source = ordonnes.source
        and reunis.millesime = ordonnes.millesime
        and ordonnes.rang = 1
