"""Gate 1 on the options of the readers: repairs told, ranges of many measures, maps of zones that change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from qpv_emploi.catalogue import BronzeTable, Dataset
from qpv_emploi.errors import SettingsError
from qpv_emploi.lecture import Provenance, read_file
from qpv_emploi.qualite import Controle, Verdict
from qpv_emploi.qualite.couverture import comparable
from qpv_emploi.qualite.gate import judge
from qpv_emploi.qualite.suites import Bornes

CLE = {"nom": "CODGEO", "role": "cle", "type": "code", "presence": "requise"}
SUITE = """suite: insee__essai
description: essai
bornes:
  - {motif: 'T\\d_2021', minimum: 0, maximum: 100, severite: critical, note: "taux en %, pour l'essai"}
  - {motif: 'T.+', maximum: 40, severite: warning, note: "taux inhabituel, pour l'essai"}
"""


def _judge(
    tmp_path: Path,
    contenu: str,
    suite: str = SUITE,
    zones_connues: dict[str, int] | None = None,
    **options: Any,
) -> Verdict:
    table = {"forme": "cellules", "lecture": {"famille": "csv"}, "colonnes": [CLE], **options}
    jeu = Dataset.model_validate(
        {
            "jeu": "essai",
            "titre": "Essai",
            "description": "Essai",
            "licence": "Licence Ouverte",
            "acces": {"mode": "depot"},
            "cadence": "annuelle",
            "type_territoire": "departement",
            "secret": {"methode": "aucune"},
            "millesime": {"motif": ".+", "sens": "année"},
            "fichiers": [{"motif": ".+", "tables": [table]}],
        }
    )
    bronze = BronzeTable("insee__essai", "insee", jeu, jeu.fichiers[0], jeu.fichiers[0].tables[0])
    (tmp_path / "bronze").mkdir()
    (tmp_path / "bronze" / "insee__essai.yml").write_text(suite, encoding="utf-8")
    chemin = tmp_path / "brut"
    chemin.write_text(contenu, encoding="utf-8")
    (lue,) = read_file(chemin, [bronze], Provenance("insee", "essai", "2021", "e.csv", "a" * 64), ())
    return judge(lue, expectations_dir=tmp_path, variables=(), zones_connues=zones_connues or {})


def _named(verdict: Verdict, nom: str) -> list[Controle]:
    return [controle for controle in verdict.controles if controle.nom == nom]


def test_measures_within_their_range(tmp_path: Path) -> None:
    # The control row is not judged, nor are blanks.
    verdict = _judge(
        tmp_path, "CODGEO;T1_2021;T2_2021\n59;0;40\n02;;12,5\nTotal;999;-5\n", ligne_controle="Total"
    )
    assert [c.reussi for c in _named(verdict, "bornes")] == [True, True]
    assert verdict.accepte


@pytest.mark.parametrize("valeur", ["-0,1", "100,1"])
def test_a_measure_outside_its_range_is_named_and_refuses_the_table(tmp_path: Path, valeur: str) -> None:
    verdict = _judge(tmp_path, f"CODGEO;NOM;T1_2021\n59;x;9\n62;y;{valeur}\n")
    (controle, _) = _named(verdict, "bornes")
    assert (controle.reussi, controle.nb_ecarts, verdict.accepte) == (False, 1, False)
    assert controle.exemples == (f"62, ligne 3, colonne 3 (T1_2021) : « {valeur} »",)
    assert "≥ 0 et ≤ 100" in controle.message


def test_each_range_speaks_of_its_own_measures(tmp_path: Path) -> None:
    verdict = _judge(tmp_path, "CODGEO;T1_2020;T1_2021\n59;120;41\n")
    critique, avertissement = _named(verdict, "bornes")
    assert critique.reussi is True
    assert (avertissement.reussi, avertissement.nb_ecarts) == (False, 2)
    assert verdict.accepte


def test_a_range_without_any_measure_is_not_judged(tmp_path: Path) -> None:
    verdict = _judge(tmp_path, "CODGEO;A\n59;120\n")
    assert [c.reussi for c in _named(verdict, "bornes")] == [None, None]


def test_a_range_bounds_something(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="un minimum, un maximum ou les deux"):
        Bornes(motif=".", severite="warning", note="rien")
    mauvaise = SUITE.replace("minimum: 0, maximum: 100, ", "")
    with pytest.raises(SettingsError, match="un minimum, un maximum"):
        _judge(tmp_path, "CODGEO;A\n59;1\n", mauvaise)


def test_repaired_codes_are_reported_and_accepted(tmp_path: Path) -> None:
    colonnes = [{**CLE, "motif": r"\d{2}", "zeros": 2}]
    verdict = _judge(tmp_path, "CODGEO;T1_2021;T2_2021\n2;1;1\n59;1;1\n3;1;1\n", colonnes=colonnes)
    (controle,) = _named(verdict, "code_repare")
    assert controle.est_avertissement
    assert verdict.accepte
    # Rows, not cells.
    assert (controle.nb_ecarts, controle.exemples) == (2, ("ligne 2", "ligne 4"))
    assert "CODGEO (2)" in controle.message


@pytest.mark.parametrize(("zeros", "attendu"), [({"zeros": 2}, [True]), ({}, [])])
def test_nothing_is_reported_where_nothing_was_repaired(
    tmp_path: Path, zeros: dict[str, int], attendu: list[bool]
) -> None:
    verdict = _judge(tmp_path, "CODGEO;T1_2021\n59;1\n", colonnes=[{**CLE, **zeros}])
    assert [c.reussi for c in _named(verdict, "code_repare")] == attendu


@pytest.mark.parametrize(("code", "accepte"), [("32", True), ("3", False)])
def test_the_code_of_a_zone_keyed_by_its_label_is_judged(tmp_path: Path, code: str, accepte: bool) -> None:
    colonnes = [
        {"nom": "NOM", "role": "cle", "presence": "requise"},
        {"nom": "REG", "role": "code", "type": "code", "presence": "requise", "motif": r"\d{2}"},
    ]
    verdict = _judge(tmp_path, f"NOM;REG;T1_2021\nNord;{code};1\nSud;93;2\n", colonnes=colonnes)
    assert verdict.accepte is accepte
    assert accepte or any(c.colonne == "code_source" and c.est_bloquant for c in verdict.controles)


LIGNES = "CODGEO;T1_2021\n" + "".join(f"{i};1\n" for i in range(60))


@pytest.mark.parametrize(
    ("ruptures", "zones_connues", "accepte"),
    [
        ((), {"2020": 100}, False),
        # A new map stands between the two.
        (("2021",), {"2020": 100}, True),
        (("2021",), {"2020": 100, "2022": 61}, True),
        (("2021",), {"2020": 100, "2022": 99}, False),
        (("2015", "2022"), {"2020": 100}, False),
    ],
)
def test_coverage_is_compared_within_one_map_of_zones(
    tmp_path: Path, ruptures: tuple[str, ...], zones_connues: dict[str, int], accepte: bool
) -> None:
    verdict = _judge(tmp_path, LIGNES, zones_connues=zones_connues, ruptures_zonage=ruptures)
    assert verdict.accepte is accepte


def test_vintages_of_the_same_map() -> None:
    connues = {"2014": 1, "2015": 2, "2016": 3, "2019": 4}
    assert comparable("2017", connues, ("2016",)) == {"2016": 3, "2019": 4}
    assert comparable("2013", connues, ("2016",)) == {"2014": 1, "2015": 2}
    assert comparable("2017", connues, ()) == connues
