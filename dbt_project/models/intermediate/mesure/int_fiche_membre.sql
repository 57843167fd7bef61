-- Who speaks on the page of a contract: the contract itself, then each of its neighbourhoods.
select
    cle_territoire,
    generation,
    cle_territoire as cle_territoire_ligne,
    'contrat' as niveau,
    count(*) as nb_qpv
from {{ ref('int_agregat_membre') }}
where type_territoire = 'contrat_ville'
group by cle_territoire, generation
union all
select
    cle_territoire,
    generation,
    cle_territoire_qpv as cle_territoire_ligne,
    'qpv' as niveau,
    1 as nb_qpv
from {{ ref('int_agregat_membre') }}
where type_territoire = 'contrat_ville'
