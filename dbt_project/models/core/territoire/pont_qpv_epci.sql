with comptes as (
    select
        code_qpv,
        generation,
        count(*) as nb_epci
    from {{ ref('int_qpv_epci') }}
    group by code_qpv, generation
)

select
    'qpv:' || lien.code_qpv || ':' || lien.generation as cle_territoire_qpv,
    'epci:' || lien.siren_epci || ':' || lien.millesime_geo as cle_territoire_epci,
    lien.code_qpv,
    lien.generation,
    lien.siren_epci,
    lien.millesime_geo as annee_geo,
    cast(lien.rang_citation as integer) as rang_citation,
    case when comptes.nb_epci = 1 then cast(100 as double precision) end as part_population,
    case when comptes.nb_epci = 1 then true end as est_principal
from {{ ref('int_qpv_epci') }} as lien
inner join comptes on lien.code_qpv = comptes.code_qpv and lien.generation = comptes.generation
order by lien.code_qpv, lien.siren_epci
