-- One goal told in several ways: the level is the base plus the variation, or the base times the factor.
with couples as (
    select
        autre.code_cible,
        niveau.code_cible as code_cible_niveau,
        niveau.valeur_cible as niveau,
        niveau.valeur_base as base_niveau,
        autre.valeur_base as base,
        case
            when autre.type_cible = 'variation' and autre.unite <> 'pourcent'
                then autre.valeur_base + autre.valeur_cible
            when autre.type_cible = 'variation' then autre.valeur_base * (1 + autre.valeur_cible / 100.0)
            when autre.type_cible = 'multiplication' then autre.valeur_base * autre.valeur_cible
        end as niveau_attendu
    from {{ ref('fct_cible') }} as autre
    inner join {{ ref('fct_cible') }} as niveau on autre.code_cible_liee = niveau.code_cible
)

select
    code_cible,
    code_cible_niveau,
    niveau,
    niveau_attendu
from couples
where niveau <> niveau_attendu or base <> base_niveau
