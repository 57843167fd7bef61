-- Question : quelle part de femmes parmi les demandeurs d'emploi (A, B, C) des quartiers de chaque contrat ?
-- Grain : contrat × période.
-- Clé : code_contrat, generation, cle_periode
-- Réserve : un taux ne se moyenne pas. La part se recalcule, somme des femmes sur somme du total, et
-- seulement quand les deux sommes sont complètes (statut OK des deux côtés).
with sommes as (
    select
        code_territoire as code_contrat,
        generation,
        libelle_territoire as libelle_contrat,
        cle_periode,
        max(nb_qpv) as nb_qpv,
        max(case when cle_ventilation = 'SEXE=F' and code_statut = 'OK' then valeur end) as nb_femmes,
        max(case when cle_ventilation = 'TOTAL' and code_statut = 'OK' then valeur end) as nb_total
    from mart_agregat_qpv
    where
        code_indicateur = 'DE.NB.DEFM.ABC'
        and type_territoire = 'contrat_ville'
        and est_retenu
    group by code_territoire, generation, libelle_territoire, cle_periode
)

select
    code_contrat,
    generation,
    libelle_contrat,
    cle_periode,
    nb_qpv,
    nb_femmes,
    nb_total,
    100.0 * nb_femmes / nullif(nb_total, 0) as part_femmes
from sommes
order by code_contrat, generation, cle_periode
