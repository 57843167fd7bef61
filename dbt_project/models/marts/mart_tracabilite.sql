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
    {% for moment in ['t0', 't'] %}
    union all
    select
        cle_trace,
        'mart_trajectoire' as mart,
        'valeur_zone_{{ moment }}' as role,
        'variation_zone = valeur_zone_t - valeur_zone_t0' as formule,
        cle_observation_zone_{{ moment }} as cle_observation
    from {{ ref('mart_trajectoire') }}
    where trajectoire_relative is not null
    {% endfor %}
    {% for terme in ['qpv', 'zone'] %}
    union all
    select
        cle_trace,
        'mart_ecart_zone' as mart,
        'valeur_{{ terme }}' as role,
        'ecart_points = valeur_qpv - valeur_zone ; rapport = valeur_qpv / valeur_zone' as formule,
        cle_observation_{{ terme }} as cle_observation
    from {{ ref('mart_ecart_zone') }}
    where portee = 'contexte' or ecart_points is not null
    {% endfor %}
    union all
    -- a sum of neighbourhoods leads to each of them
    select
        agregat.cle_agregat as cle_trace,
        'mart_agregat_qpv' as mart,
        'quartier ' || observation.cle_territoire as role,
        agregat.methode_agregation || ' des quartiers' as formule,
        observation.cle_observation
    from {{ ref('mart_agregat_qpv') }} as agregat
    inner join {{ ref('int_agregat_membre') }} as membre
        on
            agregat.cle_territoire = membre.cle_territoire
            and agregat.generation = membre.generation
    inner join {{ ref('int_observation_datee') }} as observation
        on
            membre.cle_territoire_qpv = observation.cle_territoire
            and agregat.code_indicateur = observation.code_indicateur
            and agregat.cle_ventilation = observation.cle_ventilation
            and agregat.cle_periode = observation.cle_periode
            and agregat.cle_jeu_source = observation.cle_jeu_source
    where agregat.est_retenu and agregat.valeur is not null
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
