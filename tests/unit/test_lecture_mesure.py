"""Zones counted, revised cells counted: what changed, not how it is written."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qpv_emploi.lecture.mesure import count_revised, count_zones

Cell = tuple[str, str, str, float | None]
BASE: list[Cell] = [
    ("QP059001", "LIBGEO", "Épeule", None),
    ("QP059001", "ABC", "1 508", 1508.0),
    ("QP059001", "A", "", None),
    ("QP059001", "TX", "4,0", 4.0),
    ("Ensemble", "ABC", "1 508", 1508.0),
]


def cells(rows: list[Cell]) -> pa.Table:
    zones, variables, texts, values = zip(*rows, strict=True)
    return pa.table(
        {
            "code_zone": pa.array(zones, pa.string()),
            "est_controle": pa.array([zone == "Ensemble" for zone in zones]),
            "variable": pa.array(variables, pa.string()),
            "valeur_texte": pa.array(texts, pa.string()),
            "valeur": pa.array(values, pa.float64()),
        }
    )


@pytest.fixture
def before(tmp_path: Path) -> Path:
    path = tmp_path / "avant.parquet"
    pq.write_table(cells(BASE), path)
    return path


def changed(rank: int, text: str, value: float | None) -> list[Cell]:
    zone, variable, _, _ = BASE[rank]
    return [*BASE[:rank], (zone, variable, text, value), *BASE[rank + 1 :]]


def test_zones_without_the_control_row(before: Path) -> None:
    assert count_zones(before) == 1


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(BASE, 0, id="same"),
        pytest.param(BASE[::-1], 0, id="other order"),
        pytest.param(changed(1, "1\u202f508", 1508.0), 0, id="other space between thousands"),
        pytest.param(changed(3, "4", 4.0), 0, id="decimal left out"),
        pytest.param(changed(0, " Épeule ", None), 0, id="spaces around a text"),
        pytest.param(changed(1, "1 509", 1509.0), 1, id="other value"),
        pytest.param(changed(2, "0", 0.0), 1, id="blank filled with zero"),
        pytest.param(changed(1, "", None), 1, id="value blanked"),
        pytest.param(changed(1, "nd", None), 1, id="value replaced by a sign"),
        pytest.param(changed(0, "Epeule", None), 1, id="other label"),
        pytest.param(BASE[:1] + BASE[2:], 1, id="cell gone"),
        pytest.param([*BASE, ("QP059002", "A", "", None)], 1, id="blank cell come"),
        pytest.param([(f"{z}x", v, t, x) for z, v, t, x in BASE], 10, id="other zones"),
    ],
)
def test_revised_cells(before: Path, after: list[Cell], expected: int) -> None:
    assert count_revised(before, cells(after)) == expected
