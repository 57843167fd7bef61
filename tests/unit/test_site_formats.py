"""Numbers, days and words of the site."""

from __future__ import annotations

import math
from datetime import date

import pytest

from qpv_emploi.publication.site import chemins, formats

FINE, NBSP = "\u202f", "\u00a0"


@pytest.mark.parametrize(
    ("value", "decimals", "sign", "shown"),
    [
        (0, None, False, "0"),
        (1234567, None, False, f"1{FINE}234{FINE}567"),
        (12.34, None, False, "12,3"),
        (12.0, None, False, "12"),
        (1234.6, None, False, f"1{FINE}235"),
        (-0.04, 1, True, "0,0"),
        (-2.35, 1, False, "−2,4"),
        (3.0, 1, True, "+3,0"),
        (2.684, 2, False, "2,68"),
        (None, None, False, "–"),
        (math.nan, None, False, "–"),
    ],
)
def test_number(value: float | None, decimals: int | None, sign: bool, shown: str) -> None:
    assert formats.nombre(value, decimals, sign) == shown


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (44.3, "pourcent", f"44,3{FINE}%"),
        (100, "pourcent", f"100,0{FINE}%"),
        (5028390.18, "euros", f"5{FINE}028{FINE}390{FINE}€"),
        (58, "personnes", f"58{NBSP}personnes"),
        (0.65, "rapport", "0,65"),
        (3, "heures_par_an", f"3{NBSP}heures par an"),
        (7, None, "7"),
        (None, "pourcent", "–"),
    ],
)
def test_value_with_its_unit(value: float | None, unit: str | None, shown: str) -> None:
    assert formats.valeur(value, unit) == shown


def test_a_gap_between_shares_is_in_points_and_signed() -> None:
    assert formats.ecart(15.5, "pourcent") == f"+15,5{NBSP}points"
    assert formats.ecart(-6440, "euros") == f"−6{FINE}440{FINE}€"
    assert formats.ecart(None) == "–"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (date(2024, 1, 1), "1er janvier 2024"),
        ("2026-11-20T20:18:19.123Z", "20 novembre 2026"),
        ("v0", "v0"),
        (None, "–"),
    ],
)
def test_day(value: date | str | None, shown: str) -> None:
    assert formats.jour(value) == shown


def test_plural_begins_at_two() -> None:
    assert formats.pluriel(0, "quartier") == f"0{NBSP}quartier"
    assert formats.pluriel(1, "quartier") == f"1{NBSP}quartier"
    assert formats.pluriel(2, "jeu", "jeux") == f"2{NBSP}jeux"


def test_sentence_keeps_its_capitals_and_loses_its_full_stop() -> None:
    assert formats.capitaliser("la série de POEM s'arrête.") == "La série de POEM s'arrête"
    assert formats.capitaliser("non_additif : rien") == "Non additif : rien"


def test_long_words_can_be_cut_and_short_ones_cannot() -> None:
    cut = formats.cesure("Population municipale en QPV (EMP)")
    assert cut.replace("\u00ad", "") == "Population municipale en QPV (EMP)"
    assert "\u00ad" in cut.split()[1]
    assert "\u00ad" not in "".join(cut.split()[2:])


@pytest.mark.parametrize(
    "code", ["../../etc/passwd", ".htaccess", "a b", "<script>", "é", "", "a/b", "..", "#x"]
)
def test_a_code_never_leaves_its_folder(code: str) -> None:
    path = chemins.indicateur(code)
    folder, _, name = path.partition("/")
    assert folder == "indicateurs"
    assert "/" not in name
    assert not name.startswith(".")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
    assert chemins.ancre(code)[0] == "a"


@pytest.mark.parametrize(
    ("here", "there", "link"),
    [
        ("index.html", "contrats/CV192.html", "contrats/CV192.html"),
        ("contrats/CV192.html", "index.html", "../index.html"),
        ("contrats/CV192.html", "contrats/index.html#g2015", "index.html#g2015"),
        ("contrats/CV192.html", "quartiers/QP1.html#a", "../quartiers/QP1.html#a"),
        ("contrats/CV192.html", "contrats/CV192.html#b3", "#b3"),
        ("contrats/CV192.html", "contrats/CV192.html", "CV192.html"),
        ("contrats/CV192.html", "../fichiers/LISEZMOI.txt", "../../fichiers/LISEZMOI.txt"),
    ],
)
def test_links_are_relative(here: str, there: str, link: str) -> None:
    assert chemins.relatif(here, there) == link
