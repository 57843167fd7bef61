"""Small warehouses made by hand: what a publication needs of a build, without dbt.

The tables bear the names and the key columns of the real ones, and as few rows as possible, so that a real
build can follow one of these releases without looking like a loss of data.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import duckdb

from qpv_emploi.conservation import Lock, LockedFile, LockEntry, iso_utc
from qpv_emploi.entrepot import Candidate, NodeResult, build_fingerprint
from qpv_emploi.settings import Settings

NB_QPV = 3
NODE = NodeResult("dim_qpv", "model", "success", 0.1, None, "OK")


def small_project(folder: Path) -> Path:
    """A project without code nor suites: its fingerprint only changes with the lock and the region."""
    (folder / "expectations" / "marts").mkdir(parents=True, exist_ok=True)
    (folder / "dbt_project").mkdir(exist_ok=True)
    return folder


def change_lock(settings: Settings, tour: int) -> None:
    """Other inputs than in any other ``tour``: the next build has something to do."""
    digest = f"{tour:064x}"
    fichier = LockedFile("base.csv", digest, tour, "2026-01-01T00:00:00.000Z", {}, {})
    Lock(settings.paths.verrou).update(LockEntry("insee", "fabrique", "2020", (fichier,)))


def make_candidate(settings: Settings, tour: int, now: datetime) -> Candidate:
    """Stand-in for ``build_candidate``: a warehouse whose every row says which ``tour`` it is of."""
    fingerprint = build_fingerprint(settings)
    identifier = f"{now:%Y%m%dT%H%M%SZ}-{fingerprint[:8]}"
    folder = settings.paths.travail / identifier
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "entrepot.duckdb")) as connection:
        for statement in (
            f"create table dim_qpv as select 'QP9900' || i as code_qpv, {tour} as tour "
            f"from range(1, {NB_QPV + 1}) t(i)",
            "create table fct_observation as select code_qpv, i as valeur, tour "
            "from dim_qpv, range(200) t(i) order by code_qpv, i",
            "create view vue_observation as select * from entrepot.main.fct_observation",
            "create table mart_tracabilite as select code_qpv from dim_qpv",
            "create schema bronze",
            "create table bronze.ailleurs as select * from range(10)",
            "create schema intermediate",
            "create table intermediate.int_variable_non_reliee as select 'insee' as producteur, 'base' as"
            " jeu, '2020' as millesime, 'X' as code_variable, 4 as colonne_numero, 3 as nb_cellules,"
            " 2 as nb_valeurs",
        ):
            connection.execute(statement)
    candidate = Candidate(identifier, folder, fingerprint, settings.region, iso_utc(now), (), (NODE,))
    description = {
        "identifiant": identifier,
        "empreinte": fingerprint,
        "region": settings.region,
        "construit_le": candidate.construit_le,
        "entrees": [],
        "noeuds": [asdict(NODE)],
    }
    (folder / "candidat.json").write_text(json.dumps(description), encoding="utf-8")
    (folder / "dbt").mkdir()
    (folder / "dbt" / "manifest.json").write_text('{"nodes": {}, "sources": {}}', encoding="utf-8")
    return candidate


def check_release(folder: Path) -> int:
    """A release is whole: manifest, database and files say the same. Gives its ``tour``."""
    manifest = json.loads((folder / "manifeste.json").read_text(encoding="utf-8"))
    with duckdb.connect(str(folder / "entrepot.duckdb"), read_only=True) as connection:
        counts = {
            name: connection.execute(f"select count(*) from {name}").fetchall()[0][0]
            for name in ("dim_qpv", "fct_observation", "mart_tracabilite", "vue_observation")
        }
        tours = connection.execute("select distinct tour from vue_observation").fetchall()
        schemas = connection.execute(
            "select distinct table_schema from information_schema.tables order by all"
        ).fetchall()
    assert manifest["comptes"] == counts
    assert (folder / "dictionnaire.csv").read_text(encoding="utf-8-sig").startswith("relation;")
    assert schemas == [("audit",), ("main",)]
    assert len(tours) == 1
    for name in ("dim_qpv", "fct_observation", "mart_tracabilite"):
        path = folder / "parquet" / f"{name}.parquet"
        rows = duckdb.sql(f"select count(*) from read_parquet('{path}')").fetchall()
        assert rows == [(counts[name],)], path
    for name in ("dim_qpv", "fct_observation"):
        lines = (folder / "csv" / f"{name}.csv").read_text(encoding="utf-8-sig").splitlines()
        assert len(lines) == counts[name] + 1, name
    return int(tours[0][0])
