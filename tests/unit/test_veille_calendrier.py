"""The next vintage: its name, the day it is due, when it is late, and why it cannot be said."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest

from qpv_emploi.catalogue import Dataset, load_catalogue
from qpv_emploi.settings import Settings
from qpv_emploi.veille.calendrier import Expectation, next_expected

CATALOGUE = load_catalogue(Settings().dbt_dir)
ANY_FORM = r"20\d{2}(T[1-4]|-\d{2})?"


def dataset(motif: str = ANY_FORM, **changes: Any) -> Dataset:
    """A yearly dataset of a lag of 330 days, changed."""
    ipro = CATALOGUE.dataset("insee", "insertion_professionnelle")
    millesime = ipro.millesime.model_copy(update={"motif": motif})
    return ipro.model_copy(update={"delai_usuel_jours": 330, "millesime": millesime, **changes})


# Base 2022 measures 31 December 2021: due 330 days after 1 January 2022, late after 495.
@pytest.mark.parametrize(
    ("day", "late_by"),
    [
        (date(2021, 6, 1), 0),
        (date(2022, 11, 28), 0),
        (date(2023, 5, 11), 0),
        (date(2023, 5, 12), 166),
        (date(2026, 11, 20), 1454),
    ],
)
def test_a_yearly_base_is_late_once_its_lag_is_exceeded_by_half(day: date, late_by: int) -> None:
    assert next_expected(dataset(), ("2017", "2021"), day) == Expectation(
        "2022", date(2022, 11, 27), date(2023, 5, 12), late_by
    )


def test_the_rule_gives_back_a_known_publication() -> None:
    """Base 2018 measures 31 December 2017 and was published on 21 November 2018 (SOURCES 1.4)."""
    due = next_expected(dataset(), ("2017",), date(2018, 1, 1)).du_le
    assert due is not None
    assert abs(due - date(2018, 11, 21)) <= timedelta(days=10)


@pytest.mark.parametrize(
    ("cadence", "held", "following", "reference"),
    [
        ("annuelle", "2024", "2025", date(2025, 1, 1)),
        ("annuelle", "2024T4", "2025T4", date(2026, 1, 1)),
        ("annuelle", "2024T1", "2025T1", date(2025, 4, 1)),
        ("annuelle", "2024-02", "2025-02", date(2025, 3, 1)),
        ("trimestrielle", "2021T4", "2022T1", date(2022, 4, 1)),
        ("trimestrielle", "2023T3", "2023T4", date(2024, 1, 1)),
        ("trimestrielle", "2025-11", "2026-02", date(2026, 3, 1)),
        ("trimestrielle", "2025", "2026T1", date(2026, 4, 1)),
        ("mensuelle", "2025-11", "2025-12", date(2026, 1, 1)),
        ("mensuelle", "2025-12", "2026-01", date(2026, 2, 1)),
        ("mensuelle", "2024T4", "2025-01", date(2025, 2, 1)),
        ("mensuelle", "2025", "2026-01", date(2026, 2, 1)),
    ],
)
def test_the_name_and_the_day_of_each_cadence_and_form(
    cadence: str, held: str, following: str, reference: date
) -> None:
    found = next_expected(
        dataset(cadence=cadence, delai_usuel_jours=60), ("2001", held), reference + timedelta(days=91)
    )
    assert found == Expectation(following, reference + timedelta(days=60), reference + timedelta(days=91), 31)
    assert found.annonce.startswith(f"{following}, dû le {reference + timedelta(days=60)}, en retard de 31 ")


def test_a_day_before_the_tolerance_ends_nothing_is_late() -> None:
    found = next_expected(dataset(delai_usuel_jours=60), ("2024",), date(2025, 4, 1))
    assert found.retard_jours == 0
    assert found.annonce == "2025, dû le 2025-03-02"


@pytest.mark.parametrize(
    ("changes", "vintages", "said"),
    [
        ({}, (), "aucun millésime"),
        ({"cadence": "ponctuelle"}, ("2015",), "publication ponctuelle"),
        ({"motif": r"v\d+"}, ("v0",), "millésime sans date"),
        (
            {"delai_usuel_jours": None},
            ("2021T4",),
            "2022T4, date inconnue (délai usuel non établi)",
        ),
        ({"delai_usuel_jours": None, "motif": "2021"}, ("2021",), "délai usuel non établi"),
        # A form that the next name would not have: the day is known, the name is not.
        ({"cadence": "mensuelle", "motif": r"20\d{2}"}, ("2025",), "le suivant, dû le 2026-12-28"),
    ],
)
def test_what_cannot_be_known_is_said(changes: dict[str, Any], vintages: tuple[str, ...], said: str) -> None:
    found = next_expected(dataset(**changes), vintages, date(2026, 1, 1))
    assert found.annonce == said
    assert found.retard_jours == 0


def test_every_dataset_of_the_catalogue_has_an_answer() -> None:
    """A dataset with a cadence and a lag is always dated; nothing else is ever called late."""
    for producteur, jeu in CATALOGUE.datasets():
        held = next((v for v in ("2020", "2020T4", "2020-12") if _has_form(jeu, v)), None)
        found = next_expected(jeu, (held,) if held else (), date(2030, 1, 1))
        dated = held is not None and jeu.cadence != "ponctuelle" and jeu.delai_usuel_jours is not None
        assert (found.du_le is not None) == dated, f"{producteur}/{jeu.jeu}"
        assert (found.retard_jours > 0) == dated, f"{producteur}/{jeu.jeu}"
        assert (found.raison == "") == dated, f"{producteur}/{jeu.jeu}"


def _has_form(jeu: Dataset, millesime: str) -> bool:
    return re.fullmatch(jeu.millesime.motif, millesime) is not None
