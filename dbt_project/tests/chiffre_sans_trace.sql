-- Each published figure on schemes, targets, means and contradictions leads to a line of a file or
-- to a document.
with figures as (
    select cle_ligne as cle_trace
    from {{ ref('mart_ciblage_droit_commun') }}
    where part_qpv is not null or beneficiaires_qpv is not null or beneficiaires_total is not null
    union all
    select cle_ligne as cle_trace
    from {{ ref('mart_couverture_dispositif') }}
    where present
    union all
    select cle_ligne as cle_trace
    from {{ ref('mart_moyens_specifiques') }}
    where montant is not null
    union all
    select cle_ligne as cle_trace
    from {{ ref('mart_suivi_cibles') }}
    union all
    select cle_ligne as cle_trace
    from {{ ref('mart_objectif_national') }}
    union all
    select cle_contradiction as cle_trace
    from {{ ref('mart_contradictions') }}
    union all
    select cle_trace
    from {{ ref('mart_fiche_contrat_ville') }}
    where bloc in (4, 5, 7) and valeur is not null and cle_trace is not null
)

select figures.cle_trace
from figures
where not exists (
    select 1 as un
    from {{ ref('mart_tracabilite') }} as trace
    where trace.cle_trace = figures.cle_trace
)
