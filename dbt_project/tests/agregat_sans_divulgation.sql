-- Nothing of an aggregate lets a withheld cell be read: no value while one is missing, no bound while only
-- one is.
select
    cle_agregat,
    nb_qpv_manquants,
    valeur,
    borne_basse
from {{ ref('mart_agregat_qpv') }}
where
    (nb_qpv_manquants > 0 and (valeur is not null or numerateur is not null or denominateur is not null))
    or (nb_qpv_manquants = 1 and borne_basse is not null)
    or (nb_qpv_manquants > 0 and borne_haute is not null)
    or nb_qpv_connus + nb_qpv_manquants > nb_qpv
    or (valeur is null) = (motif is null)
