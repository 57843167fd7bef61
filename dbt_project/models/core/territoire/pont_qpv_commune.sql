with comptes as (
    select
        code_qpv,
        generation,
        count(*) as nb_communes
    from {{ ref('int_qpv_commune') }}
    group by code_qpv, generation
)

select
    'qpv:' || lien.code_qpv || ':' || lien.generation as cle_territoire_qpv,
    'commune:' || lien.code_commune || ':' || lien.millesime_geo as cle_territoire_commune,
    lien.code_qpv,
    lien.generation,
    lien.code_commune,
    lien.millesime_geo as annee_geo,
    cast(lien.rang_citation as integer) as rang_citation,
    lien.libelle_source,
    lien.mode_identification,
    -- Nothing published shares a QPV between its communes: the share is known only when there is one commune.
    case when comptes.nb_communes = 1 then cast(100 as double precision) end as part_population,
    case when comptes.nb_communes = 1 then true end as est_principal
from {{ ref('int_qpv_commune') }} as lien
inner join comptes on lien.code_qpv = comptes.code_qpv and lien.generation = comptes.generation
where lien.code_commune is not null
order by lien.code_qpv, lien.code_commune
