-- All the neighbourhoods of a contract, a département or a region together: the series « population en QPV
-- », on the perimeters of one generation.
select
    agregat.cle_agregat,
    agregat.cle_territoire,
    territoire.type_territoire,
    territoire.code_territoire,
    territoire.libelle_territoire,
    agregat.generation,
    agregat.code_indicateur,
    indicateur.libelle_indicateur,
    indicateur.additif,
    agregat.cle_ventilation,
    agregat.cle_periode,
    periode.libelle_periode,
    agregat.cle_jeu_source,
    agregat.methode_agregation,
    agregat.nb_qpv,
    agregat.nb_qpv_connus,
    agregat.nb_qpv_manquants,
    agregat.nb_qpv_partages,
    agregat.valeur,
    agregat.numerateur,
    agregat.denominateur,
    agregat.borne_basse,
    agregat.borne_haute,
    agregat.unite,
    agregat.code_statut,
    agregat.motif,
    agregat.reserve,
    agregat.est_retenu,
    territoire.est_fictif
from {{ ref('int_agregat_qpv') }} as agregat
inner join {{ ref('dim_territoire') }} as territoire on agregat.cle_territoire = territoire.cle_territoire
inner join {{ ref('dim_indicateur') }} as indicateur
    on agregat.code_indicateur = indicateur.code_indicateur
inner join {{ ref('dim_periode') }} as periode on agregat.cle_periode = periode.cle_periode
order by agregat.cle_agregat
