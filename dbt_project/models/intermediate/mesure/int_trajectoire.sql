-- From the first documented period (T0) to each later one, on one perimeter and one definition; alone,
-- then beside each comparator that publishes both periods. A comparison that the rules refuse stays as a
-- row with its reason; a difference is never called more than a difference. A neighbourhood of 2024 is
-- followed from its predecessor of 2015 only where the outline is unchanged (letter I).
with sources as (
    select
        cle_observation,
        cle_territoire,
        generation,
        code_indicateur,
        cle_ventilation,
        cle_periode,
        cle_jeu_source,
        methode_secret,
        valeur,
        unite,
        code_statut,
        rang_gravite,
        est_connue or code_statut = 'NA' as est_connue,
        type_periode,
        debut,
        fin,
        ordre_periode
    from {{ ref('int_observation_datee') }}
    where est_retenue and type_territoire = 'qpv'
    union all
    select
        cast(null as varchar) as cle_observation,
        cle_territoire,
        generation,
        code_indicateur,
        cle_ventilation,
        cle_periode,
        cle_jeu_source,
        methode_secret,
        valeur,
        unite,
        code_statut,
        rang_gravite,
        valeur is not null or code_statut = 'NA' as est_connue,
        type_periode,
        debut,
        fin,
        ordre_periode
    from {{ ref('int_agregat_qpv') }}
    where est_retenu and methode_agregation <> 'non_additif'
),

points as (
    select
        cle_observation,
        cle_territoire,
        generation,
        code_indicateur,
        cle_ventilation,
        cle_periode,
        cle_jeu_source,
        methode_secret,
        valeur,
        unite,
        code_statut,
        rang_gravite,
        est_connue,
        type_periode,
        debut,
        fin,
        row_number() over (
            partition by cle_territoire, generation, code_indicateur, cle_ventilation
            order by case when fin is null then 2 else 1 end, ordre_periode, cle_periode
        ) as rang_temps
    from sources
),

departs as (
    select
        cle_territoire,
        generation,
        cle_territoire as cle_territoire_t0,
        generation as generation_t0,
        'meme_perimetre' as relation,
        2 as rang_minimal
    from points
    where rang_temps = 1
    group by cle_territoire, generation
    union all
    select
        'qpv:' || code_qpv_2024 || ':2024' as cle_territoire,
        '2024' as generation,
        'qpv:' || code_qpv_2015 || ':2015' as cle_territoire_t0,
        '2015' as generation_t0,
        relation,
        1 as rang_minimal
    from {{ ref('int_qpv_generation') }}
    where code_qpv_2015 is not null and code_qpv_2024 is not null
),

couples as (
    select
        point_t.cle_territoire,
        point_t.generation,
        departs.cle_territoire_t0,
        departs.relation,
        point_t.code_indicateur,
        point_t.cle_ventilation,
        point_t.unite,
        point_t0.cle_periode as cle_periode_t0,
        point_t.cle_periode as cle_periode_t,
        point_t0.valeur as valeur_t0,
        point_t.valeur as valeur_t,
        point_t0.cle_observation as cle_observation_t0,
        point_t.cle_observation as cle_observation_t,
        point_t0.cle_jeu_source as cle_jeu_source_t0,
        point_t.cle_jeu_source as cle_jeu_source_t,
        point_t0.methode_secret as methode_secret_t0,
        point_t.methode_secret as methode_secret_t,
        point_t0.code_statut as code_statut_t0,
        point_t.code_statut as code_statut_t,
        point_t0.est_connue as est_connue_t0,
        point_t.est_connue as est_connue_t,
        point_t0.type_periode as type_periode_t0,
        point_t.type_periode as type_periode_t,
        point_t0.fin as fin_t0,
        point_t.debut as debut_t,
        point_t.fin as fin_t,
        case
            -- NA has no rank: known on both sides, it is the worse of the two whichever end it stands at
            when
                point_t0.est_connue
                and point_t.est_connue
                and 'NA' in (point_t0.code_statut, point_t.code_statut)
                then 'NA'
            when coalesce(point_t0.rang_gravite, 0) >= coalesce(point_t.rang_gravite, 0)
                then point_t0.code_statut
            else point_t.code_statut
        end as pire_statut,
        case
            when coalesce(point_t0.rang_gravite, 0) >= coalesce(point_t.rang_gravite, 0)
                then point_t0.rang_gravite
            else point_t.rang_gravite
        end as pire_rang_gravite
    from points as point_t
    inner join departs
        on
            point_t.cle_territoire = departs.cle_territoire
            and point_t.generation = departs.generation
            and point_t.rang_temps >= departs.rang_minimal
    inner join points as point_t0
        on
            departs.cle_territoire_t0 = point_t0.cle_territoire
            and departs.generation_t0 = point_t0.generation
            and point_t.code_indicateur = point_t0.code_indicateur
            and point_t.cle_ventilation = point_t0.cle_ventilation
            and point_t0.rang_temps = 1
),

-- Breaks of the series, and those that stand between the two periods.
ruptures_connues as (
    select
        indicateur.code as code_indicateur,
        rupture.rupture_le,
        rupture.raison
    from {{ ref('rupture_serie') }} as rupture
    inner join {{ ref('indicateur') }} as indicateur on indicateur.code like rupture.motif_indicateur
),

periodes as (
    select distinct
        code_indicateur,
        fin_t0,
        fin_t
    from couples
),

ruptures as (
    select
        periodes.code_indicateur,
        periodes.fin_t0,
        periodes.fin_t,
        min(rupture.raison) as raison
    from periodes
    inner join ruptures_connues as rupture
        on
            periodes.code_indicateur = rupture.code_indicateur
            and periodes.fin_t0 < rupture.rupture_le
            and periodes.fin_t >= rupture.rupture_le
    group by periodes.code_indicateur, periodes.fin_t0, periodes.fin_t
),

seuls as (
    select
        couples.cle_territoire,
        couples.generation,
        couples.cle_territoire_t0,
        couples.relation,
        couples.code_indicateur,
        couples.cle_ventilation,
        couples.unite,
        couples.cle_periode_t0,
        couples.cle_periode_t,
        couples.valeur_t0,
        couples.valeur_t,
        couples.cle_observation_t0,
        couples.cle_observation_t,
        couples.cle_jeu_source_t0,
        couples.cle_jeu_source_t,
        couples.pire_statut,
        couples.pire_rang_gravite,
        case
            when not couples.est_connue_t0
                then 'valeur de départ absente (statut ' || couples.code_statut_t0 || ')'
            when not couples.est_connue_t
                then 'valeur d''arrivée absente (statut ' || couples.code_statut_t || ')'
            when couples.code_statut_t0 = 'NA' or couples.code_statut_t = 'NA'
                then 'l''une des deux valeurs est sans objet'
            when couples.relation not in ('meme_perimetre', 'identique')
                then 'périmètres différents en 2015 et en 2024 (' || couples.relation || ')'
            when couples.fin_t0 is null or couples.fin_t is null
                then 'période de l''une des deux mesures non documentée par le producteur'
            when couples.type_periode_t0 <> couples.type_periode_t
                then
                    'périodes de natures différentes (' || couples.type_periode_t0 || ', '
                    || couples.type_periode_t || ')'
            when couples.debut_t <= couples.fin_t0
                then 'fenêtres de mesure qui se recouvrent'
            when
                indicateur.ecart_min_annees is not null
                and extract(year from couples.fin_t) - extract(year from couples.fin_t0)
                < indicateur.ecart_min_annees
                then
                    'moins de ' || cast(indicateur.ecart_min_annees as varchar)
                    || ' ans entre les deux mesures'
            when ruptures.raison is not null then 'série rompue : ' || ruptures.raison
            when
                couples.methode_secret_t0 <> couples.methode_secret_t
                and 'cle_aleatoire' in (couples.methode_secret_t0, couples.methode_secret_t)
                then
                    'régimes de secret différents (' || couples.methode_secret_t0 || ', '
                    || couples.methode_secret_t || ') : soustraction interdite'
            when couples.code_statut_t0 = 'PERT' or couples.code_statut_t = 'PERT'
                then 'valeur perturbée par clé aléatoire : soustraction interdite'
        end as motif_non_comparable
    from couples
    inner join {{ ref('indicateur') }} as indicateur on couples.code_indicateur = indicateur.code
    left join ruptures
        on
            couples.code_indicateur = ruptures.code_indicateur
            and couples.fin_t0 = ruptures.fin_t0
            and couples.fin_t = ruptures.fin_t
),

-- Comparators that publish the indicator at all, whatever the period: the others are refused once, in
-- mart_ecart_zone.
paires as (
    select distinct
        type_territoire,
        code_indicateur,
        code_comparateur
    from {{ ref('int_comparaison') }}
    where portee = 'cellule'
),

voisinages as (
    select
        seuls.cle_territoire,
        seuls.generation,
        seuls.cle_territoire_t0,
        seuls.code_indicateur,
        seuls.cle_ventilation,
        seuls.cle_periode_t0,
        seuls.cle_periode_t,
        liens.code_comparateur,
        liens.cle_territoire_zone,
        zone_t0.valeur as valeur_zone_t0,
        zone_t.valeur as valeur_zone_t,
        zone_t0.cle_observation as cle_observation_zone_t0,
        zone_t.cle_observation as cle_observation_zone_t,
        zone_t0.cle_jeu_source = zone_t.cle_jeu_source as meme_publication_zone,
        zone_t0.code_statut as code_statut_zone_t0,
        zone_t.code_statut as code_statut_zone_t,
        {{ pire_statut(
            'zone_t0.code_statut', 'zone_t0.rang_gravite', 'zone_t.code_statut', 'zone_t.rang_gravite'
        ) }} as pire_statut_zone,
        greatest(zone_t0.rang_gravite, zone_t.rang_gravite) as pire_rang_gravite_zone,
        coalesce(zone_t0.est_connue, false) as est_connue_zone_t0,
        coalesce(zone_t.est_connue, false) as est_connue_zone_t,
        zone_t0.cle_territoire_zone is not null and zone_t.cle_territoire_zone is not null as est_trouvee,
        count(*) over (
            partition by
                seuls.cle_territoire, seuls.generation, seuls.cle_territoire_t0, seuls.code_indicateur,
                seuls.cle_ventilation, seuls.cle_periode_t0, seuls.cle_periode_t, liens.code_comparateur
        ) as nb_zones,
        sum(
            case
                when zone_t0.cle_territoire_zone is not null and zone_t.cle_territoire_zone is not null then 1
                else 0
            end
        ) over (
            partition by
                seuls.cle_territoire, seuls.generation, seuls.cle_territoire_t0, seuls.code_indicateur,
                seuls.cle_ventilation, seuls.cle_periode_t0, seuls.cle_periode_t, liens.code_comparateur
        ) as nb_trouvees,
        row_number() over (
            partition by
                seuls.cle_territoire, seuls.generation, seuls.cle_territoire_t0, seuls.code_indicateur,
                seuls.cle_ventilation, seuls.cle_periode_t0, seuls.cle_periode_t, liens.code_comparateur
            order by liens.cle_territoire_zone
        ) as numero
    from seuls
    inner join {{ ref('int_comparaison_zone') }} as liens
        on seuls.cle_territoire = liens.cle_territoire and seuls.generation = liens.generation
    inner join paires
        on
            liens.type_territoire = paires.type_territoire
            and seuls.code_indicateur = paires.code_indicateur
            and liens.code_comparateur = paires.code_comparateur
    {% for moment in ['t0', 't'] %}
    left join {{ ref('int_comparaison_valeur') }} as zone_{{ moment }}
        on
            liens.cle_comparateur = zone_{{ moment }}.cle_comparateur
            and seuls.code_indicateur = zone_{{ moment }}.code_indicateur
            and seuls.cle_ventilation = zone_{{ moment }}.cle_ventilation
            and seuls.cle_periode_{{ moment }} = zone_{{ moment }}.cle_periode
    {% endfor %}
    where seuls.relation = 'meme_perimetre'
),

lignes as (
    select
        cle_territoire,
        generation,
        cle_territoire_t0,
        code_indicateur,
        cle_ventilation,
        cle_periode_t0,
        cle_periode_t,
        cast(null as varchar) as code_comparateur,
        cast(null as varchar) as cle_territoire_zone,
        valeur_t0,
        valeur_t,
        unite,
        cast(null as double precision) as valeur_zone_t0,
        cast(null as double precision) as valeur_zone_t,
        motif_non_comparable,
        case
            when motif_non_comparable is null then pire_statut
            when valeur_t0 is null or valeur_t is null then pire_statut
            else 'NA'
        end as code_statut,
        cle_jeu_source_t0 = cle_jeu_source_t as meme_publication,
        cle_observation_t0,
        cle_observation_t,
        cast(null as varchar) as cle_observation_zone_t0,
        cast(null as varchar) as cle_observation_zone_t
    from seuls
    union all
    select
        seuls.cle_territoire,
        seuls.generation,
        seuls.cle_territoire_t0,
        seuls.code_indicateur,
        seuls.cle_ventilation,
        seuls.cle_periode_t0,
        seuls.cle_periode_t,
        voisinages.code_comparateur,
        case when voisinages.est_trouvee or voisinages.nb_zones = 1 then voisinages.cle_territoire_zone end
            as cle_territoire_zone,
        seuls.valeur_t0,
        seuls.valeur_t,
        seuls.unite,
        voisinages.valeur_zone_t0,
        voisinages.valeur_zone_t,
        case
            when seuls.motif_non_comparable is not null then seuls.motif_non_comparable
            when not voisinages.est_trouvee
                then 'aucun fichier tenu ne donne ce comparateur aux deux périodes'
            when not voisinages.est_connue_zone_t0
                then
                    'valeur de départ du comparateur absente (statut '
                    || voisinages.code_statut_zone_t0 || ')'
            when not voisinages.est_connue_zone_t
                then
                    'valeur d''arrivée du comparateur absente (statut '
                    || voisinages.code_statut_zone_t || ')'
            when voisinages.pire_statut_zone = 'PERT'
                then 'comparateur perturbé par clé aléatoire : soustraction interdite'
        end as motif_non_comparable,
        case
            when
                seuls.motif_non_comparable is not null
                and (seuls.valeur_t0 is null or seuls.valeur_t is null)
                then seuls.pire_statut
            when seuls.motif_non_comparable is not null then 'NA'
            when not voisinages.est_trouvee then 'ND'
            when not voisinages.est_connue_zone_t0 or not voisinages.est_connue_zone_t
                then voisinages.pire_statut_zone
            when voisinages.pire_statut_zone = 'PERT' then 'NA'
            else {{ pire_statut(
                'seuls.pire_statut', 'seuls.pire_rang_gravite',
                'voisinages.pire_statut_zone', 'voisinages.pire_rang_gravite_zone'
            ) }}
        end as code_statut,
        seuls.cle_jeu_source_t0 = seuls.cle_jeu_source_t and coalesce(voisinages.meme_publication_zone, false)
            as meme_publication,
        seuls.cle_observation_t0,
        seuls.cle_observation_t,
        voisinages.cle_observation_zone_t0,
        voisinages.cle_observation_zone_t
    from voisinages
    inner join seuls
        on
            voisinages.cle_territoire = seuls.cle_territoire
            and voisinages.generation = seuls.generation
            and voisinages.cle_territoire_t0 = seuls.cle_territoire_t0
            and voisinages.code_indicateur = seuls.code_indicateur
            and voisinages.cle_ventilation = seuls.cle_ventilation
            and voisinages.cle_periode_t0 = seuls.cle_periode_t0
            and voisinages.cle_periode_t = seuls.cle_periode_t
    where voisinages.est_trouvee or (voisinages.nb_trouvees = 0 and voisinages.numero = 1)
)

select
    lignes.cle_territoire
    || case
        when lignes.cle_territoire = lignes.cle_territoire_t0 then ''
        else '|' || lignes.cle_territoire_t0
    end
    || '|' || lignes.generation || '|' || lignes.code_indicateur || '|' || lignes.cle_ventilation || '|'
    || lignes.cle_periode_t0 || '|' || lignes.cle_periode_t
    || case
        when lignes.code_comparateur is null then ''
        else '|' || lignes.code_comparateur || '|' || coalesce(lignes.cle_territoire_zone, '')
    end as cle_trajectoire,
    lignes.cle_territoire,
    lignes.cle_territoire_t0,
    lignes.generation,
    lignes.code_indicateur,
    lignes.cle_ventilation,
    lignes.code_comparateur,
    lignes.cle_territoire_zone,
    lignes.cle_periode_t0,
    lignes.cle_periode_t,
    lignes.valeur_t0,
    lignes.valeur_t,
    case when lignes.motif_non_comparable is null then lignes.valeur_t - lignes.valeur_t0 end as trajectoire,
    lignes.valeur_zone_t0,
    lignes.valeur_zone_t,
    case when lignes.motif_non_comparable is null then lignes.valeur_zone_t - lignes.valeur_zone_t0 end
        as variation_zone,
    case
        when lignes.motif_non_comparable is null
            then (lignes.valeur_t - lignes.valeur_t0) - (lignes.valeur_zone_t - lignes.valeur_zone_t0)
    end as trajectoire_relative,
    case
        when lignes.motif_non_comparable is null and lignes.meme_publication
            then
                {{ part_ecart_resorbee(
                    ecart('lignes.valeur_t0', 'lignes.valeur_zone_t0'),
                    ecart('lignes.valeur_t', 'lignes.valeur_zone_t')
                ) }}
    end as part_ecart_resorbee,
    case
        when lignes.code_comparateur is null then 'sans comparateur, aucun écart'
        when lignes.motif_non_comparable is not null then lignes.motif_non_comparable
        when not lignes.meme_publication
            then 'les deux périodes viennent de publications différentes'
        when lignes.valeur_t0 = lignes.valeur_zone_t0 then 'aucun écart au départ'
    end as motif_part_ecart,
    lignes.unite,
    lignes.motif_non_comparable is null as comparable,
    lignes.motif_non_comparable,
    lignes.code_statut,
    lignes.meme_publication,
    lignes.cle_observation_t0,
    lignes.cle_observation_t,
    lignes.cle_observation_zone_t0,
    lignes.cle_observation_zone_t
from lignes
