"""Two engines, one warehouse: every table of core and marts, row by row, in order, value by value.

No tolerance: the two engines give the same doubles, since sums whose order could matter are exact
(``somme_exacte``) and every other figure comes from the same operations on the same values.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import psycopg
import pytest
from pydantic import SecretStr
from tests.entrepots import SANS_NATURE
from tests.postgres import PostgresServer

from qpv_emploi import pipeline
from qpv_emploi.entrepot import Release
from qpv_emploi.pipeline import RunReport
from qpv_emploi.publication.documentation import DOCUMENTATION
from qpv_emploi.settings import Settings

pytestmark = [pytest.mark.postgres, pytest.mark.enable_socket]

LOT = 20_000
# Seconds: a reception and two whole builds, when no other test has asked for the first one yet.
DELAI = 2400
# Written by people or by the clock of a build, not by an engine.
PROPRES_A_LA_CONSTRUCTION = {"identifiant", "publie_le", "construit_le", "empreinte_construction", "moteur"}

Paire = tuple[Release, Release]
Construire = Callable[[Settings], Release]


def differences(gauche: Path, droite: Path) -> list[str]:
    """What differs between two warehouses: relations, columns, types, comments, rows and their order."""
    trouvees: list[str] = []
    with duckdb.connect(str(gauche), read_only=True) as a, duckdb.connect(str(droite), read_only=True) as b:
        for connexion in (a, b):
            connexion.execute("set threads = 1")
        relations = [_relations(connexion) for connexion in (a, b)]
        if relations[0] != relations[1]:
            return [f"relations ou commentaires : {set(relations[0]) ^ set(relations[1])}"]
        for nom, *_ in relations[0]:
            colonnes = [_columns(connexion, nom) for connexion in (a, b)]
            if colonnes[0] != colonnes[1]:
                trouvees.append(f"{nom} : colonnes {set(colonnes[0]) ^ set(colonnes[1])}")
                continue
            lu = [connexion.execute(f"select * from {nom}") for connexion in (a, b)]
            rang = 0
            while True:
                lots = [curseur.fetchmany(LOT) for curseur in lu]
                if lots[0] != lots[1]:
                    trouvees.append(f"{nom} : {_first(lots[0], lots[1], rang, [c[0] for c in colonnes[0]])}")
                    break
                if not lots[0]:
                    break
                rang += LOT
    return trouvees


def _relations(connexion: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return connexion.execute(
        "select table_name, 'table', comment from duckdb_tables() where schema_name = 'main' "
        "union all select view_name, 'vue', comment from duckdb_views() "
        "where schema_name = 'main' and not internal order by all"
    ).fetchall()


def _columns(connexion: duckdb.DuckDBPyConnection, nom: str) -> list[tuple[object, ...]]:
    return connexion.execute(
        "select column_name, data_type, is_nullable, comment from duckdb_columns() "
        "where schema_name = 'main' and table_name = ? order by column_index",
        [nom],
    ).fetchall()


def _first(
    gauche: list[tuple[object, ...]], droite: list[tuple[object, ...]], rang: int, noms: list[object]
) -> str:
    for i, (a, b) in enumerate(zip(gauche, droite, strict=False)):
        if a != b:
            ecarts = [f"{n} {x!r} / {y!r}" for n, x, y in zip(noms, a, b, strict=True) if x != y]
            return f"ligne {rang + i + 1} : {', '.join(ecarts[:5])}"
    return f"{len(gauche)} et {len(droite)} lignes après la {rang + min(len(gauche), len(droite))}e"


def _schemas(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connexion:
        lignes = connexion.execute("select nspname from pg_namespace where starts_with(nspname, 'qpv')")
        return [nom for (nom,) in lignes.fetchall()]


@pytest.fixture(scope="session")
def construire_sur_postgres(
    serveur_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Construire:
    """The same build on PostgreSQL, from a copy of the data directory."""

    def construire(reglages: Settings) -> Release:
        copie = tmp_path_factory.mktemp("moteur") / "data"
        shutil.copytree(reglages.paths.root, copie, symlinks=True)
        shutil.rmtree(copie / "publie", ignore_errors=True)
        with serveur_postgres.database() as dsn:
            sur_serveur = reglages.model_copy(
                update={"data_dir": copie, "moteur": "postgres", "moteur_dsn": SecretStr(dsn)}
            )
            candidat = pipeline.build(sur_serveur)
            assert candidat is not None
            # The failures of dbt's tests are there until the candidate is published.
            assert any(nom.endswith("_echecs") for nom in _schemas(dsn))
            journal = (sur_serveur.paths.travail / candidat / "dbt.log").read_text(encoding="utf-8")
            assert dsn.rpartition("password=")[2] not in journal
            pipeline.audit(sur_serveur, candidat)
            version = pipeline.publish(sur_serveur, candidat)
            assert _schemas(dsn) == []
        return version

    return construire


@pytest.fixture(scope="session")
def paire_fictive(
    reglages_fictifs: Settings,
    version_fictive: tuple[Release, list[str]],
    construire_sur_postgres: Construire,
) -> Paire:
    # Like the build that it is compared with, this one runs the unit tests of dbt.
    with pytest.MonkeyPatch.context() as variables:
        variables.delenv(SANS_NATURE)
        return version_fictive[0], construire_sur_postgres(reglages_fictifs)


@pytest.fixture(scope="session")
def paire_32(entrepot_32: tuple[Settings, RunReport], construire_sur_postgres: Construire) -> Paire:
    reglages, rapport = entrepot_32
    assert rapport.release is not None
    return rapport.release, construire_sur_postgres(reglages)


def _same(paire: Paire, natures: set[str]) -> None:
    duck, serveur = paire
    assert differences(duck.dossier / "entrepot.duckdb", serveur.dossier / "entrepot.duckdb") == []
    fichiers = [
        {str(f.relative_to(v.dossier)) for f in v.dossier.rglob("*") if f.is_file()} for v in (duck, serveur)
    ]
    assert fichiers[0] == fichiers[1]
    for nom in sorted(fichiers[0] - {"entrepot.duckdb", "manifeste.json", DOCUMENTATION}):
        assert (serveur.dossier / nom).read_bytes() == (duck.dossier / nom).read_bytes(), nom
    # The SQL that dbt compiled is that of each engine; names and columns are those of the release.
    colonnes = [
        re.findall(
            r'"comment":.*?"name":"\w+","type":"[^"]+"', (v.dossier / DOCUMENTATION).read_text("utf-8")
        )
        for v in (duck, serveur)
    ]
    assert colonnes[0] == colonnes[1]
    assert len(colonnes[0]) > 100
    assert not re.search(r"qpv_2\d{7}t", (serveur.dossier / DOCUMENTATION).read_text("utf-8"))
    manifestes = [
        json.loads((v.dossier / "manifeste.json").read_text(encoding="utf-8")) for v in (duck, serveur)
    ]
    assert manifestes[1]["moteur"] == "postgres"
    assert "moteur" not in manifestes[0]
    dits = [{k: v for k, v in m.items() if k not in PROPRES_A_LA_CONSTRUCTION} for m in manifestes]
    assert dits[0] == dits[1]
    # Every node was run on both sides and had the same outcome.
    noeuds = []
    for version in paire:
        with duckdb.connect(str(version.dossier / "entrepot.duckdb"), read_only=True) as connexion:
            noeuds.append(
                connexion.execute(
                    "select nature, nom, statut, nb_ecarts from audit.noeud order by all"
                ).fetchall()
            )
    assert noeuds[0] == noeuds[1]
    assert natures <= {nature for nature, *_ in noeuds[0]}


@pytest.mark.timeout(DELAI)
def test_the_fictional_warehouse_is_the_same_on_both_engines(paire_fictive: Paire) -> None:
    _same(paire_fictive, {"model", "seed", "test", "unit_test"})


@pytest.mark.depot
@pytest.mark.timeout(DELAI)
def test_the_warehouse_of_the_real_files_is_the_same_on_both_engines(paire_32: Paire) -> None:
    _same(paire_32, {"model", "seed", "test"})


@pytest.mark.parametrize(
    ("change", "attendue"),
    [
        ("update t set v = 0.30000000000000004 where n = 2", "t : ligne 2 : v 0.3 / 0.30000000000000004"),
        ("delete from t where n = 3", "t : 3 et 2 lignes après la 2e"),
        ("create or replace table t as select * from t order by n desc", "t : colonnes"),
        ("alter table t alter v type decimal(9, 3)", "t : colonnes"),
        ("comment on column t.v is 'autre'", "t : colonnes"),
        ("comment on table t is 'autre'", "relations ou commentaires"),
        ("create table u (n integer)", "relations ou commentaires"),
        (
            "insert into t select n, v from t where n = 1; delete from t where rowid = 0",
            "t : ligne 1 : n 1 / 2",
        ),
    ],
)
def test_the_comparison_sees_a_difference(tmp_path: Path, change: str, attendue: str) -> None:
    bases = [tmp_path / f"{nom}.duckdb" for nom in "ab"]
    for base in bases:
        with duckdb.connect(str(base)) as connexion:
            connexion.execute("create table t (n integer not null, v double)")
            connexion.execute("insert into t values (1, 0.1), (2, 0.3), (3, null)")
    assert differences(*bases) == []
    with duckdb.connect(str(bases[1])) as connexion:
        connexion.execute(change)
    (trouvee,) = differences(*bases)
    assert trouvee.startswith(attendue)
