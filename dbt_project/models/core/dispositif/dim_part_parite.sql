-- Documented shares of QPV residents in a public, read from a fact or computed from two; never typed.
with parts as (
    select
        parite.code as code_parite,
        parite.code_base_parite,
        base.libelle as libelle_base_parite,
        parite.type_territoire,
        parite.code_territoire,
        coalesce(fait_part.code_fait, fait_numerateur.code_fait) as code_fait,
        fait_denominateur.code_fait as code_fait_denominateur,
        coalesce(fait_part.valeur, 100.0 * fait_numerateur.valeur / nullif(fait_denominateur.valeur, 0))
            as part_parite,
        coalesce(fait_part.qualificatif, fait_numerateur.qualificatif) as qualificatif,
        coalesce(fait_part.debut, fait_numerateur.debut) as debut,
        coalesce(fait_part.fin, fait_numerateur.fin) as fin,
        coalesce(fait_part.publication, fait_numerateur.publication) as publication,
        -- A computed share is dated only when its two terms speak of the same period.
        case
            when fait_part.code_fait is not null then fait_part.fin is not null
            else fait_numerateur.fin is not null and fait_numerateur.fin = fait_denominateur.fin
        end as est_datee,
        parite.reserve
    from {{ ref('part_parite') }} as parite
    inner join {{ ref('base_parite') }} as base on parite.code_base_parite = base.code
    left join {{ ref('fct_fait_documentaire') }} as fait_part on parite.code_fait_part = fait_part.code_fait
    left join {{ ref('fct_fait_documentaire') }} as fait_numerateur
        on parite.code_fait_numerateur = fait_numerateur.code_fait
    left join {{ ref('fct_fait_documentaire') }} as fait_denominateur
        on parite.code_fait_denominateur = fait_denominateur.code_fait
)

select
    parts.code_parite,
    parts.code_base_parite,
    parts.libelle_base_parite,
    parts.type_territoire,
    parts.code_territoire,
    territoire.cle_territoire,
    cast(parts.part_parite as double precision) as part_parite,
    parts.qualificatif,
    parts.debut,
    parts.fin,
    parts.est_datee,
    parts.code_fait,
    parts.code_fait_denominateur,
    parts.publication,
    parts.reserve
from parts
left join {{ ref('int_territoire_code') }} as territoire
    on
        parts.type_territoire = territoire.type_territoire
        and parts.code_territoire = territoire.code_territoire
order by parts.code_parite
