{{ config(materialized='view') }}
-- The view an analyst opens first: every observation known today with its labels, its period and its origin;
-- the former values are in fct_observation. Its tables are named without their database, so that the file can
-- be attached under any name.
select
    territoire.type_territoire,
    territoire.code_territoire,
    territoire.libelle_territoire,
    territoire.generation,
    territoire.code_region,
    territoire.code_departement,
    observation.code_indicateur,
    indicateur.libelle_indicateur,
    indicateur.famille,
    observation.code_variable,
    observation.cle_ventilation,
    ventilation.libelle_ventilation,
    periode.type_periode,
    periode.debut,
    periode.fin,
    periode.libelle_periode,
    observation.evidence_periode,
    jeu_source.producteur,
    jeu_source.jeu,
    jeu_source.millesime,
    observation.valeur,
    observation.numerateur,
    observation.denominateur,
    observation.borne_basse,
    observation.borne_haute,
    observation.unite,
    observation.code_statut,
    statut.libelle_statut,
    observation.motif,
    observation.reserve,
    observation.valeur_precedente,
    observation.note_source,
    observation.fichier,
    observation.empreinte_sha256,
    observation.ligne_source,
    observation.colonne_source,
    observation.colonne_numero,
    observation.valeur_texte_source,
    observation.publie_le,
    observation.connu_du,
    observation.cle_observation,
    observation.cle_territoire,
    observation.cle_periode,
    observation.cle_jeu_source,
    territoire.est_fictif
from {{ ref('fct_observation').include(database=false) }} as observation
inner join {{ ref('dim_territoire').include(database=false) }} as territoire
    on observation.cle_territoire = territoire.cle_territoire
inner join {{ ref('dim_indicateur').include(database=false) }} as indicateur
    on observation.code_indicateur = indicateur.code_indicateur
inner join {{ ref('dim_ventilation').include(database=false) }} as ventilation
    on observation.cle_ventilation = ventilation.cle_ventilation
inner join {{ ref('dim_periode').include(database=false) }} as periode
    on observation.cle_periode = periode.cle_periode
inner join {{ ref('dim_jeu_source').include(database=false) }} as jeu_source
    on observation.cle_jeu_source = jeu_source.cle_jeu_source
inner join {{ ref('dim_statut').include(database=false) }} as statut
    on observation.code_statut = statut.code_statut
where observation.connu_au is null
