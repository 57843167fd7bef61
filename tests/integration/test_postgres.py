"""A whole release in a real PostgreSQL: every table, row by row, value by value."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb
import psycopg
import pytest

from qpv_emploi.entrepot import Release
from qpv_emploi.publication.postgres import PostgresReport
from qpv_emploi.publication.version import marked_relations, read_release

pytestmark = [pytest.mark.postgres, pytest.mark.enable_socket]


def _rows(fetched: list[Any]) -> Counter[tuple[Any, ...]]:
    # The representation tells 1 from 1.0 and from true, and two floats that differ by their last bit.
    return Counter(tuple(repr(value) for value in row) for row in fetched)


def test_every_row_of_the_release_is_served(
    version_fictive: tuple[Release, list[str]], postgres_fictif: tuple[str, PostgresReport]
) -> None:
    release = read_release(version_fictive[0].dossier)
    dsn, made = postgres_fictif
    with (
        duckdb.connect(str(release.base), read_only=True) as source,
        psycopg.connect(dsn) as served,
    ):
        relations = marked_relations(source, release)
        assert set(made.comptes) == {relation.nom for relation in relations}
        assert {"mart_fiche_contrat_ville", "mart_tracabilite", "fct_observation", "vue_observation"} <= set(
            made.comptes
        )
        for relation in relations:
            held = {name for name, *_ in source.execute(f"describe {relation.nom}").fetchall()}
            shown = ", ".join(column.nom for column in relation.colonnes if column.nom in held)
            expected = _rows(source.execute(f"select {shown} from {relation.nom}").fetchall())
            found = _rows(served.execute(f"select {shown} from qpv.{relation.nom}").fetchall())  # type: ignore[call-overload]
            assert found == expected, relation.nom
            assert made.comptes[relation.nom] == expected.total()
            if relation.cle:
                (unique,) = served.execute(
                    "select count(*) from pg_index where indrelid = %s::regclass and indisunique",
                    [f"qpv.{relation.nom}"],
                ).fetchone() or (0,)
                assert unique == 1, relation.nom
        assert served.execute("select est_fictif, region from qpv.version_publiee").fetchall() == [
            (True, "99")
        ]
