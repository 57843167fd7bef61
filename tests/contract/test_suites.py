"""Suites against the catalogue and the dictionary: none is missing, none speaks of a column nobody knows."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from qpv_emploi.catalogue import BronzeTable, Catalogue, load_catalogue
from qpv_emploi.qualite.gx import Attendu, build
from qpv_emploi.qualite.suites import SIGNES_ADMIS, Attente, MartSuite, bronze_suite, read_suite
from qpv_emploi.settings import Settings

REGLAGES = Settings()
SUITES = sorted(chemin.stem for chemin in (REGLAGES.expectations_dir / "bronze").iterdir())
MARTS = sorted(
    chemin
    for chemin in (REGLAGES.expectations_dir / "marts").glob("*.yml")
    if chemin.name != "exceptions.yml"
)
GEOMETRIE = {"longitude", "latitude", "surface_m2"}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(REGLAGES.dbt_dir)


def _known_columns(bronze: BronzeTable, catalogue: Catalogue) -> set[str]:
    connues = {c.nom for c in bronze.table.colonnes}
    connues |= {f"{c.nom}__valeur" for c in bronze.table.colonnes if c.type == "nombre"}
    if bronze.table.forme == "cellules":
        variables = catalogue.variables_of(bronze.producteur, bronze.jeu.jeu)
        connues |= {v.code_variable for v in variables}
    if bronze.table.lecture.famille in ("shapefile_zip", "geojson"):
        connues |= GEOMETRIE
    return connues


def _table(nom: str, catalogue: Catalogue) -> BronzeTable:
    return next(bronze for bronze in catalogue.tables() if bronze.nom == nom)


def test_each_bronze_table_has_its_suite_and_each_suite_its_table(catalogue: Catalogue) -> None:
    assert sorted(bronze.nom for bronze in catalogue.tables()) == SUITES


@pytest.mark.parametrize("nom", SUITES)
def test_a_suite_names_known_columns_only(nom: str, catalogue: Catalogue) -> None:
    connues = _known_columns(_table(nom, catalogue), catalogue)
    suite = bronze_suite(REGLAGES.expectations_dir, nom)
    nommees = {colonne for identite in suite.identites for colonne in identite.colonnes}
    for attente in suite.attentes:
        nommees |= set(attente.named_columns())
        if attente.si:
            nommees.add(attente.si.colonne)
        if attente.colonnes:
            selection = attente.colonnes.among(sorted(connues))
            assert selection, f"{attente.colonnes.motif} ne choisit aucune colonne connue"
            nommees |= set(selection)
    assert nommees <= connues


@pytest.mark.parametrize("nom", SUITES)
def test_great_expectations_takes_every_expectation(nom: str) -> None:
    suite = bronze_suite(REGLAGES.expectations_dir, nom)
    assert suite.attentes
    for attente in suite.attentes:
        build(_attendu(attente))


# Skipped as an empty set until the first suite of a mart is written.
@pytest.mark.parametrize("chemin", MARTS, ids=lambda chemin: chemin.stem)
def test_a_suite_of_a_mart_can_be_read_and_run(chemin: Path) -> None:
    suite = read_suite(chemin, MartSuite)
    assert suite.attentes or suite.identites
    for attente in suite.attentes:
        build(_attendu(attente))


def _attendu(attente: Attente) -> Attendu:
    colonne = {"column": "x"} if attente.colonnes else {}
    return Attendu(attente.type, {**colonne, **attente.arguments}, attente.severite)


def test_notes_cite_their_source_or_their_reason(catalogue: Catalogue) -> None:
    for nom in SUITES:
        for attente in bronze_suite(REGLAGES.expectations_dir, nom).attentes:
            assert len(attente.note) > 20, f"{nom} : {attente.note}"
            assert re.match(r"[a-zéèà«0-9]", attente.note), f"{nom} : {attente.note}"


def test_signs_admitted_by_the_gate_are_those_that_the_warehouse_gives_a_status() -> None:
    with (REGLAGES.dbt_dir / "seeds" / "signe_source.csv").open(encoding="utf-8", newline="") as flux:
        lignes = list(csv.DictReader(flux, delimiter=";"))
    assert set(SIGNES_ADMIS) == {ligne["signe"] for ligne in lignes if not ligne["producteur"]}
    par_producteur = {(ligne["producteur"], ligne["signe"]) for ligne in lignes}
    for nom in SUITES:
        for signe in bronze_suite(REGLAGES.expectations_dir, nom).signes_admis:
            producteur = nom.split("__", maxsplit=1)[0]
            assert {("", signe), (producteur, signe)} & par_producteur, f"{nom} : {signe}"
