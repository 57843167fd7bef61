-- From a published figure to the cell it comes from: dataset, vintage, file, hash, line and column.
with figures as (
    select
        cle_trace,
        'mart_diagnostic_qpv' as mart,
        'valeur' as role,
        'valeur publiée, reprise telle quelle' as formule,
        cle_observation
    from {{ ref('mart_diagnostic_qpv') }}
    union all
    select
        cle_trace,
        'mart_trajectoire' as mart,
        'valeur_t0' as role,
        'trajectoire = valeur_t - valeur_t0' as formule,
        cle_observation_t0 as cle_observation
    from {{ ref('mart_trajectoire') }}
    union all
    select
        cle_trace,
        'mart_trajectoire' as mart,
        'valeur_t' as role,
        'trajectoire = valeur_t - valeur_t0' as formule,
        cle_observation_t as cle_observation
    from {{ ref('mart_trajectoire') }}
)

select
    figures.cle_trace,
    figures.mart,
    figures.role,
    figures.formule,
    figures.cle_observation,
    jeu_source.producteur,
    jeu_source.jeu,
    jeu_source.millesime,
    jeu_source.titre,
    observation.publie_le,
    jeu_source.recupere_le,
    observation.fichier,
    observation.empreinte_sha256,
    observation.ligne_source,
    observation.colonne_source,
    observation.colonne_numero,
    observation.valeur_texte_source,
    observation.valeur,
    observation.code_statut,
    correction.code_correction,
    correction.valeur_publiee,
    jeu_source.est_fictif
from figures
inner join {{ ref('fct_observation') }} as observation
    on figures.cle_observation = observation.cle_observation
inner join {{ ref('dim_jeu_source') }} as jeu_source
    on observation.cle_jeu_source = jeu_source.cle_jeu_source
left join {{ ref('dim_correction') }} as correction
    on
        observation.cle_jeu_source = correction.cle_jeu_source
        and observation.empreinte_sha256 = correction.empreinte_sha256
        and observation.ligne_source = correction.ligne_source
        and observation.colonne_source = correction.colonne_source
order by figures.cle_trace, figures.role
