"""Airflow and the package stay apart: who may import whom, and what Airflow must not import by itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "plugins" / "qpv_emploi"


def imports_airflow(code: str) -> bool:
    """Whether the code imports Airflow, anywhere in it, function bodies included."""
    noms: list[str] = []
    for noeud in ast.walk(ast.parse(code)):
        if isinstance(noeud, ast.Import):
            noms += [alias.name for alias in noeud.names]
        elif isinstance(noeud, ast.ImportFrom) and noeud.level == 0:
            noms.append(noeud.module or "")
    return any(nom == "airflow" or nom.startswith("airflow.") for nom in noms)


def test_airflow_does_not_import_the_package_under_bare_file_names() -> None:
    lignes = (ROOT / "plugins" / ".airflowignore").read_text(encoding="utf-8").splitlines()
    assert "qpv_emploi/" in [ligne.strip() for ligne in lignes]


def test_only_the_airflow_package_imports_airflow() -> None:
    modules = [chemin for chemin in PACKAGE.rglob("*.py") if PACKAGE / "airflow" not in chemin.parents]
    assert len(modules) > 10
    fautifs = [
        str(chemin.relative_to(ROOT))
        for chemin in modules
        if imports_airflow(chemin.read_text(encoding="utf-8"))
    ]
    assert fautifs == []


@pytest.mark.parametrize(
    ("code", "attendu"),
    [
        ("import airflow", True),
        ("import os, airflow.sdk as s", True),
        ("def f():\n    from airflow.sdk import DAG", True),
        ("from qpv_emploi.airflow import assets", False),
        ("import airflowish", False),
        ("from .airflow import api", False),
    ],
)
def test_the_scan_sees_every_form_of_import(code: str, attendu: bool) -> None:
    assert imports_airflow(code) is attendu


def test_dag_files_do_not_bear_a_name_that_dbt_imports() -> None:
    """dbt imports each top-level module named ``dbt_*`` on sys.path, where Airflow puts the DAG folder."""
    noms = [chemin.name for chemin in (ROOT / "dags").glob("*.py")]
    assert noms
    assert [nom for nom in noms if nom.startswith("dbt_")] == []
