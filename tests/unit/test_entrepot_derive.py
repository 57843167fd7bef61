"""Gate 2 against the last release: cells that vanish, magnitudes that jump, losses that a person accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from qpv_emploi.entrepot import Candidate, Release
from qpv_emploi.entrepot.audit import audit_candidate
from qpv_emploi.entrepot.drift import (
    Drift,
    coverage_drifts,
    magnitude_drifts,
    photograph,
)
from qpv_emploi.entrepot.waivers import Waiver, judge, read_waivers
from qpv_emploi.errors import AuditError, SettingsError
from qpv_emploi.settings import Settings

Ligne = tuple[str, str, str, float | None, str]

DIMENSIONS = """
create table dim_territoire as select * from (values
  ('q1', 'qpv'), ('q2', 'qpv'), ('q3', 'qpv'), ('q4', 'qpv'), ('q5', 'qpv'), ('c1', 'commune')
) t(cle_territoire, type_territoire);
create table dim_statut as select * from (values
  ('OK', 'non'), ('SECRET', 'oui'), ('NA', 'non'), ('CLASSE', 'partiellement')
) t(code_statut, compte_comme_manquant);
create table fct_observation (code_indicateur varchar, cle_territoire varchar, cle_jeu_source varchar,
  cle_ventilation varchar, valeur double, code_statut varchar, connu_au date);
"""


def rows(
    vintage: str, values: list[float | None], indicator: str = "ABC", status: str = "SECRET"
) -> list[Ligne]:
    """One observation per neighbourhood; a missing value bears the status."""
    return [
        (indicator, f"q{rank}", f"insee:ipro:{vintage}", value, "OK" if value is not None else status)
        for rank, value in enumerate(values, start=1)
    ]


@pytest.fixture
def warehouse(tmp_path: Path) -> Callable[[str, list[Ligne]], Path]:
    def make(name: str, observations: list[Ligne]) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        with duckdb.connect(str(folder / "entrepot.duckdb")) as connection:
            connection.execute(DIMENSIONS)
            for indicator, territory, vintage, value, status in observations:
                connection.execute(
                    "insert into fct_observation values (?, ?, ?, 'TOTAL', ?, ?, null)",
                    [indicator, territory, vintage, value, status],
                )
        return folder

    return make


@pytest.fixture
def compare(warehouse: Callable[[str, list[Ligne]], Path]) -> Callable[..., list[Drift]]:
    """Drifts of coverage and magnitude between two sets of observations."""

    def run(before: list[Ligne], after: list[Ligne]) -> list[Drift]:
        photos = []
        for name, observations in (("avant", before), ("apres", after)):
            folder = warehouse(name, observations)
            with duckdb.connect(str(folder / "entrepot.duckdb"), read_only=True) as connection:
                photos.append(photograph(connection))
        return [*coverage_drifts(*photos, "R0"), *magnitude_drifts(*photos, "R0")]

    return run


FIVE: list[float | None] = [10, 20, 30, 40, 50]


def test_the_same_warehouse_has_not_moved(compare: Callable[..., list[Drift]]) -> None:
    observations = rows("2020", FIVE) + rows("2021", [11, None, 29, 41, 52])
    assert compare(observations, observations) == []


@pytest.mark.parametrize("known", [0, 1, 4])
def test_known_cells_that_become_withheld_are_refused(
    compare: Callable[..., list[Drift]], known: int
) -> None:
    after: list[float | None] = [*FIVE[:known], *[None] * (5 - known)]
    (drift,) = compare(rows("2020", FIVE), rows("2020", after))
    assert drift.refused
    assert (drift.control, drift.indicator, drift.level) == ("couverture", "ABC", "qpv")
    assert (drift.before, drift.after) == (5, known)
    assert drift.line == (
        f"fct_observation, ABC (qpv) : {20 * known},0 % des cellules connues ({known}), 100,0 % (5) dans la "
        "version R0, mêmes millésimes"
    )


def test_a_small_loss_is_only_said(compare: Callable[..., list[Drift]]) -> None:
    """One cell out of twenty: 5 points, between what is said and what is refused."""
    vintages = ("2017", "2018", "2020", "2021")
    before = [row for vintage in vintages for row in rows(vintage, FIVE)]
    after = [(*before[0][:3], None, "SECRET"), *before[1:]]
    (drift,) = compare(before, after)
    assert not drift.refused
    assert (drift.before, drift.after) == (20, 19)


def test_an_indicator_that_leaves_a_kept_vintage_is_refused(compare: Callable[..., list[Drift]]) -> None:
    before = rows("2020", FIVE) + rows("2020", FIVE, "AUTRE")
    (drift,) = compare(before, rows("2020", FIVE))
    assert (drift.indicator, drift.after, drift.refused) == ("AUTRE", 0, True)


def test_a_cell_without_object_is_not_a_loss(compare: Callable[..., list[Drift]]) -> None:
    """NA leaves the expected cells: 4 known of 4."""
    after = rows("2020", [*FIVE[:4], None], status="NA")
    assert compare(rows("2020", FIVE), after) == []


def test_a_class_is_not_a_known_value(compare: Callable[..., list[Drift]]) -> None:
    (drift,) = compare(rows("2020", FIVE), rows("2020", [*FIVE[:4], None], status="CLASSE"))
    assert (drift.before, drift.after) == (5, 4)


def test_a_poor_new_vintage_is_said_and_never_refused(compare: Callable[..., list[Drift]]) -> None:
    before = rows("2020", FIVE)
    (drift,) = compare(before, before + rows("2021", [None] * 5))
    assert not drift.refused
    assert "0,0 % des cellules connues dans le nouveau millésime insee:ipro:2021, 100,0 %" in drift.line
    assert "insee:ipro:2020" in drift.line


@pytest.mark.parametrize(
    ("factor", "told"),
    [
        (1, None),
        (2.9, None),
        (3.1, False),
        (9.9, False),
        (10, True),
        (1000, True),
        (0.2, False),
        (0.01, True),
    ],
)
@pytest.mark.parametrize("vintage", ["2020", "2021"])
def test_a_magnitude_that_jumps(
    compare: Callable[..., list[Drift]], factor: float, told: bool | None, vintage: str
) -> None:
    """In a revised vintage as in a new one."""
    before = rows("2020", FIVE)
    moved = rows(vintage, [factor * (value or 0) for value in FIVE])
    drifts = compare(before, moved if vintage == "2020" else before + moved)
    assert [drift.refused for drift in drifts] == ([] if told is None else [told])
    for drift in drifts:
        assert drift.control == "grandeur"
        assert (drift.before, drift.after) == (30, pytest.approx(30 * factor))
        assert drift.line.startswith("fct_observation, ABC (qpv) : médiane de ")
        assert f"insee:ipro:{vintage}, 30 dans insee:ipro:2020 de la version R0" in drift.line


def test_a_new_vintage_is_read_beside_the_last_one(compare: Callable[..., list[Drift]]) -> None:
    """The last vintage is ten times the first: the new one goes on from there."""
    tenfold: list[float | None] = [10 * (value or 0) for value in FIVE]
    before = rows("2019", FIVE) + rows("2020", tenfold)
    assert compare(before, before + rows("2021", tenfold)) == []


def test_four_figures_say_nothing_of_a_magnitude(compare: Callable[..., list[Drift]]) -> None:
    few: list[float | None] = [1000, 2000, 3000, 4000]
    assert compare(rows("2020", FIVE), rows("2020", FIVE) + rows("2021", few)) == []


# --- losses that a person has accepted --------------------------------------------------------------------

LOSS = Drift("lignes", "dim_qpv", "", "", 40, 10, "dim_qpv : 10 lignes, 40 dans la version R0", True)
HOLE = Drift("couverture", "fct_observation", "ABC", "qpv", 5, 1, "couverture", True)
JUMP = Drift("grandeur", "fct_observation", "ABC", "qpv", 30, 299.9, "grandeur", True)
ACCEPTED: dict[str, Any] = {
    "controle": "lignes",
    "relation": "dim_qpv",
    "region": "32",
    "attendu": 10,
    "raison": "fusion de quartiers au 1er janvier",
    "decide_le": date(2026, 1, 1),
    "jusqu_au": date(2026, 6, 30),
}
TODAY = date(2026, 6, 30)


def waiver(**changes: object) -> Waiver:
    return Waiver.model_validate({**ACCEPTED, **changes})


def test_an_accepted_loss_is_said_with_its_reason() -> None:
    warnings, errors = judge([LOSS], [waiver()], region="32", today=TODAY)
    assert errors == []
    assert warnings == [
        "dim_qpv : 10 lignes, 40 dans la version R0 ; admis jusqu'au 2026-06-30 : fusion de quartiers au "
        "1er janvier"
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"attendu": 11},
        {"relation": "dim_territoire"},
        {"region": "11"},
        {"jusqu_au": date(2026, 6, 29)},
        {"controle": "couverture", "indicateur": "ABC", "type_territoire": "qpv"},
    ],
)
def test_another_loss_is_not_accepted(other: dict[str, object]) -> None:
    _, errors = judge([LOSS], [waiver(**other)], region="32", today=TODAY)
    assert len(errors) == 1
    assert "à faire : retrouver la cause" in errors[0]
    assert "(controle : lignes, attendu : 10)" in errors[0]


def test_a_hole_and_a_jump_are_accepted_for_their_own_indicator() -> None:
    named = {"relation": "fct_observation", "indicateur": "ABC", "type_territoire": "qpv"}
    hole = waiver(controle="couverture", attendu=1, **named)
    jump = waiver(controle="grandeur", attendu=300, **named)
    assert judge([HOLE, JUMP], [hole, jump], region="32", today=TODAY)[1] == []
    elsewhere = [w.model_copy(update={"type_territoire": "commune"}) for w in (hole, jump)]
    assert len(judge([HOLE, JUMP], elsewhere, region="32", today=TODAY)[1]) == 2
    # To the count for cells, within 1 % for a median.
    assert len(judge([replace(HOLE, after=0)], [hole], region="32", today=TODAY)[1]) == 1
    assert len(judge([replace(JUMP, after=310)], [jump], region="32", today=TODAY)[1]) == 1


def test_an_outdated_exception_asks_to_be_removed() -> None:
    warnings, _ = judge([], [waiver()], region="32", today=date(2026, 7, 1))
    assert warnings == [
        "exception échue le 2026-06-30, à retirer de expectations/marts/exceptions.yml : lignes, dim_qpv"
    ]
    assert judge([], [waiver()], region="11", today=date(2026, 7, 1)) == ([], [])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "expectations" / "marts").mkdir(parents=True)
    return Settings(project_dir=tmp_path, data_dir=tmp_path / "data")


def write(settings: Settings, *exceptions: dict[str, Any]) -> None:
    text = yaml.safe_dump({"exceptions": list(exceptions)}, allow_unicode=True)
    (settings.expectations_dir / "marts" / "exceptions.yml").write_text(text, encoding="utf-8")


def test_no_file_means_no_exception(settings: Settings) -> None:
    assert read_waivers(settings.expectations_dir) == ()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"raison": ""}, "raison"),
        ({"jusqu_au": date(2025, 1, 1)}, "jusqu_au précède decide_le"),
        ({"region": "Hauts-de-France"}, "region"),
        ({"controle": "colonnes"}, "controle"),
        ({"indicateur": "ABC"}, "ne nomme que sa relation"),
        ({"controle": "couverture"}, "nomme indicateur et type_territoire"),
        ({"autre": 1}, "autre"),
    ],
)
def test_a_faulty_exception_is_named(settings: Settings, change: dict[str, Any], named: str) -> None:
    write(settings, {**ACCEPTED, **change})
    with pytest.raises(SettingsError, match=named):
        read_waivers(settings.expectations_dir)


def test_the_reviewed_file_is_sound() -> None:
    read_waivers(Settings().expectations_dir)


# --- in the audit -----------------------------------------------------------------------------------------


@pytest.fixture
def audit(
    settings: Settings, warehouse: Callable[[str, list[Ligne]], Path]
) -> Callable[[list[Ligne], list[Ligne]], list[str]]:
    def run(before: list[Ligne], after: list[Ligne]) -> list[str]:
        previous = Release("R0", warehouse("r0", before), "", "32", "e0", {}, False, True)
        folder = warehouse("travail", after)
        return audit_candidate(
            settings, Candidate("C1", folder, "e", "32", "2026-06-30T00:00:00.000Z", (), ()), previous
        )

    return run


def test_a_candidate_that_loses_cells_is_not_published(
    audit: Callable[..., list[str]], settings: Settings
) -> None:
    with pytest.raises(AuditError, match=r"candidat C1 non publié : fct_observation, ABC \(qpv\) : 20,0 %"):
        audit(rows("2020", FIVE), rows("2020", [10, None, None, None, None]))


def test_a_candidate_whose_loss_is_accepted_is_published(
    audit: Callable[..., list[str]], settings: Settings
) -> None:
    named = {"relation": "fct_observation", "indicateur": "ABC", "type_territoire": "qpv"}
    write(settings, {**ACCEPTED, **named, "controle": "couverture", "attendu": 1})
    (warning,) = audit(rows("2020", FIVE), rows("2020", [10, None, None, None, None]))
    assert warning.endswith("admis jusqu'au 2026-06-30 : fusion de quartiers au 1er janvier")


def test_a_tenfold_vintage_is_not_published(audit: Callable[..., list[str]]) -> None:
    before = rows("2020", FIVE)
    with pytest.raises(AuditError, match=r"médiane de 300 dans insee:ipro:2021, 30 dans insee:ipro:2020"):
        audit(before, before + rows("2021", [10 * (value or 0) for value in FIVE]))


def test_a_release_that_cannot_be_read_is_said(
    settings: Settings, warehouse: Callable[[str, list[Ligne]], Path], tmp_path: Path
) -> None:
    previous = Release("R0", tmp_path / "disparue", "", "32", "e0", {}, False, True)
    folder = warehouse("travail", rows("2020", FIVE))
    candidate = Candidate("C1", folder, "e", "32", "2026-06-30T00:00:00.000Z", (), ())
    assert audit_candidate(settings, candidate, previous) == [
        "observations de la version R0 illisibles : seules ses lignes sont comparées"
    ]
