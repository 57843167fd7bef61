"""Outlines of territories as GeoJSON and GeoParquet, one file per type and generation."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from qpv_emploi.publication.contexte import Context
from qpv_emploi.publication.version import BANNER, FICTIONAL

OUTLINES = "dim_perimetre"
_GEOMETRY = "geometrie_wkb"
# Six decimals of a degree are a tenth of a metre: finer than any outline was drawn.
_DECIMALS = 6
_WGS84 = "OGC:CRS84"


def outline_layers(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str | None]]:
    """Layers of the published database: (file name without extension, type of territory, generation)."""
    if not connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'main' and table_name = ?", [OUTLINES]
    ).fetchall():
        return []
    rows = connection.execute(
        f"select distinct type_territoire, generation from {OUTLINES} order by all"
    ).fetchall()
    return [(f"{kind}_{generation}" if generation else kind, kind, generation) for kind, generation in rows]


def write_layer(
    connection: duckdb.DuckDBPyConnection,
    context: Context,
    layer: tuple[str, str, str | None],
    folder: Path,
) -> None:
    """Write ``<name>.geojson`` (RFC 7946) and ``<name>.parquet`` (GeoParquet) of one layer.

    Args:
        layer: one of :func:`outline_layers`.
        folder: where to write; longitude and latitude in degrees, WGS84.
    """
    name, kind, generation = layer
    columns = [
        c.nom
        for relation in context.relations
        if relation.nom == OUTLINES
        for c in relation.colonnes
        if c.type != "BLOB"
    ]
    rows = connection.execute(
        f"select {', '.join(columns)}, {_GEOMETRY} from {OUTLINES} "
        "where type_territoire = ? and generation is not distinct from ? order by cle_territoire",
        [kind, generation],
    ).fetchall()
    properties = [dict(zip(columns, row, strict=False)) for row in rows]
    shapes = shapely.from_wkb(np.array([row[-1] for row in rows], object))
    _write_geojson(folder / f"{name}.geojson", context, name, properties, shapes)
    frame = gpd.GeoDataFrame(pd.DataFrame(properties), geometry=shapes, crs=_WGS84)
    frame.to_parquet(folder / f"{name}.parquet", index=False, compression="zstd", write_covering_bbox=True)


def _write_geojson(
    target: Path,
    context: Context,
    name: str,
    properties: list[dict[str, Any]],
    shapes: NDArray[np.object_],
) -> None:
    # Outer rings counter-clockwise, as RFC 7946 wants them.
    turned = shapely.orient_polygons(shapely.set_precision(shapes, 10**-_DECIMALS), exterior_cw=False)
    with target.open("w", encoding="utf-8", newline="\n") as stream:
        head: dict[str, object] = {
            "type": "FeatureCollection",
            "name": name,
            "version": context.release.identifiant,
            FICTIONAL: context.release.est_fictif,
        }
        if context.release.est_fictif:
            head["avertissement"] = BANNER
        stream.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "features": [')
        for place, (values, shape) in enumerate(zip(properties, turned, strict=True)):
            feature = {
                "type": "Feature",
                "id": values["cle_territoire"],
                "properties": {key: _plain(value) for key, value in values.items()},
                "geometry": json.loads(shapely.to_geojson(shape)),
            }
            stream.write(("," if place else "") + "\n" + json.dumps(feature, ensure_ascii=False))
        stream.write("\n]}\n")


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
