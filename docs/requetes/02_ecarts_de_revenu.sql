-- Question : quel écart de revenu disponible médian entre chaque quartier et son intercommunalité, et
-- pourquoi manque-t-il ?
-- Grain : quartier × intercommunalité × période.
-- Clé : code_qpv, libelle_zone, cle_periode
-- Réserve : l'écart (en euros) et le rapport se lisent ensemble. La zone contient le quartier (hors_qpv).
-- Une comparaison refusée reste une ligne, avec son motif. L'ordre est celui des codes.
select
    code_qpv,
    libelle_territoire,
    libelle_zone,
    cle_periode,
    valeur_qpv,
    valeur_zone,
    ecart_points,
    unite_ecart,
    rapport,
    lecture,
    hors_qpv,
    code_statut,
    motif
from mart_ecart_zone
where
    code_indicateur = 'PAU.REVENU_MEDIAN_DISP.FILO.UC'
    and code_comparateur = 'epci'
    and type_territoire = 'qpv'
    and portee = 'cellule'
order by code_qpv, libelle_zone, cle_periode
