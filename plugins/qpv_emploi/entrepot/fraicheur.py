"""Table ``audit.fraicheur`` of a release: what is expected next of each dataset, and from which day on.

Days only, drawn from the catalogue and from the vintages of the release: whether one of them is past is for
the reader to say (``catalogue.echeances.fraicheur``), so that a rebuild gives the same rows.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from qpv_emploi.catalogue import load_producer
from qpv_emploi.catalogue.echeances import next_expected
from qpv_emploi.settings import Settings

# The lateness that this day would give is not kept.
_ANY_DAY = date(1900, 1, 1)


def record_freshness(base: Path, settings: Settings) -> None:
    """Write ``audit.fraicheur``: one row per dataset of the catalogue, sorted, those never received included.

    Columns: ``producteur``, ``jeu``, ``titre``, ``cadence``, ``delai_usuel_jours``, ``dernier_millesime``,
    ``recu_le`` (day of reception of this vintage), ``millesime_attendu``, ``attendu_le``, ``retard_des_le``
    and ``raison``, which says in French why no day is known.

    Args:
        base: work database, built.
    """
    # The producers alone: the dictionary of variables has nothing to say here.
    datasets = [
        (producer.producteur, jeu)
        for producer in map(load_producer, settings.catalogue_dir.glob("*.yml"))
        for jeu in producer.jeux
    ]
    with duckdb.connect(str(base)) as connection:
        held = _held(connection)
        rows = []
        for producteur, dataset in datasets:
            if dataset.usage == "essais":
                continue
            vintages = held.get((producteur, dataset.jeu), {})
            names = tuple(sorted(vintages))
            expected = next_expected(dataset, names, _ANY_DAY)
            rows.append(
                [
                    producteur,
                    dataset.jeu,
                    dataset.titre,
                    dataset.cadence,
                    dataset.delai_usuel_jours,
                    names[-1] if names else None,
                    vintages[names[-1]] if names else None,
                    expected.millesime,
                    expected.du_le,
                    expected.retard_le,
                    expected.raison or None,
                ]
            )
        connection.execute("create schema if not exists audit")
        connection.execute(
            "create or replace table audit.fraicheur (producteur varchar, jeu varchar, titre varchar, "
            "cadence varchar, delai_usuel_jours integer, dernier_millesime varchar, recu_le date, "
            "millesime_attendu varchar, attendu_le date, retard_des_le date, raison varchar)"
        )
        connection.executemany(
            "insert into audit.fraicheur values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            sorted(rows, key=lambda r: r[:2]),
        )


def _held(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], dict[str, date]]:
    """Vintages of the release and the day each was received, by dataset; none without ``dim_jeu_source``."""
    tables = connection.execute(
        "select 1 from information_schema.tables "
        "where table_schema = 'main' and table_name = 'dim_jeu_source'"
    )
    held: dict[tuple[str, str], dict[str, date]] = {}
    if tables.fetchall():
        rows = connection.execute(
            "select producteur, jeu, millesime, cast(recupere_le as date) from dim_jeu_source"
        )
        for producteur, jeu, millesime, recu_le in rows.fetchall():
            held.setdefault((producteur, jeu), {})[millesime] = recu_le
    return held
