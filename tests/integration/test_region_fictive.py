"""The whole fictional region goes through the chain: every dataset accepted, the history of pages kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.conservation import Issue, Outcome
from qpv_emploi.fictif import MILLESIMES_DU_DEPOT
from qpv_emploi.settings import Settings


def test_every_dataset_of_the_warehouse_is_accepted(issues_fictives: list[Outcome]) -> None:
    catalogue = load_catalogue(Settings().dbt_dir)
    attendus = {(p, jeu.jeu) for p, jeu in catalogue.datasets() if jeu.usage == "entrepot"}
    recus = [issue for issue in issues_fictives if issue.millesime]
    assert [(i.jeu, i.millesime, i.raison) for i in recus if i.issue is not Issue.NOUVEAU] == []
    assert {(issue.producteur, issue.jeu) for issue in recus} == attendus
    pages = {issue.millesime for issue in recus if issue.jeu == "pages"}
    assert pages == set(MILLESIMES_DU_DEPOT["pages"])


@pytest.fixture(scope="module")
def versions(candidat_fictif: tuple[str, Path]) -> list[dict[str, Any]]:
    """Versions of pages in the work database: they are not published."""
    (base,) = candidat_fictif[1].rglob("entrepot.duckdb")
    with duckdb.connect(str(base), read_only=True) as connexion:
        lues = connexion.sql(
            "select slug, numero_version, cast(valide_du as varchar) as du, cast(valide_au as varchar) as au,"
            " est_courant, texte_change, publics_changes, publics, hote, nb_rubriques"
            " from intermediate.int_dispositif_page_version order by slug, numero_version"
        )
        return [dict(zip(lues.columns, ligne, strict=True)) for ligne in lues.fetchall()]


def test_a_page_that_goes_back_to_an_older_text_has_three_versions(versions: list[dict[str, Any]]) -> None:
    atelier = [v for v in versions if v["slug"] == "atelier-des-mirages"]
    assert [(v["du"], v["au"], v["est_courant"]) for v in atelier] == [
        ("2026-01-05", "2026-03-08", False),
        ("2026-03-09", "2026-05-31", False),
        ("2026-06-01", None, True),
    ]
    assert [v["texte_change"] for v in atelier] == [False, True, True]


def test_a_page_that_did_not_come_again_stays_in_force(versions: list[dict[str, Any]]) -> None:
    (unique,) = [v for v in versions if v["slug"] == "pass-chimere-emploi"]
    assert (unique["du"], unique["au"], unique["est_courant"]) == ("2026-01-05", None, True)
    assert unique["hote"] == "c2rp.invalid"
    assert unique["nb_rubriques"] == 3
    cheque = [v["publics"] for v in versions if v["slug"] == "cheque-songe-formation"]
    assert cheque == ["Demandeur d'emploi", "Demandeur d'emploi | Salarié"]
