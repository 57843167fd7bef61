"""The dictionary kept with a release: the mark that lets a column out, keys and references."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from qpv_emploi.entrepot.dictionnaire import dictionary_rows, record_dictionary
from qpv_emploi.errors import AuditError


def model(name: str, layer: str, columns: list[dict[str, Any]], **meta: Any) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "unique_id": f"model.qpv_emploi.{name}",
        "name": name,
        "fqn": ["qpv_emploi", layer, name],
        "description": f"Table {name}.",
        "config": {"materialized": "view" if name.startswith("vue_") else "table", "meta": meta},
        "columns": {column["name"]: column for column in columns},
    }


def column(name: str, *, required: bool = False, **meta: Any) -> dict[str, Any]:
    constraints = [{"type": "not_null"}] if required else []
    return {"name": name, "description": f"{name}.", "constraints": constraints, "config": {"meta": meta}}


def rule(
    on: str, name: str, where: str | None = None, at: str | None = None, **kwargs: Any
) -> dict[str, Any]:
    return {
        "resource_type": "test",
        "attached_node": f"model.qpv_emploi.{on}",
        "column_name": at,
        "test_metadata": {"name": name, "kwargs": kwargs},
        "config": {"where": where},
    }


def rows(*nodes: dict[str, Any]) -> tuple[dict[str, Any], dict[tuple[str, str], list[Any]]]:
    relations, columns = dictionary_rows({"nodes": {str(place): node for place, node in enumerate(nodes)}})
    return (
        {str(row[0]): row for row in relations},
        {(str(row[0]), str(row[2])): row for row in columns},
    )


def test_only_marked_relations_and_columns_leave() -> None:
    relations, columns = rows(
        model("dim_a", "core", [column("cle"), column("note", publie=False)], publie=True, grain="un a"),
        model("dim_b", "core", [column("cle"), column("dite", publie=True)]),
        model("dim_c", "core", [column("cle")], publie=False),
        model("dim_d", "core", [column("cle")], publie="oui"),
        model("int_e", "intermediate", [column("cle")], publie=True),
    )
    assert {name: row[-1] for name, row in relations.items()} == {
        "dim_a": True,
        "dim_b": False,
        "dim_c": False,
        # Anything but true is no mark.
        "dim_d": False,
    }
    assert {key: row[-1] for key, row in columns.items()} == {
        ("dim_a", "cle"): True,
        ("dim_a", "note"): False,
        ("dim_b", "cle"): False,
        # A column does not leave without its relation.
        ("dim_b", "dite"): False,
        ("dim_c", "cle"): False,
        ("dim_d", "cle"): False,
    }
    assert relations["dim_a"][:5] == ["dim_a", "table", "core", "Table dim_a.", "un a"]


def test_keys_are_those_of_the_tests() -> None:
    a = model("dim_a", "core", [column("x"), column("y")], publie=True)
    assert rows(a)[0]["dim_a"][5] == []
    assert rows(a, rule("dim_a", "unique", at="y"), rule("dim_a", "unique", at="x"))[0]["dim_a"][5] == ["x"]
    whole = rule("dim_a", "cle_unique", colonnes=["x", "y"])
    assert rows(a, rule("dim_a", "unique", at="x"), whole)[0]["dim_a"][5] == ["x", "y"]
    # Unique among some rows is no key.
    assert rows(a, rule("dim_a", "unique", at="x", where="y = 1"))[0]["dim_a"][5] == []
    assert rows(a, rule("dim_b", "unique", at="x"))[0]["dim_a"][5] == []


def test_references_and_values() -> None:
    _, columns = rows(
        model("vue_a", "marts", [column("x", required=True), column("y")], publie=True),
        rule("vue_a", "relationships", at="x", to="ref('dim_b')", field="cle"),
        rule("vue_a", "accepted_values", at="y", values=["1", 2]),
    )
    assert columns["vue_a", "x"][4:8] == [True, "dim_b", "cle", []]
    assert columns["vue_a", "y"][4:8] == [False, None, None, ["1", "2"]]


def test_recording_writes_the_two_tables_and_twice_changes_nothing(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    content = {"nodes": {"a": model("dim_a", "core", [column("x")], publie=True)}}
    manifest.write_text(json.dumps(content), encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute("create schema audit")
        for _ in range(2):
            record_dictionary(connection, manifest)
        assert connection.execute("select nom, est_publiee from audit.relation").fetchall() == [
            ("dim_a", True)
        ]
        assert connection.execute("select relation, nom from audit.colonne").fetchall() == [("dim_a", "x")]


def test_no_dictionary_without_manifest(tmp_path: Path) -> None:
    with duckdb.connect() as connection, pytest.raises(AuditError, match="ni dictionnaire ni colonne"):
        record_dictionary(connection, tmp_path / "manifest.json")
