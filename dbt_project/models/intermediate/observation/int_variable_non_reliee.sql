-- Variables that a file in use holds and neither the dictionary, nor a series, nor the list of those left
-- aside knows: kept in bronze, reported, never guessed.
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
left join {{ ref('variable_ecartee') }} as ecartee
    on
        cellule.producteur = ecartee.producteur
        and cellule.jeu = ecartee.jeu
        and cellule.code_variable like ecartee.motif_variable escape '#'
where
    cellule.role = 'variable'
    and cellule.trimestre is null
    and cellule.connu_au is null
    and variable.code_variable is null
    and ecartee.motif_variable is null
group by cellule.producteur, cellule.jeu, cellule.millesime, cellule.code_variable
