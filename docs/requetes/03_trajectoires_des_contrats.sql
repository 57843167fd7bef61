-- Question : comment évolue le nombre de demandeurs d'emploi (A, B, C) des quartiers d'un contrat, et quand
-- la comparaison est-elle refusée ?
-- Grain : contrat × couple de périodes.
-- Clé : code_contrat, generation, cle_periode_t0, cle_periode_t
-- Réserve : les habitants changent ; la trajectoire d'un quartier n'est pas celle de ceux qui y vivaient au
-- départ. Une trajectoire refusée est une ligne qui dit pourquoi.
select
    code_territoire as code_contrat,
    generation,
    libelle_territoire as libelle_contrat,
    cle_periode_t0,
    cle_periode_t,
    valeur_t0,
    valeur_t,
    trajectoire,
    unite,
    comparable,
    motif_non_comparable,
    code_statut
from mart_trajectoire
where
    code_indicateur = 'DE.NB.DEFM.ABC'
    and cle_ventilation = 'TOTAL'
    and type_territoire = 'contrat_ville'
    and code_comparateur is null
order by code_contrat, generation, cle_periode_t0, cle_periode_t
