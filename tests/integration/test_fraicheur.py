"""Freshness written in a release: days of the catalogue and of the files, nothing of the clock."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.settings import Settings
from qpv_emploi.veille.calendrier import Etat, fraicheur

pytestmark = pytest.mark.depot

Requete = Callable[..., list[Any]]
COLONNES = (
    "producteur",
    "jeu",
    "titre",
    "dernier_millesime",
    "recu_le",
    "millesime_attendu",
    "attendu_le",
    "retard_des_le",
    "raison",
)


@pytest.fixture(scope="module")
def lignes(sql_32: Requete) -> list[dict[str, Any]]:
    rows = sql_32(f"select {', '.join(COLONNES)} from audit.fraicheur")
    return [dict(zip(COLONNES, row, strict=True)) for row in rows]


def test_one_row_per_dataset_that_may_be_published(lignes: list[dict[str, Any]]) -> None:
    published = [
        (producteur, jeu.jeu)
        for producteur, jeu in load_catalogue(Settings().dbt_dir).datasets()
        if jeu.usage != "essais"
    ]
    assert [(ligne["producteur"], ligne["jeu"]) for ligne in lignes] == sorted(published)


@pytest.mark.parametrize(
    ("jeu", "dernier", "attendu", "le", "retard"),
    [
        # A base N counts its lag from 1 January N; incomes of N from the end of N.
        ("insertion_professionnelle", "2021", "2022", date(2022, 11, 27), date(2023, 5, 12)),
        ("filosofi", "2019", "2020", date(2023, 8, 29), date(2024, 12, 27)),
        ("cog", "2024", "2025", date(2025, 3, 2), date(2025, 4, 2)),
        ("poem", "2025", "2026-01", date(2026, 6, 1), date(2026, 8, 1)),
    ],
)
def test_what_is_expected_next(
    lignes: list[dict[str, Any]], jeu: str, dernier: str, attendu: str, le: date, retard: date
) -> None:
    (found,) = [ligne for ligne in lignes if ligne["jeu"] == jeu]
    assert (found["dernier_millesime"], found["millesime_attendu"]) == (dernier, attendu)
    assert (found["attendu_le"], found["retard_des_le"], found["raison"]) == (le, retard, None)
    assert found["recu_le"] is not None


def test_each_dataset_has_a_day_or_a_reason(lignes: list[dict[str, Any]]) -> None:
    for ligne in lignes:
        assert (ligne["attendu_le"] is None) == (ligne["raison"] is not None), ligne["jeu"]


def test_the_page_of_a_day(lignes: list[dict[str, Any]]) -> None:
    etats = {found.jeu: found.etat for found in fraicheur(lignes, date(2025, 3, 10))}
    assert etats["cog"] is Etat.ATTENDU
    assert etats["insertion_professionnelle"] is Etat.EN_RETARD
    assert etats["poem"] is Etat.A_JOUR
    assert etats["population_qpv"] is Etat.SANS_ECHEANCE
    assert etats["rp_emploi_commune"] is Etat.JAMAIS_RECU


def test_the_site_says_how_fresh_each_dataset_was_on_the_day_of_the_release(
    lignes: list[dict[str, Any]], publication_32: tuple[Path, float]
) -> None:
    site = publication_32[0] / "site"
    accueil = (site / "index.html").read_text("utf-8")
    tableau = accueil[accueil.index('<table id="fraicheur"') :]
    etats = re.findall(r"<td>([^<]*)</td></tr>", tableau[: tableau.index("</table>")])
    jour = re.search(r"L'état est celui du ([^,]+), jour de la version", accueil)
    assert jour
    assert len(etats) == len(lignes)
    attendus = [found.etat.value for found in fraicheur(lignes, date.max)]
    # Whatever the day of the test, these do not depend on it.
    for etat in (Etat.JAMAIS_RECU, Etat.SANS_ECHEANCE):
        assert etats.count(etat.value) == attendus.count(etat.value) > 0
    assert set(etats) <= {etat.value for etat in Etat}
    sources = (site / "sources" / "index.html").read_text("utf-8")
    assert re.search(
        r"<dt>Millésime suivant</dt><dd>2022, vers le 27/11/2022 ; au .* : en retard</dd>", sources
    )
