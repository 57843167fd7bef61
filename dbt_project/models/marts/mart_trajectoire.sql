-- From the first documented period (T0) to each later one, on one perimeter and one definition. A comparison
-- that the rules refuse stays as a row with its reason; a difference is never called more than a difference.
with observations as (
    select
        observation.cle_observation,
        observation.cle_territoire,
        observation.code_indicateur,
        observation.cle_ventilation,
        observation.cle_periode,
        observation.cle_jeu_source,
        observation.valeur,
        observation.unite,
        observation.code_statut,
        statut.rang_gravite,
        statut.compte_comme_manquant = 'non' as est_connue,
        periode.type_periode,
        periode.debut,
        periode.fin,
        coalesce(periode.fin, cast(substr(jeu_source.millesime, 1, 4) || '-01-01' as date)) as ordre_periode,
        -- Several vintages may publish the same period: the last one speaks for it.
        row_number() over (
            partition by
                observation.cle_territoire, observation.code_indicateur, observation.cle_ventilation,
                observation.cle_periode
            order by
                case when observation.valeur is null then 2 else 1 end asc,
                jeu_source.millesime desc,
                observation.cle_observation asc
        ) as rang
    from {{ ref('fct_observation') }} as observation
    inner join {{ ref('dim_periode') }} as periode on observation.cle_periode = periode.cle_periode
    inner join {{ ref('dim_statut') }} as statut on observation.code_statut = statut.code_statut
    inner join {{ ref('dim_jeu_source') }} as jeu_source
        on observation.cle_jeu_source = jeu_source.cle_jeu_source
),

points as (
    select
        cle_observation,
        cle_territoire,
        code_indicateur,
        cle_ventilation,
        cle_periode,
        cle_jeu_source,
        valeur,
        unite,
        code_statut,
        rang_gravite,
        est_connue,
        type_periode,
        debut,
        fin,
        row_number() over (
            partition by cle_territoire, code_indicateur, cle_ventilation
            order by case when fin is null then 2 else 1 end, ordre_periode, cle_periode
        ) as rang_temps
    from observations
    where rang = 1
),

couples as (
    select
        point_t.cle_territoire,
        point_t.code_indicateur,
        point_t.cle_ventilation,
        point_t.unite,
        point_t0.cle_periode as cle_periode_t0,
        point_t.cle_periode as cle_periode_t,
        point_t0.valeur as valeur_t0,
        point_t.valeur as valeur_t,
        point_t0.cle_observation as cle_observation_t0,
        point_t.cle_observation as cle_observation_t,
        point_t0.cle_jeu_source = point_t.cle_jeu_source as meme_publication,
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
            when not point_t0.est_connue
                then 'valeur de départ absente (statut ' || point_t0.code_statut || ')'
            when not point_t.est_connue
                then 'valeur d''arrivée absente (statut ' || point_t.code_statut || ')'
            when point_t0.code_statut = 'NA' or point_t.code_statut = 'NA'
                then 'l''une des deux valeurs est sans objet'
            when point_t0.fin is null or point_t.fin is null
                then 'période de l''une des deux mesures non documentée par le producteur'
            when point_t0.type_periode <> point_t.type_periode
                then
                    'périodes de natures différentes (' || point_t0.type_periode || ', '
                    || point_t.type_periode || ')'
            when point_t.debut <= point_t0.fin
                then 'fenêtres de mesure qui se recouvrent'
            when
                indicateur.ecart_min_annees is not null
                and extract(year from point_t.fin) - extract(year from point_t0.fin)
                < indicateur.ecart_min_annees
                then
                    'moins de ' || cast(indicateur.ecart_min_annees as varchar)
                    || ' ans entre les deux mesures'
            when point_t0.code_statut = 'PERT' or point_t.code_statut = 'PERT'
                then 'valeur perturbée par clé aléatoire : soustraction interdite'
        end as motif_non_comparable
    from points as point_t
    inner join points as point_t0
        on
            point_t.cle_territoire = point_t0.cle_territoire
            and point_t.code_indicateur = point_t0.code_indicateur
            and point_t.cle_ventilation = point_t0.cle_ventilation
            and point_t0.rang_temps = 1
            and point_t.rang_temps > 1
    inner join {{ ref('dim_indicateur') }} as indicateur
        on point_t.code_indicateur = indicateur.code_indicateur
)

select
    'mart_trajectoire|' || qpv.code_qpv || '|' || couples.code_indicateur || '|' || couples.cle_ventilation
    || '|' || couples.cle_periode_t0 || '|' || couples.cle_periode_t as cle_trace,
    couples.cle_territoire,
    qpv.code_qpv,
    qpv.generation,
    qpv.libelle_qpv,
    qpv.code_departement,
    qpv.code_region,
    couples.code_indicateur,
    indicateur.libelle_indicateur,
    couples.cle_ventilation,
    couples.cle_periode_t0,
    couples.cle_periode_t,
    periode_t0.libelle_periode as libelle_periode_t0,
    periode_t.libelle_periode as libelle_periode_t,
    couples.valeur_t0,
    couples.valeur_t,
    case
        when couples.motif_non_comparable is null then couples.valeur_t - couples.valeur_t0
    end as trajectoire,
    couples.unite,
    couples.motif_non_comparable is null as comparable,
    couples.motif_non_comparable,
    case
        when couples.motif_non_comparable is null then couples.pire_statut
        when couples.valeur_t0 is null or couples.valeur_t is null then couples.pire_statut
        else 'NA'
    end as code_statut,
    couples.meme_publication,
    'Les habitants changent : une évolution du quartier n''est pas celle des personnes qui y vivaient '
    || 'au départ.' as reserve,
    couples.cle_observation_t0,
    couples.cle_observation_t,
    qpv.est_fictif
from couples
inner join {{ ref('dim_qpv') }} as qpv on couples.cle_territoire = qpv.cle_territoire
inner join {{ ref('dim_indicateur') }} as indicateur on couples.code_indicateur = indicateur.code_indicateur
inner join {{ ref('dim_periode') }} as periode_t0 on couples.cle_periode_t0 = periode_t0.cle_periode
inner join {{ ref('dim_periode') }} as periode_t on couples.cle_periode_t = periode_t.cle_periode
order by
    qpv.code_qpv,
    couples.code_indicateur,
    couples.cle_ventilation,
    couples.cle_periode_t0,
    couples.cle_periode_t
