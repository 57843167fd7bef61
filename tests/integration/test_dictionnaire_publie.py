"""The dictionary of a release speaks of all that the release holds, and of nothing else."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import pytest

from qpv_emploi.entrepot import Release

Ligne = dict[str, str]


@pytest.fixture(scope="module")
def dictionnaire(version_fictive: tuple[Release, list[str]]) -> list[Ligne]:
    chemin = version_fictive[0].dossier / "dictionnaire.csv"
    with chemin.open(encoding="utf-8-sig", newline="") as flux:
        return list(csv.DictReader(flux, delimiter=";"))


def test_columns_are_those_of_the_database(
    dictionnaire: list[Ligne], sql_fictif: Callable[..., list[Any]]
) -> None:
    tenues = sql_fictif(
        "select table_name, column_name from information_schema.columns where table_schema = 'main' "
        "order by table_name, ordinal_position"
    )
    assert [(x["relation"], x["colonne"]) for x in dictionnaire if x["colonne"]] == tenues


def test_nothing_is_left_unsaid(dictionnaire: list[Ligne]) -> None:
    relations = [x for x in dictionnaire if not x["colonne"]]
    colonnes = [x for x in dictionnaire if x["colonne"]]
    assert [x for x in dictionnaire if not x["description"]] == []
    assert [x["relation"] for x in relations if not (x["grain"] and x["nature"])] == []
    assert [x for x in colonnes if not x["type"]] == []


def test_a_mart_names_the_files_it_comes_from(dictionnaire: list[Ligne]) -> None:
    ((sources,),) = [
        (x["sources"],) for x in dictionnaire if (x["relation"], x["colonne"]) == ("mart_trajectoire", "")
    ]
    assert "insee/insertion_professionnelle" in sources.split(" ; ")
    assert "table de référence rupture_serie" in sources.split(" ; ")


def test_a_code_says_how_it_is_checked(dictionnaire: list[Ligne]) -> None:
    (ligne,) = (x for x in dictionnaire if (x["relation"], x["colonne"]) == ("dim_qpv", "code_qpv"))
    assert ligne["controles"].startswith("toujours renseignée ; forme QP")
