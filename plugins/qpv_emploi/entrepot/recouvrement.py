"""Overlap of the outlines of two QPV generations: what ties a QPV 2015 to a QPV 2024 on the ground."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb
import numpy as np
import pyarrow as pa
import pyproj
import shapely
from numpy.typing import NDArray

from qpv_emploi.catalogue import Catalogue

OVERLAP_TABLE = "entrepot__recouvrement_qpv"
OUTLINES = {"2015": "sig_ville__qpv_2015", "2024": "sig_ville__qpv_2024__perimetres"}
OVERLAP_SCHEMA = pa.schema(
    [
        ("code_qpv_2015", pa.string()),
        ("code_qpv_2024", pa.string()),
        ("aire_intersection_m2", pa.float64()),
        ("part_2015", pa.float64()),
        ("part_2024", pa.float64()),
    ]
)

_WGS84 = 4326
# Below, two outlines that share a street side only touch: drawn twice, they cross by less than this.
_MIN_M2 = 1.0

Outlines = Mapping[str, bytes]


def overlaps(avant: Outlines, apres: Outlines, projections: Mapping[str, int]) -> pa.Table:
    """One row per pair of outlines that share more than one square metre, sorted by codes.

    Args:
        avant: code of the QPV 2015 -> outline (WKB, longitude and latitude, valid polygons).
        apres: the same for the QPV 2024.
        projections: prefix of a code of 2015 -> EPSG of the metric projection, ``defaut`` for the others.

    Returns:
        code_qpv_2015, code_qpv_2024, aire_intersection_m2 (rounded to 1 m²), part_2015 and part_2024 (% of
        the area of each outline, rounded to 0.01), of schema :data:`OVERLAP_SCHEMA`.
    """
    codes_avant, codes_apres = sorted(avant), sorted(apres)
    formes_avant = shapely.from_wkb([avant[code] for code in codes_avant])
    formes_apres = shapely.from_wkb([apres[code] for code in codes_apres])
    if not codes_avant or not codes_apres:
        return OVERLAP_SCHEMA.empty_table()
    paires = shapely.STRtree(formes_avant).query(formes_apres, predicate="intersects")
    lignes = []
    for j, i in sorted(zip(paires[0].tolist(), paires[1].tolist(), strict=True), key=lambda p: (p[1], p[0])):
        epsg = _projection(codes_avant[i], projections)
        forme_avant, forme_apres = _metric(np.array([formes_avant[i], formes_apres[j]], object), epsg)
        commune = float(shapely.area(shapely.intersection(forme_avant, forme_apres)))
        if commune <= _MIN_M2:
            continue
        lignes.append(
            {
                "code_qpv_2015": codes_avant[i],
                "code_qpv_2024": codes_apres[j],
                "aire_intersection_m2": float(round(commune)),
                "part_2015": _percent(commune, float(shapely.area(forme_avant))),
                "part_2024": _percent(commune, float(shapely.area(forme_apres))),
            }
        )
    return pa.Table.from_pylist(lignes, schema=OVERLAP_SCHEMA)


def lay_overlaps(connection: duckdb.DuckDBPyConnection, schema: str, catalogue: Catalogue) -> None:
    """Create ``<schema>.entrepot__recouvrement_qpv`` from the outlines already laid there.

    The table is empty when the outlines of a generation are missing. Where several vintages hold the outline
    of a QPV, the last one is used.
    """
    avant, apres = (_outlines(connection, schema, table) for table in OUTLINES.values())
    projections = next(
        table.table.lecture.projections for table in catalogue.tables() if table.nom == OUTLINES["2015"]
    )
    connection.register("overlap_rows", overlaps(avant, apres, projections))
    connection.execute(f"create table {schema}.{OVERLAP_TABLE} as select * from overlap_rows")
    connection.unregister("overlap_rows")


def _outlines(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, bytes]:
    rows: Iterable[tuple[str, bytes]] = connection.execute(
        f"select trim(code_qp), geometrie_wkb from {schema}.{table} "
        "where geometrie_wkb is not null and trim(code_qp) <> '' order by millesime, ligne desc"
    ).fetchall()
    # The last row of a code wins: the first line of its last vintage.
    return dict(rows)


def _projection(code: str, projections: Mapping[str, int]) -> int:
    prefixes = sorted((p for p in projections if p != "defaut" and code.startswith(p)), key=len)
    return projections[prefixes[-1]] if prefixes else projections["defaut"]


def _metric(formes: NDArray[np.object_], epsg: int) -> NDArray[np.object_]:
    transformeur = pyproj.Transformer.from_crs(_WGS84, epsg, always_xy=True)

    def moved(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        nouveaux: tuple[NDArray[np.float64], ...] = transformeur.transform(x, y)
        return nouveaux

    projetees: NDArray[np.object_] = shapely.transform(formes, moved, interleaved=False)
    return projetees


def _percent(part: float, tout: float) -> float:
    return round(min(100.0, 100.0 * part / tout), 2)
