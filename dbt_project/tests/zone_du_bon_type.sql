-- A zone is of the type that its comparator defines; a comparator without a definition has no zone.
select
    lien.cle_territoire_qpv,
    lien.code_comparateur,
    lien.cle_territoire_zone
from {{ ref('pont_qpv_zone') }} as lien
inner join {{ ref('dim_comparateur') }} as comparateur
    on lien.code_comparateur = comparateur.code_comparateur
inner join {{ ref('dim_territoire') }} as territoire
    on lien.cle_territoire_zone = territoire.cle_territoire
where
    not comparateur.est_definition_lue
    or comparateur.type_territoire is null
    or comparateur.type_territoire <> territoire.type_territoire
