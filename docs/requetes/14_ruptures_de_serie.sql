-- Question : quelles séries sont rompues, à quelle date et pourquoi ?
-- Grain : indicateur × date de rupture.
-- Clé : code_indicateur, rupture_le
-- Réserve : une évolution qui traverse une rupture est refusée dans mart_trajectoire.
select
    r.code_indicateur,
    i.libelle_indicateur,
    r.rupture_le,
    r.raison
from dim_rupture_serie as r
inner join dim_indicateur as i
    on r.code_indicateur = i.code_indicateur
order by r.code_indicateur, r.rupture_le
