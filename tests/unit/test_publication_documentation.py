"""The page of dbt: it holds the project and its columns, nothing of one machine, no script of the data."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from qpv_emploi.publication.documentation import write_documentation

HOSTILE = "</script><script>alert(1)</script><!-- <script>"


def manifest(moment: str, place: str, database: str = "entrepot", default: str = "main") -> dict[str, Any]:
    def node(name: str, layer: str | None = None) -> dict[str, Any]:
        # On a server, each layer bears the name of the candidate first.
        schema = default if layer is None else layer if default == "main" else f"{default}_{layer}"
        return {
            "resource_type": "model",
            "schema": schema,
            "name": name,
            "database": database,
            "relation_name": f'"{database}"."{schema}"."{name}"',
            "description": HOSTILE,
            "created_at": len(moment) * 1.5,
            "root_path": place,
            "config": {"materialized": "view" if name.startswith("vue") else "table", "schema": layer},
        }

    return {
        "metadata": {"generated_at": moment, "invocation_id": moment, "project_name": "qpv_emploi"},
        "nodes": {
            "model.qpv_emploi.dim_a": node("dim_a"),
            "model.qpv_emploi.vue_a": node("vue_a"),
            "model.qpv_emploi.int_a": node("int_a", "intermediaire"),
        },
    }


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "entrepot.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table dim_a (code varchar, nb integer)")
        connection.execute("create view vue_a as select code from dim_a")
        connection.execute("comment on column dim_a.code is 'Le code.'")
    return path


def page(base: Path, content: dict[str, Any]) -> str:
    source, target = base.parent / "manifest.json", base.parent / "page.html"
    source.write_text(json.dumps(content), encoding="utf-8")
    write_documentation(source, base, target)
    return target.read_text(encoding="utf-8")


def test_the_project_and_its_columns_are_in_the_page(base: Path) -> None:
    text = page(base, manifest("2026-01-01", "/home/alice"))
    assert "INLINE DATA" not in text
    found = re.search(r'\{"errors":null,"metadata":\{"dbt_schema_version".*?"sources":\{\}\}', text)
    assert found
    catalog = json.loads(found[0])
    assert set(catalog["nodes"]) == {"model.qpv_emploi.dim_a", "model.qpv_emploi.vue_a"}
    assert catalog["nodes"]["model.qpv_emploi.dim_a"]["columns"]["code"] == {
        "name": "code",
        "index": 1,
        "type": "VARCHAR",
        "comment": "Le code.",
    }
    assert catalog["nodes"]["model.qpv_emploi.vue_a"]["metadata"]["type"] == "VIEW"


def test_two_builds_of_the_same_project_give_the_same_page(base: Path) -> None:
    first = page(base, manifest("2026-01-01", "/home/alice"))
    assert "/home/alice" not in first
    assert "2026-01-01" not in first
    assert page(base, manifest("2027-02-02T03:04", "/srv/bob")) == first


def test_a_project_built_on_a_server_bears_the_names_of_the_release(base: Path) -> None:
    built_there = manifest("2026-01-01", "/x", database="travail", default="qpv_20260101t000000z_ab12")
    assert page(base, built_there) == page(base, manifest("2026-01-01", "/x"))


def test_no_text_of_the_project_ends_the_script(base: Path) -> None:
    plain = manifest("2026-01-01", "/x")
    for node in plain["nodes"].values():
        node["description"] = ""
    ends = page(base, plain).count("</script")
    hostile = page(base, manifest("2026-01-01", "/x"))
    assert hostile.count("</script") == ends
    assert "alert(1)" in hostile


def test_the_page_asks_nothing_of_the_network(base: Path) -> None:
    text = page(base, manifest("2026-01-01", "/x"))
    assert re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(?:https?:)?//', text) == []
