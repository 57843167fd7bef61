-- The figures that the measures read: each one as known on the day, with its period, its secrecy regime
-- and what its status is worth. Several vintages may publish the same period: `est_retenue` marks the one
-- that speaks for it, the last that gives a value.
with observations as (
    select
        observation.cle_observation,
        observation.code_indicateur,
        observation.cle_territoire,
        territoire.type_territoire,
        territoire.generation,
        observation.cle_ventilation,
        observation.cle_periode,
        periode.type_periode,
        periode.debut,
        periode.fin,
        observation.cle_jeu_source,
        jeu_source.producteur,
        jeu_source.jeu,
        jeu_source.millesime,
        jeu_source.methode_secret,
        observation.valeur,
        observation.numerateur,
        observation.denominateur,
        observation.borne_basse,
        observation.borne_haute,
        observation.unite,
        observation.code_statut,
        statut.rang_gravite,
        statut.compte_comme_manquant = 'non' and observation.code_statut <> 'NA' as est_connue,
        observation.motif,
        observation.reserve,
        observation.evidence_periode,
        -- An undocumented period is placed by its vintage: the only order that is known.
        coalesce(
            periode.fin,
            case
                when {{ correspond('jeu_source.millesime', '[0-9]{4}.*') }}
                    then cast(substr(jeu_source.millesime, 1, 4) || '-01-01' as date)
            end
        ) as ordre_periode
    from {{ ref('int_observation_connue') }} as observation
    inner join {{ ref('int_territoire') }} as territoire
        on observation.cle_territoire = territoire.cle_territoire
    inner join {{ ref('int_periode') }} as periode on observation.cle_periode = periode.cle_periode
    inner join {{ ref('statut') }} as statut on observation.code_statut = statut.code
    inner join {{ ref('stg_entrepot__jeu_source') }} as jeu_source
        on
            observation.cle_jeu_source
            = jeu_source.producteur || ':' || jeu_source.jeu || ':' || jeu_source.millesime
)

select
    cle_observation,
    code_indicateur,
    cle_territoire,
    type_territoire,
    generation,
    cle_ventilation,
    cle_periode,
    type_periode,
    debut,
    fin,
    cle_jeu_source,
    producteur,
    jeu,
    millesime,
    methode_secret,
    valeur,
    numerateur,
    denominateur,
    borne_basse,
    borne_haute,
    unite,
    code_statut,
    rang_gravite,
    est_connue,
    motif,
    reserve,
    evidence_periode,
    ordre_periode,
    row_number() over (
        partition by cle_territoire, code_indicateur, cle_ventilation, cle_periode
        order by
            case when valeur is null then 2 else 1 end asc,
            millesime desc nulls last,
            cle_observation asc
    ) = 1 as est_retenue
from observations
