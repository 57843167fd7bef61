"""What dbt says, in one line for a person and one row per node for the audit."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qpv_emploi.entrepot.dbt import NodeResult, read_results, run_dbt_build
from qpv_emploi.errors import BuildError
from qpv_emploi.settings import Settings

Node = dict[str, Any]


def node(unique_id: str, status: str, message: str = "", failures: int | None = None) -> Node:
    return {
        "unique_id": unique_id,
        "status": status,
        "execution_time": 0.12345,
        "message": message,
        "failures": failures,
    }


MODEL = node("model.qpv_emploi.dim_qpv", "success", "OK")
TEST = node("test.qpv_emploi.not_null_dim_qpv_code_qpv.0a1b2c", "fail", "Got 3 results,\n  expected 0", 3)
UNIT = node("unit_test.qpv_emploi.int_observation__statut.vide_reste_vide", "error", "boom")


def results(folder: Path, nodes: list[Node]) -> Path:
    path = folder / "run_results.json"
    folder.mkdir(exist_ok=True)
    path.write_text(json.dumps({"results": nodes}), encoding="utf-8")
    return path


def test_nodes_are_named_as_their_authors_named_them(tmp_path: Path) -> None:
    assert read_results(results(tmp_path, [MODEL, TEST, UNIT])) == [
        NodeResult("dim_qpv", "model", "success", 0.123, None, "OK"),
        NodeResult("not_null_dim_qpv_code_qpv", "test", "fail", 0.123, 3, "Got 3 results, expected 0"),
        NodeResult("vide_reste_vide", "unit_test", "error", 0.123, None, "boom"),
    ]


class Dbt:
    """Stand-in for the dbt process."""

    def __init__(self, nodes: list[Node] | None, code: int, log: str) -> None:
        self.nodes, self.code, self.log = nodes, code, log
        self.command: list[str] = []
        self.environment: dict[str, str] = {}

    def __call__(self, command: list[str], **options: Any) -> SimpleNamespace:
        self.command, self.environment = command, options["env"]
        options["stdout"].write(self.log)
        if self.nodes is not None:
            results(Path(options["cwd"]) / "dbt", self.nodes)
        return SimpleNamespace(returncode=self.code)


def build(
    monkeypatch: pytest.MonkeyPatch, folder: Path, nodes: list[Node] | None, code: int = 0, log: str = ""
) -> tuple[list[NodeResult], Dbt]:
    dbt = Dbt(nodes, code, log)
    monkeypatch.setattr(subprocess, "run", dbt)
    settings = Settings(region="11", project_dir=folder / "projet")
    return run_dbt_build(settings, folder / "entrepot.duckdb", folder), dbt


def test_a_good_build_gives_its_nodes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    warned = node("test.qpv_emploi.freshness.0a", "warn", "Got 2 results", 2)
    nodes, dbt = build(monkeypatch, tmp_path, [MODEL, warned])
    assert [(n.nom, n.statut, n.en_echec) for n in nodes] == [
        ("dim_qpv", "success", False),
        ("freshness", "warn", False),
    ]
    assert '{"region": "11", "connu_le": ""}' in dbt.command
    assert dbt.environment["QPV_ENTREPOT_CIBLE"] == str(tmp_path / "entrepot.duckdb")
    assert dbt.environment["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"


def test_another_engine_is_a_target_and_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dbt = Dbt([MODEL], 0, "")
    monkeypatch.setattr(subprocess, "run", dbt)
    settings = Settings(region="11", project_dir=tmp_path / "projet")
    run_dbt_build(
        settings, tmp_path / "x.duckdb", tmp_path, target="postgres", variables={"QPV_PG_SCHEMA": "qpv_x"}
    )
    assert dbt.command[dbt.command.index("--target") + 1] == "postgres"
    assert dbt.command[dbt.command.index("--target-path") + 1] == str(tmp_path / "dbt")
    assert dbt.environment["QPV_PG_SCHEMA"] == "qpv_x"


def test_failed_nodes_are_named_on_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        build(monkeypatch, tmp_path, [MODEL, TEST, UNIT], code=1)
    message = str(caught.value)
    assert "\n" not in message
    assert "construction dbt en échec (2 nœud(s))" in message
    assert "test not_null_dim_qpv_code_qpv : Got 3 results, expected 0" in message
    assert "unit_test vide_reste_vide : boom" in message
    assert "dim_qpv : OK" not in message
    assert str(tmp_path / "dbt.log") in message


def test_many_failures_name_the_first_and_count_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nodes = [node(f"model.qpv_emploi.m{i}", "error", "boom") for i in range(9)]
    with pytest.raises(BuildError) as caught:
        build(monkeypatch, tmp_path, nodes, code=1)
    assert "(9 nœud(s))" in str(caught.value)
    assert str(caught.value).count("boom") == 5


@pytest.mark.parametrize("nodes", [None, [MODEL]], ids=["no result", "good nodes, bad end"])
def test_a_dbt_that_stops_short_shows_the_end_of_its_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nodes: list[Node] | None
) -> None:
    log = "\n".join(["12:00 Running with dbt", "", *(f"line {i}" for i in range(30)), "  Compilation Error"])
    with pytest.raises(BuildError) as caught:
        build(monkeypatch, tmp_path, nodes, code=2, log=log)
    message = str(caught.value)
    assert "\n" not in message
    assert "line 29 / Compilation Error" in message
    assert "line 3 /" not in message
