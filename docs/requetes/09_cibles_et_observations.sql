-- Question : quelles cibles des textes ont une valeur observée, et qu'en est-il de leur validité ?
-- Grain : cible × observation (ou cible seule, quand aucune observation n'existe).
-- Clé : cle_ligne
-- Réserve : une cible hors de sa période de validité est de l'histoire, jamais un échec. Une cible sans
-- échéance ou sans ampleur n'a pas de taux d'atteinte (motif_taux).
select
    cle_ligne,
    code_cible,
    libelle_dispositif,
    libelle_indicateur,
    type_cible,
    texte_fixant,
    valeur_cible,
    unite,
    territoire_cite,
    debut,
    fin,
    valeur_observee,
    position_validite,
    taux_atteinte,
    motif_taux,
    part_parite,
    code_statut,
    motif
from mart_suivi_cibles
order by cle_ligne
