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
        observation.unite,
        observation.code_statut,
        observation.motif,
        observation.evidence_periode,
        jeu_source.producteur,
        jeu_source.jeu,
        jeu_source.millesime,
        jeu_source.avertissement,
        periode.debut,
        periode.fin,
        periode.libelle_periode,
        -- An undocumented period is placed by its vintage: the only order that is known.
        coalesce(periode.fin, cast(substr(jeu_source.millesime, 1, 4) || '-01-01' as date)) as ordre_periode
    from {{ ref('fct_observation') }} as observation
    inner join {{ ref('dim_periode') }} as periode on observation.cle_periode = periode.cle_periode
    inner join {{ ref('dim_jeu_source') }} as jeu_source
        on observation.cle_jeu_source = jeu_source.cle_jeu_source
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
    observations.unite,
    observations.code_statut,
    observations.motif,
    observations.cle_periode,
    observations.libelle_periode,
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
inner join {{ ref('dim_qpv') }} as qpv on observations.cle_territoire = qpv.cle_territoire
inner join {{ ref('dim_indicateur') }} as indicateur
    on observations.code_indicateur = indicateur.code_indicateur
inner join {{ ref('dim_ventilation') }} as ventilation
    on observations.cle_ventilation = ventilation.cle_ventilation
left join {{ ref('generation_contrat') }} as generation_contrat
    on qpv.generation = cast(generation_contrat.generation as varchar)
order by qpv.code_qpv, observations.code_indicateur, observations.cle_ventilation
