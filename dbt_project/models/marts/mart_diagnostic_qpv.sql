-- The latest usable statement of each indicator and breakdown. When the latest period is withheld or not
-- disseminated, the last known value is shown with its own period and `est_plus_recente` says so.
with observations as (
    select
        observation.cle_observation,
        observation.cle_territoire,
        observation.code_indicateur,
        observation.cle_ventilation,
        observation.cle_periode,
        observation.cle_jeu_source,
        observation.valeur,
        observation.numerateur,
        observation.denominateur,
        observation.borne_basse,
        observation.borne_haute,
        observation.unite,
        observation.code_statut,
        observation.motif,
        observation.reserve,
        observation.evidence_periode,
        jeu_source.producteur,
        jeu_source.jeu,
        jeu_source.millesime,
        jeu_source.avertissement,
        -- the amplitude of the cell-key noise, where the file has one and says it
        case
            when observation.code_statut = 'PERT' then cast(jeu_source.parametre_d as double precision)
        end as amplitude,
        observation.debut,
        observation.fin,
        observation.ordre_periode
    from {{ ref('int_observation_datee') }} as observation
    inner join {{ ref('dim_jeu_source') }} as jeu_source
        on observation.cle_jeu_source = jeu_source.cle_jeu_source
    where observation.type_territoire = 'qpv'
),

rangs as (
    select
        cle_observation,
        row_number() over (
            partition by cle_territoire, code_indicateur, cle_ventilation
            order by
                case when valeur is null then 2 else 1 end asc,
                ordre_periode desc,
                millesime desc,
                cle_observation asc
        ) as rang,
        max(ordre_periode) over (
            partition by cle_territoire, code_indicateur, cle_ventilation
        ) as ordre_plus_recent
    from observations
),

-- Bounds of the noise: those of a count, or those of a rate through its two counts.
bruits as (
    select
        cle_observation,
        case
            when unite = 'pourcent' and numerateur is not null and denominateur is not null
                then
                    case
                        when amplitude is not null
                            then {{ bruit_bas('numerateur', 'denominateur', 'amplitude') }}
                    end
            else borne_basse
        end as bruit_bas,
        case
            when unite = 'pourcent' and numerateur is not null and denominateur is not null
                then
                    case
                        when amplitude is not null
                            then {{ bruit_haut('numerateur', 'denominateur', 'amplitude') }}
                    end
            else borne_haute
        end as bruit_haut
    from observations
)

select
    'mart_diagnostic_qpv|' || qpv.code_qpv || '|' || observations.code_indicateur || '|'
    || observations.cle_ventilation as cle_trace,
    observations.cle_territoire,
    qpv.code_qpv,
    qpv.generation,
    qpv.libelle_qpv,
    qpv.code_departement,
    qpv.code_region,
    observations.code_indicateur,
    indicateur.libelle_indicateur,
    indicateur.famille,
    observations.cle_ventilation,
    ventilation.libelle_ventilation,
    observations.valeur,
    observations.numerateur,
    observations.denominateur,
    -- a rate below a hundred persons: to read with care
    observations.denominateur < 100 as petit_effectif,
    bruits.bruit_bas,
    bruits.bruit_haut,
    observations.unite = 'pourcent' and bruits.bruit_haut - bruits.bruit_bas > 2 as bruit_superieur_1_point,
    observations.unite,
    observations.code_statut,
    observations.motif,
    observations.reserve,
    observations.cle_periode,
    periode.libelle_periode,
    observations.evidence_periode,
    observations.ordre_periode = rangs.ordre_plus_recent as est_plus_recente,
    {{ position_t0('observations.debut', 'observations.fin', 'generation_contrat.t0') }} as position_t0,
    observations.producteur,
    observations.jeu,
    observations.millesime,
    observations.avertissement,
    observations.cle_observation,
    qpv.est_fictif
from observations
inner join rangs
    on observations.cle_observation = rangs.cle_observation and rangs.rang = 1
inner join bruits on observations.cle_observation = bruits.cle_observation
inner join {{ ref('dim_qpv') }} as qpv on observations.cle_territoire = qpv.cle_territoire
inner join {{ ref('dim_indicateur') }} as indicateur
    on observations.code_indicateur = indicateur.code_indicateur
inner join {{ ref('dim_ventilation') }} as ventilation
    on observations.cle_ventilation = ventilation.cle_ventilation
inner join {{ ref('dim_periode') }} as periode on observations.cle_periode = periode.cle_periode
left join {{ ref('generation_contrat') }} as generation_contrat
    on qpv.generation = cast(generation_contrat.generation as varchar)
order by qpv.code_qpv, observations.code_indicateur, observations.cle_ventilation
