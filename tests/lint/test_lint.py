"""Linters and types, as tests: what is not clean does not pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RACINE = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

pytestmark = pytest.mark.lint


def _run(*command: str, **variables: str) -> None:
    environment = {
        **os.environ,
        "PYTHONWARNINGS": "ignore",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        **variables,
    }
    done = subprocess.run(command, cwd=RACINE, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"


def test_ruff_check() -> None:
    _run(str(BIN / "ruff"), "check", ".")


def test_ruff_format() -> None:
    _run(str(BIN / "ruff"), "format", "--check", ".")


def test_mypy() -> None:
    _run(str(BIN / "mypy"))


def test_import_linter() -> None:
    _run(str(BIN / "lint-imports"), "--no-cache")


def test_sqlfluff(tmp_path: Path) -> None:
    _run(
        str(BIN / "sqlfluff"),
        "lint",
        "--disable-progress-bar",
        "dbt_project/models",
        "dbt_project/tests",
        # The templater opens the target of the profile, which the linter must not leave in the project.
        QPV_ENTREPOT_CIBLE=str(tmp_path / "entrepot.duckdb"),
    )


def test_a_linter_that_finds_something_fails(tmp_path: Path) -> None:
    fautif = tmp_path / "fautif.py"
    fautif.write_text("import os\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="F401"):
        _run(str(BIN / "ruff"), "check", str(fautif))
