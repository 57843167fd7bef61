"""Coverage: which vintage a file is compared with, and the two thresholds."""

from __future__ import annotations

import pytest

from qpv_emploi.qualite.couverture import closest_vintage, judge_coverage


@pytest.mark.parametrize(
    ("millesime", "autres", "attendu"),
    [
        ("2019", {"2017": 1, "2018": 1, "2021": 1}, "2018"),
        ("2019", {"2018": 1, "2020": 1}, "2018"),
        ("2019", {"2018": 1, "2019": 1}, "2019"),
        ("2030", {"2017": 1, "2021": 1}, "2021"),
        ("2024T4", {"2023T4": 1, "2024T3": 1}, "2024T3"),
        ("v1", {"v0": 1, "2015": 1}, "2015"),
        ("v1", {"v0": 1, "v1": 1}, "v1"),
        ("2019", {"2018": 0}, None),
        ("2019", {}, None),
    ],
)
def test_closest_vintage(millesime: str, autres: dict[str, int], attendu: str | None) -> None:
    assert closest_vintage(millesime, autres) == attendu


@pytest.mark.parametrize(
    ("zones", "reussi", "severite"),
    [
        (0, False, "critical"),
        (749, False, "critical"),
        (750, True, "critical"),
        (1500, True, "critical"),
        (1501, False, "warning"),
    ],
)
def test_thresholds(zones: int, reussi: bool, severite: str) -> None:
    controle = judge_coverage(zones, "2019", {"2010": 10, "2018": 1000})
    assert (controle.reussi, controle.severite) == (reussi, severite)
    assert "contre 1000 au millésime 2018" in controle.message


def test_nothing_to_compare_with() -> None:
    controle = judge_coverage(10, "2019", {})
    assert controle.reussi is None
    assert "aucun autre millésime accepté" in controle.message
