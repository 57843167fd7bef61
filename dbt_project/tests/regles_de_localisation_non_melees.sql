-- A share of counted residents only stands on counts by residence, under one rule.
select
    cle_ligne,
    regle_localisation
from {{ ref('mart_ciblage_droit_commun') }}
where
    beneficiaires_qpv is not null
    and beneficiaires_total is not null
    and regle_localisation <> 'residence'
