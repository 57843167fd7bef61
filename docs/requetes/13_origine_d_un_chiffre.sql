-- Question : de quelle ligne de quel fichier vient un chiffre ?
-- Grain : chiffre publié × cellule d'un fichier source.
-- Clé : cle_trace, role, cle_observation, fichier, ligne_source, colonne_source
-- Réserve : la clé de trace d'un chiffre est dans chaque mart (cle_trace). Un écart a plusieurs origines :
-- role dit laquelle est le quartier, laquelle est la zone.
select
    t.cle_trace,
    t.role,
    t.formule,
    t.cle_observation,
    t.producteur,
    t.jeu,
    t.millesime,
    t.fichier,
    t.ligne_source,
    t.colonne_source,
    t.valeur_texte_source,
    t.valeur,
    t.empreinte_sha256
from mart_tracabilite as t
inner join mart_ecart_zone as e
    on t.cle_trace = e.cle_trace
where
    e.code_indicateur = 'PAU.REVENU_MEDIAN_DISP.FILO.UC'
    and e.code_comparateur = 'epci'
    and e.ecart_points is not null
order by t.cle_trace, t.role, t.cle_observation, t.fichier, t.ligne_source, t.colonne_source
