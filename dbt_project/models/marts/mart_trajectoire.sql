-- From the first documented period (T0) to each later one, with the names of things and the caveat that
-- goes with every trajectory. The rules are in int_trajectoire.
select
    'mart_trajectoire|' || trajectoire.cle_trajectoire as cle_trace,
    trajectoire.cle_territoire,
    trajectoire.cle_territoire_t0,
    territoire.type_territoire,
    territoire.code_territoire,
    territoire.libelle_territoire,
    case when territoire.type_territoire = 'qpv' then territoire.code_territoire end as code_qpv,
    trajectoire.generation,
    case when territoire.type_territoire = 'qpv' then territoire.libelle_territoire end as libelle_qpv,
    territoire.code_departement,
    territoire.code_region,
    trajectoire.code_indicateur,
    indicateur.libelle_indicateur,
    trajectoire.cle_ventilation,
    trajectoire.code_comparateur,
    trajectoire.cle_territoire_zone,
    trajectoire.cle_periode_t0,
    trajectoire.cle_periode_t,
    periode_t0.libelle_periode as libelle_periode_t0,
    periode_t.libelle_periode as libelle_periode_t,
    trajectoire.valeur_t0,
    trajectoire.valeur_t,
    trajectoire.trajectoire,
    trajectoire.valeur_zone_t0,
    trajectoire.valeur_zone_t,
    trajectoire.variation_zone,
    trajectoire.trajectoire_relative,
    trajectoire.part_ecart_resorbee,
    trajectoire.motif_part_ecart,
    trajectoire.unite,
    trajectoire.comparable,
    trajectoire.motif_non_comparable,
    trajectoire.code_statut,
    trajectoire.meme_publication,
    'Les habitants changent : une évolution du quartier n''est pas celle des personnes qui y vivaient '
    || 'au départ.' as reserve,
    trajectoire.cle_observation_t0,
    trajectoire.cle_observation_t,
    trajectoire.cle_observation_zone_t0,
    trajectoire.cle_observation_zone_t,
    territoire.est_fictif
from {{ ref('int_trajectoire') }} as trajectoire
inner join {{ ref('dim_territoire') }} as territoire
    on trajectoire.cle_territoire = territoire.cle_territoire
inner join {{ ref('dim_indicateur') }} as indicateur
    on trajectoire.code_indicateur = indicateur.code_indicateur
inner join {{ ref('dim_periode') }} as periode_t0 on trajectoire.cle_periode_t0 = periode_t0.cle_periode
inner join {{ ref('dim_periode') }} as periode_t on trajectoire.cle_periode_t = periode_t.cle_periode
order by cle_trace
