-- In a masked base no count below the smallest published one occurs: a 0 would be a blank read as zero.
select
    observation.cle_observation,
    observation.valeur
from {{ ref('int_observation') }} as observation
inner join {{ ref('dim_jeu_source') }} as jeu_source
    on observation.cle_jeu_source = jeu_source.cle_jeu_source
where
    jeu_source.methode_secret = 'masquage'
    and observation.nature = 'effectif'
    and observation.valeur < jeu_source.seuil
