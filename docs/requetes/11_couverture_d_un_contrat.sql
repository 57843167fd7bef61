-- Question : quels dispositifs sont présents dans les quartiers d'un contrat (code à changer) ?
-- Grain : quartier × dispositif × période.
-- Clé : code_qpv, code_dispositif, debut
-- Réserve : présent n'est pas utilisé. Une présence déduite (d'une ligne de poste du contrat) n'est pas une
-- présence déclarée. Sans source, la présence est inconnue, et non fausse.
select
    m.code_qpv,
    m.libelle_qpv,
    m.code_dispositif,
    m.libelle_dispositif,
    m.debut,
    m.fin,
    m.present,
    m.origine,
    m.code_statut,
    m.motif
from mart_couverture_dispositif as m
inner join pont_qpv_contrat as p
    on m.cle_territoire = p.cle_territoire_qpv
where p.code_contrat = 'CV192'
order by m.code_qpv, m.code_dispositif, m.debut
