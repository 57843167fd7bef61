"""Geometries in WGS84: reprojection, repair, representative point, area."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyproj
import shapely
from numpy.typing import NDArray

_POLYGONS = (3, 6)
_WGS84 = 4326


def to_wgs84(geometries: NDArray[Any], projection: str) -> NDArray[Any]:
    """Geometries in longitude and latitude.

    Args:
        geometries: shapely geometries, None allowed.
        projection: what pyproj understands (``EPSG:2154``, WKT, ``urn:ogc:def:crs:OGC:1.3:CRS84``).

    Raises:
        pyproj.exceptions.CRSError: unknown projection.
    """
    origine = pyproj.CRS.from_user_input(projection)
    if origine.equals(pyproj.CRS.from_epsg(_WGS84), ignore_axis_order=True):
        return geometries
    return _project(geometries, pyproj.Transformer.from_crs(origine, _WGS84, always_xy=True))


def outside_globe(geometries: NDArray[Any]) -> NDArray[np.int64]:
    """Indices of the geometries whose coordinates cannot be degrees."""
    limites = np.abs(shapely.bounds(geometries))
    # Bounds of a null geometry are NaN: the comparison is false, as it should be.
    hors = (limites[:, [0, 2]] > 180).any(axis=1) | (limites[:, [1, 3]] > 90).any(axis=1)
    return np.flatnonzero(hors)


def geometry_digests(geometries: NDArray[Any]) -> pa.Array:
    """SHA-256 of each geometry as it was before any repair, ``''`` for null."""
    return pa.array(
        ["" if w is None else hashlib.sha256(w).hexdigest() for w in _wkb(geometries)], pa.string()
    )


def geometry_columns(
    geometries: NDArray[Any], codes: list[str], projections: Mapping[str, int]
) -> dict[str, pa.Array]:
    """The geometry columns of the bronze contract.

    Args:
        geometries: n shapely geometries in WGS84, None allowed.
        codes: n keys, whose longest matching prefix in ``projections`` picks the metric projection.
        projections: prefix -> EPSG; ``defaut`` for the others. Without an entry, no area.

    Returns:
        geometrie_wkb (binary), geometrie_reparee (bool), longitude, latitude (float64, degrees), surface_m2
        (float64, square metres, null for what is not a polygon).
    """
    a_polygones = bool(np.isin(shapely.get_type_id(geometries), _POLYGONS).any())
    presentes = ~shapely.is_missing(geometries)
    a_reparer = presentes & ~shapely.is_valid(geometries)
    finales = shapely.force_2d(geometries)
    finales[a_reparer] = shapely.make_valid(finales[a_reparer])
    if a_polygones:
        # A repair may leave lines and points beside the polygons (QP059030, SOURCES.md 4.1).
        for i in np.flatnonzero(presentes & ~np.isin(shapely.get_type_id(finales), _POLYGONS)):
            finales[i] = _polygons_of(finales[i])
    points = shapely.point_on_surface(finales)
    return {
        "geometrie_wkb": pa.array(_wkb(finales), pa.binary()),
        "geometrie_reparee": pa.array(a_reparer, pa.bool_()),
        "longitude": _floats(shapely.get_x(points)),
        "latitude": _floats(shapely.get_y(points)),
        "surface_m2": _floats(_areas(finales, codes, projections)),
    }


def _project(geometries: NDArray[Any], transformeur: pyproj.Transformer) -> NDArray[Any]:
    def moved(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[Any, Any]:
        nouveaux = transformeur.transform(x, y)
        return nouveaux[0], nouveaux[1]

    projetees: NDArray[Any] = shapely.transform(geometries, moved, interleaved=False)
    return projetees


def _polygons_of(geometrie: Any) -> Any:
    parts = shapely.get_parts(geometrie)
    # make_valid may nest a MultiPolygon in its collection.
    parts = shapely.get_parts(parts)
    polygones = parts[shapely.get_type_id(parts) == _POLYGONS[0]]
    return shapely.multipolygons(polygones) if len(polygones) else None


def _areas(geometries: NDArray[Any], codes: list[str], projections: Mapping[str, int]) -> NDArray[np.float64]:
    surfaces = np.full(len(geometries), np.nan)
    polygones = np.isin(shapely.get_type_id(geometries), _POLYGONS)
    prefixes = sorted((p for p in projections if p != "defaut"), key=len, reverse=True)
    epsg = np.array(
        [projections.get(next((p for p in prefixes if code.startswith(p)), "defaut"), 0) for code in codes],
        int,
    )
    polygones &= epsg > 0
    for code_epsg in np.unique(epsg[polygones]):
        groupe = polygones & (epsg == code_epsg)
        transformeur = pyproj.Transformer.from_crs(_WGS84, int(code_epsg), always_xy=True)
        surfaces[groupe] = shapely.area(_project(geometries[groupe], transformeur))
    return surfaces


def _wkb(geometries: NDArray[Any]) -> list[bytes | None]:
    # Byte order fixed: the same outline gives the same bytes on every machine.
    wkb: list[bytes | None] = shapely.to_wkb(geometries, byte_order=1).tolist()
    return wkb


def _floats(valeurs: NDArray[np.float64]) -> pa.Array:
    return pa.array(valeurs, pa.float64(), from_pandas=True)
