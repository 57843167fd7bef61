-- Question : quels quartiers relèvent de plusieurs contrats de ville ?
-- Grain : quartier × contrat, pour les quartiers partagés.
-- Clé : code_qpv, code_contrat
-- Réserve : additionner les contrats compte ces quartiers plusieurs fois. Aucune part de population n'est
-- établie, et l'ordre des intercommunalités dans un fichier n'est pas une règle d'attribution.
select
    p.code_qpv,
    p.code_contrat,
    p.generation,
    q.libelle_qpv,
    c.libelle_contrat,
    p.mode_rattachement,
    p.est_principal
from pont_qpv_contrat as p
inner join dim_qpv as q
    on p.cle_territoire_qpv = q.cle_territoire
inner join dim_contrat_ville as c
    on p.cle_territoire_contrat = c.cle_territoire
where p.est_partage
order by p.code_qpv, p.code_contrat
