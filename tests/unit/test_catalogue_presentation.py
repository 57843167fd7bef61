"""The page of a producer, and the vintages that a person asks for."""

from __future__ import annotations

import pytest

from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.catalogue.millesimes import check_asked
from qpv_emploi.catalogue.presentation import producer_page
from qpv_emploi.errors import SettingsError
from qpv_emploi.settings import Settings

CATALOGUE = load_catalogue(Settings().dbt_dir)
INSEE = next(p for p in CATALOGUE.producteurs if p.producteur == "insee")
DARES = next(p for p in CATALOGUE.producteurs if p.producteur == "dares")
TIERS = next(p for p in CATALOGUE.producteurs if p.producteur == "tiers")


def test_a_page_has_one_row_and_one_section_per_dataset() -> None:
    page = producer_page(INSEE)
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    sections = [line for line in page.splitlines() if line.startswith("#### ")]
    assert [row.split("`")[1] for row in rows] == [jeu.jeu for jeu in INSEE.jeux]
    assert sections == [f"#### {jeu.titre} (`{jeu.jeu}`)" for jeu in INSEE.jeux]
    # One fact, one line: a text folded in the YAML does not break the list.
    known = ("|", "#### ", "- **", *(" ".join(jeu.description.split()) for jeu in INSEE.jeux))
    assert [line for line in page.splitlines() if line and not line.startswith(known)] == []


def test_what_a_dataset_says_of_itself() -> None:
    page = producer_page(INSEE)
    assert "- **Cadence** : annuelle ; délai usuel de publication : 330 jours" in page
    assert "délai usuel de publication : non établi" in page
    # A warning about one vintage is that of its line.
    notes = {vintage: note.avertissement for vintage, note in INSEE.jeux[0].millesimes.items()}
    (warned,) = [vintage for vintage, text in notes.items() if text]
    assert f"- **Avertissement, millésime {warned}** : {' '.join(notes[warned].split())}" in page
    assert "- **Usage** : essais" not in page
    assert "- **Usage** : essais" in producer_page(TIERS)


def test_a_bar_in_a_title_does_not_break_the_table() -> None:
    jeu = INSEE.jeux[0].model_copy(update={"titre": "un | deux"})
    (row,) = [
        line
        for line in producer_page(INSEE.model_copy(update={"jeux": (jeu,)})).splitlines()
        if line.startswith("| `")
    ]
    assert "un \\| deux" in row


@pytest.mark.parametrize("asked", [(), ("2021",), ("2021T4", "2021")])
def test_a_vintage_of_any_dataset_of_the_producer_may_be_asked_for(asked: tuple[str, ...]) -> None:
    check_asked(INSEE.jeux, asked, {"2021", "2021T4"})


def test_online_a_vintage_that_a_producer_serves_may_still_arrive() -> None:
    (live,) = [jeu for jeu in DARES.jeux if jeu.jeu == "defm_communales_export"]
    by_hand = [jeu for jeu in DARES.jeux if jeu.acces.mode == "depot"]
    check_asked([*by_hand, live], ["2030T4"], set(), en_ligne=True)
    for datasets, en_ligne in (([*by_hand, live], False), (by_hand, True)):
        with pytest.raises(SettingsError, match="2030T4"):
            check_asked(datasets, ["2030T4"], set(), en_ligne=en_ligne)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("2021", "20211"), "« 20211 » n'est le millésime d'aucun jeu de ce producteur"),
        (("",), "«  » n'est le millésime"),
        (
            ("2016",),
            "millésime 2016 demandé, et aucun jeu de ce producteur ne l'a reçu ; millésimes reçus : 2021",
        ),
    ],
)
def test_another_one_is_refused(asked: tuple[str, ...], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        check_asked(INSEE.jeux, asked, {"2021"})
