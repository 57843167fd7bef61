"""Writer of GeoJSON spelt like GDAL: one feature per line, spaces inside braces and brackets, UTF-8, LF."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer

Geometrie = Mapping[str, Any]
Entite = tuple[Mapping[str, Any], Geometrie | None]

_CRS84 = '"crs": { "type": "name", "properties": { "name": "urn:ogc:def:crs:OGC:1.3:CRS84" } },\n'


def collection(nom: str, entites: Iterable[Entite], *, resolution: str = "") -> bytes:
    """Text of a FeatureCollection in WGS84 (CRS84).

    Args:
        nom: name of the layer.
        entites: pairs (properties, geometry of GeoJSON or None).
        resolution: value of ``xy_coordinate_resolution``; the member is left out when empty.
    """
    entete = f'{{\n"type": "FeatureCollection",\n"name": "{nom}",\n{_CRS84}'
    if resolution:
        entete += f'"xy_coordinate_resolution": {resolution},\n'
    lignes = ",\n".join(_entite(proprietes, geometrie) for proprietes, geometrie in entites)
    return f'{entete}"features": [\n{lignes}\n]\n}}\n'.encode()


def en_degres(formes: Iterable[shapely.Geometry], decimales: int) -> list[Geometrie]:
    """GeoJSON geometries, longitude and latitude, of polygons in Lambert-93."""
    transformeur = Transformer.from_crs(2154, 4326, always_xy=True)

    def projeter(points: np.ndarray) -> np.ndarray:
        return np.round(np.stack(transformeur.transform(points[:, 0], points[:, 1]), axis=1), decimales)

    return [shapely.geometry.mapping(shapely.transform(forme, projeter)) for forme in formes]


def _entite(proprietes: Mapping[str, Any], geometrie: Geometrie | None) -> str:
    champs = json.dumps(dict(proprietes), ensure_ascii=False)[1:-1]
    forme = "null"
    if geometrie is not None:
        points = _points(geometrie["coordinates"])
        forme = f'{{ "type": "{geometrie["type"]}", "coordinates": {points} }}'
    return f'{{ "type": "Feature", "properties": {{ {champs} }}, "geometry": {forme} }}'


def _points(valeurs: Any) -> str:
    if isinstance(valeurs, list | tuple):
        return f"[ {', '.join(_points(valeur) for valeur in valeurs)} ]"
    return repr(float(valeurs))
