"""The next vintage: its name, the day it is due, when it is late, and why it cannot be said."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import islice, pairwise
from typing import Any

import pytest

from qpv_emploi.catalogue import Dataset, load_catalogue
from qpv_emploi.catalogue.acces import is_live
from qpv_emploi.catalogue.echeances import due_days
from qpv_emploi.settings import Settings
from qpv_emploi.veille.calendrier import (
    Etat,
    Expectation,
    Pace,
    asking_rhythm,
    crons,
    fraicheur,
    next_expected,
)

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


def test_a_year_measured_counts_its_lag_from_its_end() -> None:
    """Family benefits of 31 December 2024, fourteen months later: early March 2026, not 2025."""
    cnaf = CATALOGUE.dataset("insee", "cnaf_qpv_2024")
    assert next_expected(cnaf, ("2023",), date(2025, 6, 1)) == Expectation(
        "2024", date(2026, 3, 2), date(2026, 10, 1)
    )


def test_the_days_that_follow_are_one_cycle_apart() -> None:
    yearly = list(islice(due_days(dataset(), "2017"), 3))
    assert yearly == [date(2018, 11, 27), date(2019, 11, 27), date(2020, 11, 26)]
    quarterly = list(islice(due_days(dataset(cadence="trimestrielle", delai_usuel_jours=60), "2024T3"), 5))
    assert all(80 < (after - before).days < 100 for before, after in pairwise(quarterly))
    assert list(due_days(dataset(delai_usuel_jours=None), "2017")) == []
    assert list(due_days(dataset(), "v0")) == []


# ---------------------------------------------------------------------------------------- how often to ask


# Base 2022 is usually out on 27 November 2022: asked daily from 28 October to 26 January.
@pytest.mark.parametrize(
    ("day", "pace"),
    [
        (date(2022, 3, 1), Pace.WEEKLY),
        (date(2022, 10, 27), Pace.WEEKLY),
        (date(2022, 10, 28), Pace.DAILY),
        (date(2023, 1, 26), Pace.DAILY),
        # It did not come: weekly, until the window of base 2023.
        (date(2023, 1, 27), Pace.WEEKLY),
        (date(2023, 10, 27), Pace.WEEKLY),
        (date(2023, 10, 28), Pace.DAILY),
        (date(2030, 7, 1), Pace.WEEKLY),
    ],
)
def test_a_yearly_base_is_asked_daily_around_its_day_and_weekly_else(day: date, pace: Pace) -> None:
    assert asking_rhythm(dataset(), ("2021",), day).pas is pace


def test_once_received_a_base_is_no_more_looked_for_daily() -> None:
    day = date(2022, 12, 1)
    assert asking_rhythm(dataset(), ("2021",), day).pas is Pace.DAILY
    found = asking_rhythm(dataset(), ("2021", "2022"), day)
    assert found.pas is Pace.WEEKLY
    assert found.raison == "publication usuelle le 2023-11-27, guettée à partir du 2023-10-28"


@pytest.mark.parametrize(
    ("changes", "vintages", "pace", "reason"),
    [
        ({"cadence": "ponctuelle"}, ("2015",), Pace.MONTHLY, "publication ponctuelle"),
        ({}, (), Pace.WEEKLY, "aucun millésime reçu"),
        ({"delai_usuel_jours": None}, ("2021",), Pace.WEEKLY, "délai usuel non établi"),
        ({"motif": r"v\d+"}, ("v0",), Pace.WEEKLY, "millésime sans date"),
    ],
)
def test_what_has_no_known_day_is_asked_rarely(
    changes: dict[str, Any], vintages: tuple[str, ...], pace: Pace, reason: str
) -> None:
    found = asking_rhythm(dataset(**changes), vintages, date(2026, 1, 5))
    assert (found.pas, found.raison) == (pace, reason)


def test_a_pace_falls_on_its_days() -> None:
    january = [date(2026, 1, 1) + timedelta(days=n) for n in range(31)]
    for changes, days in (
        ({"cadence": "ponctuelle"}, [5]),
        ({"delai_usuel_jours": None}, [5, 12, 19, 26]),
        ({"cadence": "mensuelle", "delai_usuel_jours": 3}, [*range(1, 20), 26, *range(28, 32)]),
    ):
        found = [d.day for d in january if asking_rhythm(dataset(**changes), ("2025-11",), d).falls_on(d)]
        assert found == days, changes


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        # Out 60 days after 1 January: from 30 days before to 60 after.
        (["cog"], ("0 6 * * 1", "0 6 * 1,2,3,4,5 *")),
        # Only by the dépôt: there is nobody to ask.
        (["epci"], ("0 6 * * 1",)),
        (["population_qpv"], ("0 6 * * 1",)),
    ],
)
def test_the_timetable_of_a_producer(names: list[str], expected: tuple[str, ...]) -> None:
    assert crons([CATALOGUE.dataset("insee", name) for name in names]) == expected


def test_a_monthly_dataset_is_asked_on_any_day() -> None:
    cog = CATALOGUE.dataset("insee", "cog")
    monthly = cog.model_copy(update={"cadence": "mensuelle"})
    assert crons([monthly], 7) == ("0 7 * * *",)


def test_the_timetable_holds_every_day_of_a_daily_pace() -> None:
    """Else a dataset would be due to be asked on a day when its DAG does not run."""
    checked = 0
    for _, jeu in CATALOGUE.datasets():
        held = next((v for v in ("2020", "2020T4", "2020-12") if _has_form(jeu, v)), None)
        if held is None or not is_live(jeu.acces):
            continue
        expressions = crons([jeu])
        daily = {int(m) for m in re.findall(r"\d+", expressions[-1].split()[3])} or set(range(1, 13))
        if expressions == ("0 6 * * 1",):
            daily = set()
        for n in range(9 * 365):
            day = date(2021, 1, 1) + timedelta(days=n)
            if asking_rhythm(jeu, (held,), day).pas is Pace.DAILY:
                assert day.month in daily, f"{jeu.jeu} : {day}"
                checked += 1
    assert checked > 1000


# ------------------------------------------------------------------------------------- freshness of a release


ROW = {
    "producteur": "insee",
    "jeu": "cog",
    "titre": "Code officiel géographique",
    "dernier_millesime": "2024",
    "recu_le": date(2024, 3, 4),
    "millesime_attendu": "2025",
    "attendu_le": date(2025, 3, 2),
    "retard_des_le": date(2025, 4, 2),
    "raison": None,
}


@pytest.mark.parametrize(
    ("day", "etat", "jours"),
    [
        (date(2025, 3, 1), Etat.A_JOUR, 0),
        (date(2025, 3, 2), Etat.ATTENDU, 0),
        (date(2025, 4, 1), Etat.ATTENDU, 30),
        (date(2025, 4, 2), Etat.EN_RETARD, 31),
    ],
)
def test_freshness_is_judged_on_the_day_of_the_reader(day: date, etat: Etat, jours: int) -> None:
    (found,) = fraicheur([ROW], day)
    assert (found.etat, found.jours, found.raison) == (etat, jours, "")


def test_freshness_of_what_has_no_day() -> None:
    none = {"attendu_le": None, "retard_des_le": None, "raison": "publication ponctuelle"}
    once, never = fraicheur([{**ROW, **none}, {**ROW, **none, "dernier_millesime": None}], date(2025, 1, 1))
    assert (once.etat, once.raison) == (Etat.SANS_ECHEANCE, "publication ponctuelle")
    assert never.etat is Etat.JAMAIS_RECU
