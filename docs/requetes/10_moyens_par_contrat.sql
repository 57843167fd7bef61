-- Question : combien de lignes de postes (adultes-relais, FONJEP) chaque contrat reçoit-il par an ?
-- Grain : contrat × année × type de moyen.
-- Clé : code_contrat, generation, annee, type_moyen
-- Réserve : une ligne de subvention n'est pas un poste. Certaines lignes n'ont pas de contrat : elles restent
-- à la région, et leur nombre est dans nb_lignes_sans_contrat.
select
    code_territoire as code_contrat,
    generation,
    libelle_territoire as libelle_contrat,
    annee,
    type_moyen,
    nb_lignes,
    nb_postes,
    montant,
    unite,
    code_statut,
    motif
from mart_moyens_specifiques
where
    type_territoire = 'contrat_ville'
    and type_moyen in ('adulte_relais', 'poste_fonjep')
order by code_contrat, generation, annee, type_moyen
