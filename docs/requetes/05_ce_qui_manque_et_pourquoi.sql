-- Question : combien de valeurs de chaque jeu sont publiées, secrètes ou non diffusées ?
-- Grain : jeu × millésime × statut.
-- Clé : producteur, jeu, millesime, code_statut
-- Réserve : SECRET et ND ne disent pas la même chose : dans le premier cas le chiffre existe et il est
-- protégé, dans le second il n'est pas diffusé. Le régime du secret est celui du jeu (methode_secret).
select
    s.producteur,
    s.jeu,
    s.millesime,
    o.code_statut,
    s.methode_secret,
    count(*) as nb_valeurs,
    count(distinct o.code_indicateur) as nb_indicateurs
from fct_observation as o
inner join dim_jeu_source as s
    on o.cle_jeu_source = s.cle_jeu_source
where o.connu_au is null
group by s.producteur, s.jeu, s.millesime, o.code_statut, s.methode_secret
order by s.producteur, s.jeu, s.millesime, o.code_statut
