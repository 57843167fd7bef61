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

# `warn` tests that the fictional dépôt makes speak on purpose: it holds variables that nobody has linked.
DEJA = {"variable_reliee_au_dictionnaire"}


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
    manifeste: dict[str, Any], tests_dbt: dict[str, Noeud], echecs: Echecs
) -> None:
    for nom, noeud in _of_macro(tests_dbt, "cle_unique").items():
        relation = _relation(manifeste, noeud)
        trouves = echecs(
            f"{_as_table(manifeste, noeud)}insert into {relation} select * from {relation} limit 1"
        )
        assert trouves - DEJA == {nom}, nom


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
        assert trouves - DEJA == {nom}, nom


SINGULIERS = {
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
    "effectif_masque_sans_petit_nombre": [
        f"update intermediate.int_observation set valeur = {petit} where cle_observation = "
        "(select min(cle_observation) from intermediate.int_observation "
        "where code_variable = 'ABC' and valeur is not null)"
        for petit in (0, 4)
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
    "variable_reliee_au_dictionnaire": [
        "update intermediate.int_variable_non_reliee set code_variable = 'AUTRE'"
    ],
}


def test_every_singular_test_has_its_damage(manifeste: dict[str, Any], tests_dbt: dict[str, Noeud]) -> None:
    singuliers = {nom for nom, noeud in tests_dbt.items() if not noeud.get("test_metadata")}
    assert singuliers == set(SINGULIERS)
    macros = {n["test_metadata"]["name"] for n in tests_dbt.values() if n.get("test_metadata")}
    assert macros == {"cle_unique", "code_format", "statut_coherent"}
    # Each macro that the project defines is used, else nothing here would show it failing.
    definies = re.findall(r"'macro\.qpv_emploi\.test_(\w+)'", str(sorted(nom for nom in manifeste["macros"])))
    assert set(definies) == macros


@pytest.mark.parametrize(
    ("nom", "degat"), [(nom, degat) for nom, degats in SINGULIERS.items() for degat in degats]
)
def test_a_singular_test_fails_alone(echecs: Echecs, nom: str, degat: str) -> None:
    assert echecs(degat) - DEJA == {nom} - DEJA


def test_a_variable_of_the_dictionary_is_not_reported(echecs: Echecs) -> None:
    assert echecs("delete from intermediate.int_variable_non_reliee") == set()


def test_dbt_says_so_too(
    candidat_fictif: tuple[str, Path], reglages_fictifs: Settings, tmp_path: Path
) -> None:
    """One damage per kind of test, in one run of dbt on a copy of the whole project."""
    projet = tmp_path / "dbt_project"
    shutil.copytree(reglages_fictifs.dbt_dir, projet, ignore=shutil.ignore_patterns("target", "logs"))
    copie = tmp_path / "entrepot.duckdb"
    shutil.copy(candidat_fictif[1] / "entrepot.duckdb", copie)
    with duckdb.connect(str(copie)) as connexion:
        connexion.execute("insert into mart_disponibilite select * from mart_disponibilite limit 1")
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
        "cle_unique_mart_disponibilite_cle_territoire__code_indicateur__cle_jeu_source",
        "code_format_pont_qpv_epci_siren_epci___0_9_9_",
        "statut_coherent_mart_diagnostic_qpv_",
        "taux_entre_0_et_100",
    }
    assert statuts["variable_reliee_au_dictionnaire"] == "warn"
    assert set(statuts.values()) == {"pass", "fail", "warn"}


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
