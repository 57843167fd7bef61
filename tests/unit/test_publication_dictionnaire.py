"""The data dictionary: read from dbt's manifest, written in three formats, the same each time."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from qpv_emploi.errors import SettingsError
from qpv_emploi.publication.dictionary import Entry, read_dictionary, write_dictionary


def column(name: str, kind: str = "varchar", *, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "data_type": kind,
        "description": f"Ce que dit\n {name}.",
        "constraints": [{"type": "not_null"}] if required else [],
    }


def model(
    name: str, parents: list[str], layer: str | None = None, materialized: str = "table"
) -> dict[str, Any]:
    columns = [column("code", required=True), column("part", "double precision")]
    return {
        "unique_id": f"model.p.{name}",
        "resource_type": "model",
        "name": name,
        # On a server, the schema of a candidate.
        "schema": f"qpv_20261120_{layer}" if layer else "qpv_20261120",
        "description": f"Table | {name}",
        "config": {"schema": layer, "materialized": materialized, "meta": {"grain": "un code"}},
        "columns": {c["name"]: c for c in columns},
        "depends_on": {"nodes": parents},
    }


def rule(model_name: str, test: str, column_name: str | None = None, **arguments: Any) -> dict[str, Any]:
    severity = arguments.pop("severity", "ERROR")
    return {
        "unique_id": f"test.p.{test}_{model_name}_{column_name}_{sorted(arguments)}",
        "resource_type": "test",
        "name": test,
        "attached_node": f"model.p.{model_name}",
        "column_name": column_name,
        "test_metadata": {"name": test, "kwargs": {"model": "x", "column_name": column_name, **arguments}},
        "config": {"severity": severity},
        "depends_on": {"nodes": []},
    }


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    nodes = [
        model("mart_b", ["model.p.dim_a"], materialized="view"),
        model("dim_a", ["model.p.stg_a", "seed.p.region"]),
        model("stg_a", ["source.p.bronze.insee__cog__communes", "source.p.bronze.entrepot__x"], "staging"),
        {
            "unique_id": "seed.p.region",
            "resource_type": "seed",
            "name": "region",
            "schema": "seeds",
            "depends_on": {"nodes": []},
        },
        rule("dim_a", "cle_unique", colonnes=["code", "part"]),
        rule("dim_a", "unique", "code"),
        rule("dim_a", "relationships", "code", to="ref('mart_b')", field="code"),
        rule("dim_a", "part_bornee", "part", severity="warn"),
        rule("dim_a", "maison", "part", seuil=3),
    ]
    content = {
        "nodes": {node["unique_id"]: node for node in nodes},
        "sources": {
            "source.p.bronze.insee__cog__communes": {"name": "insee__cog__communes"},
            "source.p.bronze.entrepot__x": {"name": "entrepot__x"},
        },
    }
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_only_published_relations_are_there_each_before_its_columns(manifest: Path) -> None:
    entries = read_dictionary(manifest)
    assert [(e.relation, e.colonne) for e in entries] == [
        ("dim_a", ""),
        ("dim_a", "code"),
        ("dim_a", "part"),
        ("mart_b", ""),
        ("mart_b", "code"),
        ("mart_b", "part"),
    ]


def test_a_relation_says_its_grain_its_key_and_its_sources(manifest: Path) -> None:
    relation, _, _, view, *_ = read_dictionary(manifest)
    assert relation == Entry(
        relation="dim_a",
        nature="table",
        grain="un code",
        colonne="",
        type="",
        description="Table | dim_a",
        controles="clé : code, part",
        # The lock that the build lays is no source; the datasets upstream of a mart are its own.
        sources="insee/cog ; table de référence region",
    )
    assert (view.nature, view.sources, view.controles) == ("vue", relation.sources, "")


def test_a_column_says_its_type_and_its_rules_in_words(manifest: Path) -> None:
    _, code, part, *_ = read_dictionary(manifest)
    assert (code.type, code.description) == ("varchar", "Ce que dit code.")
    assert code.controles == "toujours renseignée ; existe dans mart_b.code ; sans doublon"
    assert part.controles == "de 0 à 100 (avertissement) ; maison (seuil = 3)"


@pytest.mark.parametrize("content", [None, "", "[]", "{}"])
def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"manifest\.json : manifeste dbt absent ou illisible"):
        read_dictionary(path)


def test_csv_opens_in_the_french_excel(manifest: Path, tmp_path: Path) -> None:
    target = tmp_path / "d.csv"
    entries = read_dictionary(manifest)
    write_dictionary(entries, target)
    raw = target.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfrelation;nature;grain;colonne;type;description;controles;sources\r\n")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert [Entry(**row) for row in rows] == entries


def test_markdown_has_one_section_and_one_table_per_relation(manifest: Path, tmp_path: Path) -> None:
    target = tmp_path / "d.md"
    write_dictionary(read_dictionary(manifest), target)
    lines = target.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("## ")] == ["## dim_a", "## mart_b"]
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == 4
    # A bar inside a text does not open a cell.
    assert all(line.replace("\\|", "").count("|") == 5 for line in rows)
    assert lines[lines.index("## mart_b") - 1] == ""


def test_xlsx_holds_the_same_text(manifest: Path, tmp_path: Path) -> None:
    target = tmp_path / "d.xlsx"
    entries = read_dictionary(manifest)
    write_dictionary(entries, target)
    sheet = openpyxl.load_workbook(target).active
    assert sheet is not None
    _, *rows = sheet.iter_rows(values_only=True)
    assert [Entry(*(str(value or "") for value in row)) for row in rows] == entries


@pytest.mark.parametrize("suffix", [".csv", ".md", ".xlsx"])
def test_the_same_dictionary_gives_the_same_bytes(manifest: Path, tmp_path: Path, suffix: str) -> None:
    entries = read_dictionary(manifest)
    for name in ("un", "deux"):
        write_dictionary(entries, tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"un{suffix}").read_bytes() == (tmp_path / f"deux{suffix}").read_bytes()


def test_another_format_is_refused(manifest: Path, tmp_path: Path) -> None:
    target = tmp_path / "d.docx"
    with pytest.raises(SettingsError, match=r"format inconnu ; attendu : \.csv, \.md, \.xlsx"):
        write_dictionary(read_dictionary(manifest), target)
    assert not target.exists()
