-- Question : quelle part des bénéficiaires d'un dispositif habite un QPV, à côté de la part de parité ?
-- Grain : une ligne de mart_ciblage_droit_commun : dispositif × territoire × période × flux × parité × fait.
-- Clé : cle_ligne
-- Réserve : un quota atteint n'est pas la parité. Sans part de parité du même territoire et de la même date,
-- l'indice n'est pas calculé, et motif_indice dit pourquoi.
select
    cle_ligne,
    libelle_dispositif,
    libelle_territoire,
    cle_periode,
    type_flux,
    regle_localisation,
    part_qpv,
    part_parite,
    indice_ciblage,
    motif_indice,
    valeur_cible,
    est_cible_atteinte,
    est_parite_atteinte,
    code_statut,
    motif
from mart_ciblage_droit_commun
where part_qpv is not null or part_parite is not null
order by cle_ligne
