-- A target without size or deadline, or read out of its validity, yields no achievement rate.
select
    cle_ligne,
    taux_atteinte
from {{ ref('mart_suivi_cibles') }}
where taux_atteinte is not null and (not est_complete or position_validite <> 'pendant')
