"""Report of a refusal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qpv_emploi.errors import RefusedFile
from qpv_emploi.lecture import Provenance
from qpv_emploi.qualite import Controle, Verdict
from qpv_emploi.qualite.rapport import refusal_of, write_report

MOMENT = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
PROVENANCE = Provenance("insee", "essai", "2030", "essai.csv", "0123456789ab" + "c" * 52)
REFUS = Verdict.of(
    "insee__essai",
    (
        Controle("r", "TX_A", "critical", False, 2, ("QP059001, ligne 2, colonne 3 (TX_A) : 120",), "trop"),
        Controle("r", "LIB", "warning", False, 1, ("QP059002, ligne 3, LIB : « a|<b> »",), "vide"),
        Controle("r", "OK", "critical", True, 0, (), "bien"),
        Controle("r", "ABS", "critical", None, 0, (), "non évaluée : colonne absente"),
    ),
)
BON = Verdict.of("insee__essai__autre", ())


def test_a_page_for_a_person_and_the_same_facts_for_a_program(tmp_path: Path) -> None:
    dossier = write_report(tmp_path, PROVENANCE, [REFUS, BON], MOMENT)
    assert dossier == tmp_path / "insee" / "essai" / "2030" / "0123456789ab"
    page = (dossier / "rapport.md").read_text(encoding="utf-8")
    assert page.startswith("# Fichier refusé : essai.csv\n")
    assert "- **TX_A** : trop (2 écart(s))\n    - QP059001, ligne 2, colonne 3 (TX_A) : 120\n" in page
    assert page.index("Ce qui refuse le fichier") < page.index("TX_A") < page.index("Avertissements")
    assert "« a\\|&lt;b&gt; »" in page
    assert "1 contrôle(s) satisfait(s), 1 sans objet" in page
    assert "## Table insee__essai__autre : acceptée" in page
    assert "## À faire" in page
    faits = json.loads((dossier / "rapport.json").read_text(encoding="utf-8"))
    assert faits["moment"] == "2026-11-20T14:00:00.000Z"
    assert faits["empreinte_sha256"] == PROVENANCE.empreinte_sha256
    assert faits["verdicts"][0]["controles"][0]["exemples"] == list(REFUS.controles[0].exemples)
    assert faits["raison"] == REFUS.raison()


def test_a_refusal_of_a_reader_has_its_report_too(tmp_path: Path) -> None:
    refus = PROVENANCE.refuse("colonne A absente", attendu="A", action="déposer l'original")
    dossier = write_report(tmp_path, PROVENANCE, refus, MOMENT)
    page = (dossier / "rapport.md").read_text(encoding="utf-8")
    assert "## Pourquoi\n\ncolonne A absente\n" in page
    assert "## Ce qui était attendu\n\nA\n" in page
    assert json.loads((dossier / "rapport.json").read_text(encoding="utf-8"))["verdicts"] == []


def test_the_same_refusal_gives_the_same_bytes(tmp_path: Path) -> None:
    premier = write_report(tmp_path, PROVENANCE, [REFUS], MOMENT)
    avant = {f.name: f.read_bytes() for f in premier.iterdir()}
    assert write_report(tmp_path, PROVENANCE, [REFUS], MOMENT) == premier
    assert {f.name: f.read_bytes() for f in premier.iterdir()} == avant
    assert set(avant) == {"rapport.json", "rapport.md"}


def test_the_refusal_names_dataset_vintage_file_line_and_what_to_do() -> None:
    refus = refusal_of(PROVENANCE, [REFUS, BON])
    assert isinstance(refus, RefusedFile)
    assert str(refus).startswith("insee/essai/2030/essai.csv refusé : insee__essai : TX_A : trop")
    assert "ligne 2" in str(refus)
    assert "à faire : comparer le fichier à l'original" in str(refus)
    assert "autre" not in refus.raison


def test_nothing_is_written_without_a_refusal_or_a_time_zone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="aucun verdict de refus"):
        write_report(tmp_path, PROVENANCE, [BON], MOMENT)
    with pytest.raises(ValueError, match="fuseau"):
        write_report(tmp_path, PROVENANCE, [REFUS], MOMENT.replace(tzinfo=None))
    assert list(tmp_path.iterdir()) == []
