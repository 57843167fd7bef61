-- Variables that a file holds and the dictionary does not: kept in bronze, reported, never guessed.
select
    cellule.producteur,
    cellule.jeu,
    cellule.millesime,
    cellule.code_variable,
    max(cellule.colonne_numero) as colonne_numero,
    count(*) as nb_cellules,
    count(cellule.valeur) as nb_valeurs
from {{ ref('int_observation__cellule') }} as cellule
left join {{ ref('variable_source') }} as variable
    on
        cellule.producteur = variable.producteur
        and cellule.jeu = variable.jeu
        and cellule.code_variable = variable.code_variable
where cellule.role = 'variable' and variable.code_variable is null
group by cellule.producteur, cellule.jeu, cellule.millesime, cellule.code_variable
