"""From the form that a partner fills to the staging rows: author, date, statuses, place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from qpv_emploi.settings import Settings

JOUR = "2025-06-30"
TABLES = ("beneficiaires", "actions", "gouvernance", "clauses")


@pytest.fixture(scope="module")
def construit(candidat_fictif: tuple[str, Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The work database of the fictional candidate: staging is not published."""
    with duckdb.connect(str(candidat_fictif[1] / "entrepot.duckdb"), read_only=True) as connexion:
        yield connexion


@pytest.fixture(scope="module")
def classeur(reglages_fictifs: Settings) -> Any:
    (chemin,) = (reglages_fictifs.depot / "local" / "declarations" / JOUR).iterdir()
    return openpyxl.load_workbook(chemin)


@pytest.mark.parametrize("table", TABLES)
def test_each_statement_is_a_row_signed_and_dated(
    construit: duckdb.DuckDBPyConnection, classeur: Any, table: str
) -> None:
    lues = construit.execute(
        "select ligne_source, code_contrat, auteur, organisme, contact_fonction, saisi_le, seuil_secret"
        f" from staging.stg_local__declarations__{table} order by 1"
    ).fetchall()
    feuille = classeur[table.capitalize()]
    signature = ("service politique de la ville", "Intercommunalité imaginaire")
    identite = (*signature, "cheffe de projet du contrat de ville", date.fromisoformat(JOUR), 5)
    attendues = [
        (ligne, feuille.cell(ligne, 1).value, *identite)
        for ligne in range(4, feuille.max_row + 1)
        if feuille.cell(ligne, 1).value
    ]
    assert lues == attendues
    assert lues


def test_an_unknown_value_is_a_status_and_its_reason(construit: duckdb.DuckDBPyConnection) -> None:
    for table, valeur in (
        *(
            ("beneficiaires", "nombre"),
            ("actions", "valeur"),
            ("gouvernance", "constat"),
            ("clauses", "nombre"),
        ),
    ):
        ((connus, inconnus, incoherents),) = construit.execute(
            f"select count({valeur}), count(code_statut),"
            f" count(*) filter (where ({valeur} is null) = (code_statut is null)"
            " or (code_statut is null) <> (motif is null))"
            f" from staging.stg_local__declarations__{table}"
        ).fetchall()
        assert min(connus, inconnus) > 0, table
        assert incoherents == 0, table


def test_figures_are_those_of_the_form(construit: duckdb.DuckDBPyConnection, classeur: Any) -> None:
    feuille = classeur["Beneficiaires"]
    ecrits = {ligne: feuille.cell(ligne, 10).value for ligne in range(4, feuille.max_row + 1)}
    lus = dict(
        construit.execute(
            "select ligne_source, nombre from staging.stg_local__declarations__beneficiaires"
        ).fetchall()
    )
    assert lus == {ligne: valeur for ligne, valeur in ecrits.items() if ligne in lus}
    assert any(isinstance(valeur, int) for valeur in ecrits.values())


def test_declared_codes_are_those_of_the_warehouse(construit: duckdb.DuckDBPyConnection) -> None:
    """Contracts and dispositifs of the fictional form exist: a declaration joins the star schema."""
    orphelins = construit.execute(
        "select code_contrat from staging.stg_local__declarations__beneficiaires"
        " except select code_contrat from dim_contrat_ville"
    ).fetchall()
    orphelins += construit.execute(
        "select code_dispositif from staging.stg_local__declarations__beneficiaires"
        " except select code from seeds.dispositif"
    ).fetchall()
    orphelins += construit.execute(
        "select code_qpv from staging.stg_local__declarations__beneficiaires where code_qpv is not null"
        " except select code_qpv from dim_qpv"
    ).fetchall()
    assert orphelins == []
