-- Each target beside what the documents observe and beside parity: a quota may be met where residents stay
-- under-served. A target out of its validity is history, never a missed target.
with release as (
    select coalesce(max(case when est_fictif then 1 else 0 end), 0) = 1 as est_fictif
    from {{ ref('dim_territoire') }}
),

observees as (
    select
        cible.code_cible,
        'observation' as nature_ligne,
        lien.code_fait,
        lien.code_fait_base,
        parite.code_parite,
        fait.cle_territoire,
        fait.territoire_cite,
        fait.debut,
        fait.fin,
        -- a gap that the document leaves to compute from its two rates
        case
            when fait.code_indicateur = cible.code_indicateur or cible.type_cible <> 'reduction_ecart'
                then fait.valeur
            else fait.valeur - fait.valeur_comparateur
        end as valeur_observee,
        case
            when fait.code_indicateur = cible.code_indicateur or cible.type_cible <> 'reduction_ecart'
                then fait.unite
            else 'points'
        end as unite_observee,
        fait.qualificatif,
        coalesce(base.valeur, cible.valeur_base) as valeur_base,
        case when lien.est_comparable then parite.part_parite end as part_parite,
        lien.est_comparable,
        lien.motif as motif_refus,
        lien.reserve
    from {{ ref('cible_observation') }} as lien
    inner join {{ ref('fct_cible') }} as cible on lien.code_cible = cible.code_cible
    inner join {{ ref('fct_fait_documentaire') }} as fait on lien.code_fait = fait.code_fait
    left join {{ ref('fct_fait_documentaire') }} as base on lien.code_fait_base = base.code_fait
    -- parity of the same territory, dated within the period that is observed
    left join {{ ref('dim_part_parite') }} as parite
        on
            cible.code_base_parite = parite.code_base_parite
            and fait.type_territoire = parite.type_territoire
            and fait.code_territoire = parite.code_territoire
            and parite.est_datee
            and fait.fin >= parite.debut
            and fait.debut <= parite.fin
),

parites as (
    select
        cible.code_cible,
        'parite' as nature_ligne,
        cast(null as varchar) as code_fait,
        cast(null as varchar) as code_fait_base,
        parite.code_parite,
        parite.cle_territoire,
        fait.territoire_cite,
        parite.debut,
        parite.fin,
        cast(null as double precision) as valeur_observee,
        cast(null as varchar) as unite_observee,
        parite.qualificatif,
        cible.valeur_base,
        parite.part_parite,
        false as est_comparable,
        'aucune valeur observée sur ce territoire' as motif_refus,
        parite.reserve
    from {{ ref('fct_cible') }} as cible
    inner join {{ ref('dim_part_parite') }} as parite on cible.code_base_parite = parite.code_base_parite
    inner join {{ ref('fct_fait_documentaire') }} as fait on parite.code_fait = fait.code_fait
    where cible.type_cible = 'part'
),

reunion as (
    {% for nom in ['observees', 'parites'] -%}
    select
        code_cible,
        nature_ligne,
        code_fait,
        code_fait_base,
        code_parite,
        cle_territoire,
        territoire_cite,
        debut,
        fin,
        valeur_observee,
        unite_observee,
        qualificatif,
        valeur_base,
        part_parite,
        est_comparable,
        motif_refus,
        reserve
    from {{ nom }}
    union all
    {% endfor -%}
    select
        cible.code_cible,
        'sans_observation' as nature_ligne,
        cast(null as varchar) as code_fait,
        cast(null as varchar) as code_fait_base,
        cast(null as varchar) as code_parite,
        cible.cle_territoire,
        cible.territoire_cite,
        cast(null as date) as debut,
        cast(null as date) as fin,
        cast(null as double precision) as valeur_observee,
        cast(null as varchar) as unite_observee,
        cast(null as varchar) as qualificatif,
        cible.valeur_base,
        cast(null as double precision) as part_parite,
        false as est_comparable,
        'aucune valeur observée n''a été trouvée' as motif_refus,
        cast(null as varchar) as reserve
    from {{ ref('fct_cible') }} as cible
    left join {{ ref('cible_observation') }} as lien on cible.code_cible = lien.code_cible
    where lien.code_cible is null
),

situees as (
    select
        reunion.code_cible,
        reunion.nature_ligne,
        reunion.code_fait,
        reunion.code_fait_base,
        reunion.code_parite,
        reunion.cle_territoire,
        reunion.territoire_cite,
        reunion.debut,
        reunion.fin,
        reunion.valeur_observee,
        reunion.unite_observee,
        reunion.qualificatif,
        reunion.valeur_base,
        reunion.part_parite,
        reunion.est_comparable,
        reunion.motif_refus,
        reunion.reserve,
        case
            when reunion.fin is null or cible.en_vigueur_du is null then 'inconnue'
            when reunion.fin < cible.en_vigueur_du then 'avant'
            when reunion.debut > cible.en_vigueur_au then 'apres'
            when
                reunion.debut >= cible.en_vigueur_du
                and (cible.en_vigueur_au is null or reunion.fin <= cible.en_vigueur_au)
                then 'pendant'
            else 'a_cheval'
        end as position_validite
    from reunion
    inner join {{ ref('fct_cible') }} as cible on reunion.code_cible = cible.code_cible
),

jugees as (
    select
        situees.code_cible,
        situees.nature_ligne,
        situees.code_fait,
        situees.code_fait_base,
        situees.code_parite,
        situees.cle_territoire,
        situees.territoire_cite,
        situees.debut,
        situees.fin,
        situees.valeur_observee,
        situees.unite_observee,
        situees.qualificatif,
        situees.valeur_base,
        situees.part_parite,
        situees.reserve,
        situees.position_validite,
        case
            when not situees.est_comparable then situees.motif_refus
            when not cible.est_complete then cible.motif_incomplete
            when situees.position_validite = 'inconnue'
                then 'date de l''observation ou validité de la cible non établie'
            when situees.position_validite = 'a_cheval'
                then 'période observée à cheval sur la validité de la cible : lecture historique'
            when situees.position_validite <> 'pendant'
                then 'hors de la validité de la cible : lecture historique'
            when
                cible.type_cible in ('variation', 'multiplication', 'reduction_ecart')
                and situees.valeur_base is null
                then 'valeur de départ non établie'
        end as motif_taux
    from situees
    inner join {{ ref('fct_cible') }} as cible on situees.code_cible = cible.code_cible
)

select
    'mart_suivi_cibles|' || jugees.code_cible || '|' || jugees.nature_ligne || '|'
    || coalesce(jugees.code_fait, '') || '|' || coalesce(jugees.code_parite, '') as cle_ligne,
    jugees.code_cible,
    cible.code_dispositif,
    dispositif.libelle_dispositif,
    cible.code_indicateur,
    indicateur.libelle_indicateur,
    cible.type_cible,
    cible.texte_fixant,
    cible.generation,
    jugees.nature_ligne,
    jugees.cle_territoire,
    jugees.territoire_cite,
    jugees.debut,
    jugees.fin,
    jugees.valeur_observee,
    jugees.unite_observee,
    jugees.qualificatif,
    jugees.code_fait,
    jugees.valeur_base,
    jugees.code_fait_base,
    cible.valeur_cible,
    cible.unite,
    cible.est_complete,
    cible.en_vigueur_du,
    cible.en_vigueur_au,
    jugees.position_validite,
    -- the whole period within the validity, or nothing can be said
    case
        when jugees.position_validite = 'inconnue' then null
        else jugees.position_validite = 'pendant'
    end as en_vigueur,
    case
        when
            jugees.motif_taux is null
            then
                {{ taux_atteinte(
                    'cible.type_cible', 'cible.unite', 'jugees.valeur_observee', 'jugees.valeur_base',
                    'cible.valeur_cible'
                ) }}
    end as taux_atteinte,
    jugees.motif_taux,
    cible.code_base_parite,
    cible.libelle_base_parite,
    jugees.code_parite,
    jugees.part_parite,
    parite.est_datee as est_parite_datee,
    case
        when cible.type_cible = 'part'
            then {{ indice_ciblage('jugees.valeur_observee', 'jugees.part_parite') }}
    end as indice_ciblage,
    case
        when cible.type_cible = 'part' and parite.est_datee
            then {{ indice_ciblage('cible.valeur_cible', 'jugees.part_parite') }}
    end as indice_a_la_cible,
    case when jugees.valeur_observee is null then 'ND' else 'OK' end as code_statut,
    case when jugees.valeur_observee is null then jugees.motif_taux end as motif,
    case
        when jugees.code_parite is not null and not parite.est_datee
            then 'part de parité non datée : aucun indice'
        else jugees.reserve
    end as reserve,
    release.est_fictif
from jugees
inner join {{ ref('fct_cible') }} as cible on jugees.code_cible = cible.code_cible
inner join {{ ref('dim_dispositif') }} as dispositif
    on cible.code_dispositif = dispositif.code_dispositif and dispositif.est_courant
inner join {{ ref('dim_indicateur') }} as indicateur on cible.code_indicateur = indicateur.code_indicateur
left join {{ ref('dim_part_parite') }} as parite on jugees.code_parite = parite.code_parite
cross join release
order by cle_ligne
