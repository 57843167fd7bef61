-- The latest usable statement of each indicator and breakdown of a neighbourhood, with what tells how sure
-- it is: status, denominator, noise, place of the period against the start of the contract.
with observations as (
    select
        observation.cle_observation,
        observation.cle_territoire,
        observation.code_indicateur,
        observation.cle_ventilation,
        observation.cle_periode,
        observation.debut,
        observation.fin,
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
        observation.est_plus_recente,
        observation.unite = 'pourcent'
        and observation.numerateur is not null
        and observation.denominateur is not null as est_fraction,
        -- the amplitude of the cell-key noise, where the file has one and says it
        case
            when observation.code_statut = 'PERT' then cast(jeu_source.parametre_d as double precision)
        end as amplitude,
        jeu_source.producteur,
        jeu_source.jeu,
        jeu_source.millesime,
        jeu_source.avertissement
    from {{ ref('int_observation_utile') }} as observation
    inner join {{ ref('dim_jeu_source') }} as jeu_source
        on observation.cle_jeu_source = jeu_source.cle_jeu_source
),

-- Bounds of the noise: those of a count, or those of a rate through its two counts.
bruits as (
    select
        cle_observation,
        case
            when est_fraction and amplitude is null then cast(null as double precision)
            when est_fraction then {{ bruit_bas('numerateur', 'denominateur', 'amplitude') }}
            else borne_basse
        end as bruit_bas,
        case
            when est_fraction and amplitude is null then cast(null as double precision)
            when est_fraction then {{ bruit_haut('numerateur', 'denominateur', 'amplitude') }}
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
    observations.est_plus_recente,
    {{ position_t0('observations.debut', 'observations.fin', 'generation_contrat.t0') }} as position_t0,
    observations.producteur,
    observations.jeu,
    observations.millesime,
    observations.avertissement,
    observations.cle_observation,
    qpv.est_fictif
from observations
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
