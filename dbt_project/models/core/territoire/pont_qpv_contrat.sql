with comptes as (
    select
        code_qpv,
        generation,
        count(*) as nb_contrats
    from {{ ref('int_qpv_contrat') }}
    group by code_qpv, generation
)

select
    'qpv:' || lien.code_qpv || ':' || lien.generation as cle_territoire_qpv,
    'contrat_ville:' || lien.code_contrat || ':' || lien.generation as cle_territoire_contrat,
    lien.code_qpv,
    lien.generation,
    lien.code_contrat,
    lien.mode_rattachement,
    comptes.nb_contrats > 1 as est_partage,
    case when comptes.nb_contrats = 1 then cast(100 as double precision) end as part_population,
    case when comptes.nb_contrats = 1 then true end as est_principal
from {{ ref('int_qpv_contrat') }} as lien
inner join comptes on lien.code_qpv = comptes.code_qpv and lien.generation = comptes.generation
order by lien.code_qpv, lien.code_contrat
