select
    'epci:' || succession.siren_avant || ':' || avant.millesime_geo as cle_territoire_avant,
    'epci:' || succession.siren_apres || ':' || apres.millesime_geo as cle_territoire_apres,
    succession.siren_avant,
    succession.siren_apres,
    succession.nature,
    succession.date_effet,
    succession.statut_date,
    succession.origine,
    succession.source,
    succession.remarque
from {{ ref('int_epci_succession') }} as succession
inner join {{ ref('int_epci') }} as avant
    on succession.siren_avant = avant.siren_epci and not avant.est_courant
left join {{ ref('int_epci') }} as apres
    on succession.siren_apres = apres.siren_epci and apres.est_courant
order by succession.siren_avant, succession.siren_apres
