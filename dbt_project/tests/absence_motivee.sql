-- What is expected and not loaded has a status of absence and a reason; what is loaded has neither.
select
    disponibilite.cle_disponibilite,
    disponibilite.code_statut
from {{ ref('fct_disponibilite') }} as disponibilite
inner join {{ ref('dim_statut') }} as statut on disponibilite.code_statut = statut.code_statut
where
    (disponibilite.charge and (disponibilite.motif is not null or statut.compte_comme_manquant <> 'non'))
    or (not disponibilite.charge and disponibilite.motif is null)
    or (disponibilite.attendu = (disponibilite.code_statut = 'NA'))
    or ((disponibilite.prochaine_date is null) = (disponibilite.motif_prochaine_date is null))
