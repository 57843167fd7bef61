{{ config(materialized='view') }}
-- The rows of fct_observation as known on a day: the present ones, or with `--vars 'connu_le: AAAA-MM-JJ'`
-- those known at the end of that day. Every mart reads it, so that none forgets that a figure has versions.
select
    cle_observation,
    code_indicateur,
    cle_territoire,
    cle_periode,
    cle_ventilation,
    cle_jeu_source,
    code_variable,
    valeur,
    numerateur,
    denominateur,
    borne_basse,
    borne_haute,
    unite,
    code_statut,
    motif,
    reserve,
    valeur_precedente,
    signe_source,
    note_source,
    evidence_periode,
    fichier,
    empreinte_sha256,
    ligne_source,
    colonne_source,
    colonne_numero,
    valeur_texte_source,
    publie_le,
    connu_du,
    connu_au
from {{ ref('int_observation') }}
where {{ connue_le('connu_du', 'connu_au') }}
