-- The figures of the documents that contradict each other, side by side, with what differs between them and
-- the rule that each group defends. Ratios are computed from their two terms.
with release as (
    select coalesce(max(case when est_fictif then 1 else 0 end), 0) = 1 as est_fictif
    from {{ ref('dim_territoire') }}
),

rapports as (
    select
        measure.document,
        ratio.code_rapport,
        min(measure.code_fait) as code_fait
    from {{ ref('fct_fait_documentaire') }} as measure
    inner join {{ ref('indicateur_rapport') }} as ratio on measure.code_indicateur = ratio.code_mesure
    where measure.valeur_comparateur is not null
    group by measure.document, ratio.code_rapport
),

lignes as (
    select
        lien.code_groupe,
        lien.nature_ligne,
        lien.code_ligne,
        fait.code_indicateur,
        fait.valeur,
        fait.valeur_brute,
        fait.unite,
        fait.qualificatif,
        fait.confiance,
        fait.territoire_cite,
        fait.code_comparateur,
        fait.valeur_comparateur,
        fait.periode_citee,
        fait.document,
        fait.section,
        fait.publication
    from {{ ref('pont_groupe_contradiction') }} as lien
    inner join {{ ref('fct_fait_documentaire') }} as fait
        on lien.nature_ligne = 'fait' and lien.code_ligne = fait.code_fait
    union all
    select
        lien.code_groupe,
        lien.nature_ligne,
        lien.code_ligne,
        cible.code_indicateur,
        cible.valeur_cible as valeur,
        cast(null as varchar) as valeur_brute,
        cible.unite,
        'exact' as qualificatif,
        'lu' as confiance,
        cible.territoire_cite,
        cible.code_comparateur,
        cast(null as double precision) as valeur_comparateur,
        cast(cible.echeance as varchar) as periode_citee,
        cible.document,
        cible.section,
        cible.texte_fixant as publication
    from {{ ref('pont_groupe_contradiction') }} as lien
    inner join {{ ref('fct_cible') }} as cible
        on lien.nature_ligne = 'cible' and lien.code_ligne = cible.code_cible
),

groupes as (
    select
        code_groupe,
        count(*) as nb_lignes,
        count(distinct valeur) as nb_valeurs,
        count(distinct code_indicateur) as nb_indicateurs,
        count(distinct unite) as nb_unites,
        count(distinct coalesce(code_comparateur, '')) as nb_comparateurs,
        count(distinct territoire_cite) as nb_territoires,
        count(distinct coalesce(periode_citee, '')) as nb_periodes,
        count(distinct publication) as nb_publications,
        count(valeur_brute) as nb_valeurs_brutes
    from lignes
    group by code_groupe
),

differences as (
    select
        code_groupe,
        nb_lignes,
        case when nb_valeurs > 1 then ' ; valeur' else '' end
        || case when nb_valeurs_brutes > 0 then ' ; valeur imprimée' else '' end
        || case when nb_indicateurs > 1 then ' ; indicateur' else '' end
        || case when nb_unites > 1 then ' ; unité' else '' end
        || case when nb_comparateurs > 1 then ' ; comparateur' else '' end
        || case when nb_territoires > 1 then ' ; territoire' else '' end
        || case when nb_periodes > 1 then ' ; période' else '' end
        || case when nb_publications > 1 then ' ; publication' else '' end as liste
    from groupes
)

select
    lignes.code_groupe || '|' || lignes.nature_ligne || '|' || lignes.code_ligne as cle_contradiction,
    lignes.code_groupe,
    groupe.sujet,
    groupe.regle,
    groupe.attendu,
    case
        when differences.liste = '' then 'texte qui entoure un même chiffre'
        else substr(differences.liste, 4)
    end as ce_qui_differe,
    cast(differences.nb_lignes as integer) as nb_lignes_groupe,
    lignes.nature_ligne,
    lignes.code_ligne,
    lignes.code_indicateur,
    indicateur.libelle_indicateur,
    lignes.valeur,
    lignes.valeur_brute,
    lignes.unite,
    lignes.qualificatif,
    lignes.confiance,
    lignes.territoire_cite,
    lignes.code_comparateur,
    lignes.valeur_comparateur,
    lignes.valeur - lignes.valeur_comparateur as ecart_points,
    lignes.valeur / nullif(lignes.valeur_comparateur, 0) as rapport,
    mesure.valeur / nullif(mesure.valeur_comparateur, 0) as rapport_recalcule,
    mesure.code_fait as code_fait_recalcul,
    lignes.periode_citee,
    lignes.document,
    lignes.section,
    lignes.publication,
    release.est_fictif
from lignes
inner join {{ ref('dim_groupe_contradiction') }} as groupe on lignes.code_groupe = groupe.code_groupe
inner join differences on lignes.code_groupe = differences.code_groupe
inner join {{ ref('dim_indicateur') }} as indicateur on lignes.code_indicateur = indicateur.code_indicateur
cross join release
left join rapports
    on
        lignes.nature_ligne = 'fait'
        and lignes.document = rapports.document
        and lignes.code_indicateur = rapports.code_rapport
left join {{ ref('fct_fait_documentaire') }} as mesure on rapports.code_fait = mesure.code_fait
order by cle_contradiction
