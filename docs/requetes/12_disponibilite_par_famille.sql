-- Question : pour chaque contrat, quelle part des cellules attendues est connue, famille par famille ?
-- Grain : contrat × famille d'indicateurs.
-- Clé : code_contrat, generation, famille
-- Réserve : le taux compte des cellules, pas de l'importance. Ce qui est « sans objet » n'est pas attendu.
select
    code_territoire as code_contrat,
    generation,
    libelle_territoire as libelle_contrat,
    famille,
    count(*) as nb_indicateurs,
    sum(cellules_attendues) as nb_attendues,
    sum(cellules_connues) as nb_connues,
    sum(cellules_secret) as nb_secret,
    sum(cellules_non_diffusees) as nb_non_diffusees,
    sum(cellules_non_collectees) as nb_non_collectees,
    100.0 * sum(cellules_connues) / nullif(sum(cellules_attendues), 0) as taux_renseignement
from mart_disponibilite
where type_territoire = 'contrat_ville'
group by code_territoire, generation, libelle_territoire, famille
order by code_contrat, generation, famille
