"""Files people take away: harmless texts, codes kept, exact round trips, nothing unmarked, same bytes."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import geopandas as gpd
import openpyxl
import pytest
import shapely
import yaml
from frictionless import Package
from tests.diffusion import HOSTILE, read_csv_rows, read_sheet, write_release
from tests.exigences import absent

from qpv_emploi.errors import QPVError
from qpv_emploi.publication.cellules import DANGEROUS, neutralised, neutralised_sql, restored
from qpv_emploi.publication.classeur import CUT, DATA, TEXT_LIMIT, has_workbook
from qpv_emploi.publication.dossier import FilesReport, publish_files
from qpv_emploi.publication.version import BANNER, Column, Relation

LAID = "entrepot.duckdb"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_release(tmp_path_factory.mktemp("versions"))


@pytest.fixture(scope="module")
def report(release: Path, tmp_path_factory: pytest.TempPathFactory) -> FilesReport:
    return publish_files(release, tmp_path_factory.mktemp("fichiers"))


@pytest.fixture(scope="module")
def fictional(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = write_release(tmp_path_factory.mktemp("versions"), region="99", est_fictif=True)
    return publish_files(made, tmp_path_factory.mktemp("fichiers")).dossier


def ask(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / LAID), read_only=True) as connection:
        return connection.execute(query).fetchall()


def columns_of(folder: Path, table: str) -> list[tuple[str, str]]:
    return [(name, kind) for name, kind, *_ in ask(folder, f"describe {table}")]


def mart(folder: Path) -> list[tuple[Any, ...]]:
    """Rows of the mart; an empty text and a null look alike in a spreadsheet."""
    rows = ask(folder, "from mart_essai")
    return [tuple(None if value == "" else value for value in row) for row in rows]


def in_a_workbook(value: Any) -> Any:
    """What a cell holds: lines that end with LF."""
    if isinstance(value, str):
        return value.replace("\r", "\n")
    return value


# --- harmless texts


@pytest.mark.parametrize("text", HOSTILE)
def test_a_neutralised_text_starts_nothing_and_is_read_back(text: str) -> None:
    made = neutralised(text)
    assert restored(made) == text
    assert made.lstrip(" \u00a0\u202f")[:1] not in set(DANGEROUS) - {"'"}
    if text[:1].isalnum():
        assert made == text


def test_sql_and_python_neutralise_alike() -> None:
    query = f"select {neutralised_sql('t')} from (values (?)) as v (t)"
    for text in (*HOSTILE, *DANGEROUS, *(f" {sign}x" for sign in DANGEROUS), "a=b", "\u202f=1"):
        assert duckdb.execute(query, [text]).fetchall() == [(neutralised(text),)], repr(text)
    assert duckdb.execute(query, [None]).fetchall() == [(None,)]


@pytest.mark.parametrize("kind", ["csv", "csv_excel"])
def test_no_cell_of_a_csv_starts_a_formula(report: FilesReport, kind: str) -> None:
    number = re.compile(r"-?[0-9]+([.,][0-9]+)?(e-?[0-9]+)?")
    cells = 0
    for path in sorted((report.dossier / kind).iterdir()):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.reader(stream, delimiter=";" if kind == "csv_excel" else ","):
                for cell in row:
                    cells += 1
                    stripped = cell.lstrip(" \u00a0\u202f")
                    assert not stripped.startswith(tuple("=+-@\t\r＝＋－＠")) or number.fullmatch(cell)
    assert cells > 300


def test_texts_of_a_workbook_are_texts(report: FilesReport) -> None:
    names, _, page = read_sheet(report.dossier / "xlsx" / "mart_essai.xlsx", DATA)
    at = names.index("texte") + 1
    cells = [page.cell(row, at) for row in range(2, page.max_row + 1)]
    shown = [cell for cell in cells if cell.value is not None]
    assert len(shown) == len([text for text in HOSTILE if text])
    for cell in shown:
        assert cell.data_type in ("s", "inlineStr"), cell.value
        assert cell.hyperlink is None
        # The quote prefix keeps it a text when a person edits the cell.
        assert cell.quotePrefix is (neutralised(str(cell.value)) != cell.value), cell.value
    with zipfile.ZipFile(report.dossier / "xlsx" / "mart_essai.xlsx") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert not [name for name in parts if "vba" in name or "externalLink" in name]
    sheets = [content for name, content in parts.items() if name.startswith("xl/worksheets/")]
    assert len(sheets) == 4
    # No formula, no link to elsewhere.
    assert not [content for content in sheets if b"<f>" in content or b"<hyperlink" in content]


# --- round trips


@pytest.mark.parametrize(("kind", "excel"), [("csv", False), ("csv_excel", True)])
def test_csv_gives_the_mart_back(report: FilesReport, kind: str, excel: bool) -> None:
    types = [kind for _, kind in columns_of(report.dossier, "mart_essai")]
    rows = read_csv_rows(report.dossier / kind / "mart_essai.csv", types, excel=excel)
    assert rows == mart(report.dossier)


def test_workbook_gives_the_mart_back(report: FilesReport) -> None:
    names, rows, _ = read_sheet(report.dossier / "xlsx" / "mart_essai.xlsx", DATA)
    expected = [name for name, _ in columns_of(report.dossier, "mart_essai")]
    assert [name for name in names if name != "statut_en_clair"] == expected
    at = [names.index(name) for name in expected]
    expected_rows = [tuple(in_a_workbook(value) for value in row) for row in mart(report.dossier)]
    assert [tuple(row[place] for place in at) for row in rows] == expected_rows


def test_parquet_gives_the_mart_back(report: FilesReport) -> None:
    path = report.dossier / "parquet" / "mart_essai.parquet"
    assert duckdb.sql(f"from '{path}'").fetchall() == ask(report.dossier, "from mart_essai")
    codecs = duckdb.sql(f"select distinct compression from parquet_metadata('{path}')").fetchall()
    assert codecs == [("ZSTD",)]
    facts = dict(duckdb.sql(f"select key, value from parquet_kv_metadata('{path}')").fetchall())
    assert facts[b"version"] == b"20260102T000000Z-bbbbbbbb"


def test_the_base_says_what_the_release_says(release: Path, report: FilesReport) -> None:
    mine = ask(report.dossier, "select * exclude (est_fictif) from mart_essai")
    assert mine == ask(release, "select * exclude (note_interne) from mart_essai")
    assert ask(report.dossier, "select count(*) from vue_essai") == ask(
        release, "select count(*) from vue_essai"
    )
    query = "select comment, is_nullable from duckdb_columns() where column_name = 'code_departement'"
    assert ask(report.dossier, query) == [("Code du département.", False)]


# --- only what is marked


def test_nothing_unmarked_leaves(report: FilesReport) -> None:
    assert sorted(report.comptes) == [
        "dim_jeu_source",
        "dim_perimetre",
        "dim_statut",
        "fct_observation",
        "mart_essai",
        "vue_essai",
    ]
    held = ask(report.dossier, "select distinct schema_name, table_name from duckdb_tables() order by all")
    assert held == [("main", name) for name in sorted(report.comptes) if name != "vue_essai"]
    for path in report.dossier.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for secret in (b"note_interne", b"mart_interne", b"mart_non_declare", b"/chemin/interne"):
                assert secret not in content, path


def test_a_view_on_what_is_not_marked_is_refused(tmp_path: Path) -> None:
    made = write_release(
        tmp_path,
        changes=[
            "create or replace view vue_essai as select note_interne as cle_ligne, valeur, "
            "false as est_fictif from mart_essai"
        ],
    )
    with pytest.raises(QPVError, match="vue vue_essai : elle lit ce qui n'est pas marqué"):
        publish_files(made, tmp_path / "f")


def test_a_view_with_an_unmarked_column_is_refused(tmp_path: Path) -> None:
    made = write_release(
        tmp_path,
        changes=[
            "create or replace view vue_essai as select cle_ligne, valeur, false as est_fictif, texte "
            "from mart_essai"
        ],
    )
    with pytest.raises(QPVError, match="non marquées : texte"):
        publish_files(made, tmp_path / "f")


def test_a_release_without_dictionary_lets_nothing_out(tmp_path: Path) -> None:
    made = write_release(tmp_path, avec_dictionnaire=False)
    with pytest.raises(QPVError, match=r"sans dictionnaire.*qpv run --force"):
        publish_files(made, tmp_path / "f")


def test_a_dictionary_ahead_of_the_base_is_refused(tmp_path: Path) -> None:
    made = write_release(tmp_path, changes=["alter table mart_essai drop column texte"])
    with pytest.raises(QPVError, match=r"mart_essai\.texte est au dictionnaire, pas dans la base"):
        publish_files(made, tmp_path / "f")


def test_the_release_is_only_read(release: Path, report: FilesReport, tmp_path: Path) -> None:
    copy = tmp_path / release.name
    shutil.copytree(release, copy)
    before = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(copy.rglob("*"))}
    publish_files(copy, tmp_path / "f")
    assert {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(copy.rglob("*"))} == before


# --- workbooks


def test_sheets_of_a_workbook(report: FilesReport) -> None:
    assert [path.name for path in (report.dossier / "xlsx").iterdir()] == ["mart_essai.xlsx"]
    path = report.dossier / "xlsx" / "mart_essai.xlsx"
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Lisez-moi", "Données", "Dictionnaire", "Sources"]
    names, rows, page = read_sheet(path, DATA)
    assert page.freeze_panes == "C2"
    assert page.auto_filter.ref == f"A1:{page.cell(1, len(names)).column_letter}{len(rows) + 1}"
    assert page.print_title_rows == "$1:$1"
    assert page.column_dimensions["A"].width >= 9
    first = {name: page.cell(2, place) for place, name in enumerate(names, 1)}
    assert first["code_departement"].value == "02"
    assert first["code_departement"].number_format == "@"
    assert first["nb_lignes"].number_format == "#,##0"
    # A year has no thousands.
    assert (first["annee"].value, first["annee"].number_format) == (2015, "0")
    assert first["vu_le"].number_format == "dd/mm/yyyy"
    second = {name: page.cell(3, place) for place, name in enumerate(names, 1)}
    assert (second["valeur"].value, second["valeur"].number_format) == (-0.5, "#,##0.0##")
    assert page.dimensions == f"A1:{page.cell(1, len(names)).column_letter}{len(rows) + 1}"
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet2.xml").decode()
    # Written as a whole: no row twice, cells in their order, nothing after the last one.
    numbers = re.findall(r'<row r="(\d+)"', sheet)
    assert numbers == [str(number) for number in range(1, len(rows) + 2)]
    assert f'<dimension ref="{page.dimensions}"/>' in sheet
    assert not list((report.dossier / "xlsx").glob("*.corps"))


def test_a_status_is_shown_by_style_and_by_text(report: FilesReport) -> None:
    names, rows, page = read_sheet(report.dossier / "xlsx" / "mart_essai.xlsx", DATA)
    code, said, valeur = (names.index(n) + 1 for n in ("code_statut", "statut_en_clair", "valeur"))
    fills: dict[str, set[str]] = {}
    for row in range(2, len(rows) + 2):
        status = page.cell(row, code).value
        fills.setdefault(str(status), set()).add(page.cell(row, code).fill.fgColor.rgb)
        assert page.cell(row, said).value == {"OK": "publié", "PERT": "perturbé", "SECRET": "secret"}[status]
        if status == "SECRET":
            assert page.cell(row, valeur).value is None
            assert page.cell(row, valeur).fill.fgColor.rgb == "FFC9C9C9"
    assert {status: len(found) for status, found in fills.items()} == {"OK": 1, "PERT": 1, "SECRET": 1}
    assert len(set.union(*fills.values())) == 3


def test_sources_and_dictionary_of_a_workbook(report: FilesReport) -> None:
    path = report.dossier / "xlsx" / "mart_essai.xlsx"
    names, rows, _ = read_sheet(path, "Sources")
    # The mart cites one source of two.
    assert [dict(zip(names, row, strict=True))["jeu"] for row in rows] == ["base"]
    names, rows, _ = read_sheet(path, "Dictionnaire")
    told = {row[0]: dict(zip(names, row, strict=True)) for row in rows}
    assert told["code_statut"]["valeurs"] == "OK, PERT, SECRET"
    assert told["code_statut"]["référence"] == "dim_statut.code_statut"
    assert "absent de la table" in told["statut_en_clair"]["description"]
    assert "note_interne" not in told


def test_a_text_longer_than_a_cell_is_cut_and_says_so(tmp_path: Path) -> None:
    made = write_release(
        tmp_path,
        changes=[f"update mart_essai set texte = repeat('é', {TEXT_LIMIT + 1}) where cle_ligne = 'l00'"],
    )
    folder = publish_files(made, tmp_path / "f").dossier
    names, rows, _ = read_sheet(folder / "xlsx" / "mart_essai.xlsx", DATA)
    text = rows[0][names.index("texte")]
    assert len(text) == TEXT_LIMIT
    assert text.endswith(CUT)
    assert "é" * (TEXT_LIMIT + 1) in (folder / "csv" / "mart_essai.csv").read_text(encoding="utf-8")


def test_what_is_given_as_a_workbook() -> None:
    columns = (Column("a", "VARCHAR", ""),)
    assert has_workbook(Relation("mart_a", "", "", False, (), columns), 1_048_574)
    assert not has_workbook(Relation("mart_a", "", "", False, (), columns), 1_048_575)
    assert not has_workbook(Relation("dim_a", "", "", False, (), columns), 3)
    assert not has_workbook(Relation("mart_a", "", "", True, (), columns), 3)


@pytest.mark.libreoffice
def test_libreoffice_opens_the_workbook_as_it_is(report: FilesReport, tmp_path: Path) -> None:
    if not shutil.which("soffice"):
        absent("LibreOffice absent ; à faire : apt-get install libreoffice-calc-nogui")
    path = report.dossier / "xlsx" / "mart_essai.xlsx"
    # Sheet 2, in UTF-8, semicolons, every text between quotes, numbers as they are stored.
    options = "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,true,false,false,false,false,2"
    done = subprocess.run(
        [
            "soffice",
            "--headless",
            f"-env:UserInstallation={(tmp_path / 'profil').as_uri()}",
            "--convert-to",
            options,
            "--outdir",
            str(tmp_path),
            str(path),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    (made,) = tmp_path.glob("*.csv")
    assert done.returncode == 0, done.stderr
    with made.open(encoding="utf-8", newline="") as stream:
        names, *rows = csv.reader(stream, delimiter=";")
    told = {row[0]: dict(zip(names, row, strict=True)) for row in rows}
    assert len(told) == len(HOSTILE) + 1
    assert {row["code_departement"] for row in told.values()} == {"02", "59"}
    assert told["l01"]["valeur"] == "-0.5"
    for rank, text in enumerate(HOSTILE):
        # Nothing was computed: the text is there as it was sent, but for the ends of lines.
        assert told[f"l{rank:02d}"]["texte"].replace("\r", "\n") == text.replace("\r", "\n")


# --- outlines


def test_outlines(report: FilesReport) -> None:
    folder = report.dossier / "perimetres"
    assert sorted(path.name for path in folder.iterdir()) == [
        "departement.geojson",
        "departement.parquet",
        "qpv_2015.geojson",
        "qpv_2015.parquet",
    ]
    content = json.loads((folder / "qpv_2015.geojson").read_text(encoding="utf-8"))
    assert [f["id"] for f in content["features"]] == ["qpv:QP002001:2015", "qpv:QP002002:2015"]
    assert content["features"][0]["properties"]["libelle_territoire"] == "<b>Europe</b>"
    shapes = [shapely.geometry.shape(f["geometry"]) for f in content["features"]]
    assert [shape.geom_type for shape in shapes] == ["MultiPolygon", "Polygon"]
    assert all(polygon.exterior.is_ccw for shape in shapes for polygon in shapely.get_parts(shape))
    frame = gpd.read_parquet(folder / "qpv_2015.parquet")
    assert frame.crs.to_authority() == ("OGC", "CRS84")
    assert list(frame["code_territoire"]) == ["QP002001", "QP002002"]
    ((wkb,),) = ask(
        report.dossier, "select geometrie_wkb from dim_perimetre where code_territoire = 'QP002001'"
    )
    assert shapely.equals(shapely.from_wkb(wkb), frame.geometry[0])


def test_outlines_leave_no_binary_in_a_text_table(report: FilesReport) -> None:
    assert not (report.dossier / "csv" / "dim_perimetre.csv").exists()
    assert (report.dossier / "parquet" / "dim_perimetre.parquet").exists()


# --- descriptions


def test_data_package_is_valid_rows_included(report: FilesReport) -> None:
    package = Package(str(report.dossier / "datapackage.json"))
    assert sorted(package.resource_names) == ["dim_jeu_source", "dim_statut", "fct_observation", "mart_essai"]
    found = package.validate()
    assert found.valid, found.flatten(["rowNumber", "fieldName", "type", "message"])
    assert package.get_resource("mart_essai").schema.get_field("code_departement").type == "string"
    assert package.get_resource("mart_essai").schema.foreign_keys == [
        {"fields": ["code_statut"], "reference": {"resource": "dim_statut", "fields": ["code_statut"]}}
    ]


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("csv/mart_essai.csv", "l03,02,", "l02,02,"),
        ("csv/mart_essai.csv", ",PERT,insee", ",INCONNU,insee"),
        ("csv/fct_observation.csv", "insee:base:2021", "insee:base:2099"),
        ("csv/fct_observation.csv", ",10.0,", ",dix,"),
    ],
)
def test_data_package_sees_a_spoiled_file(
    report: FilesReport, tmp_path: Path, file: str, before: str, after: str
) -> None:
    copy = tmp_path / "copie"
    shutil.copytree(report.dossier, copy)
    text = (copy / file).read_text(encoding="utf-8")
    assert before in text
    (copy / file).write_text(text.replace(before, after, 1), encoding="utf-8", newline="")
    assert not Package(str(copy / "datapackage.json")).validate().valid


def test_sums_hold_for_every_file(report: FilesReport) -> None:
    done = subprocess.run(
        ["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"],
        cwd=report.dossier,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    listed = {line.split("  ", 1)[1] for line in (report.dossier / "SHA256SUMS").read_text().splitlines()}
    there = {p.relative_to(report.dossier).as_posix() for p in report.dossier.rglob("*") if p.is_file()} - {
        "SHA256SUMS"
    }
    assert listed == there
    assert report.nb_fichiers == len(there) + 1


def test_dcat_names_every_distribution_and_its_digest(release: Path, tmp_path: Path) -> None:
    address = "https://exemple.test/qpv/"
    folder = publish_files(release, tmp_path / "f", address=address).dossier
    content = json.loads((folder / "dcat.jsonld").read_text(encoding="utf-8"))
    (dataset,) = content["dcat:dataset"]
    for needed in (
        "dct:title",
        "dct:description",
        "dct:publisher",
        "dcat:theme",
        "dct:spatial",
        "dct:issued",
    ):
        assert dataset[needed], needed
    sums = dict(line.split("  ")[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    told = {}
    for one in dataset["dcat:distribution"]:
        path = one["dcat:downloadURL"]["@id"].removeprefix(address)
        told[path] = one["spdx:checksum"]["spdx:checksumValue"]["@value"]
        assert int(one["dcat:byteSize"]["@value"]) == (folder / path).stat().st_size
        assert one["dct:license"]["@id"].endswith("versions_des_sources.csv")
    assert {path: sums[path] for path in told} == told
    assert set(told) == {p for p in sums if "/" in p or p.endswith(".duckdb")}


def test_citation(report: FilesReport) -> None:
    content = yaml.safe_load((report.dossier / "CITATION.cff").read_text(encoding="utf-8"))
    assert (content["cff-version"], content["type"]) == ("1.2.0", "dataset")
    assert content["version"] == "20260102T000000Z-bbbbbbbb"
    assert content["date-released"] == "2026-01-02"
    assert content["authors"][0]["name"]
    assert content["message"]


def test_dictionary_and_sources(report: FilesReport) -> None:
    with (report.dossier / "dictionnaire.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    told = {(row["table"], row["colonne"]): row for row in rows}
    assert told["mart_essai", "cle_ligne"]["est_cle"] == "oui"
    assert told["mart_essai", "code_departement"]["description"] == "Code du département."
    assert told["mart_essai", "est_fictif"]["type"] == "boolean"
    assert len(told) == sum(len(columns_of(report.dossier, name)) for name in report.comptes)
    with (report.dossier / "versions_des_sources.csv").open(encoding="utf-8-sig", newline="") as stream:
        sources = {row["jeu"]: row for row in csv.DictReader(stream, delimiter=";")}
    assert sources["base"]["licence"] == "Licence Ouverte 2.0"
    assert (sources["base"]["est_licence_a_confirmer"], sources["base"]["publie_le"]) == ("non", "2022-12-01")
    assert sources["fiches"]["est_licence_a_confirmer"] == "oui"
    assert sources["fiches"]["titre"] == "'=1+1"


# --- fictional releases


def test_every_fictional_file_says_so(fictional: Path) -> None:
    for path in sorted(fictional.rglob("*")):
        name = path.relative_to(fictional).as_posix()
        if path.is_dir() or name == "SHA256SUMS":
            continue
        if path.suffix == ".csv":
            excel = "csv_excel" in name or "/" not in name
            with path.open(encoding="utf-8-sig", newline="") as stream:
                rows = list(csv.DictReader(stream, delimiter=";" if excel else ","))
            assert {row["est_fictif"] for row in rows} == {"oui" if excel else "true"}, name
        elif path.suffix == ".parquet":
            assert duckdb.sql(f"select distinct est_fictif from '{path}'").fetchall() == [(True,)], name
        elif path.suffix == ".geojson":
            content = json.loads(path.read_text(encoding="utf-8"))
            assert content["avertissement"] == BANNER
            assert all(f["properties"]["est_fictif"] for f in content["features"])
        elif path.suffix == ".xlsx":
            book = openpyxl.load_workbook(path)
            for sheet in book:
                assert sheet.cell(1, 1).value == BANNER
                assert BANNER in sheet.oddHeader.center.text
            names, rows, page = read_sheet(path, DATA, header=2)
            assert {row[names.index("est_fictif")] for row in rows} == {True}
            assert page.freeze_panes == "C3"
        elif path.suffix == ".duckdb":
            tables = [table for (table,) in ask(fictional, "select table_name from duckdb_tables()")]
            for table in tables:
                assert ask(fictional, f"select distinct est_fictif from {table}") == [(True,)], table
        else:
            assert BANNER in path.read_text(encoding="utf-8"), name


def test_a_real_file_has_the_column_and_no_banner(report: FilesReport) -> None:
    assert ask(report.dossier, "select distinct est_fictif from dim_statut") == [(False,)]
    for path in report.dossier.rglob("*"):
        if path.is_file():
            assert "DONNÉES FICTIVES".encode() not in path.read_bytes(), path
    book = openpyxl.load_workbook(report.dossier / "xlsx" / "mart_essai.xlsx")
    assert not any(sheet.oddHeader.center.text for sheet in book)


# --- reproducible, and told


def test_the_same_release_gives_the_same_bytes(release: Path, report: FilesReport, tmp_path: Path) -> None:
    again = publish_files(release, tmp_path / "f").dossier
    names = sorted(p.relative_to(again).as_posix() for p in again.rglob("*") if p.is_file())
    # DuckDB lays its blocks as it likes; and what tells its digest follows.
    own = {LAID, "SHA256SUMS", "dcat.jsonld"}
    assert [n for n in names if (again / n).read_bytes() != (report.dossier / n).read_bytes()] in (
        [],
        sorted(own),
    )
    assert ask(again, "from mart_essai") == ask(report.dossier, "from mart_essai")


def test_progress_is_told_to_the_end(release: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    publish_files(release, tmp_path / "f", lambda *step: told.append(step))
    assert [done for _, done, _ in told] == list(range(1, told[0][2] + 1))
    assert {total for _, _, total in told} == {len(told)}
    assert "xlsx/mart_essai" in [label for label, _, _ in told]


def test_days_and_nulls_of_the_release(report: FilesReport) -> None:
    """The fixture holds what the round trips claim to keep."""
    rows = ask(report.dossier, "select count(vu_le), count(*), count(valeur), min(vu_le) from mart_essai")
    assert rows == [(16, 21, 16, date(2016, 6, 1))]
