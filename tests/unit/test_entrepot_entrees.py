"""What a build reads: the bronze tables of the lock, empty ones for what has not come, the sources."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from qpv_emploi.catalogue import Catalogue, load_catalogue
from qpv_emploi.conservation import LockedFile, LockEntry, Manifest, Reception, iso_utc
from qpv_emploi.entrepot.history import FileVersion
from qpv_emploi.entrepot.inputs import VERSION_COLUMNS, entries_in_use, lay_inputs
from qpv_emploi.errors import BuildError
from qpv_emploi.lecture.vide import empty_table
from qpv_emploi.settings import Settings

IPRO = "insee__insertion_professionnelle"
RECEIVED = iso_utc(datetime(2026, 3, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(Settings().dbt_dir)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def entry(cle: tuple[str, str, str], digest: str = "a", bronze: dict[str, str] | None = None) -> LockEntry:
    fichier = LockedFile("base.csv", digest * 64, 10, RECEIVED, {}, bronze or {})
    return LockEntry(*cle, (fichier,))


def reception(settings: Settings, cle: tuple[str, str, str], digest: str, *, est_fictif: bool) -> None:
    Manifest(settings.paths).record(
        Reception(digest * 64, 10, *cle, "base.csv", "o", RECEIVED, RECEIVED, "0", est_fictif)
    )


def test_every_missing_reference_is_named(catalogue: Catalogue) -> None:
    with pytest.raises(BuildError) as caught:
        entries_in_use(catalogue, [entry(("insee", "cog", "2024"))])
    message = str(caught.value)
    assert "\n" not in message
    assert "insee/epci, insee/zone_emploi, sig_ville/qpv_2015, sig_ville/contrats_ville" in message
    assert "insee/cog" not in message
    assert "à faire" in message


def test_entries_are_sorted_and_those_out_of_the_catalogue_left(catalogue: Catalogue) -> None:
    references = [(p, j.jeu, "2024") for p, j in catalogue.datasets() if j.reference]
    given = [entry(cle) for cle in reversed(references)] + [entry(("insee", "abandonne", "2020"))]
    assert [e.cle for e in entries_in_use(catalogue, given)] == sorted(references)


def test_a_missing_bronze_file_is_named(
    catalogue: Catalogue, settings: Settings, connection: duckdb.DuckDBPyConnection
) -> None:
    lost = entry(("insee", "insertion_professionnelle", "2020"), bronze={IPRO: "bronze/perdu.parquet"})
    with pytest.raises(BuildError, match=rf"table bronze {IPRO} : .*/bronze/perdu.parquet manque.*qpv run"):
        lay_inputs(connection, settings, catalogue, [lost])


def test_every_declared_table_exists_whatever_has_come(
    catalogue: Catalogue, settings: Settings, connection: duckdb.DuckDBPyConnection
) -> None:
    lay_inputs(connection, settings, catalogue, [])
    for table in catalogue.tables():
        relation = connection.execute(f"select * from bronze.{table.nom}")
        clock = [*VERSION_COLUMNS] if table.table.forme == "cellules" else []
        assert [column[0] for column in relation.description or ()] == [
            *empty_table(table).column_names,
            "correction",
            *clock,
        ]
        assert relation.fetchall() == []
    for ours in ("entrepot__jeu_source", "entrepot__correction"):
        assert connection.execute(f"select * from bronze.{ours}").fetchall() == []


def test_vintages_are_read_together_and_columns_by_name(
    catalogue: Catalogue, settings: Settings, connection: duckdb.DuckDBPyConnection
) -> None:
    (declared,) = [table for table in catalogue.tables() if table.nom == IPRO]
    cle = ("insee", "insertion_professionnelle")
    entries = []
    for millesime, digest in (("2020", "a"), ("2021", "b")):
        rows = empty_table(declared)
        row = {
            "producteur": cle[0],
            "jeu": cle[1],
            "millesime": millesime,
            "valeur": 4.0,
            "valeur_texte": "4",
        }
        row["empreinte_sha256"] = digest * 64
        path = settings.paths.root / f"{millesime}.parquet"
        table = rows.from_pylist([row], schema=rows.schema)
        pq.write_table(table.select(rows.column_names[:: 1 if millesime == "2020" else -1]), path)
        entries.append(entry((*cle, millesime), digest, {IPRO: path.name}))
        reception(settings, (*cle, millesime), digest, est_fictif=True)
    lay_inputs(connection, settings, catalogue, entries)
    query = f"select millesime, valeur, valeur_texte from bronze.{IPRO} order by 1"
    assert connection.execute(query).fetchall() == [("2020", 4.0, "4"), ("2021", 4.0, "4")]


def test_sources_say_where_they_come_from(
    catalogue: Catalogue, settings: Settings, connection: duckdb.DuckDBPyConnection
) -> None:
    for cle, digest, est_fictif in (
        (("insee", "insertion_professionnelle", "2021"), "a", False),
        (("insee", "cog", "2024"), "b", False),
    ):
        reception(settings, cle, digest, est_fictif=est_fictif)
    entries = [
        entry(("insee", "insertion_professionnelle", "2021"), "a"),
        entry(("insee", "cog", "2024"), "b"),
    ]
    lay_inputs(connection, settings, catalogue, entries)
    rows = connection.execute(
        "select jeu, millesime, recupere_le, fichiers, empreinte_sha256, methode_secret, seuil, est_fictif, "
        "avertissement from bronze.entrepot__jeu_source order by jeu desc"
    ).fetchall()
    first, second = rows
    assert first[:8] == (
        *("insertion_professionnelle", "2021", "2026-03-01", "base.csv", "a" * 64),
        *("masquage", 5, False),
    )
    # The warning of the dataset, then that of the vintage.
    assert "pas des zéros" in first[8]
    assert "Drees" in first[8]
    assert second[5:8] == ("aucune", None, False)


def laid(settings: Settings, table: str, digest: str, row: dict[str, object]) -> dict[str, str]:
    """A bronze file of one row; gives what the lock says of it."""
    (declared,) = [t for t in load_catalogue(Settings().dbt_dir).tables() if t.nom == table]
    empty = empty_table(declared)
    path = settings.paths.root / f"{table}-{digest}.parquet"
    pq.write_table(empty.from_pylist([{**row, "empreinte_sha256": digest * 64}], schema=empty.schema), path)
    return {table: path.name}


def version(
    cle: tuple[str, str, str], digest: str, du: str, au: str | None, bronze: dict[str, str]
) -> FileVersion:
    return FileVersion(*cle, "base.csv", digest * 64, 10, RECEIVED, du == "2026-01-05", du, au, bronze)


def test_statistical_tables_hold_every_version_and_the_others_the_present_one(
    catalogue: Catalogue, settings: Settings, connection: duckdb.DuckDBPyConnection
) -> None:
    cle, commune = ("insee", "insertion_professionnelle", "2020"), ("insee", "cog", "2024")
    for key, digest in ((cle, "b"), (commune, "d")):
        reception(settings, key, digest, est_fictif=True)
    cells = {
        digest: laid(
            settings,
            IPRO,
            digest,
            {"producteur": cle[0], "jeu": cle[1], "millesime": cle[2], "valeur": valeur},
        )
        for digest, valeur in (("a", 4.0), ("b", 5.0))
    }
    rows = {
        digest: laid(
            settings,
            "insee__cog__communes",
            digest,
            {"producteur": commune[0], "jeu": commune[1], "millesime": commune[2], "COM": digest},
        )
        for digest in "cd"
    }
    versions = [
        version(cle, "a", "2026-01-05", "2026-02-01", cells["a"]),
        version(cle, "b", "2026-02-01", "2026-03-01", cells["b"]),
        # The first bytes, put back.
        version(cle, "a", "2026-03-01", None, cells["a"]),
        version(commune, "c", "2026-01-05", "2026-02-01", rows["c"]),
        version(commune, "d", "2026-02-01", None, rows["d"]),
    ]
    entries = [entry(cle, "b", cells["b"]), entry(commune, "d", rows["d"])]
    lay_inputs(connection, settings, catalogue, entries, versions)
    query = (
        "select valeur, cast(connu_du as varchar), cast(connu_au as varchar), est_version_courante, "
        f"est_premiere_version from bronze.{IPRO} order by connu_du"
    )
    assert connection.execute(query).fetchall() == [
        (4.0, "2026-01-05", "2026-02-01", False, True),
        (5.0, "2026-02-01", "2026-03-01", False, False),
        (4.0, "2026-03-01", None, True, False),
    ]
    assert connection.execute("select com from bronze.insee__cog__communes").fetchall() == [("d",)]
