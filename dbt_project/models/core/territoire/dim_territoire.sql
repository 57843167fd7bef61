with fictif as (
    select max(case when est_fictif then 1 else 0 end) = 1 as est_fictif
    from {{ ref('stg_entrepot__jeu_source') }}
)

select
    territoire.cle_territoire,
    territoire.type_territoire,
    territoire.code_territoire,
    territoire.libelle_territoire,
    territoire.generation,
    territoire.millesime_geo,
    territoire.champ,
    territoire.code_departement,
    territoire.code_region,
    territoire.valide_du,
    territoire.valide_au,
    territoire.est_courant,
    fictif.est_fictif
from {{ ref('int_territoire') }} as territoire
cross join fictif
order by territoire.cle_territoire
