-- The two national rates that the law and the circulars aim at, from one quoted figure to each later one. Gap
-- and ratio stand side by side: whoever picks one of them picks the conclusion.
with release as (
    select coalesce(max(case when est_fictif then 1 else 0 end), 0) = 1 as est_fictif
    from {{ ref('dim_territoire') }}
),

points as (
    select
        code_fait,
        code_indicateur,
        valeur,
        code_comparateur,
        valeur_comparateur,
        valeur - valeur_comparateur as ecart_points,
        valeur / nullif(valeur_comparateur, 0) as rapport,
        publication,
        debut,
        fin
    from {{ ref('fct_fait_documentaire') }}
    where
        code_indicateur in ('EMP.TX_EMPLOI.EEC.15_64', 'EMP.TX_CHOMAGE.EEC.ACTIFS')
        and type_territoire = 'france'
        and population_territoire = 'qpv'
        and fin is not null
),

couples as (
    select
        depart.code_indicateur,
        depart.code_fait as code_fait_t0,
        arrivee.code_fait as code_fait_t,
        cast(extract(year from depart.fin) as integer) as annee_t0,
        cast(extract(year from arrivee.fin) as integer) as annee_t,
        depart.publication as publication_t0,
        arrivee.publication as publication_t,
        depart.publication = arrivee.publication as meme_publication,
        depart.code_comparateur as code_comparateur_t0,
        arrivee.code_comparateur as code_comparateur_t,
        coalesce(depart.code_comparateur = arrivee.code_comparateur, false) as meme_comparateur,
        depart.valeur as valeur_t0,
        arrivee.valeur as valeur_t,
        depart.ecart_points as ecart_t0,
        arrivee.ecart_points as ecart_t,
        depart.rapport as rapport_t0,
        arrivee.rapport as rapport_t,
        case
            when depart.ecart_points is null or arrivee.ecart_points is null
                then 'zone de comparaison absente de l''une des deux citations'
            when depart.code_comparateur <> arrivee.code_comparateur
                then 'zones de comparaison différentes'
        end as motif_ecart
    from points as depart
    inner join points as arrivee
        on depart.code_indicateur = arrivee.code_indicateur and depart.fin < arrivee.debut
)

select
    'mart_objectif_national|' || couples.code_fait_t0 || '|' || couples.code_fait_t as cle_ligne,
    couples.code_indicateur,
    indicateur.libelle_indicateur,
    indicateur.sens_souhaite,
    couples.code_fait_t0,
    couples.code_fait_t,
    couples.annee_t0,
    couples.annee_t,
    couples.publication_t0,
    couples.publication_t,
    couples.meme_publication,
    couples.code_comparateur_t0,
    couples.code_comparateur_t,
    couples.meme_comparateur,
    couples.valeur_t0,
    couples.valeur_t,
    couples.valeur_t - couples.valeur_t0 as trajectoire,
    couples.ecart_t0,
    couples.ecart_t,
    couples.rapport_t0,
    couples.rapport_t,
    case
        when couples.motif_ecart is null then 100.0 * (couples.ecart_t / nullif(couples.ecart_t0, 0) - 1)
    end as variation_ecart,
    case
        when couples.motif_ecart is null then 100.0 * (couples.rapport_t / nullif(couples.rapport_t0, 0) - 1)
    end as variation_rapport,
    case
        when couples.motif_ecart is null and couples.meme_publication
            then 100.0 * (1 - couples.ecart_t / nullif(couples.ecart_t0, 0))
    end as part_ecart_resorbee,
    couples.motif_ecart,
    case
        when couples.motif_ecart is not null then couples.motif_ecart
        when not couples.meme_publication
            then
                'les deux valeurs viennent de publications différentes : la série a pu être révisée '
                || 'entre elles'
    end as motif_part_ecart_resorbee,
    case
        when not couples.meme_publication
            then 'ordre de grandeur : les deux valeurs viennent de publications différentes'
    end as reserve,
    release.est_fictif
from couples
inner join {{ ref('dim_indicateur') }} as indicateur on couples.code_indicateur = indicateur.code_indicateur
cross join release
order by cle_ligne
