-- A derived measure is a difference or a ratio: its names and labels promise nothing more, nor a ranking.
select
    code_indicateur,
    libelle_indicateur
from {{ ref('dim_indicateur') }}
where
    est_derive
    and (
        lower(libelle_indicateur) like '%effet%'
        or lower(libelle_indicateur) like '%impact%'
        or lower(libelle_indicateur) like '%score%'
        or lower(libelle_indicateur) like '%classement%'
    )
