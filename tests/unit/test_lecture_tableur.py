"""Workbooks: declared sheet and header row, cells to text, what is refused."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import xlwt

from qpv_emploi.catalogue import Column, Reading, Table
from qpv_emploi.errors import RefusedFile
from qpv_emploi.lecture.grille import Grid
from qpv_emploi.lecture.provenance import Provenance
from qpv_emploi.lecture.tableur import read_sheet

PROVENANCE = Provenance("insee", "essai", "2013", "essai.xlsx", "a" * 64)


def _table(feuille: str = "pop", ligne_entete: int = 4) -> Table:
    return Table(
        forme="lignes",
        lecture=Reading(famille="tableur", feuille=feuille, ligne_entete=ligne_entete),
        colonnes=(Column(nom="qp", role="cle", alias=("QP",)), Column(nom="pop", type="nombre")),
    )


def _workbook(tmp_path: Path, feuilles: dict[str, dict[tuple[int, int], Any]]) -> Path:
    """Cells by (row, column), from 1, as a spreadsheet shows them."""
    chemin = tmp_path / "classeur"
    with xlsxwriter.Workbook(chemin) as classeur:
        jour = classeur.add_format({"num_format": "yyyy-mm-dd"})
        for nom, cellules in feuilles.items():
            feuille = classeur.add_worksheet(nom)
            for (ligne, colonne), valeur in cellules.items():
                if isinstance(valeur, dt.date):
                    feuille.write_datetime(ligne - 1, colonne - 1, valeur, jour)
                else:
                    feuille.write(ligne - 1, colonne - 1, valeur)
    return chemin


def _columns(grille: Grid) -> dict[str, list[str]]:
    return {nom: c.to_pylist() for nom, c in zip(grille.entete, grille.colonnes, strict=True)}


def test_cells_become_text_and_rows_keep_their_number(tmp_path: Path) -> None:
    # Nothing above row 4 nor left of column B: the numbers must still be those of the sheet.
    chemin = _workbook(
        tmp_path,
        {
            "pop": {
                (4, 2): " qp ",
                (4, 3): "pop",
                (4, 4): "divers",
                (5, 2): "QP059001",
                (5, 3): 6056,
                (5, 4): "02",
                (6, 2): "QP059002",
                (6, 3): 44.4,
                (6, 4): True,
                (7, 2): "QP059003",
                (7, 4): dt.date(2015, 1, 1),
                (8, 2): "QP059004",
                (8, 3): -1e-7,
                (9, 2): " ",
                (9, 3): "",
            }
        },
    )
    grille = read_sheet(chemin, _table(), PROVENANCE)
    assert _columns(grille) == {
        "qp": ["QP059001", "QP059002", "QP059003", "QP059004"],
        "pop": ["6056", "44,4", "", "-0,0000001"],
        "divers": ["02", "VRAI", "2015-01-01", ""],
    }
    assert grille.lignes.tolist() == [5, 6, 7, 8]
    assert grille.positions == (2, 3, 4)


def test_old_workbook_without_extension(tmp_path: Path) -> None:
    classeur = xlwt.Workbook()
    feuille = classeur.add_sheet("pop")
    for colonne, (nom, valeur) in enumerate([("qp", "QP002001"), ("pop", 0.1 + 0.2)]):
        feuille.write(3, colonne, nom)
        feuille.write(4, colonne, valeur)
    chemin = tmp_path / "0a1b2c"
    classeur.save(str(chemin))
    assert _columns(read_sheet(chemin, _table(), PROVENANCE)) == {"qp": ["QP002001"], "pop": ["0,3"]}


def test_each_table_reads_its_own_sheet(tmp_path: Path) -> None:
    chemin = _workbook(
        tmp_path,
        {"liste": {(1, 1): "qp", (2, 1): "a"}, "composition": {(1, 1): "QP", (2, 1): "b", (3, 1): "c"}},
    )
    assert _columns(read_sheet(chemin, _table("liste", 1), PROVENANCE)) == {"qp": ["a"]}
    assert _columns(read_sheet(chemin, _table("composition", 1), PROVENANCE)) == {"QP": ["b", "c"]}


def test_missing_sheet_lists_the_sheets(tmp_path: Path) -> None:
    chemin = _workbook(tmp_path, {"Régions": {(1, 1): "x"}, "Quartiers": {}})
    with pytest.raises(RefusedFile, match=r"« pop » absente ; .*« Régions », « Quartiers »"):
        read_sheet(chemin, _table(), PROVENANCE)


@pytest.mark.parametrize(
    ("cellules", "raison"),
    [
        ({(4, 1): "Code du quartier", (5, 1): "qp"}, "ligne 4 .*« Code du quartier » ; .*à la ligne 5"),
        ({(1, 1): "Source"}, "ligne 4 : .*on y lit rien"),
        ({}, "on y lit rien"),
        ({(4, 1): "qp", (5, 1): " "}, "aucune ligne de données"),
        ({(4, 1): "qp", (4, 2): "qp ", (5, 1): "a"}, "en double à la ligne 4 : qp"),
        ({(4, 1): "qp", (5, 1): "a", (5, 3): 8}, "ligne 5, colonne 3 : « 8 »"),
    ],
)
def test_refused_sheets(tmp_path: Path, cellules: dict[tuple[int, int], Any], raison: str) -> None:
    with pytest.raises(RefusedFile, match=raison):
        read_sheet(_workbook(tmp_path, {"pop": cellules}), _table(), PROVENANCE)


@pytest.mark.parametrize("octets", [b"", b"<html></html>", b"PK\x03\x04tronqu\xe9"])
def test_not_a_workbook(tmp_path: Path, octets: bytes) -> None:
    chemin = tmp_path / "faux.xls"
    chemin.write_bytes(octets)
    with pytest.raises(RefusedFile, match="classeur illisible"):
        read_sheet(chemin, _table(), PROVENANCE)
