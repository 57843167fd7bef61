-- Every comparison that could be asked of a figure, made or refused with its reason. Where a comparator
-- publishes the indicator, one row per figure and zone; where it never does, one row per territory,
-- indicator and comparator, at the last usable period. Indicators that exist for zones only are given as a
-- context.
with indicateurs as (
    select
        code as code_indicateur,
        additif in ('oui', 'sous_conditions') as est_effectif
    from {{ ref('indicateur') }}
),

sujets as (
    select
        cle_territoire,
        type_territoire,
        generation,
        code_indicateur,
        cle_ventilation,
        cle_periode,
        fin,
        ordre_periode,
        valeur,
        unite,
        code_statut,
        rang_gravite,
        est_connue,
        motif,
        false as est_non_additif,
        cle_observation,
        cle_jeu_source
    from {{ ref('int_observation_datee') }}
    where est_retenue and type_territoire = 'qpv'
    union all
    select
        cle_territoire,
        type_territoire,
        generation,
        code_indicateur,
        cle_ventilation,
        cle_periode,
        fin,
        ordre_periode,
        valeur,
        unite,
        code_statut,
        rang_gravite,
        valeur is not null as est_connue,
        motif,
        methode_agregation = 'non_additif' as est_non_additif,
        cast(null as varchar) as cle_observation,
        cle_jeu_source
    from {{ ref('int_agregat_qpv') }}
    where est_retenu
),

liens as (
    select
        cle_territoire,
        type_territoire,
        generation,
        code_comparateur,
        nature,
        cle_territoire_zone,
        cle_comparateur
    from {{ ref('int_comparaison_zone') }}
),

valeurs as (
    select
        cle_comparateur,
        nature,
        cle_territoire_zone,
        code_indicateur,
        cle_ventilation,
        cle_periode,
        fin,
        valeur,
        unite,
        code_statut,
        rang_gravite,
        est_connue,
        motif,
        cle_observation,
        cle_jeu_source
    from {{ ref('int_comparaison_valeur') }}
),

-- What each comparator publishes at all, whatever the period.
tenues as (
    select distinct
        liens.type_territoire,
        liens.code_comparateur,
        liens.nature,
        valeurs.code_indicateur
    from liens
    inner join valeurs on liens.cle_comparateur = valeurs.cle_comparateur
),

-- A total is not compared with that of a larger zone: it is not asked for, cell by cell.
paires as (
    select
        tenues.type_territoire,
        tenues.code_comparateur,
        tenues.code_indicateur
    from tenues
    inner join indicateurs on tenues.code_indicateur = indicateurs.code_indicateur
    where not indicateurs.est_effectif
),

croisements as (
    select
        sujets.cle_territoire,
        sujets.type_territoire,
        sujets.generation,
        sujets.code_indicateur,
        liens.code_comparateur,
        liens.nature,
        liens.cle_territoire_zone,
        sujets.cle_ventilation,
        sujets.cle_periode,
        sujets.fin,
        sujets.valeur as valeur_qpv,
        valeurs.valeur as valeur_zone,
        sujets.unite,
        sujets.code_statut as code_statut_qpv,
        sujets.rang_gravite as rang_gravite_qpv,
        sujets.est_connue as est_connue_qpv,
        sujets.motif as motif_qpv,
        valeurs.cle_territoire_zone is not null as est_trouvee,
        valeurs.code_statut as code_statut_zone,
        valeurs.rang_gravite as rang_gravite_zone,
        coalesce(valeurs.est_connue, false) as est_connue_zone,
        valeurs.motif as motif_zone,
        sujets.cle_observation as cle_observation_qpv,
        valeurs.cle_observation as cle_observation_zone,
        sujets.cle_jeu_source as cle_jeu_source_qpv,
        valeurs.cle_jeu_source as cle_jeu_source_zone,
        count(*) over (
            partition by
                sujets.cle_territoire, sujets.generation, sujets.code_indicateur, sujets.cle_ventilation,
                sujets.cle_periode, liens.code_comparateur
        ) as nb_zones,
        count(valeurs.cle_territoire_zone) over (
            partition by
                sujets.cle_territoire, sujets.generation, sujets.code_indicateur, sujets.cle_ventilation,
                sujets.cle_periode, liens.code_comparateur
        ) as nb_trouvees,
        row_number() over (
            partition by
                sujets.cle_territoire, sujets.generation, sujets.code_indicateur, sujets.cle_ventilation,
                sujets.cle_periode, liens.code_comparateur
            order by liens.cle_territoire_zone
        ) as numero
    from sujets
    inner join liens
        on sujets.cle_territoire = liens.cle_territoire and sujets.generation = liens.generation
    inner join paires
        on
            sujets.type_territoire = paires.type_territoire
            and sujets.code_indicateur = paires.code_indicateur
            and liens.code_comparateur = paires.code_comparateur
    left join valeurs
        on
            liens.cle_comparateur = valeurs.cle_comparateur
            and sujets.code_indicateur = valeurs.code_indicateur
            and sujets.cle_ventilation = valeurs.cle_ventilation
            and sujets.cle_periode = valeurs.cle_periode
    where not sujets.est_non_additif
),

cellules as (
    select
        cle_territoire,
        type_territoire,
        generation,
        code_indicateur,
        code_comparateur,
        case when est_trouvee or nb_zones = 1 then cle_territoire_zone end as cle_territoire_zone,
        cle_ventilation,
        cle_periode,
        'cellule' as portee,
        valeur_qpv,
        valeur_zone,
        unite,
        case
            when not est_connue_qpv and code_statut_qpv = 'NA' then 'NA'
            when not est_connue_qpv and est_trouvee and not est_connue_zone
                then {{ pire_statut(
                    'code_statut_qpv', 'rang_gravite_qpv', 'code_statut_zone', 'rang_gravite_zone'
                ) }}
            when not est_connue_qpv then code_statut_qpv
            when not est_trouvee then 'ND'
            when not est_connue_zone then code_statut_zone
            else {{ pire_statut(
                'code_statut_qpv', 'rang_gravite_qpv', 'code_statut_zone', 'rang_gravite_zone'
            ) }}
        end as code_statut,
        case
            when not est_connue_qpv and code_statut_qpv = 'NA'
                then 'valeur du territoire sans objet : ' || coalesce(motif_qpv, code_statut_qpv)
            when not est_connue_qpv
                then 'valeur du territoire absente : ' || coalesce(motif_qpv, code_statut_qpv)
            when not est_trouvee and fin is null
                then 'période de la mesure non documentée par le producteur : aucune zone à la même période'
            when not est_trouvee
                then
                    'aucun fichier tenu ne donne ce comparateur pour la même période et la même ventilation'
            when not est_connue_zone
                then 'valeur du comparateur absente : ' || coalesce(motif_zone, code_statut_zone)
        end as motif,
        cle_observation_qpv,
        cle_observation_zone,
        cle_jeu_source_qpv,
        cle_jeu_source_zone
    from croisements
    where est_trouvee or (nb_trouvees = 0 and numero = 1)
),

derniers as (
    select
        cle_territoire,
        type_territoire,
        generation,
        code_indicateur,
        cle_ventilation,
        cle_periode,
        valeur,
        unite,
        code_statut,
        est_connue,
        motif,
        est_non_additif,
        cle_observation,
        cle_jeu_source,
        row_number() over (
            partition by cle_territoire, generation, code_indicateur
            order by
                case when est_connue then 1 else 2 end asc,
                ordre_periode desc nulls last,
                case when cle_ventilation = 'TOTAL' then 1 else 2 end asc,
                cle_ventilation asc,
                cle_periode asc
        ) as numero
    from sujets
),

comparateurs as (
    select
        cle_territoire,
        generation,
        code_comparateur,
        nature,
        case when count(distinct cle_territoire_zone) = 1 then min(cle_territoire_zone) end
            as cle_territoire_zone
    from liens
    group by cle_territoire, generation, code_comparateur, nature
),

-- An indicator that looks alike, and why it is not the same.
voisins as (
    select
        non_compare.code_indicateur,
        tenues.code_comparateur,
        min(indicateur.libelle || ' » : ' || non_compare.raison) as raison
    from (
        select
            code_indicateur,
            non_compare_avec,
            raison
        from {{ ref('indicateur_non_compare') }}
        union
        select
            non_compare_avec as code_indicateur,
            code_indicateur as non_compare_avec,
            raison
        from {{ ref('indicateur_non_compare') }}
    ) as non_compare
    inner join tenues on non_compare.non_compare_avec = tenues.code_indicateur and tenues.nature = 'zone'
    inner join {{ ref('indicateur') }} as indicateur on non_compare.non_compare_avec = indicateur.code
    group by non_compare.code_indicateur, tenues.code_comparateur
),

refus as (
    select
        derniers.cle_territoire,
        derniers.type_territoire,
        derniers.generation,
        derniers.code_indicateur,
        comparateurs.code_comparateur,
        comparateurs.cle_territoire_zone,
        derniers.cle_ventilation,
        derniers.cle_periode,
        'indicateur' as portee,
        derniers.valeur as valeur_qpv,
        derniers.unite,
        case
            when derniers.est_non_additif then 'NA'
            when not derniers.est_connue then derniers.code_statut
            when voisins.code_indicateur is not null then 'ND'
            when indicateurs.est_effectif then 'NA'
            when comparateurs.nature in ('agregat', 'reste') then 'NA'
            else 'ND'
        end as code_statut,
        case
            when derniers.est_non_additif then derniers.motif
            when not derniers.est_connue
                then 'valeur du territoire absente : ' || coalesce(derniers.motif, derniers.code_statut)
            when voisins.code_indicateur is not null
                then 'le comparateur ne publie que « ' || voisins.raison
            when indicateurs.est_effectif
                then
                    'un effectif ne se compare pas à celui d''un territoire d''une autre taille : il se lit '
                    || 'rapporté à une population'
            when comparateurs.nature = 'agregat'
                then
                    'non_additif : sans numérateur ni dénominateur publiés, l''indicateur ne se calcule pas '
                    || 'sur plusieurs quartiers'
            when comparateurs.nature = 'reste'
                then
                    'le reste de la zone demande des effectifs additifs, publiés et définitifs des deux '
                    || 'côtés : aucun n''est tenu'
            else 'aucun fichier tenu ne donne cet indicateur pour ce comparateur'
        end as motif,
        derniers.cle_observation as cle_observation_qpv,
        derniers.cle_jeu_source as cle_jeu_source_qpv
    from derniers
    inner join comparateurs
        on
            derniers.cle_territoire = comparateurs.cle_territoire
            and derniers.generation = comparateurs.generation
    inner join indicateurs on derniers.code_indicateur = indicateurs.code_indicateur
    left join paires
        on
            derniers.type_territoire = paires.type_territoire
            and derniers.code_indicateur = paires.code_indicateur
            and comparateurs.code_comparateur = paires.code_comparateur
    left join voisins
        on
            derniers.code_indicateur = voisins.code_indicateur
            and comparateurs.code_comparateur = voisins.code_comparateur
    where derniers.numero = 1 and (derniers.est_non_additif or paires.code_indicateur is null)
),

-- The zone's own series, once a year and at its last quarter, from the year before the perimeters.
contextes as (
    select
        liens.cle_territoire,
        liens.type_territoire,
        liens.generation,
        valeurs.code_indicateur,
        liens.code_comparateur,
        liens.cle_territoire_zone,
        valeurs.cle_ventilation,
        valeurs.cle_periode,
        valeurs.valeur as valeur_zone,
        valeurs.unite,
        contexte.motif,
        valeurs.cle_observation as cle_observation_zone,
        valeurs.cle_jeu_source as cle_jeu_source_zone,
        valeurs.fin,
        generation_qpv.valide_du,
        max(valeurs.fin) over (partition by valeurs.cle_territoire_zone, valeurs.code_indicateur)
            as derniere_fin
    from liens
    inner join {{ ref('generation_qpv') }} as generation_qpv
        on liens.generation = cast(generation_qpv.generation as varchar)
    inner join valeurs
        on
            liens.nature = 'zone'
            and liens.cle_comparateur = valeurs.cle_comparateur
            and valeurs.est_connue
    inner join {{ ref('indicateur_contexte') }} as contexte
        on valeurs.code_indicateur = contexte.code_indicateur
    where liens.type_territoire = 'qpv'
)

select
    cle_territoire,
    type_territoire,
    generation,
    code_indicateur,
    code_comparateur,
    cle_territoire_zone,
    cle_ventilation,
    cle_periode,
    portee,
    valeur_qpv,
    valeur_zone,
    unite,
    code_statut,
    motif,
    cle_observation_qpv,
    cle_observation_zone,
    cle_jeu_source_qpv,
    cle_jeu_source_zone
from cellules
union all
select
    cle_territoire,
    type_territoire,
    generation,
    code_indicateur,
    code_comparateur,
    cle_territoire_zone,
    cle_ventilation,
    cle_periode,
    portee,
    valeur_qpv,
    cast(null as double precision) as valeur_zone,
    unite,
    code_statut,
    motif,
    cle_observation_qpv,
    cast(null as varchar) as cle_observation_zone,
    cle_jeu_source_qpv,
    cast(null as varchar) as cle_jeu_source_zone
from refus
union all
select
    cle_territoire,
    type_territoire,
    generation,
    code_indicateur,
    code_comparateur,
    cle_territoire_zone,
    cle_ventilation,
    cle_periode,
    'contexte' as portee,
    cast(null as double precision) as valeur_qpv,
    valeur_zone,
    unite,
    'NC' as code_statut,
    motif,
    cast(null as varchar) as cle_observation_qpv,
    cle_observation_zone,
    cast(null as varchar) as cle_jeu_source_qpv,
    cle_jeu_source_zone
from contextes
where
    fin = derniere_fin
    or (extract(month from fin) = 12 and fin >= valide_du - interval '1 year')
