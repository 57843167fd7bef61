"""The tests of the dbt project can fail: each one is shown bad data, and only it objects.

The SQL that dbt compiled for each test is run on a built database that is damaged inside a transaction; one
real ``dbt test`` on a damaged copy shows that dbt says the same.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from qpv_emploi.settings import FICTIONAL_REGION, Settings

Connexion = duckdb.DuckDBPyConnection
Noeud = dict[str, Any]
Echecs = Callable[..., set[str]]

# `warn` tests that the fictional dépôt makes speak on purpose, and what silences each of them: it holds
# variables that nobody has linked, and outlines that do not agree with the list of correspondences.
APAISER = {
    "variable_reliee_au_dictionnaire": "delete from intermediate.int_variable_non_reliee",
    "discordance_nouvelle": "delete from intermediate.int_qpv_generation_discordance",
}
DEJA = set(APAISER)

# No count is published alike for a zone and for its neighbourhoods: no zone can be left without them.
SANS_LIGNE = {"int_zone_hors_qpv"}


@pytest.fixture(scope="module")
def manifeste(candidat_fictif: tuple[str, Path]) -> dict[str, Any]:
    contenu: dict[str, Any] = json.loads((candidat_fictif[1] / "dbt" / "manifest.json").read_text("utf-8"))
    return contenu


@pytest.fixture(scope="module")
def tests_dbt(manifeste: dict[str, Any]) -> dict[str, Noeud]:
    """Name -> node of every data test of our own: singular tests and uses of the macros of the project."""
    notres = {}
    for noeud in manifeste["nodes"].values():
        if noeud["resource_type"] != "test":
            continue
        generique = noeud.get("test_metadata")
        if generique is None or f"macro.qpv_emploi.test_{generique['name']}" in manifeste["macros"]:
            notres[noeud["name"]] = noeud
    return notres


@pytest.fixture(scope="module")
def base(candidat_fictif: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connexion]:
    """A copy of the built database, open for writing. It keeps its file name: the compiled SQL holds it."""
    copie = tmp_path_factory.mktemp("tests_dbt") / "entrepot.duckdb"
    shutil.copy(candidat_fictif[1] / "entrepot.duckdb", copie)
    with duckdb.connect(str(copie)) as connexion:
        yield connexion


@pytest.fixture(scope="module")
def echecs(base: Connexion, tests_dbt: dict[str, Noeud]) -> Echecs:
    """Names of the tests that return rows once the given SQL has damaged the database; nothing is kept.

    ``prefixe`` keeps to the tests whose name begins so.
    """

    def apres(degat: str, prefixe: str = "") -> set[str]:
        base.execute("begin")
        try:
            base.execute(degat)
            return {
                nom
                for nom, noeud in tests_dbt.items()
                if nom.startswith(prefixe)
                and base.execute(f"select * from ({noeud['compiled_code']}) limit 1").fetchall()
            }
        finally:
            base.execute("rollback")

    return apres


def _relation(manifeste: dict[str, Any], noeud: Noeud) -> str:
    return str(manifeste["nodes"][noeud["attached_node"]]["relation_name"])


def _as_table(manifeste: dict[str, Any], noeud: Noeud) -> str:
    """SQL that puts a table in the place of a view, so that its rows can be damaged; nothing for a table."""
    if manifeste["nodes"][noeud["attached_node"]]["config"]["materialized"] != "view":
        return ""
    relation = _relation(manifeste, noeud)
    return (
        f"create temp table copie as select * from {relation}; drop view {relation}; "
        f"create table {relation} as select * from copie; "
    )


def _of_macro(tests_dbt: dict[str, Noeud], macro: str) -> dict[str, Noeud]:
    trouves = {
        nom: noeud
        for nom, noeud in tests_dbt.items()
        if noeud.get("test_metadata") and noeud["test_metadata"]["name"] == macro
    }
    assert trouves
    return trouves


def test_the_built_database_is_sound(echecs: Echecs) -> None:
    assert echecs("select 1") == DEJA


def test_a_double_key_fails_where_the_key_is_declared(
    manifeste: dict[str, Any], tests_dbt: dict[str, Noeud], base: Connexion, echecs: Echecs
) -> None:
    vides = set()
    for nom, noeud in _of_macro(tests_dbt, "cle_unique").items():
        relation, colonnes = _relation(manifeste, noeud), noeud["test_metadata"]["kwargs"]["colonnes"]
        # A row too many may also upset a count that is reviewed, never another key.
        ouvrir = _as_table(manifeste, noeud)
        if base.execute(f"select 1 from {relation} limit 1").fetchall():
            assert echecs(
                f"{ouvrir}insert into {relation} select * from {relation} limit 1", "cle_unique"
            ) == {nom}
            continue
        vides.add(relation.split(".")[-1].strip('"'))
        for nombre, attendus in ((1, set()), (2, {nom})):
            degat = (
                f"{ouvrir}insert into {relation} ({', '.join(colonnes)}) "
                f"select {', '.join(['null'] * len(colonnes))} from range({nombre})"
            )
            assert echecs(degat, "cle_unique") == attendus
    assert vides == SANS_LIGNE


def test_a_malformed_code_fails_where_its_form_is_declared(
    manifeste: dict[str, Any], tests_dbt: dict[str, Noeud], echecs: Echecs
) -> None:
    """Nothing, or a good code with one character more: the whole text must match."""
    for nom, noeud in _of_macro(tests_dbt, "code_format").items():
        relation, colonne = _relation(manifeste, noeud), noeud["column_name"]
        un_seul = f"rowid = (select min(rowid) from {relation} where {colonne} is not null)"
        for mauvais in ("''", f"{colonne} || 'x'"):
            degat = f"update {relation} set {colonne} = {mauvais} where {un_seul}"
            # A broken code may also break a join, never the form of another column.
            assert echecs(degat, "code_format") == {nom}


def test_a_siren_with_a_wrong_check_digit_fails_where_it_is_declared(
    manifeste: dict[str, Any], tests_dbt: dict[str, Noeud], echecs: Echecs
) -> None:
    for nom, noeud in _of_macro(tests_dbt, "siren_valide").items():
        relation, colonne = _relation(manifeste, noeud), noeud["column_name"]
        un_seul = f"rowid = (select min(rowid) from {relation} where {colonne} is not null)"
        voisin = f"substr({colonne}, 1, 8) || (cast(substr({colonne}, 9, 1) as integer) + 1) % 10"
        for mauvais in (voisin, "'12345678'", "'ZZZZZZZZZ'"):
            degat = f"update {relation} set {colonne} = {mauvais} where {un_seul}"
            assert echecs(degat, "siren_valide") == {nom}


def test_an_empty_code_is_not_a_malformed_one(
    manifeste: dict[str, Any], tests_dbt: dict[str, Noeud], echecs: Echecs
) -> None:
    nullables = [
        (_relation(manifeste, noeud), noeud["column_name"])
        for nom, noeud in tests_dbt.items()
        if nom.startswith("code_format_dim_territoire_")
    ]
    assert nullables
    for relation, colonne in nullables:
        assert echecs(f"update {relation} set {colonne} = null") == DEJA


@pytest.mark.parametrize(
    ("condition", "changement"),
    [
        # A withheld value read as zero.
        ("{valeur} is null", "{valeur} = 0"),
        # An absence without its reason.
        ("{valeur} is null", "{motif} = null"),
        # A missing value under the status of a published one.
        ("{valeur} is null", "{statut} = 'OK'"),
        # A published value under a missing status, with a reason, or under a status that nobody knows.
        ("{valeur} is not null", "{statut} = 'SECRET'"),
        ("{valeur} is not null", "{motif} = 'x'"),
        ("{valeur} is not null", "{statut} = 'NA'"),
        ("{valeur} is not null", "{statut} = 'INCONNU'"),
    ],
)
def test_a_status_that_contradicts_its_value_fails(
    manifeste: dict[str, Any],
    tests_dbt: dict[str, Noeud],
    echecs: Echecs,
    condition: str,
    changement: str,
) -> None:
    for nom, noeud in _of_macro(tests_dbt, "statut_coherent").items():
        arguments = noeud["test_metadata"]["kwargs"]
        colonnes = {
            cle: arguments.get(cle, defaut)
            for cle, defaut in (("valeur", "valeur"), ("statut", "code_statut"), ("motif", "motif"))
        }
        relation = _relation(manifeste, noeud)
        trouves = echecs(
            f"update {relation} set {changement.format(**colonnes)} where rowid = "
            f"(select min(rowid) from {relation} where {condition.format(**colonnes)})"
        )
        # A figure where there was none has no trace either.
        assert trouves - DEJA - {"chiffre_sans_trace"} == {nom}, nom


@pytest.mark.parametrize(
    "changement",
    [
        "borne_basse = valeur + 1, borne_haute = valeur + 2",
        "borne_basse = valeur - 2, borne_haute = valeur - 1",
        "borne_basse = valeur - 1, borne_haute = null",
        "connu_au = connu_du",
    ],
)
def test_an_interval_that_does_not_hold_its_value_fails(
    manifeste: dict[str, Any], tests_dbt: dict[str, Noeud], echecs: Echecs, changement: str
) -> None:
    for nom, noeud in _of_macro(tests_dbt, "intervalle_coherent").items():
        relation = _relation(manifeste, noeud)
        trouves = echecs(
            f"update {relation} set {changement} where rowid = "
            f"(select min(rowid) from {relation} where valeur is not null)",
            "intervalle_coherent",
        )
        assert trouves == {nom}, nom


SINGULIERS = {
    "absence_motivee": [
        "update fct_disponibilite set motif = 'x' "
        "where rowid = (select min(rowid) from fct_disponibilite where charge)",
        "update fct_disponibilite set motif = null "
        "where rowid = (select min(rowid) from fct_disponibilite where not charge)",
        "update fct_disponibilite set attendu = not attendu "
        "where rowid = (select min(rowid) from fct_disponibilite where charge)",
        "update fct_disponibilite set prochaine_date = null, motif_prochaine_date = null "
        "where rowid = (select min(rowid) from fct_disponibilite where charge)",
        "update fct_disponibilite set code_statut = 'SECRET' "
        "where rowid = (select min(rowid) from fct_disponibilite where charge)",
    ],
    "agregat_sans_divulgation": [
        "update mart_agregat_qpv set valeur = 1, motif = null "
        "where rowid = (select min(rowid) from mart_agregat_qpv where nb_qpv_manquants > 0)",
        "update mart_agregat_qpv set borne_basse = 1 "
        "where rowid = (select min(rowid) from mart_agregat_qpv where nb_qpv_manquants = 1)",
        "update mart_agregat_qpv set borne_haute = 1 "
        "where rowid = (select min(rowid) from mart_agregat_qpv where nb_qpv_manquants > 0)",
        "update mart_agregat_qpv set nb_qpv_connus = nb_qpv + 1 "
        "where rowid = (select min(rowid) from mart_agregat_qpv where nb_qpv_manquants = 0)",
        "update mart_agregat_qpv set motif = null "
        "where rowid = (select min(rowid) from mart_agregat_qpv where valeur is null)",
        "update mart_agregat_qpv set numerateur = 1 "
        "where rowid = (select min(rowid) from mart_agregat_qpv where nb_qpv_manquants > 0)",
        "update mart_agregat_qpv set denominateur = 1 "
        "where rowid = (select min(rowid) from mart_agregat_qpv where nb_qpv_manquants > 0)",
    ],
    "ecart_et_rapport_ensemble": [
        "update mart_ecart_zone set rapport = 1 "
        "where rowid = (select min(rowid) from mart_ecart_zone where ecart_points is null)",
        "update mart_ecart_zone set lecture = 'égal' "
        "where rowid = (select min(rowid) from mart_ecart_zone where ecart_points is null)",
    ],
    "fiche_sans_chiffre_muet": [
        *(
            f"update mart_fiche_contrat_ville set {changement} where rowid = (select min(rowid) from "
            f"mart_fiche_contrat_ville where type_ligne = 'chiffre' and {condition})"
            for changement, condition in (
                ("motif = null", "valeur is null"),
                ("motif = 'x'", "valeur is not null"),
                ("motif_comparaison = null", "bloc = 2 and ecart_points is null"),
            )
        ),
        "insert into mart_fiche_contrat_ville select fiche.* from mart_fiche_contrat_ville as fiche, "
        "range(12) where fiche.bloc = 2 and fiche.niveau = 'contrat'",
    ],
    "aucune_observation_perdue": [
        "delete from fct_observation where rowid = (select max(rowid) from fct_observation)",
        # An expected absence is lost too, when no other column makes its statement.
        "delete from fct_observation where rowid = "
        "(select min(rowid) from fct_observation where colonne_numero is null)",
    ],
    "commune_de_qpv_identifiee": [
        "update intermediate.int_qpv_commune set code_commune = null "
        "where rowid = (select min(rowid) from intermediate.int_qpv_commune)"
    ],
    "contrat_a_un_devenir": [
        f"delete from pont_contrat_succession where rowid = "
        f"(select min(rowid) from pont_contrat_succession where {colonne} is not null and {autre} is null)"
        for colonne, autre in (
            ("code_contrat_avant", "code_contrat_apres"),
            ("code_contrat_apres", "code_contrat_avant"),
        )
    ],
    "discordance_nouvelle": [
        "insert into intermediate.int_qpv_generation_discordance (cle_discordance) values ('x')"
    ],
    "effectif_masque_sans_petit_nombre": [
        f"update intermediate.int_observation set valeur = {petit} where cle_observation = "
        "(select min(cle_observation) from intermediate.int_observation "
        "where code_variable = 'ABC' and jeu = 'insertion_professionnelle' and valeur is not null)"
        for petit in (0, 4)
    ],
    "orphelin_2015_connu": [
        # An event of the region shows that its QPV are followed there: those it does not explain are orphans.
        "insert into seeds.evenement_territoire (code, type_evenement, code_avant) "
        "select 'EVT999', 'qpv_sortant', min(code_qpv) from dim_qpv"
    ],
    "poids_de_passage_fonde": [
        *(
            f"update pont_qpv_generation set {colonne} = 50 where rowid = "
            "(select min(rowid) from pont_qpv_generation where methode_poids = 'aucune')"
            for colonne in ("part_2015_vers_2024", "part_2024_depuis_2015")
        ),
        "update pont_qpv_generation set methode_poids = 'surface' where rowid = "
        "(select min(rowid) from pont_qpv_generation where methode_poids = 'aucune')",
        "update pont_qpv_generation set methode_poids = 'surface', part_2015_vers_2024 = 102, "
        "part_2024_depuis_2015 = 1 where rowid = (select min(rowid) from pont_qpv_generation)",
        "update pont_qpv_generation set methode_poids = 'surface', part_2015_vers_2024 = 1, "
        "part_2024_depuis_2015 = 102 where rowid = (select min(rowid) from pont_qpv_generation)",
    ],
    "qpv_a_un_devenir": [
        "delete from pont_qpv_generation where rowid = (select min(rowid) from pont_qpv_generation)"
    ],
    "reel_et_fictif_separes": ["update dim_jeu_source set est_fictif = false where jeu = 'cog'"],
    "sans_mot_de_causalite": [
        f"update dim_indicateur set libelle_indicateur = '{mot} du contrat' where code_indicateur = "
        "(select min(code_indicateur) from dim_indicateur where est_derive)"
        for mot in ("Effet", "Impact", "Score", "Classement")
    ],
    "taux_entre_0_et_100": [
        f"update fct_observation set valeur = {taux} where cle_observation = "
        "(select min(cle_observation) from fct_observation where code_variable = 'TX_TOT_EMPL' "
        "and valeur is not null)"
        for taux in (100.1, -0.1)
    ],
    "trajectoire_sans_recouvrement": [
        "update mart_trajectoire set cle_periode_t = cle_periode_t0 "
        "where rowid = (select min(rowid) from mart_trajectoire where trajectoire is not null)",
        "update mart_trajectoire set cle_periode_t = (select min(cle_periode) from dim_periode "
        "where fin is null) where rowid = (select min(rowid) from mart_trajectoire "
        "where trajectoire is not null)",
    ],
    "une_seule_valeur_connue_a_la_fois": [
        # A value that another replaces is still given as current, or for one day too long.
        f"insert into fct_observation select * replace ("
        f"cle_observation || '|' as cle_observation, date '2001-01-01' as connu_du, {fin} as connu_au) "
        "from fct_observation limit 1"
        for fin in ("cast(null as date)", "date '9999-01-01'")
    ],
    "zone_du_bon_type": [
        f"update pont_qpv_zone set {changement} where rowid = (select min(rowid) from pont_qpv_zone "
        "where code_comparateur = 'departement')"
        for changement in (
            # A zone that no one has defined, one of another type, one that no territory is.
            "code_comparateur = 'uu_environnante'",
            "code_comparateur = 'region'",
            "code_comparateur = 'reste_commune'",
        )
    ],
    "variable_reliee_au_dictionnaire": [
        "insert into intermediate.int_variable_non_reliee (code_variable) values ('AUTRE')"
    ],
    "chiffre_sans_trace": [
        "delete from mart_tracabilite where cle_trace = "
        "(select min(cle_ligne) from mart_ciblage_droit_commun where beneficiaires_total > 0)",
        *(
            f"delete from mart_tracabilite where cle_trace = "
            f"(select min(cle_trace) from mart_tracabilite where mart = '{mart}')"
            for mart in (
                *("mart_couverture_dispositif", "mart_moyens_specifiques", "mart_suivi_cibles"),
                *("mart_objectif_national", "mart_contradictions"),
            )
        ),
    ],
    "cible_incomplete_sans_taux": [
        "update mart_suivi_cibles set taux_atteinte = 1 where rowid = "
        "(select min(rowid) from mart_suivi_cibles where not est_complete)",
        "update mart_suivi_cibles set taux_atteinte = 1 where rowid = "
        "(select min(rowid) from mart_suivi_cibles where est_complete and position_validite = 'apres')",
    ],
    "cibles_liees_coherentes": [
        "update fct_cible set valeur_cible = 79999 where code_cible = 'CIB_CORDEES_NIVEAU'",
        "update fct_cible set valeur_cible = 3 where code_cible = 'CIB_PARRAINAGE_X2'",
        "update fct_cible set valeur_base = 1, valeur_cible = 79999 "
        "where code_cible = 'CIB_CORDEES_VARIATION'",
    ],
    "groupe_contradiction_stable": [
        "delete from pont_groupe_contradiction where code_groupe = 'GC06'",
        "update pont_groupe_contradiction set nature_ligne = 'cible' "
        "where code_groupe = 'GC13' and nature_ligne = 'fait'",
    ],
    "quota_sans_base_de_parite": [
        "update fct_cible set code_base_parite = null where code_cible = 'CIB_PEC_2019'",
    ],
    "regles_de_localisation_non_melees": [
        "update mart_ciblage_droit_commun set beneficiaires_qpv = 1, beneficiaires_total = 2, "
        "regle_localisation = 'lieu_de_travail' "
        "where rowid = (select min(rowid) from mart_ciblage_droit_commun where beneficiaires_total > 0)",
    ],
    "serie_nationale_reliee": [
        "insert into intermediate.int_serie_non_reliee (code_serie, champ) values ('x', 'France entière')",
    ],
}


def test_every_singular_test_has_its_damage(manifeste: dict[str, Any], tests_dbt: dict[str, Noeud]) -> None:
    singuliers = {nom for nom, noeud in tests_dbt.items() if not noeud.get("test_metadata")}
    assert singuliers == set(SINGULIERS)
    macros = {n["test_metadata"]["name"] for n in tests_dbt.values() if n.get("test_metadata")}
    assert macros == {
        *("cle_unique", "code_format", "comparateur_present", "compte_par_partition", "fenetres_disjointes"),
        *("intervalle_coherent", "part_bornee", "relation_de_perimetre", "siren_valide"),
        *("somme_egale_total", "statut_coherent"),
    }
    # Each macro that the project defines is used, else nothing here would show it failing.
    definies = re.findall(r"'macro\.qpv_emploi\.test_(\w+)'", str(sorted(nom for nom in manifeste["macros"])))
    assert set(definies) == macros


@pytest.mark.parametrize(
    ("nom", "degat"), [(nom, degat) for nom, degats in SINGULIERS.items() for degat in degats]
)
def test_a_singular_test_fails_alone(echecs: Echecs, nom: str, degat: str) -> None:
    calme = f"{APAISER[nom]}; " if nom in APAISER else ""
    assert echecs(calme + degat) == DEJA | {nom}


@pytest.mark.parametrize("nom", sorted(APAISER))
def test_a_warning_is_silent_once_its_cause_is_gone(echecs: Echecs, nom: str) -> None:
    assert echecs(APAISER[nom]) == DEJA - {nom}


def test_dbt_says_so_too(
    candidat_fictif: tuple[str, Path], reglages_fictifs: Settings, tmp_path: Path
) -> None:
    """One damage per kind of test, in one run of dbt on a copy of the whole project."""
    projet = tmp_path / "dbt_project"
    shutil.copytree(reglages_fictifs.dbt_dir, projet, ignore=shutil.ignore_patterns("target", "logs"))
    copie = tmp_path / "entrepot.duckdb"
    shutil.copy(candidat_fictif[1] / "entrepot.duckdb", copie)
    with duckdb.connect(str(copie)) as connexion:
        connexion.execute("insert into pont_qpv_commune select * from pont_qpv_commune limit 1")
        connexion.execute("update pont_qpv_epci set siren_epci = siren_epci || '0'")
        connexion.execute("update mart_diagnostic_qpv set motif = null where valeur is null")
        connexion.execute(SINGULIERS["taux_entre_0_et_100"][0])
    processus = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "test"),
            *("--project-dir", str(projet), "--profiles-dir", str(projet)),
            *("--vars", json.dumps({"region": FICTIONAL_REGION})),
            *("--select", "test_type:singular", "test_name:cle_unique", "test_name:code_format"),
            "test_name:statut_coherent",
        ],
        env={
            **os.environ,
            "QPV_ENTREPOT_CIBLE": str(copie),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "PYTHONWARNINGS": "ignore",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert processus.returncode == 1, processus.stdout
    resultats = json.loads((projet / "target" / "run_results.json").read_text("utf-8"))["results"]
    statuts = {r["unique_id"].split(".")[2]: r["status"] for r in resultats}
    assert {nom for nom, statut in statuts.items() if statut == "fail"} == {
        "cle_unique_pont_qpv_commune_cle_territoire_qpv__cle_territoire_commune",
        "code_format_pont_qpv_epci_siren_epci___0_9_9_",
        "statut_coherent_mart_diagnostic_qpv_",
        "taux_entre_0_et_100",
    }
    assert {nom for nom, statut in statuts.items() if statut == "warn"} == DEJA
    assert set(statuts.values()) == {"pass", "fail", "warn"}


# --- the generic tests on bad data -------------------------------------------------------------------------


def _first(relation: str, condition: str) -> str:
    return f"rowid = (select min(rowid) from {relation} where {condition})"


def test_a_code_of_another_generation_fails(
    manifeste: dict[str, Any], tests_dbt: dict[str, Noeud], echecs: Echecs
) -> None:
    """The code is that of the row, its generation is not; or the code is of nowhere."""
    for nom, noeud in _of_macro(tests_dbt, "relation_de_perimetre").items():
        arguments, relation = noeud["test_metadata"]["kwargs"], _relation(manifeste, noeud)
        code, generation = arguments["code"], arguments["generation"]
        degats = [f"{code} = 'QN99999M'"]
        if not generation.startswith("'"):
            degats += [
                f"{generation} = case {generation} when '2015' then '2024' else '2015' end",
                f"{generation} = '2099'",
            ]
        for degat in degats:
            sql = f"update {relation} set {degat} where {_first(relation, f'{code} is not null')}"
            attendus = {
                autre
                for autre, test in _of_macro(tests_dbt, "relation_de_perimetre").items()
                if autre == nom
                # One generation serves both codes of a row.
                or (_relation(manifeste, test) == relation and degat.startswith(f"{generation} ="))
            }
            assert nom in echecs(sql, "relation_de_perimetre") <= attendus, sql


def test_a_share_out_of_its_bounds_fails(
    manifeste: dict[str, Any], tests_dbt: dict[str, Noeud], echecs: Echecs
) -> None:
    for nom, noeud in _of_macro(tests_dbt, "part_bornee").items():
        relation, colonne = _relation(manifeste, noeud), noeud["column_name"]
        for mauvaise in (-0.1, 100.1, "'nan'::double"):
            sql = f"update {relation} set {colonne} = {mauvaise} where {_first(relation, f'{colonne} >= 0')}"
            assert echecs(sql, "part_bornee") == {nom}, sql
        for bonne in (0, 100):
            sql = f"update {relation} set {colonne} = {bonne} where {_first(relation, f'{colonne} >= 0')}"
            assert echecs(sql, "part_bornee") == set(), sql


def test_two_validities_that_overlap_fail(
    manifeste: dict[str, Any], tests_dbt: dict[str, Noeud], echecs: Echecs
) -> None:
    for nom, noeud in _of_macro(tests_dbt, "fenetres_disjointes").items():
        relation, arguments = _relation(manifeste, noeud), noeud["test_metadata"]["kwargs"]
        debut, fin = arguments["debut"], arguments["fin"]
        jours = f"date '2001-01-01' as {debut}, date '2001-12-31' as {fin}"
        premiere = f"insert into {relation} select * replace ({jours}) from {relation} limit 1"
        for mauvais, bon in (
            # A window that begins on the last day of another, and the day after.
            ("date '2001-12-31', null", "date '2002-01-01', null"),
            # A window within another, and one that ends before it.
            ("date '2001-03-01', date '2001-04-01'", "date '2000-01-01', date '2000-12-31'"),
            # An open window holds all the others.
            ("null, null", "null, date '2000-12-31'"),
        ):
            for fenetre, attendus in ((mauvais, {nom}), (bon, set())):
                depart, _, terme = fenetre.partition(", ")
                autre = f"cast({depart} as date) as {debut}, cast({terme} as date) as {fin}"
                sql = (
                    f"delete from {relation} where rowid > (select min(rowid) from {relation}); {premiere}; "
                    f"delete from {relation} where rowid = (select min(rowid) from {relation}); "
                    f"insert into {relation} select * replace ({autre}) from {relation} limit 1"
                )
                assert echecs(sql, "fenetres_disjointes") == attendus, (nom, fenetre)
        renverse = f"update {relation} set {debut} = date '2002-01-01', {fin} = date '2001-01-01' "
        assert nom in echecs(f"{renverse} where {_first(relation, 'true')}", "fenetres_disjointes")


def test_a_gap_without_its_comparator_fails(
    manifeste: dict[str, Any], tests_dbt: dict[str, Noeud], base: Connexion, echecs: Echecs
) -> None:
    for nom, noeud in _of_macro(tests_dbt, "comparateur_present").items():
        relation, arguments = _relation(manifeste, noeud), noeud["test_metadata"]["kwargs"]
        mesure, colonne = arguments["mesure"], arguments.get("comparateur", "code_comparateur")
        condition, valeur = f"{mesure} is not null and ({arguments.get('si', 'true')})", mesure
        if not base.execute(f"select 1 from {relation} where {condition} limit 1").fetchall():
            # The fictional region has no comparator: a gap is written for the occasion.
            condition, valeur = "true", "1"
        nullable = dict(base.execute(f'select column_name, "null" from (describe {relation})').fetchall())
        for mauvais in ("'INCONNU'", *(["null"] if nullable[colonne] == "YES" else [])):
            changement = f"{mesure} = {valeur}, {colonne} = {mauvais}"
            sql = f"update {relation} set {changement} where {_first(relation, condition)}"
            assert echecs(sql, "comparateur_present") == {nom}, sql


def test_parts_that_exceed_or_miss_their_total_fail(tests_dbt: dict[str, Noeud], echecs: Echecs) -> None:
    """The fictional bases are masked: exact sums, and one person too many is a contradiction."""
    for nom, noeud in _of_macro(tests_dbt, "somme_egale_total").items():
        arguments = noeud["test_metadata"]["kwargs"]
        cellule = _cell(arguments)
        jumeaux = {
            autre
            for autre, test in _of_macro(tests_dbt, "somme_egale_total").items()
            if test["test_metadata"]["kwargs"]["axe"] == arguments["axe"]
            and test["test_metadata"]["kwargs"]["modalites"] == arguments["modalites"]
        }
        assert (
            echecs(f"update fct_observation set valeur = valeur + 1000 where {cellule}", "somme_") == jumeaux
        )
        manque = echecs(f"update fct_observation set valeur = valeur - 1 where {cellule}", "somme_")
        # People whose diploma or nationality is not known are in the total only.
        assert manque == (jumeaux if arguments.get("exhaustif", True) else set()), nom
        # A withheld part leaves a smaller sum, which says nothing.
        retenue = f"update fct_observation set valeur = null where {cellule}"
        assert echecs(retenue, "somme_") == set(), nom


def _cell(arguments: dict[str, Any]) -> str:
    """A known cell of an axis that is wholly published."""
    parts = ", ".join(f"'{arguments['axe']}={modalite}'" for modalite in arguments["modalites"])
    indicateurs = ", ".join(f"'{code}'" for code in arguments["indicateurs"])
    groupe = "code_indicateur, cle_territoire, cle_periode, cle_jeu_source"
    return (
        "cle_observation = (select min(cle_observation) from fct_observation where cle_ventilation in "
        # The files of the QPV 2024 are perturbed: their parts do not add up.
        f"({parts}) and valeur > 0 and connu_au is null and cle_jeu_source in (select cle_jeu_source from "
        f"dim_jeu_source where jeu not like '%qpv_2024') and ({groupe}) in (select {groupe} from "
        f"fct_observation where connu_au is null and code_indicateur in ({indicateurs}) and cle_ventilation "
        f"in ('TOTAL', {parts}) group by all having count(valeur) = {len(arguments['modalites']) + 1}))"
    )


@pytest.mark.parametrize(
    ("regime", "ecart", "attendus"),
    [
        ("methode_secret = 'aucune'", 0, set()),
        ("methode_secret = 'aucune'", 1, {"somme_par_sexe", "somme_par_sexe_probable"}),
        # Three cells rounded to a multiple of 5: up to 7.5.
        ("methode_secret = 'arrondi', arrondi = 5", 7, set()),
        ("methode_secret = 'arrondi', arrondi = 5", 8, {"somme_par_sexe", "somme_par_sexe_probable"}),
        # Noise of at most 5 on three cells: 15 for sure, 8.7 as a rule.
        ("methode_secret = 'cle_aleatoire', parametre_d = 5", 8, set()),
        ("methode_secret = 'cle_aleatoire', parametre_d = 5", 9, {"somme_par_sexe_probable"}),
        ("methode_secret = 'cle_aleatoire', parametre_d = 5", 15, {"somme_par_sexe_probable"}),
        (
            "methode_secret = 'cle_aleatoire', parametre_d = 5",
            16,
            {"somme_par_sexe", "somme_par_sexe_probable"},
        ),
        # An amplitude that nobody knows bounds nothing.
        ("methode_secret = 'cle_aleatoire', parametre_d = null", 1000, set()),
    ],
)
@pytest.mark.parametrize("sens", [1, -1])
def test_the_tolerance_of_a_sum_is_that_of_its_secrecy_regime(
    tests_dbt: dict[str, Noeud], echecs: Echecs, regime: str, ecart: int, attendus: set[str], sens: int
) -> None:
    cellule = _cell(tests_dbt["somme_par_sexe"]["test_metadata"]["kwargs"])
    degat = (
        f"update dim_jeu_source set {regime} where cle_jeu_source = (select cle_jeu_source from "
        f"fct_observation where {cellule}); "
        f"update fct_observation set valeur = valeur + {sens * ecart} where {cellule}"
    )
    assert echecs(degat, "somme_par_sexe") == attendus


@pytest.mark.parametrize(
    ("ecart", "attendu", "echoue"),
    [
        (0, {}, False),
        (1, {}, True),
        (-1, {}, True),
        # A partition that has vanished is a loss.
        (0, {"valeur": "2015|999"}, True),
        # Without its dataset, or in another region, no count is asked for.
        (1, {"jeu_requis": "insee:jamais_recu"}, False),
        (1, {"code_region": "32"}, False),
    ],
)
def test_a_reviewed_count_that_moves_fails(
    base: Connexion, echecs: Echecs, ecart: int, attendu: dict[str, str], echoue: bool
) -> None:
    ((departement, nombre),) = base.execute(
        "select code_departement, count(*) from dim_qpv where generation = '2015' group by all "
        "order by all limit 1"
    ).fetchall()
    ligne = {
        "relation": "dim_qpv",
        "colonnes": "generation|code_departement",
        "valeur": f"2015|{departement}",
        "nb_attendu": nombre + ecart,
        "code_region": FICTIONAL_REGION,
        "jeu_requis": "insee:cog",
        "origine": "essai",
        **attendu,
    }
    valeurs = ", ".join(str(v) if isinstance(v, int) else f"'{v}'" for v in ligne.values())
    trouves = echecs(f"insert into seeds.compte_attendu values ({valeurs})", "compte_par_partition")
    assert len(trouves) == (1 if echoue else 0)
    assert all("dim_qpv" in nom and "departement" in nom for nom in trouves)


def test_every_use_of_the_reviewed_counts_can_fail(
    manifeste: dict[str, Any], tests_dbt: dict[str, Noeud], echecs: Echecs
) -> None:
    for nom, noeud in _of_macro(tests_dbt, "compte_par_partition").items():
        relation = _relation(manifeste, noeud).split(".")[-1].strip('"')
        colonnes = "|".join(noeud["test_metadata"]["kwargs"]["colonnes"])
        ligne = f"'{relation}', '{colonnes}', 'jamais', 1, '{FICTIONAL_REGION}', 'insee:cog', 'essai'"
        assert echecs(f"insert into seeds.compte_attendu values ({ligne})", "compte_par_partition") == {nom}


def test_the_reviewed_counts_speak_of_real_partitions(tests_dbt: dict[str, Noeud], base: Connexion) -> None:
    """A line whose columns no test declares would never be judged."""
    declarees = {
        (noeud["attached_node"].split(".")[-1], "|".join(noeud["test_metadata"]["kwargs"]["colonnes"]))
        for noeud in _of_macro(tests_dbt, "compte_par_partition").values()
    }
    relues = base.execute("select distinct relation, colonnes from seeds.compte_attendu").fetchall()
    assert set(relues) == declarees


# --- what is described is what is built ---------------------------------------------------------------------


def test_described_columns_are_those_of_the_relation(manifeste: dict[str, Any], base: Connexion) -> None:
    noeuds = [n for n in manifeste["nodes"].values() if n["resource_type"] in ("model", "seed")]
    assert len(noeuds) > 40
    for noeud in noeuds:
        reelles = [nom for (nom, *_) in base.execute(f"describe {noeud['relation_name']}").fetchall()]
        assert reelles == list(noeud["columns"]), noeud["name"]


def test_published_columns_carry_their_description(sql_fictif: Callable[..., list[Any]]) -> None:
    sans = sql_fictif(
        "select table_name, column_name from duckdb_columns() where schema_name = 'main' "
        "and not internal and table_name not like 'vue_%' and coalesce(comment, '') = ''"
    )
    assert sans == []
