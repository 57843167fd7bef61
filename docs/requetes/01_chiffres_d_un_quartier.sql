-- Question : que sait-on d'un quartier à la dernière période connue, et que ne sait-on pas ?
-- Grain : indicateur × période × ventilation × jeu, pour un quartier (code à changer à la ligne « where »).
-- Clé : code_indicateur, cle_periode, cle_ventilation, jeu, millesime
-- Réserve : une valeur absente a un statut et un motif ; elle ne vaut jamais zéro. Un taux dont le
-- dénominateur est petit (petit_effectif) bouge pour quelques personnes.
select
    code_indicateur,
    libelle_indicateur,
    cle_periode,
    cle_ventilation,
    valeur,
    unite,
    denominateur,
    petit_effectif,
    code_statut,
    motif,
    jeu,
    millesime,
    position_t0
from mart_diagnostic_qpv
where
    code_qpv = 'QP059001'
    and est_plus_recente
    and cle_ventilation = 'TOTAL'
order by code_indicateur, cle_periode, cle_ventilation, jeu, millesime
