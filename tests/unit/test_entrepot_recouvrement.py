"""Overlap of the outlines of two generations: areas, shares, projections, vintages."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
import shapely

from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.entrepot.recouvrement import (
    OUTLINES,
    OVERLAP_SCHEMA,
    OVERLAP_TABLE,
    lay_overlaps,
    overlaps,
)
from qpv_emploi.settings import Settings

LAMBERT = {"defaut": 2154}
# About 111 m by 72 m near Lille; shares do not depend on the exact size.
PAS = 0.001


def carre(est: float, nord: float = 0.0, cote: float = 1.0) -> bytes:
    """WKB of a square whose south-west corner stands ``est`` and ``nord`` steps from a point of Lille."""
    x, y = 3.05 + est * PAS, 50.63 + nord * PAS
    wkb: bytes = shapely.to_wkb(shapely.box(x, y, x + cote * PAS, y + cote * PAS))
    return wkb


def test_shares_of_each_outline() -> None:
    table = overlaps({"QP059001": carre(0)}, {"QN05901M": carre(0.25, cote=2)}, LAMBERT)
    assert table.schema == OVERLAP_SCHEMA
    (ligne,) = table.to_pylist()
    assert (ligne["code_qpv_2015"], ligne["code_qpv_2024"]) == ("QP059001", "QN05901M")
    # Three quarters of the small square, in a square four times as large.
    assert ligne["part_2015"] == pytest.approx(75, abs=0.05)
    assert ligne["part_2024"] == pytest.approx(18.75, abs=0.05)
    # 111,2 m by 70,7 m by three quarters.
    assert ligne["aire_intersection_m2"] == pytest.approx(5_900, rel=0.02)


def test_outlines_that_only_touch_are_not_tied() -> None:
    assert overlaps({"QP059001": carre(0)}, {"QN05901M": carre(1)}, LAMBERT).num_rows == 0
    assert overlaps({"QP059001": carre(0)}, {"QN05901M": carre(5)}, LAMBERT).num_rows == 0


def test_splits_and_mergers_give_one_row_per_pair_sorted() -> None:
    avant = {"QP059002": carre(1), "QP059001": carre(0)}
    apres = {"QN05902M": carre(0.5), "QN05901M": carre(0, cote=0.5)}
    paires = [
        (ligne["code_qpv_2015"], ligne["code_qpv_2024"])
        for ligne in overlaps(avant, apres, LAMBERT).to_pylist()
    ]
    assert paires == [("QP059001", "QN05901M"), ("QP059001", "QN05902M"), ("QP059002", "QN05902M")]


def test_the_longest_prefix_picks_the_projection() -> None:
    avant, apres = {"QP974001": carre(0)}, {"QN97401I": carre(0)}

    def aire(projections: dict[str, int]) -> float:
        (ligne,) = overlaps(avant, apres, projections).to_pylist()
        assert (ligne["part_2015"], ligne["part_2024"]) == (100, 100)
        return float(ligne["aire_intersection_m2"])

    # Pseudo-Mercator stretches areas by 1 / cos² of the latitude, 2.5 times here.
    assert aire({"defaut": 2154, "QP97": 2154, "QP974": 3857}) > 2 * aire(LAMBERT)
    assert aire({"defaut": 3857, "QP974": 2154, "QP97": 3857}) == aire(LAMBERT)


@pytest.mark.parametrize(("avant", "apres"), [({}, {"a": carre(0)}), ({"a": carre(0)}, {}), ({}, {})])
def test_a_missing_generation_leaves_an_empty_table(avant: dict[str, bytes], apres: dict[str, bytes]) -> None:
    table = overlaps(avant, apres, LAMBERT)
    assert table.num_rows == 0
    assert table.schema == OVERLAP_SCHEMA


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("create schema bronze")
        for table in OUTLINES.values():
            opened.execute(
                f"create table bronze.{table} (millesime varchar, ligne integer, code_qp varchar, "
                "geometrie_wkb blob)"
            )
        yield opened


def test_the_last_vintage_of_an_outline_is_used(connection: duckdb.DuckDBPyConnection) -> None:
    avant, apres = OUTLINES.values()
    connection.execute(f"insert into bronze.{avant} values ('2015', 1, ' QP059001 ', ?)", [carre(0)])
    connection.execute(f"insert into bronze.{avant} values ('2015', 2, 'QP059002', null)")
    for millesime, ligne, forme in (
        ("2025", 1, carre(0.5)),
        ("2025", 2, carre(0.9)),
        ("2024", 1, carre(0)),
    ):
        connection.execute(
            f"insert into bronze.{apres} values (?, ?, 'QN05901M', ?)", [millesime, ligne, forme]
        )
    lay_overlaps(connection, "bronze", load_catalogue(Settings().dbt_dir))
    rows = connection.execute(
        f"select code_qpv_2015, code_qpv_2024, round(part_2015) from bronze.{OVERLAP_TABLE}"
    ).fetchall()
    assert rows == [("QP059001", "QN05901M", 50)]
