"""The documentation that dbt makes of its project, in one page: no server, nothing remote, always the same.

dbt would write it with ``dbt docs generate --static``, which reads the whole project again. The build has
left its manifest, and the database knows its columns: filling dbt's own page with both takes a second.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb

DOCUMENTATION = "documentation_dbt.html"

# What a release calls what dbt built: its file, and its default schema.
_DATABASE, _MAIN = "entrepot", "main"
# What dbt's page holds in place of the two files.
_MANIFEST, _CATALOG = '"MANIFEST.JSON INLINE DATA"', '"CATALOG.JSON INLINE DATA"'
# Moments and places of one build, that say nothing of the project.
_PASSING = frozenset(
    {"created_at", "generated_at", "invocation_id", "invocation_started_at", "run_started_at"}
)
_PLACES = frozenset({"root_path", "project_root", "build_path", "compiled_path"})


def write_documentation(manifest: Path, base: Path, target: Path) -> None:
    """Write the page.

    Args:
        manifest: ``manifest.json`` of the build.
        base: database whose tables it describes; schema ``main`` is read.
        target: file to write.
    """
    content = _as_released(json.loads(manifest.read_text(encoding="utf-8")))
    catalog = _catalog(content, base)
    page = (resources.files("dbt.task") / "docs" / "index.html").read_text(encoding="utf-8")
    for mark, data in ((_MANIFEST, _timeless(content)), (_CATALOG, catalog)):
        page = page.replace(mark, _inline(data))
    target.write_text(page, encoding="utf-8", newline="\n")


def _inline(data: object) -> str:
    """JSON that a script may hold: no text of it can end the script."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.replace("</", "<\\/").replace("<!--", "<\\u0021--")


def _as_released(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the names that the release has.

    On a server, a database has any name, the default schema is that of the candidate, and those of the layers
    begin with it.
    """
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    places = {(node["database"], node["schema"]) for node in models if not node["config"].get("schema")}
    for database, schema in places:
        if schema != _MAIN:
            manifest = _renamed(manifest, database, schema)
    return manifest


def _renamed(data: Any, database: str, schema: str, key: str = "") -> Any:
    if isinstance(data, dict):
        return {name: _renamed(value, database, schema, name) for name, value in data.items()}
    if isinstance(data, list):
        return [_renamed(value, database, schema) for value in data]
    if not isinstance(data, str):
        return data
    if key == "database":
        return _DATABASE if data == database else data
    text = data.replace(f'"{database}"."{schema}', f'"{_DATABASE}"."{schema}')
    return text.replace(f"{schema}_", "").replace(schema, _MAIN)


def _timeless(data: Any) -> Any:
    if isinstance(data, dict):
        return {
            key: (0 if isinstance(value, int | float) else "") if key in _PASSING else _timeless(value)
            for key, value in data.items()
            if key not in _PLACES
        }
    if isinstance(data, list):
        return [_timeless(value) for value in data]
    return data


def _catalog(manifest: dict[str, Any], base: Path) -> dict[str, Any]:
    with duckdb.connect(str(base), read_only=True) as connection:
        rows = connection.execute(
            "select table_name, column_name, column_index, data_type, coalesce(comment, '') "
            "from duckdb_columns() where schema_name = 'main' and not internal "
            "order by table_name, column_index"
        ).fetchall()
    columns: dict[str, dict[str, dict[str, object]]] = {}
    for table, column, index, kind, comment in rows:
        columns.setdefault(table, {})[column] = {
            "name": column,
            "index": index,
            "type": kind,
            "comment": comment,
        }
    nodes = {}
    for key, node in manifest["nodes"].items():
        if node["resource_type"] == "model" and node["schema"] == _MAIN and node["name"] in columns:
            nodes[key] = {
                "unique_id": key,
                "metadata": {
                    "type": "VIEW" if node["config"]["materialized"] == "view" else "BASE TABLE",
                    "schema": _MAIN,
                    "name": node["name"],
                    "database": node["database"],
                    "comment": None,
                    "owner": None,
                },
                "columns": columns[node["name"]],
                "stats": {},
            }
    version = "https://schemas.getdbt.com/dbt/catalog/v1.json"
    metadata = {"dbt_schema_version": version, "generated_at": "", "env": {}}
    return {"metadata": metadata, "nodes": nodes, "sources": {}, "errors": None}
