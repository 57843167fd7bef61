"""Running dbt: one ``dbt build`` in its own process, and what each node had to say.

A process of its own because the Python runner of dbt keeps the lock of the database until it exits.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from qpv_emploi.errors import BuildError
from qpv_emploi.settings import Settings

_FAILED = ("error", "fail", "runtime error", "partial success")
# Folder of dbt's artefacts below a work folder.
_TARGET = "dbt"


@dataclass(frozen=True)
class NodeResult:
    """What became of one node of the build.

    Attributes:
        nom: name of the model, seed or test.
        nature: model, seed, test or unit_test.
        statut: as dbt says it (success, pass, warn, error, fail, skipped).
        secondes: run time.
        nb_ecarts: rows a test returned, None for the rest.
        message: dbt's message, on one line.
    """

    nom: str
    nature: str
    statut: str
    secondes: float
    nb_ecarts: int | None
    message: str

    @property
    def en_echec(self) -> bool:
        return self.statut in _FAILED

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def run_dbt_build(
    settings: Settings,
    database: Path,
    work_dir: Path,
    *,
    connu_le: str = "",
    target: str = "duckdb",
    variables: Mapping[str, str] | None = None,
) -> list[NodeResult]:
    """Build every seed, model and test into ``database``.

    Args:
        settings: gives the project and the region.
        database: the work database; its file name must be that of the published one, since views hold it.
        work_dir: receives dbt's artefacts (``dbt/``) and its log (``dbt.log``).
        connu_le: ISO day as of which figures are read, empty for the present.
        target: target of the profile; ``database`` means nothing to another one than ``duckdb``.
        variables: of the environment of dbt, besides ours: where the server of the target is.

    Returns:
        One result per node, in order of execution.

    Raises:
        BuildError: dbt could not run, or a node failed; the message names the first failed nodes.
    """
    log = work_dir / "dbt.log"
    returncode = _run_dbt("build", settings, database, work_dir, log, connu_le, target, variables or {})
    results_file = work_dir / _TARGET / "run_results.json"
    if not results_file.exists():
        raise BuildError(f"dbt n'a pas pu démarrer : {_last_lines(log)} ; journal complet : {log}")
    results = read_results(results_file)
    failed = [result for result in results if result.en_echec]
    if failed or returncode != 0:
        named = "; ".join(f"{r.nature} {r.nom} : {r.message}" for r in failed[:5]) or _last_lines(log)
        raise BuildError(f"construction dbt en échec ({len(failed)} nœud(s)) : {named} ; journal : {log}")
    return results


def parse_project(settings: Settings, work_dir: Path) -> Path:
    """Let dbt read the project without building anything.

    Args:
        work_dir: receives dbt's artefacts and its log.

    Returns:
        Path of its manifest, below ``work_dir``.

    Raises:
        BuildError: the project does not parse.
    """
    log = work_dir / "dbt.log"
    if _run_dbt("parse", settings, work_dir / "entrepot.duckdb", work_dir, log) != 0:
        raise BuildError(f"le projet dbt ne se lit pas : {_last_lines(log)}")
    return manifest_of(work_dir)


def manifest_of(work_dir: Path) -> Path:
    """Where a build or a reading in this folder leaves dbt's manifest."""
    return work_dir / _TARGET / "manifest.json"


def _run_dbt(
    verb: str,
    settings: Settings,
    database: Path,
    work_dir: Path,
    log: Path,
    connu_le: str = "",
    target: str = "duckdb",
    variables: Mapping[str, str] | None = None,
) -> int:
    """Run one dbt command in its own process; its exit code."""
    artefacts = work_dir / _TARGET
    command = [
        sys.executable,
        "-m",
        "dbt.cli.main",
        "--no-use-colors",
        "--log-path",
        str(artefacts),
        verb,
        "--project-dir",
        str(settings.dbt_dir),
        "--profiles-dir",
        str(settings.dbt_dir),
        "--target-path",
        str(artefacts),
        "--target",
        target,
        "--vars",
        json.dumps({"region": settings.region, "connu_le": connu_le}),
    ]
    environment = {
        **os.environ,
        "QPV_ENTREPOT_CIBLE": str(database),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONWARNINGS": "ignore",
        **(variables or {}),
    }
    with log.open("w", encoding="utf-8") as stream:
        return subprocess.run(
            command, stdout=stream, stderr=subprocess.STDOUT, env=environment, check=False, cwd=work_dir
        ).returncode


def read_results(path: Path) -> list[NodeResult]:
    """Parse ``run_results.json``."""
    results = []
    for node in json.loads(path.read_text(encoding="utf-8"))["results"]:
        nature, _, *names = node["unique_id"].split(".")
        # A unit test is named after its model first; the name of any other test is followed by a digest.
        name = names[-1] if nature == "unit_test" else names[0]
        results.append(
            NodeResult(
                nom=name,
                nature=nature,
                statut=node["status"],
                secondes=round(float(node["execution_time"]), 3),
                nb_ecarts=node.get("failures"),
                message=" ".join(str(node.get("message") or "").split()),
            )
        )
    return results


def _last_lines(log: Path, number: int = 12) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    return " / ".join([line for line in lines if line][-number:])
