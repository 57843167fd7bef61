-- What a contract expects to know and what it knows: every cell that a file publishes for a neighbourhood,
-- and the indicators of the four families that nothing feeds. An absence is a row with its reason.
with attendus as (
    select
        code_indicateur,
        niveau,
        generation,
        code_statut,
        motif
    from {{ ref('indicateur_attendu') }}
),

-- Cells of the files, each period told by the vintage that speaks for it.
tenues as (
    select
        observation.code_indicateur,
        observation.cle_territoire,
        observation.type_territoire,
        observation.generation,
        observation.cle_periode,
        observation.cle_ventilation,
        observation.code_statut <> 'NA' as attendu,
        observation.est_connue as charge,
        observation.code_statut,
        observation.motif,
        observation.cle_observation,
        observation.cle_jeu_source
    from {{ ref('int_observation_datee') }} as observation
    where observation.est_retenue and observation.type_territoire = 'qpv'
),

-- What the partners declare: each line of a form is a cell, filled or not; a share is known with both terms.
saisies as (
    select
        cle_saisie,
        rubrique,
        cle_territoire_contrat,
        generation,
        mesure,
        population,
        enjeu,
        objectif,
        action,
        valeur,
        code_statut,
        motif,
        cle_jeu_source
    from {{ ref('fct_saisie_locale') }}
    where {{ connue_le('connu_du', 'connu_au') }}
),

declarees as (
    select
        case rubrique
            when 'action' then 'RES.VALEUR.DECLARATIF.ACTIONS'
            else 'GOUV.CONSTAT.DECLARATIF.CONTRAT'
        end as code_indicateur,
        cle_territoire_contrat as cle_territoire,
        generation,
        cle_saisie as cle_ventilation,
        code_statut,
        motif,
        cle_jeu_source
    from saisies
    where rubrique in ('action', 'gouvernance')
    union all
    select
        'GOUV.TX_RENSEIGNEMENT.DECLARATIF.ACTIONS' as code_indicateur,
        cle_territoire_contrat as cle_territoire,
        generation,
        cast(null as varchar) as cle_ventilation,
        'OK' as code_statut,
        cast(null as varchar) as motif,
        max(cle_jeu_source) as cle_jeu_source
    from saisies
    where rubrique = 'action'
    group by cle_territoire_contrat, generation
    union all
    select
        case mesure
            when 'heures' then 'DC.PART_HEURES.CLAUSES.HEURES' else 'DC.PART_QPV.CLAUSES.BENEFICIAIRES'
        end as code_indicateur,
        cle_territoire_contrat as cle_territoire,
        generation,
        cast(null as varchar) as cle_ventilation,
        'OK' as code_statut,
        cast(null as varchar) as motif,
        max(cle_jeu_source) as cle_jeu_source
    from saisies
    where rubrique = 'clause'
    group by cle_territoire_contrat, generation, mesure
    having
        count(case when population = 'qpv' then valeur end) > 0
        and count(case when population = 'total' then valeur end) > 0
    union all
    select
        attendus.code_indicateur,
        contrat.cle_territoire,
        contrat.generation,
        cast(null as varchar) as cle_ventilation,
        'OK' as code_statut,
        cast(null as varchar) as motif,
        cast(null as varchar) as cle_jeu_source
    from attendus
    inner join {{ ref('dim_contrat_ville') }} as contrat
        on
            attendus.code_indicateur like 'DC.PART_QPV.%'
            and (attendus.generation is null or contrat.generation = cast(attendus.generation as varchar))
    where exists (
        select 1 as un
        from {{ ref('fct_beneficiaires_territoire') }} as comptes
        where
            contrat.cle_territoire = comptes.cle_territoire
            and split_part(attendus.code_indicateur, '.', 3) = comptes.code_dispositif
            and comptes.beneficiaires_qpv is not null
            and comptes.beneficiaires_total <> 0
            and (attendus.code_indicateur not like '%.ENTREES' or comptes.type_flux like '%entrees')
    )
),

indicateurs_declares as (
    select distinct
        cle_territoire,
        code_indicateur
    from declarees
),

indicateurs_tenus as (
    select distinct
        cle_territoire,
        code_indicateur
    from tenues
),

sans_fichier as (
    select
        attendus.code_indicateur,
        qpv.cle_territoire,
        'qpv' as type_territoire,
        qpv.generation,
        attendus.code_statut,
        attendus.motif
    from {{ ref('dim_qpv') }} as qpv
    inner join attendus
        on
            attendus.niveau = 'qpv'
            and (attendus.generation is null or qpv.generation = cast(attendus.generation as varchar))
    left join indicateurs_tenus
        on
            qpv.cle_territoire = indicateurs_tenus.cle_territoire
            and attendus.code_indicateur = indicateurs_tenus.code_indicateur
    where indicateurs_tenus.cle_territoire is null
    union all
    select
        attendus.code_indicateur,
        contrat.cle_territoire,
        'contrat_ville' as type_territoire,
        contrat.generation,
        attendus.code_statut,
        attendus.motif
    from {{ ref('dim_contrat_ville') }} as contrat
    inner join attendus
        on
            attendus.niveau = 'contrat_ville'
            and (attendus.generation is null or contrat.generation = cast(attendus.generation as varchar))
    left join indicateurs_declares
        on
            contrat.cle_territoire = indicateurs_declares.cle_territoire
            and attendus.code_indicateur = indicateurs_declares.code_indicateur
    where indicateurs_declares.cle_territoire is null
),

-- The file that measures the indicator last, and when the next one is usually out.
series as (
    select
        observation.code_indicateur,
        observation.generation,
        jeu_source.cadence,
        jeu_source.delai_usuel_jours,
        observation.type_periode,
        observation.fin,
        cast(generation_qpv.valide_au as date) as perimetre_au,
        row_number() over (
            partition by observation.code_indicateur, observation.generation
            order by
                case when observation.fin is null then 2 else 1 end asc,
                observation.fin desc nulls last,
                observation.millesime desc nulls last,
                observation.cle_jeu_source asc
        ) as numero
    from (
        select distinct
            code_indicateur,
            generation,
            cle_jeu_source,
            millesime,
            type_periode,
            fin
        from {{ ref('int_observation_datee') }}
        where type_territoire = 'qpv'
    ) as observation
    inner join {{ ref('dim_jeu_source') }} as jeu_source
        on observation.cle_jeu_source = jeu_source.cle_jeu_source
    left join {{ ref('generation_qpv') }} as generation_qpv
        on observation.generation = cast(generation_qpv.generation as varchar)
),

suites as (
    select
        code_indicateur,
        generation,
        type_periode,
        delai_usuel_jours,
        cadence,
        fin,
        perimetre_au,
        case cadence
            when 'annuelle' then cast(fin + interval '1 year' as date)
            when 'trimestrielle'
                then cast(fin + interval '1 day' + interval '3 month' - interval '1 day' as date)
            when 'mensuelle' then cast(fin + interval '1 day' + interval '1 month' - interval '1 day' as date)
        end as fin_suivante
    from series
    where numero = 1
),

echeances as (
    select
        code_indicateur,
        generation,
        case
            when fin is null then 'période de la dernière mesure non documentée : prochaine parution inconnue'
            when cadence = 'ponctuelle' then 'publication ponctuelle : aucune suite annoncée'
            when type_periode = 'FEN5' then 'fenêtre de recensement : délai de parution non établi'
            when delai_usuel_jours is null then 'délai de parution du jeu non établi'
            when fin_suivante > perimetre_au
                then 'périmètre clos avant la mesure suivante : aucune parution attendue'
        end as motif_prochaine_date,
        fin_suivante + delai_usuel_jours as date_usuelle
    from suites
),

reunies as (
    select
        code_indicateur,
        cle_territoire,
        type_territoire,
        generation,
        cle_periode,
        cle_ventilation,
        attendu,
        charge,
        code_statut,
        motif,
        cle_observation,
        cle_jeu_source
    from tenues
    union all
    select
        code_indicateur,
        cle_territoire,
        type_territoire,
        generation,
        cast(null as varchar) as cle_periode,
        cast(null as varchar) as cle_ventilation,
        true as attendu,
        false as charge,
        code_statut,
        motif,
        cast(null as varchar) as cle_observation,
        cast(null as varchar) as cle_jeu_source
    from sans_fichier
    union all
    select
        code_indicateur,
        cle_territoire,
        'contrat_ville' as type_territoire,
        generation,
        cast(null as varchar) as cle_periode,
        cle_ventilation,
        code_statut <> 'NA' as attendu,
        code_statut = 'OK' as charge,
        code_statut,
        motif,
        cast(null as varchar) as cle_observation,
        cle_jeu_source
    from declarees
)

select
    'disponibilite|' || reunies.code_indicateur || '|' || reunies.cle_territoire || '|'
    || coalesce(reunies.cle_periode, 'sans_periode') || '|'
    || coalesce(reunies.cle_ventilation, 'sans_ventilation') as cle_disponibilite,
    reunies.code_indicateur,
    reunies.cle_territoire,
    reunies.type_territoire,
    reunies.generation,
    reunies.cle_periode,
    reunies.cle_ventilation,
    reunies.attendu,
    reunies.charge,
    reunies.code_statut,
    reunies.motif,
    case
        when echeances.code_indicateur is not null and echeances.motif_prochaine_date is null
            then cast(echeances.date_usuelle as date)
    end as prochaine_date,
    case
        when echeances.code_indicateur is null and reunies.cle_jeu_source is not null
            then 'déclaration locale : aucune suite annoncée'
        when echeances.code_indicateur is null
            then 'aucun fichier de cet indicateur n''est tenu : prochaine parution inconnue'
        else echeances.motif_prochaine_date
    end as motif_prochaine_date,
    reunies.cle_observation,
    reunies.cle_jeu_source
from reunies
left join echeances
    on
        reunies.code_indicateur = echeances.code_indicateur
        and reunies.generation = echeances.generation
        and reunies.type_territoire = 'qpv'
order by cle_disponibilite
