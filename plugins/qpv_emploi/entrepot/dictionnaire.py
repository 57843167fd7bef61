"""The dictionary of a release: what dbt says of each published relation and column, kept with the data.

dbt writes its manifest beside the work database, and both are discarded once the release is out. What a
publication needs from it goes into schema ``audit``: descriptions, keys, references, and the mark
``meta.publie`` without which nothing leaves.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb

from qpv_emploi.errors import AuditError

_LAYERS = ("core", "marts")
_MARK = "publie"

_RELATIONS = (
    "create or replace table audit.relation (nom varchar, nature varchar, couche varchar, "
    "description varchar, grain varchar, cle varchar[], est_publiee boolean)"
)
_COLUMNS = (
    "create or replace table audit.colonne (relation varchar, position integer, nom varchar, "
    "description varchar, est_obligatoire boolean, reference_relation varchar, reference_colonne varchar, "
    "valeurs varchar[], est_publiee boolean)"
)


def record_dictionary(connection: duckdb.DuckDBPyConnection, manifest: Path) -> None:
    """Write ``audit.relation`` and ``audit.colonne``: a row per relation, and per column, of core and marts.

    A relation is marked (``est_publiee``) when its resolved ``meta.publie`` is true; a column is when its
    relation is, unless its own ``meta.publie`` is false. Schema ``audit`` exists already.

    Args:
        manifest: ``manifest.json`` of the dbt build.

    Raises:
        AuditError: there is no manifest.
    """
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AuditError(
            f"{manifest} absent : sans lui la version n'aurait ni dictionnaire ni colonne à publier ; "
            "à faire : reconstruire (`qpv run --force`)"
        ) from None
    relations, columns = dictionary_rows(content)
    for statement, table, rows in ((_RELATIONS, "relation", relations), (_COLUMNS, "colonne", columns)):
        connection.execute(statement)
        if rows:
            places = ", ".join("?" * len(rows[0]))
            connection.executemany(f"insert into audit.{table} values ({places})", rows)


def dictionary_rows(manifest: dict[str, Any]) -> tuple[list[list[object]], list[list[object]]]:
    """Rows of ``audit.relation`` and of ``audit.colonne``, sorted, from a dbt manifest."""
    models = {
        node["unique_id"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] in _LAYERS
    }
    tests: dict[str, list[dict[str, Any]]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test" and node.get("test_metadata"):
            tests.setdefault(str(node.get("attached_node")), []).append(node)
    relations: list[list[object]] = []
    columns: list[list[object]] = []
    for unique_id, model in sorted(models.items(), key=lambda item: str(item[1]["name"])):
        own = tests.get(unique_id, [])
        meta = model["config"]["meta"]
        marked = meta.get(_MARK) is True
        relations.append(
            [
                model["name"],
                "vue" if model["config"]["materialized"] == "view" else "table",
                model["fqn"][1],
                model["description"],
                meta.get("grain"),
                _key(own),
                marked,
            ]
        )
        for position, column in enumerate(model["columns"].values(), 1):
            reference = _reference(own, column["name"])
            columns.append(
                [
                    model["name"],
                    position,
                    column["name"],
                    column["description"],
                    any(c["type"] == "not_null" for c in column["constraints"]),
                    *(reference or (None, None)),
                    _values(own, column["name"]),
                    marked and _column_meta(column).get(_MARK, True) is not False,
                ]
            )
    return relations, columns


def _column_meta(column: dict[str, Any]) -> dict[str, Any]:
    return {**column.get("meta", {}), **column.get("config", {}).get("meta", {})}


def _arguments(test: dict[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = test["test_metadata"]["kwargs"]
    return arguments


def _is_whole(test: dict[str, Any]) -> bool:
    """Whether the test speaks of all rows: a filtered one says nothing of the others."""
    return not test["config"].get("where")


def _key(tests: list[dict[str, Any]]) -> list[str]:
    """Columns that identify a row: those of the declared grain first, else a single unique column."""
    unique: list[list[str]] = []
    for test in tests:
        name = test["test_metadata"]["name"]
        if name == "cle_unique" and _is_whole(test):
            return list(_arguments(test)["colonnes"])
        if name == "unique" and _is_whole(test):
            unique.append([test["column_name"]])
    return min(unique, default=[])


def _reference(tests: list[dict[str, Any]], column: str) -> tuple[str, str] | None:
    for test in tests:
        if test["test_metadata"]["name"] == "relationships" and test.get("column_name") == column:
            found = re.search(r"ref\('(\w+)'\)", str(_arguments(test)["to"]))
            if found:
                return found[1], str(_arguments(test)["field"])
    return None


def _values(tests: list[dict[str, Any]], column: str) -> list[str]:
    for test in tests:
        if test["test_metadata"]["name"] == "accepted_values" and test.get("column_name") == column:
            return [str(value) for value in _arguments(test)["values"]]
    return []
