"""Publications of whole releases, real and fictional: what leaves equals the marts, and stays harmless."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from frictionless import Package
from tests.diffusion import read_csv_rows, read_sheet

from qpv_emploi.entrepot import Release
from qpv_emploi.entrepot.dbt import manifest_of
from qpv_emploi.publication.version import BANNER, marked_relations, read_release

Requete = Callable[..., list[Any]]
TEXTS = ("csv", False), ("csv_excel", True)


@pytest.fixture(scope="module")
def files_99(publication_fictive: Path) -> Path:
    return publication_fictive / "fichiers"


@pytest.fixture(scope="module")
def files_32(publication_32: tuple[Path, float]) -> Path:
    return publication_32[0] / "fichiers"


def _types(folder: Path, table: str) -> list[tuple[str, str]]:
    with duckdb.connect(str(folder / "entrepot.duckdb"), read_only=True) as connection:
        return [(name, kind) for name, kind, *_ in connection.execute(f"describe {table}").fetchall()]


def _in_a_workbook(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n")
    return value


def _round_trips(folder: Path, lire: Requete, marts: list[str]) -> None:
    """CSV of both kinds and workbook give the rows of the release back."""
    for mart in marts:
        columns = _types(folder, mart)
        names = ", ".join(name for name, _ in columns)
        expected = lire(f"select {names} from {mart}")
        assert expected, mart
        for kind, excel in TEXTS:
            path = folder / kind / f"{mart}.csv"
            assert read_csv_rows(path, [kind for _, kind in columns], excel=excel) == expected, path
        header = 2 if BANNER in (folder / "LISEZMOI.txt").read_text(encoding="utf-8") else 1
        shown, rows, _ = read_sheet(folder / "xlsx" / f"{mart}.xlsx", "Données", header=header)
        at = [shown.index(name) for name, _ in columns]
        assert [tuple(row[place] for place in at) for row in rows] == [
            tuple(_in_a_workbook(value) for value in row) for row in expected
        ], mart


def test_the_dictionary_marks_what_dbt_marks(
    version_fictive: tuple[Release, list[str]], candidat_fictif: tuple[str, Path]
) -> None:
    manifest = json.loads(manifest_of(candidat_fictif[1]).read_text(encoding="utf-8"))
    published = {
        node["name"]: set(node["columns"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] in ("core", "marts")
    }
    folder = version_fictive[0].dossier
    with duckdb.connect(str(folder / "entrepot.duckdb"), read_only=True) as connection:
        relations = marked_relations(connection, read_release(folder))
    assert {r.nom: {c.nom for c in r.colonnes} - {"est_fictif"} for r in relations} == {
        name: columns - {"est_fictif"} for name, columns in published.items()
    }
    assert [r.nom for r in relations if not r.cle and not r.est_vue] == []


def test_fictional_files_say_so(files_99: Path) -> None:
    assert BANNER in (files_99 / "LISEZMOI.txt").read_text(encoding="utf-8")
    for kind, excel in TEXTS:
        for path in sorted((files_99 / kind).iterdir()):
            with path.open(encoding="utf-8-sig", newline="") as stream:
                marks = {row["est_fictif"] for row in csv.DictReader(stream, delimiter=";" if excel else ",")}
            assert marks <= {"oui" if excel else "true"}, path
    for path in sorted((files_99 / "xlsx").iterdir()):
        book = openpyxl.load_workbook(path, read_only=True)
        assert all(next(sheet.iter_rows(values_only=True))[0] == BANNER for sheet in book), path
    for path in sorted((files_99 / "perimetres").glob("*.geojson")):
        assert json.loads(path.read_text(encoding="utf-8"))["avertissement"] == BANNER


def test_fictional_round_trips(files_99: Path, sql_fictif: Requete) -> None:
    _round_trips(files_99, sql_fictif, ["mart_diagnostic_qpv", "mart_disponibilite"])


def test_fictional_package_is_valid(files_99: Path) -> None:
    found = Package(str(files_99 / "datapackage.json")).validate()
    assert found.valid, found.flatten(["name", "rowNumber", "fieldName", "type", "message"])[:10]


def test_fictional_outlines_are_those_of_the_region(files_99: Path, sql_fictif: Requete) -> None:
    ((expected,),) = sql_fictif(
        "select count(*) from dim_qpv where generation = '2015' and longitude is not null"
    )
    content = json.loads((files_99 / "perimetres" / "qpv_2015.geojson").read_text(encoding="utf-8"))
    assert len(content["features"]) == expected > 0
    assert {f["properties"]["code_region"] for f in content["features"]} == {"99"}


@pytest.mark.depot
def test_real_round_trips(files_32: Path, sql_32: Requete) -> None:
    _round_trips(files_32, sql_32, ["mart_disponibilite", "mart_suivi_cibles"])


@pytest.mark.depot
def test_codes_of_the_aisne_keep_their_zero(files_32: Path) -> None:
    names, rows, page = read_sheet(files_32 / "xlsx" / "mart_disponibilite.xlsx", "Données")
    assert page.freeze_panes == "C2"
    place = next(i for i, name in enumerate(names) if name == "code_territoire")
    codes = [row[place] for row in rows]
    assert all(isinstance(code, str) for code in codes)
    # The département itself is one of the territories.
    assert {"02", "59", "60", "62", "80"}.issubset(codes)
    with (files_32 / "csv" / "dim_qpv.csv").open(encoding="utf-8", newline="") as stream:
        departements = {row["code_departement"] for row in csv.DictReader(stream)}
    assert departements == {"02", "59", "60", "62", "80"}


@pytest.mark.depot
def test_real_outlines(files_32: Path) -> None:
    """199 QPV 2015, and of the QPV 2024 the two whose outline the dépôt holds; 5 départements."""
    counts = {}
    for path in (files_32 / "perimetres").glob("*.geojson"):
        counts[path.stem] = len(json.loads(path.read_text(encoding="utf-8"))["features"])
    assert counts["qpv_2015"] == 199
    assert counts["qpv_2024"] == 2
    assert counts["departement"] == 5


@pytest.mark.depot
def test_real_package_is_well_formed(files_32: Path) -> None:
    """Its rows are those of the fictional one, checked there; here the description and the first rows."""
    descriptor = str(files_32 / "datapackage.json")
    assert Package.validate_descriptor(descriptor).valid
    package = Package(descriptor)
    for name in ("dim_qpv", "mart_suivi_cibles", "dim_statut"):
        found = package.get_resource(name).validate(limit_rows=500)
        assert [e.type for task in found.tasks for e in task.errors] == [], name


@pytest.mark.depot
def test_licences_of_the_real_sources(files_32: Path, sql_32: Requete) -> None:
    with (files_32 / "versions_des_sources.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    ((expected,),) = sql_32("select count(*) from dim_jeu_source")
    assert len(rows) == expected
    assert all(row["licence"] for row in rows)
    unsure = {row["producteur"] for row in rows if row["est_licence_a_confirmer"] == "oui"}
    assert "c2rp" in unsure
    assert any(row["est_licence_a_confirmer"] == "non" for row in rows)


@pytest.mark.depot
def test_a_real_publication_has_no_fictional_mark(files_32: Path) -> None:
    assert BANNER not in (files_32 / "LISEZMOI.txt").read_text(encoding="utf-8")
    names, rows, _ = read_sheet(files_32 / "xlsx" / "mart_suivi_cibles.xlsx", "Données")
    assert {row[names.index("est_fictif")] for row in rows} == {False}
