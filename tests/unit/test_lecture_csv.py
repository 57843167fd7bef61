"""Delimited text: the two dialects, physical lines, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from qpv_emploi.catalogue import Reading
from qpv_emploi.errors import RefusedFile
from qpv_emploi.lecture.csv_texte import read_csv
from qpv_emploi.lecture.grille import Grid
from qpv_emploi.lecture.provenance import Provenance

PROVENANCE = Provenance("insee", "essai", "2021", "essai.csv", "a" * 64)
BOM = b"\xef\xbb\xbf"


def _read(tmp_path: Path, contenu: str | bytes, separateur: str = ";", encodage: str = "utf-8") -> Grid:
    chemin = tmp_path / "essai"
    chemin.write_bytes(contenu if isinstance(contenu, bytes) else contenu.encode())
    return read_csv(chemin, Reading(famille="csv", separateur=separateur, encodage=encodage), PROVENANCE)


def _columns(grille: Grid) -> dict[str, list[str]]:
    return {nom: c.to_pylist() for nom, c in zip(grille.entete, grille.colonnes, strict=True)}


def test_native_dialect(tmp_path: Path) -> None:
    grille = _read(tmp_path, "CODGEO;A \r\nQP059001;42,0\r\nQP059002;\r\n")
    assert _columns(grille) == {"CODGEO": ["QP059001", "QP059002"], "A": ["42,0", ""]}
    assert grille.lignes.tolist() == [2, 3]
    assert grille.positions == (1, 2)


def test_excel_dialect_has_a_mark_empty_columns_and_no_last_line_end(tmp_path: Path) -> None:
    excel = BOM + "CODGEO;A;;\r\nQP059001;1\u202f508;;\r\nQP059002;; ;".encode()
    grille = _read(tmp_path, excel)
    assert _columns(grille) == {"CODGEO": ["QP059001", "QP059002"], "A": ["1\u202f508", ""]}


def test_unnamed_column_keeps_the_positions_of_the_others(tmp_path: Path) -> None:
    grille = _read(tmp_path, "CODGEO;;A\nQP059001;;7\n")
    assert grille.entete == ("CODGEO", "A")
    assert grille.positions == (1, 3)


def test_line_feeds_and_comma(tmp_path: Path) -> None:
    assert _columns(_read(tmp_path, "A,B\n1,2\n", ",")) == {"A": ["1"], "B": ["2"]}


def test_quoted_fields(tmp_path: Path) -> None:
    grille = _read(tmp_path, 'A;B\r\n"x;y";"dit ""Le Clos"""\r\n')
    assert _columns(grille) == {"A": ["x;y"], "B": ['dit "Le Clos"']}


def test_line_number_is_physical_after_a_quoted_line_break(tmp_path: Path) -> None:
    grille = _read(tmp_path, 'A;B\r\n"x\r\ny";1\r\nz;2\r\n')
    assert grille.lignes.tolist() == [2, 4]


def test_large_file_passes_the_batches_in_order(tmp_path: Path) -> None:
    grille = _read(tmp_path, "A;B\n" + "".join(f"{i};x\n" for i in range(9000)))
    assert _columns(grille)["A"] == [str(i) for i in range(9000)]
    assert grille.lignes[-1] == 9001


def test_empty_rows_of_the_end_are_dropped(tmp_path: Path) -> None:
    assert _columns(_read(tmp_path, "A;B\n1;2\n;\n \t; \n\n\n")) == {"A": ["1"], "B": ["2"]}


def test_declared_encoding(tmp_path: Path) -> None:
    assert _columns(_read(tmp_path, "A;B\né;1\n".encode("cp1252"), encodage="cp1252"))["A"] == ["é"]


def test_mark_proves_utf8_against_the_declared_encoding(tmp_path: Path) -> None:
    assert _columns(_read(tmp_path, BOM + "A;B\né;1\n".encode(), encodage="cp1252"))["A"] == ["é"]


@pytest.mark.parametrize(
    ("contenu", "raison"),
    [
        ("A;B\n1;2\n3\n4;5\n", r"ligne 3 : 1 champs au lieu de 2"),
        ("A;B\n1;2;3\n", r"ligne 2 : 3 champs au lieu de 2"),
        ("A;B\n1;2\n\n3;4\n", r"ligne 3 : ligne vide"),
        ("A;B\n1;2\n3;4", r"ligne 3 : la dernière ligne n'est pas terminée"),
        (BOM + b"A;B\r\n1;2\r\n3", r"ligne 3 : 1 champs au lieu de 2"),
        ("A;A \n1;2\n", r"en double à la ligne 1 : A"),
        ("A;B\n", r"aucune ligne de données"),
        ("", r"aucun nom de colonne"),
        (";;\n1;2;3\n", r"aucun nom de colonne"),
        ("A;B;\n1;2;\n1;2;perdu\n", r"ligne 3, colonne 3 : « perdu » dans une colonne sans nom"),
        ("A,B\n1,2\n", r"séparateur virgule.*attendu : le séparateur point-virgule"),
        ('A;B\n1;"2\n3;4\n', r"ligne 3 : guillemets mal fermés"),
        ('A;B\n1;2\n"x"y;4\n', r"ligne 3 : guillemets mal fermés"),
        ("A;B\n1;\0\n", r"ligne 2 : octet nul"),
        ("A;B\r\n1;é\r\n".encode("utf-16"), r"UTF-16"),
        ("A;B\n1;x\n2;Chauny – La Fère\n".encode("cp1252"), r"ligne 3 : l'octet 0x96 .*Fère"),
    ],
)
def test_refusals_name_the_line(tmp_path: Path, contenu: str | bytes, raison: str) -> None:
    with pytest.raises(RefusedFile, match=raison) as refus:
        _read(tmp_path, contenu)
    assert str(refus.value).startswith("insee/essai/2021/essai.csv refusé : ")
    assert "; à faire : " in str(refus.value)
