-- Each group of contradictions holds the figures and targets that were reviewed, no more and no less.
with comptes as (
    select
        groupe.code_groupe,
        groupe.nb_faits as faits_relus,
        groupe.nb_cibles as cibles_relues,
        count(distinct case when lien.nature_ligne = 'fait' then lien.code_ligne end) as faits_trouves,
        count(distinct case when lien.nature_ligne = 'cible' then lien.code_ligne end) as cibles_trouvees
    from {{ ref('dim_groupe_contradiction') }} as groupe
    left join {{ ref('pont_groupe_contradiction') }} as lien on groupe.code_groupe = lien.code_groupe
    group by groupe.code_groupe, groupe.nb_faits, groupe.nb_cibles
)

select
    code_groupe,
    faits_relus,
    faits_trouves,
    cibles_relues,
    cibles_trouvees
from comptes
where faits_relus <> faits_trouves or cibles_relues <> cibles_trouvees
