-- The latest usable statement of each indicator and breakdown of a neighbourhood. When the latest period
-- is withheld or not disseminated, the last known value speaks with its own period, and `est_plus_recente`
-- says so.
with rangs as (
    select
        cle_observation,
        row_number() over (
            partition by cle_territoire, code_indicateur, cle_ventilation
            order by
                case when valeur is null then 2 else 1 end asc,
                ordre_periode desc nulls last,
                millesime desc nulls last,
                cle_observation asc
        ) as numero,
        max(ordre_periode) over (
            partition by cle_territoire, code_indicateur, cle_ventilation
        ) as ordre_plus_recent
    from {{ ref('int_observation_datee') }}
    where type_territoire = 'qpv'
)

select
    observation.cle_observation,
    observation.cle_territoire,
    observation.generation,
    observation.code_indicateur,
    observation.cle_ventilation,
    observation.cle_periode,
    observation.debut,
    observation.fin,
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
    observation.ordre_periode = rangs.ordre_plus_recent as est_plus_recente
from {{ ref('int_observation_datee') }} as observation
inner join rangs on observation.cle_observation = rangs.cle_observation and rangs.numero = 1
