"""Suites of the published relations: each rule holds on a sound warehouse and fails on a broken one."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from qpv_emploi.qualite import Controle
from qpv_emploi.qualite.marts import judge_warehouse
from qpv_emploi.qualite.suites import mart_suites
from qpv_emploi.settings import Settings

REGLAGES = Settings()
SUITES = {suite.suite: suite for suite in mart_suites(REGLAGES.expectations_dir)}

# A warehouse of two neighbourhoods: a published count, a withheld one, a trajectory and a refused one.
ENTREPOT = """
create table dim_qpv as select * from (values
  ('qpv:QP991001:2015', 'QP991001', '2015', 'Les Pins', '991'),
  ('qpv:QP02A002:2015', 'QP02A002', '2015', 'Le Port', '2A'),
  ('qpv:QN99101M:2024', 'QN99101M', '2024', 'Les Pins', '991')
) t(cle_territoire, code_qpv, generation, libelle_qpv, code_departement);

create table dim_periode as select * from (values
  ('i16', date '2016-12-31', date '2016-12-31'),
  ('i20', date '2020-12-31', date '2020-12-31'),
  ('inc', null, null)
) t(cle_periode, debut, fin);

create table fct_observation as select * from (values
  ('o1', 100.0, 'OK', null, repeat('a', 64), 2, 3),
  ('o2', 80.0, 'OK', null, repeat('b', 64), 2, 3),
  ('o3', null, 'SECRET', 'cellule retenue', repeat('b', 64), 3, 3)
) t(cle_observation, valeur, code_statut, motif, empreinte_sha256, ligne_source, colonne_numero);

create table mart_diagnostic_qpv as select * from (values
  ('d1', 'qpv:QP991001:2015', 'QP991001', '2015', 'ABC', 'TOTAL', 80.0, 'OK', '31 décembre 2020', 'o2'),
  ('d2', 'qpv:QP02A002:2015', 'QP02A002', '2015', 'ABC', 'TOTAL', 100.0, 'OK', '31 décembre 2016', 'o1'),
  ('d3', 'qpv:QN99101M:2024', 'QN99101M', '2024', 'ABC', 'TOTAL', 80.0, 'OK', '31 décembre 2020', 'o2')
) t(cle_trace, cle_territoire, code_qpv, generation, code_indicateur, cle_ventilation, valeur, code_statut,
    libelle_periode, cle_observation);

create table mart_trajectoire as select * from (values
  ('t1', 'i16', 'i20', 100.0, 80.0, -20.0, true, null, 'o1', 'o2'),
  ('t2', 'i16', 'i20', 100.0, null, null, false, 'valeur d''arrivée absente (statut SECRET)', 'o1', 'o3'),
  ('t3', 'i16', 'inc', 100.0, 80.0, null, false, 'période non documentée', 'o1', 'o2'),
  ('t4', 'i16', 'i20', 300.0, 280.0, -20.0, true, null, null, null)
) t(cle_trace, cle_periode_t0, cle_periode_t, valeur_t0, valeur_t, trajectoire, comparable,
    motif_non_comparable, cle_observation_t0, cle_observation_t);

create table mart_disponibilite as select * from (values
  ('cv:1', '2015', 'ABC', 2, 2, 1, 1, 0, 0, 50::double, 'secret', date '2027-01-01', null),
  ('cv:1', '2015', 'TX', 2, 0, 0, 0, 0, 0, null, null, null, 'aucune suite annoncée')
) t(cle_territoire, generation, code_indicateur, nb_qpv, cellules_attendues, cellules_connues,
    cellules_secret, cellules_non_diffusees, cellules_non_collectees, taux_renseignement, motif_principal,
    prochaine_date, motif_prochaine_date);

create table mart_ecart_zone as select * from (values
  ('e1', '2015', 'cellule', 'non', 40.0, 50.0, -10.0, 0.8, 'défavorable', 'OK', null),
  ('e2', '2015', 'indicateur', 'non', null, 50.0, null, null, null, 'SECRET', 'valeur absente'),
  ('e3', '2024', 'cellule', 'non', 40.0, 0.0, 40.0, null, 'favorable', 'PERT', null)
) t(cle_trace, generation, portee, hors_qpv, valeur_qpv, valeur_zone, ecart_points, rapport, lecture,
    code_statut, motif);

create table mart_agregat_qpv as select * from (values
  ('a1', 3, 3, 0, 90::double, null::double, null::double, 90::double, 90::double, 'OK', null),
  ('a2', 3, 2, 1, null, null, null, null, null, 'SECRET', 'un quartier retenu'),
  ('a3', 3, 1, 2, null, null, null, 30.0, null, 'SECRET', 'deux quartiers retenus')
) t(cle_agregat, nb_qpv, nb_qpv_connus, nb_qpv_manquants, valeur, numerateur, denominateur, borne_basse,
    borne_haute, code_statut, motif);

create table mart_ciblage_droit_commun as select * from (values
  ('c1', 80::double, 400.0, 20.0, 25.0, 0.8::double, -20::double, null, null),
  ('c2', null, 400.0, null, null, null, null, 'part inconnue', 'résidence non collectée')
) t(cle_ligne, beneficiaires_qpv, beneficiaires_total, part_qpv, part_parite, indice_ciblage,
    ecart_a_la_parite, motif_indice, motif);

create table mart_suivi_cibles as select * from (values
  ('s1', true, 'pendant', 12.0, 80.0, null, null),
  ('s2', true, 'apres', 12.0, null, 'hors de la validité', null),
  ('s3', false, 'pendant', null, null, 'cible sans échéance', 'aucune valeur observée')
) t(cle_ligne, est_complete, position_validite, valeur_observee, taux_atteinte, motif_taux, motif);

create table mart_moyens_specifiques as select * from (values
  ('m1', 1000::double, 4, 3, 2, 1, null::integer, 'OK', null),
  ('m2', null, null, null, null, null, null, 'NC', 'à saisir localement')
) t(cle_ligne, montant, nb_lignes_fichier, nb_lignes, nb_identifiants, nb_lignes_sans_contrat, nb_postes,
    code_statut, motif);

create table mart_couverture_dispositif as select * from (values
  ('g1', true, 'deduit', 12.0, null),
  ('g2', null, 'inconnue', null, 'aucune source')
) t(cle_ligne, present, origine, beneficiaires, motif);

create table mart_objectif_national as select * from (values
  ('n1', true, 10.0, null, -3.0, -1.0),
  ('n2', false, null, 'deux publications', -30.0, -9.0)
) t(cle_ligne, meme_publication, part_ecart_resorbee, motif_part_ecart_resorbee, variation_ecart,
    variation_rapport);

create table mart_contradictions as
select 'GC' || lpad(i::varchar, 2, '0') as code_groupe, 'une règle' as regle from range(1, 25) t(i);

create table dim_contrat_ville as select * from (values
  ('cv:1', 'CV001', '2015'), ('cv:2', 'CN99101M', '2024'), ('cv:3', 'CN99102M', '2024')
) t(cle_territoire, code_contrat, generation);

create table pont_qpv_contrat as select * from (values
  ('qpv:QP991001:2015', 'cv:1', 'CV001'), ('qpv:QP02A002:2015', 'cv:1', 'CV001'),
  ('qpv:QN99101M:2024', 'cv:2', 'CN99101M')
) t(cle_territoire_qpv, cle_territoire_contrat, code_contrat);

create table mart_fiche_contrat_ville as
select c.cle_territoire, b.bloc, 'contrat' as niveau, 'chiffre' as type_ligne, 'secret' as valeur_affichee,
       null::double as valeur, 'cellule retenue' as motif
from dim_contrat_ville as c, range(1, 10) b(bloc) where c.cle_territoire <> 'cv:3';

create table dim_territoire as select * from (values
  ('commune:99101:2024', 'commune', '99101', 'Les Pins', true),
  ('commune:99101:2015', 'commune', '99101', 'Les Pins', false)
) t(cle_territoire, type_territoire, code_territoire, libelle_territoire, est_courant);

create table fct_beneficiaires as select * from (values
  ('b1', 12.0, 'residence', 'OK', null), ('b2', null, 'residence', 'SECRET', 'cellule retenue')
) t(cle_beneficiaires, nombre, regle_localisation, code_statut, motif);

create table fct_saisie_locale as select * from (values
  ('l1', 137.0, null, 'OK', null, 'service', 'organisme', date '2025-06-30', 4),
  ('l2', null, 'oui', 'OK', null, 'service', 'organisme', date '2025-06-30', 5),
  ('l3', null, null, 'ND', 'non transmis', 'service', 'organisme', date '2025-06-30', 6)
) t(cle_saisie, valeur, constat, code_statut, motif, auteur, organisme, saisi_le, ligne_source);

create table fct_moyens as select * from (values
  ('p1', 1000.0, 'CV001', null, 1), ('p2', 500.0, null, 'aucun contrat dans le fichier', 2)
) t(cle_moyen, montant, code_contrat, motif_contrat, nb_lignes_identiques);

create table mart_tracabilite as
select chiffre.cle_trace, chiffre.role, 'f.csv' as fichier, o.empreinte_sha256, o.ligne_source,
       o.colonne_numero, o.valeur
from (values ('d1', 'valeur', 'o2'), ('d2', 'valeur', 'o1'), ('d3', 'valeur', 'o2'),
             ('t1', 'valeur_t0', 'o1'), ('t1', 'valeur_t', 'o2'),
             ('t2', 'valeur_t0', 'o1'), ('t2', 'valeur_t', 'o3'),
             ('t3', 'valeur_t0', 'o1'), ('t3', 'valeur_t', 'o2')
) chiffre(cle_trace, role, cle_observation)
inner join fct_observation as o on chiffre.cle_observation = o.cle_observation;
"""

Ecart = tuple[str, str]
NON_NUL = "expect_column_values_to_not_be_null"
NUL = "expect_column_values_to_be_null"
UNIQUE = "expect_column_values_to_be_unique"
CLE = "expect_compound_columns_to_be_unique"
ENTRE = "expect_column_values_to_be_between"
LIGNES = "expect_table_row_count_to_be_between"
FORME = "expect_column_values_to_match_regex"
PARMI = "expect_column_values_to_be_in_set"

# Suites that only warn.
AVERTISSEMENTS = {
    *("mart_diagnostic_qpv__quartiers", "mart_ecart_zone__generations", "pont_qpv_contrat__rattachement"),
}

# Suites that name the fault of a row: key of the relation, and one change per fault.
_CLES = {
    "mart_ecart_zone": "cle_trace",
    "mart_agregat_qpv": "cle_agregat",
    "mart_ciblage_droit_commun": "cle_ligne",
    "mart_suivi_cibles": "cle_ligne",
    "mart_moyens_specifiques": "cle_ligne",
    "mart_couverture_dispositif": "cle_ligne",
    "mart_objectif_national": "cle_ligne",
    "fct_beneficiaires": "cle_beneficiaires",
    "fct_moyens": "cle_moyen",
    "fct_saisie_locale": "cle_saisie",
}
_FAUTES: dict[str, list[tuple[str, str]]] = {
    "mart_ecart_zone": [
        ("e2", "rapport = 1"),
        ("e2", "lecture = 'favorable'"),
        ("e2", "motif = null"),
        ("e2", "code_statut = 'OK'"),
        ("e1", "motif = 'x'"),
        ("e1", "code_statut = 'ND'"),
        ("e1", "valeur_zone = null, rapport = null"),
        ("e1", "ecart_points = 10"),
        ("e1", "rapport = null"),
        ("e3", "rapport = 1"),
        ("e3", "hors_qpv = 'oui'"),
    ],
    "mart_agregat_qpv": [
        ("a2", "valeur = 60, motif = null, code_statut = 'OK'"),
        ("a3", "numerateur = 1"),
        ("a3", "denominateur = 1"),
        ("a2", "borne_basse = 60"),
        ("a3", "borne_haute = 60"),
        ("a1", "nb_qpv_connus = 4"),
        ("a3", "motif = null"),
        ("a1", "code_statut = 'SECRET'"),
        ("a3", "code_statut = 'OK'"),
    ],
    "mart_ciblage_droit_commun": [
        ("c1", "part_parite = null"),
        ("c1", "part_qpv = null"),
        ("c1", "indice_ciblage = 1.25"),
        ("c1", "motif_indice = 'x'"),
        ("c2", "motif_indice = null"),
        ("c2", "motif = null"),
        ("c1", "beneficiaires_qpv = 401, ecart_a_la_parite = 301"),
        ("c1", "beneficiaires_qpv = -1, ecart_a_la_parite = -101"),
        ("c1", "ecart_a_la_parite = 20"),
    ],
    "mart_suivi_cibles": [
        ("s1", "est_complete = false"),
        ("s2", "taux_atteinte = 80"),
        ("s1", "valeur_observee = null, motif = 'x'"),
        ("s2", "motif_taux = null"),
        ("s3", "motif = null"),
    ],
    "mart_moyens_specifiques": [
        ("m1", "montant = -1"),
        ("m1", "nb_postes = 3"),
        ("m1", "code_statut = 'NC'"),
        ("m2", "code_statut = 'OK'"),
        ("m2", "motif = null"),
        ("m1", "nb_lignes_sans_contrat = 4"),
        ("m1", "nb_lignes_fichier = 2"),
        ("m1", "nb_identifiants = 4"),
    ],
    "mart_couverture_dispositif": [
        ("g1", "present = false"),
        ("g2", "motif = null"),
        ("g1", "origine = 'inconnue'"),
        ("g1", "beneficiaires = -1"),
    ],
    "mart_objectif_national": [
        ("n1", "meme_publication = false"),
        ("n2", "motif_part_ecart_resorbee = null"),
        ("n2", "variation_rapport = null"),
        ("n2", "variation_ecart = null"),
    ],
    "fct_beneficiaires": [
        ("b1", "nombre = -1"),
        ("b2", "motif = null"),
        ("b1", "code_statut = 'SECRET'"),
        ("b2", "code_statut = 'OK'"),
        ("b1", "regle_localisation = null"),
        ("b1", "cle_beneficiaires = 'b2'"),
    ],
    "fct_saisie_locale": [
        ("l3", "motif = null"),
        ("l1", "motif = 'x'"),
        ("l2", "motif = 'x'"),
        ("l1", "code_statut = 'ND'"),
        ("l3", "code_statut = 'OK'"),
        ("l1", "auteur = null"),
        ("l1", "organisme = null"),
        ("l1", "saisi_le = null"),
        ("l1", "ligne_source = null"),
        ("l1", "cle_saisie = 'l2'"),
    ],
    "fct_moyens": [
        ("p1", "montant = -1"),
        ("p2", "motif_contrat = null"),
        ("p1", "nb_lignes_identiques = 0"),
        ("p1", "cle_moyen = 'p2'"),
    ],
}

# Suite -> (damage, controls that must fail and no other). A damage on a table of its own suite only.
DEGATS: dict[str, list[tuple[str, set[Ecart]]]] = {
    "dim_qpv": [
        ("delete from dim_qpv", {(LIGNES, "")}),
        ("insert into dim_qpv select * from dim_qpv limit 1", {(CLE, "code_qpv, generation")}),
        ("update dim_qpv set code_qpv = null where code_departement = '2A'", {(NON_NUL, "code_qpv")}),
        ("update dim_qpv set generation = null where code_departement = '2A'", {(NON_NUL, "generation")}),
        ("update dim_qpv set generation = '2030' where code_departement = '2A'", {(PARMI, "generation")}),
        ("update dim_qpv set code_qpv = 'QP99101' where code_qpv = 'QP991001'", {(FORME, "code_qpv")}),
        ("update dim_qpv set code_qpv = 'QP991001' where generation = '2024'", {(FORME, "code_qpv")}),
        ("update dim_qpv set libelle_qpv = null where code_departement = '2A'", {(NON_NUL, "libelle_qpv")}),
        ("update dim_qpv set code_departement = null", {(NON_NUL, "code_departement")}),
    ],
    "fct_observation": [
        ("delete from fct_observation", {(LIGNES, "")}),
        ("insert into fct_observation select * from fct_observation limit 1", {(UNIQUE, "cle_observation")}),
        (
            "update fct_observation set cle_observation = null where cle_observation = 'o1'",
            {(NON_NUL, "cle_observation")},
        ),
        ("update fct_observation set code_statut = null where valeur = 80", {(NON_NUL, "code_statut")}),
        ("update fct_observation set empreinte_sha256 = null", {(NON_NUL, "empreinte_sha256")}),
        ("update fct_observation set ligne_source = null", {(NON_NUL, "ligne_source")}),
        ("update fct_observation set code_statut = 'INCONNU' where valeur = 80", {(PARMI, "code_statut")}),
        ("update fct_observation set valeur = null where valeur = 80", {(NON_NUL, "valeur")}),
        ("update fct_observation set motif = 'x' where valeur = 80", {(NUL, "motif")}),
        # A withheld cell read as zero: the error that the whole warehouse is built to avoid.
        ("update fct_observation set valeur = 0 where code_statut = 'SECRET'", {(NUL, "valeur")}),
        ("update fct_observation set motif = null", {(NON_NUL, "motif")}),
    ],
    "mart_diagnostic_qpv": [
        (
            "insert into mart_diagnostic_qpv select * replace ('d9' as cle_trace) from mart_diagnostic_qpv "
            "limit 1",
            {(CLE, "code_qpv, generation, code_indicateur, cle_ventilation")},
        ),
        ("update mart_diagnostic_qpv set cle_trace = 'd1'", {(UNIQUE, "cle_trace")}),
        *(
            (
                f"update mart_diagnostic_qpv set {colonne} = null where cle_trace = 'd1'",
                {(NON_NUL, colonne)},
            )
            for colonne in (
                *("cle_trace", "code_qpv", "code_indicateur", "cle_ventilation", "code_statut"),
                "libelle_periode",
            )
        ),
        (
            "update mart_diagnostic_qpv set valeur = null",
            {("expect_column_unique_value_count_to_be_between", "valeur")},
        ),
    ],
    "mart_diagnostic_qpv__quartiers": [
        ("update mart_diagnostic_qpv set valeur = null where cle_trace = 'd2'", {(ENTRE, "valeurs_connues")}),
        ("delete from mart_diagnostic_qpv where cle_trace = 'd2'", {(ENTRE, "valeurs_connues")}),
    ],
    "mart_trajectoire": [
        ("insert into mart_trajectoire select * from mart_trajectoire limit 1", {(UNIQUE, "cle_trace")}),
        (
            "update mart_trajectoire set comparable = false, motif_non_comparable = 'x' "
            "where cle_trace = 't1'",
            {(NUL, "trajectoire")},
        ),
        (
            "update mart_trajectoire set motif_non_comparable = null where cle_trace = 't2'",
            {(NON_NUL, "motif_non_comparable")},
        ),
        ("update mart_trajectoire set trajectoire = null", {(NON_NUL, "trajectoire")}),
        (
            "update mart_trajectoire set motif_non_comparable = 'x' where cle_trace = 't1'",
            {(NUL, "motif_non_comparable")},
        ),
        (
            "update mart_trajectoire set cle_periode_t = 'i16' where cle_trace = 't1'",
            {("expect_column_values_to_not_be_in_set", "fenetres")},
        ),
        (
            "update mart_trajectoire set cle_periode_t = 'inc' where cle_trace = 't1'",
            {("expect_column_values_to_not_be_in_set", "fenetres")},
        ),
        (
            "update mart_trajectoire set trajectoire = 20 where cle_trace = 't1'",
            {("identite:trajectoire_est_un_ecart", "trajectoire = ecart")},
        ),
    ],
    "mart_disponibilite": [
        (
            "insert into mart_disponibilite select * from mart_disponibilite limit 1",
            {(CLE, "cle_territoire, generation, code_indicateur")},
        ),
        ("update mart_disponibilite set taux_renseignement = 100.5", {(ENTRE, "taux_renseignement")}),
        ("update mart_disponibilite set taux_renseignement = -1", {(ENTRE, "taux_renseignement")}),
        ("update mart_disponibilite set nb_qpv = 0", {(ENTRE, "nb_qpv")}),
        ("update mart_disponibilite set motif_prochaine_date = null", {(NUL, "faute")}),
        ("update mart_disponibilite set motif_principal = null", {(NUL, "faute")}),
        (
            "update mart_disponibilite set cellules_secret = 2 where code_indicateur = 'ABC'",
            {
                (
                    "identite:cellules_attendues",
                    "cellules_attendues ≥ cellules_connues + cellules_secret + cellules_non_diffusees"
                    " + cellules_non_collectees",
                )
            },
        ),
    ],
    "mart_tracabilite": [
        (
            "delete from mart_tracabilite where cle_trace = 'd1'",
            {("expect_column_pair_values_to_be_equal", "traces, traces_attendues")},
        ),
        (
            "delete from mart_tracabilite where cle_trace = 't2' and role = 'valeur_t'",
            {("expect_column_pair_values_to_be_equal", "traces, traces_attendues")},
        ),
        *(
            (
                f"update mart_tracabilite set {colonne} = {valeur} where cle_trace = 'd2'",
                {(ENTRE, "traces_incompletes")},
            )
            for colonne, valeur in (
                ("fichier", "''"),
                ("fichier", "null"),
                ("empreinte_sha256", "'abc'"),
                ("ligne_source", "null"),
                ("colonne_numero", "null"),
            )
        ),
        (
            "update mart_tracabilite set valeur = 81 where cle_trace = 'd1'",
            {("identite:valeur_tracee", "valeur = valeur_tracee")},
        ),
        (
            "update mart_tracabilite set valeur = 81 where cle_trace = 't1' and role = 'valeur_t'",
            {("identite:valeur_tracee", "valeur = valeur_tracee")},
        ),
    ],
    "dim_territoire": [
        (
            "update dim_territoire set cle_territoire = 'commune:99101:2024'",
            {(UNIQUE, "cle_territoire")},
        ),
        ("update dim_territoire set est_courant = true", {(UNIQUE, "code_courant")}),
        *(
            (
                f"update dim_territoire set {colonne} = null where not est_courant",
                {(NON_NUL, colonne)},
            )
            for colonne in ("cle_territoire", "type_territoire", "code_territoire", "libelle_territoire")
        ),
    ],
    "pont_qpv_contrat__rattachement": [
        (
            "delete from pont_qpv_contrat where cle_territoire_qpv = 'qpv:QP02A002:2015'",
            {(ENTRE, "contrats")},
        ),
    ],
    "mart_ecart_zone__generations": [
        (
            "update mart_ecart_zone set ecart_points = null, rapport = null where generation = '2024'",
            {(ENTRE, "ecarts")},
        ),
    ],
    "mart_contradictions": [
        ("delete from mart_contradictions where code_groupe = 'GC07'", {(ENTRE, "groupes")}),
        ("insert into mart_contradictions values ('GC25', 'une autre')", {(ENTRE, "groupes")}),
        (
            "update mart_contradictions set regle = null where code_groupe = 'GC07'",
            {(ENTRE, "lignes_sans_regle")},
        ),
    ],
    "mart_fiche_contrat_ville": [
        ("delete from mart_fiche_contrat_ville where bloc = 9", {(ENTRE, "blocs")}),
        # A contract without any page at all.
        ("delete from mart_fiche_contrat_ville where cle_territoire = 'cv:2'", {(ENTRE, "blocs")}),
        (
            "insert into mart_fiche_contrat_ville select fiche.* from mart_fiche_contrat_ville as fiche, "
            "range(12) where fiche.bloc = 2",
            {(ENTRE, "indicateurs")},
        ),
        ("update mart_fiche_contrat_ville set valeur_affichee = ' '", {(ENTRE, "cases_vides")}),
        ("update mart_fiche_contrat_ville set motif = null", {(ENTRE, "absences_muettes")}),
    ],
    **{
        suite: [
            (f"update {suite} set {changement} where {_CLES[suite]} = '{ligne}'", {(NUL, "faute")})
            for ligne, changement in changements
        ]
        for suite, changements in _FAUTES.items()
    },
}


@pytest.fixture
def entrepot() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connexion:
        connexion.execute(ENTREPOT)
        yield connexion


@pytest.fixture
def dossier(tmp_path: Path) -> Path:
    (tmp_path / "marts").mkdir()
    return tmp_path


def _only(suite: str, dossier: Path) -> Path:
    shutil.copy(REGLAGES.expectations_dir / "marts" / f"{suite}.yml", dossier / "marts")
    return dossier


def _short(controle: Controle, suite: str) -> Ecart:
    return controle.nom, controle.colonne.removeprefix(SUITES[suite].relation).removeprefix(".")


def test_each_suite_has_its_damages() -> None:
    assert set(DEGATS) == set(SUITES)


def test_a_sound_warehouse_passes(entrepot: duckdb.DuckDBPyConnection) -> None:
    controles = judge_warehouse(entrepot, REGLAGES.expectations_dir)
    assert [c.ligne() for c in controles if c.reussi is not True] == []


@pytest.mark.parametrize("suite", sorted(DEGATS))
def test_every_rule_fails_on_bad_data(suite: str, entrepot: duckdb.DuckDBPyConnection, dossier: Path) -> None:
    """Each damage makes exactly its controls fail, and no control is left that nothing makes fail."""
    _only(suite, dossier)
    vus: set[int] = set()
    for sql, attendus in DEGATS[suite]:
        entrepot.execute("begin")
        entrepot.execute(sql)
        controles = judge_warehouse(entrepot, dossier)
        entrepot.execute("rollback")
        echecs = {rang: controle for rang, controle in enumerate(controles) if controle.reussi is not True}
        assert {_short(c, suite) for c in echecs.values()} == attendus, sql
        assert len(echecs) == len(attendus), sql
        assert all(c.est_bloquant for c in echecs.values()) is (suite not in AVERTISSEMENTS), sql
        vus |= set(echecs)
    jamais = [c.ligne() for rang, c in enumerate(controles) if rang not in vus]
    assert jamais == []


def test_a_neighbourhood_without_figure_is_a_warning_that_names_it(
    entrepot: duckdb.DuckDBPyConnection, dossier: Path
) -> None:
    entrepot.execute("delete from mart_diagnostic_qpv where code_qpv = 'QP02A002'")
    (controle,) = judge_warehouse(entrepot, _only("mart_diagnostic_qpv__quartiers", dossier))
    assert controle.est_avertissement
    assert "QP02A002" in controle.exemples[0]


@pytest.mark.parametrize("suite", ["mart_trajectoire", "mart_tracabilite", "mart_disponibilite"])
def test_a_first_vintage_has_no_trajectory_and_passes(
    suite: str, entrepot: duckdb.DuckDBPyConnection, dossier: Path
) -> None:
    entrepot.execute("delete from mart_trajectoire")
    entrepot.execute("delete from mart_tracabilite where cle_trace like 't%'")
    controles = judge_warehouse(entrepot, _only(suite, dossier))
    assert [c.ligne() for c in controles if c.reussi is not True] == []


def test_statuses_of_the_suite_are_those_of_the_seed() -> None:
    """Every status falls under the rule of published values or under the rule of missing ones."""
    with (REGLAGES.dbt_dir / "seeds" / "statut.csv").open(encoding="utf-8", newline="") as flux:
        lignes = list(csv.DictReader(flux, delimiter=";"))
    publies = {ligne["code"] for ligne in lignes if ligne["compte_comme_manquant"] == "non"} - {"NA"}
    manquants = {ligne["code"] for ligne in lignes if ligne["compte_comme_manquant"].startswith("oui")}
    attentes = SUITES["fct_observation"].attentes
    (parmi,) = (a for a in attentes if a.type == PARMI)
    assert set(parmi.arguments["value_set"]) == {ligne["code"] for ligne in lignes}
    filtres = {
        (a.type, a.colonnes.noms[0]): set(a.si.motif.split("|")) for a in attentes if a.si and a.colonnes
    }
    assert filtres[NON_NUL, "valeur"] == filtres[NUL, "motif"] == publies
    assert filtres[NUL, "valeur"] == manquants | {"NA"}
    assert filtres[NON_NUL, "motif"] == {ligne["code"] for ligne in lignes} - publies
