-- Question : que devient chaque quartier de 2015 dans la géographie de 2024 ?
-- Grain : couple (quartier 2015, quartier 2024) ; un entrant n'a pas de 2015, un sortant pas de 2024.
-- Clé : cle_passage
-- Réserve : la correspondance officielle n'a ni poids ni part de population. Seule la relation « identique »
-- permet de prolonger une série ; origine sépare ce que l'ANCT déclare de ce que l'entrepôt déduit.
select
    coalesce(p.code_qpv_2015, '') || '>' || coalesce(p.code_qpv_2024, '') as cle_passage,
    p.code_qpv_2015,
    avant.libelle_qpv as libelle_2015,
    p.code_qpv_2024,
    apres.libelle_qpv as libelle_2024,
    p.relation,
    p.origine,
    p.qualite,
    p.remarque
from pont_qpv_generation as p
left join dim_qpv as avant
    on p.cle_territoire_2015 = avant.cle_territoire
left join dim_qpv as apres
    on p.cle_territoire_2024 = apres.cle_territoire
order by cle_passage
