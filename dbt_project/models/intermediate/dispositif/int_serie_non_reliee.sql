-- National series that the reviewed list does not know, or whose field is not the whole country.
select
    poem.producteur,
    poem.jeu,
    poem.millesime,
    poem.code_serie,
    poem.champ,
    count(*) as nb_mois
from {{ ref('stg_dares__poem') }} as poem
left join {{ ref('serie_poem') }} as serie on poem.code_serie = serie.code_serie
where serie.code_serie is null or poem.champ is null or poem.champ <> 'France entière'
group by poem.producteur, poem.jeu, poem.millesime, poem.code_serie, poem.champ
