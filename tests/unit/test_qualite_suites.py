"""Suites in YAML and their translation for Great Expectations."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import qpv_emploi
from qpv_emploi.errors import SettingsError
from qpv_emploi.qualite.demandes import describe, requests
from qpv_emploi.qualite.gx import Attendu, build, validate
from qpv_emploi.qualite.suites import Attente, BronzeSuite, Selection, bronze_suite, read_suite

ENTRE = "expect_column_values_to_be_between"


def _suite(dossier: Path, texte: str, nom: str = "insee__essai") -> Path:
    chemin = dossier / "bronze" / f"{nom}.yml"
    chemin.parent.mkdir(exist_ok=True)
    chemin.write_text(texte, encoding="utf-8")
    return chemin


def _expectation(**champs: object) -> Attente:
    return Attente.model_validate({"type": ENTRE, "severite": "critical", "note": "essai", **champs})


@pytest.mark.parametrize(
    ("texte", "message"),
    [
        ("suite: [", "n'est pas du YAML"),
        ("suite: autre\ndescription: d", "déclare la suite « autre » ; attendu : insee__essai"),
        ("suite: insee__essai\ndescription: d\nattente: []", "attente : Extra inputs"),
        ("suite: insee__essai", "description : Field required"),
        (
            "suite: insee__essai\ndescription: d\nattentes: [{type: expect_x, severite: fatal, note: n}]",
            "severite",
        ),
        (
            "suite: insee__essai\ndescription: d\nattentes: [{type: expect_x, severite: warning}]",
            "note : Field required",
        ),
        (
            "suite: insee__essai\ndescription: d\n"
            "attentes: [{type: expect_x, severite: warning, note: n, arguments: {row_condition: a}}]",
            "row_condition",
        ),
        (
            "suite: insee__essai\ndescription: d\n"
            "attentes: [{type: expect_x, severite: warning, note: n, colonnes: {}}]",
            "soit un motif, soit des noms",
        ),
        (
            "suite: insee__essai\ndescription: d\n"
            "attentes: [{type: expect_x, severite: warning, note: n, colonnes: {motif: '('}}]",
            "n'est pas une expression régulière",
        ),
        (
            "suite: insee__essai\ndescription: d\n"
            "identites: [{nom: a, total: A, parties: [B]}, {nom: a, total: C, parties: [D]}]",
            "deux identités portent le même nom",
        ),
    ],
)
def test_a_faulty_suite_is_an_error_that_names_the_file(tmp_path: Path, texte: str, message: str) -> None:
    chemin = _suite(tmp_path, texte)
    with pytest.raises(SettingsError) as erreur:
        read_suite(chemin, BronzeSuite)
    assert message in str(erreur.value)
    assert "insee__essai.yml" in str(erreur.value)


def test_a_missing_suite_says_which_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"insee__x n'a pas de suite .* écrire .*bronze/insee__x\.yml"):
        bronze_suite(tmp_path, "insee__x")


def test_a_selection_by_pattern_keeps_the_order_of_the_file_and_its_exceptions() -> None:
    selection = Selection(motif="^TX_", sauf=("TX_B",))
    assert selection.among(["TX_C", "TX_B", "A_TX_", "TX_A"]) == ("TX_C", "TX_A")
    assert Selection(noms=("X", "Y")).among(["Y"]) == ("X", "Y")


def test_one_request_per_selected_column() -> None:
    attente = _expectation(colonnes={"motif": "^TX_"}, arguments={"min_value": 0, "max_value": 100})
    demandes = requests(attente, ["TX_A", "B", "TX_C"])
    assert [d.arguments for d in demandes] == [
        {"column": "TX_A", "min_value": 0, "max_value": 100},
        {"column": "TX_C", "min_value": 0, "max_value": 100},
    ]
    assert demandes[0].message == "attendu : ≥ 0 et ≤ 100 ; essai"


@pytest.mark.parametrize(
    ("type_", "arguments", "texte"),
    [
        (ENTRE, {"min_value": 0, "strict_min": True}, "> 0"),
        (ENTRE, {"max_value": 0.5, "mostly": 0.9}, "≤ 0,5 pour au moins 90 % des valeurs"),
        ("expect_column_values_to_be_in_set", {"value_set": [0, "a"]}, "une valeur parmi 0, « a »"),
        ("expect_column_values_to_match_regex", {"regex": "^A"}, "forme ^A"),
        ("expect_column_values_to_be_unique", {}, "sans doublon"),
        (
            "expect_column_pair_values_a_to_be_greater_than_b",
            {"column_A": "X", "column_B": "Y", "or_equal": True},
            "X ≥ Y",
        ),
        ("expect_autre_chose", {"b": 1, "a": 2}, "expect_autre_chose (a = 2, b = 1)"),
    ],
)
def test_an_expectation_is_said_in_french(type_: str, arguments: dict[str, object], texte: str) -> None:
    assert describe(type_, arguments) == texte


def test_findings_come_back_in_the_order_asked_with_the_labels_of_the_rows() -> None:
    trame = pd.DataFrame({"a": [1.0, 9.0, None, 12.0], "b": ["x", "y", None, "z"]}, index=[10, 11, 12, 13])
    constats = validate(
        trame,
        [
            Attendu("expect_column_values_to_not_be_null", {"column": "b"}, "warning"),
            Attendu(ENTRE, {"column": "b", "min_value": 0}, "critical"),
            Attendu(ENTRE, {"column": "a", "max_value": 5}, "critical"),
            Attendu("expect_table_row_count_to_be_between", {"min_value": 5}, "critical"),
            Attendu(ENTRE, {"column": "a", "max_value": 9, "mostly": 0.5}, "critical"),
        ],
    )
    assert [c.reussi for c in constats] == [False, False, False, False, True]
    assert constats[0].index == (12,)
    assert constats[1].erreur
    assert constats[2].index == (11, 13)
    assert constats[2].nb_ecarts == 2
    assert constats[3].observe == "4"
    assert constats[4].index == (13,)


def test_a_second_frame_is_judged_on_its_own_values() -> None:
    attendu = [Attendu(ENTRE, {"column": "a", "max_value": 5}, "critical")]
    assert validate(pd.DataFrame({"a": [9]}), attendu)[0].nb_ecarts == 1
    assert validate(pd.DataFrame({"a": [1]}), attendu)[0].reussi
    assert validate(pd.DataFrame({"a": [8, 9]}), attendu)[0].nb_ecarts == 2
    assert validate(pd.DataFrame({"a": [9]}), []) == []


@pytest.mark.parametrize(
    ("type_", "arguments", "message"),
    [
        ("expect_column_values_to_be_beautiful", {"column": "a"}, "attente inconnue de Great Expectations"),
        (ENTRE, {"column": "a", "minimum": 0}, "arguments refusés"),
        (ENTRE, {"column": "a"}, "arguments refusés"),
    ],
)
def test_a_badly_written_expectation_is_an_error_of_the_suite(
    type_: str, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        build(Attendu(type_, arguments, "critical"))


def test_judging_prints_nothing_and_warns_of_nothing(
    capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    validate(pd.DataFrame({"a": [9]}), [Attendu(ENTRE, {"column": "a", "max_value": 5}, "critical")])
    assert capfd.readouterr() == ("", "")
    assert list(recwarn) == []


def test_importing_the_gates_does_not_import_great_expectations() -> None:
    script = (
        "import sys, qpv_emploi.qualite.gate, qpv_emploi.qualite.marts, qpv_emploi.qualite.rapport;"
        "assert 'great_expectations' not in sys.modules, 'imported';"
        "assert 'airflow' not in sys.modules"
    )
    plugins = str(Path(qpv_emploi.__file__).parents[1])
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": plugins})
