-- On the page of a contract a figure has its comparison or says why not, an absence has its reason, and
-- the diagnostic holds twelve indicators at most.
select
    cle_ligne,
    motif_comparaison
from {{ ref('mart_fiche_contrat_ville') }}
where
    type_ligne = 'chiffre'
    and (
        (valeur is null and motif is null)
        or (valeur is not null and motif is not null)
        or (bloc in (2, 3, 4) and ecart_points is null and motif_comparaison is null)
    )
union all
select
    cle_territoire as cle_ligne,
    cast(count(*) as varchar) as motif_comparaison
from {{ ref('mart_fiche_contrat_ville') }}
where bloc = 2 and niveau = 'contrat'
group by cle_territoire
having count(*) > 12
