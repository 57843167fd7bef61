"""GeoJSON FeatureCollection, plain JSON array of objects, or a single object -> grid.

The file may come in a ZIP: the perimeters of 2024 were served bare, then zipped under the same address
(SOURCES.md, 9.3). The first bytes tell. The ANCT omits a key instead of writing ``null`` (SOURCES.md, 1.2):
both are null here.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyproj.exceptions
import shapely
import shapely.errors
import shapely.geometry
from numpy.typing import NDArray

from qpv_emploi.catalogue import Reading
from qpv_emploi.lecture.encodage import decode
from qpv_emploi.lecture.geometrie import outside_globe, to_wgs84
from qpv_emploi.lecture.grille import Grid
from qpv_emploi.lecture.membre import member_bytes
from qpv_emploi.lecture.nombres import number_text
from qpv_emploi.lecture.provenance import Provenance

# RFC 7946: without the old member « crs », coordinates are WGS84 longitude and latitude.
_DEFAULT_CRS = "EPSG:4326"
# Hidden members are what some systems add beside each file.
_MEMBER = r"(?i)[^.].*\.(geo)?json"


def read_geojson(chemin: Path, lecture: Reading, provenance: Provenance) -> Grid:
    """Read the objects of a file; ``ligne`` is their 1-based rank, ``position`` the rank of first sight.

    Numbers become text with a point, ``42`` for 42.0; lists and objects become compact JSON. With
    ``objet_unique`` the file gives one row, and the keys of its inner objects are joined by a point.

    Raises:
        RefusedFile: no JSON in the archive, or several; not JSON, truncated, not the declared form, an object
            or a geometry that cannot be read.
    """
    octets = member_bytes(chemin, _MEMBER, provenance)
    contenu = _parsed(decode(octets, lecture.encodage, provenance), provenance)
    if lecture.objet_unique:
        objets = [_flattened(_single_object(contenu, provenance))]
        geometries = np.full(1, None, object)
    elif isinstance(contenu, dict) and isinstance(contenu.get("features"), list):
        entites = contenu["features"]
        _check_objects(entites, provenance)
        objets = [entite.get("properties") or {} for entite in entites]
        geometries = _geometries([entite.get("geometry") for entite in entites], contenu, provenance)
    elif isinstance(contenu, list):
        objets = contenu
        geometries = np.full(len(objets), None, object)
    else:
        raise provenance.refuse(
            "le JSON n'est ni une FeatureCollection ni une liste d'objets",
            attendu="une FeatureCollection GeoJSON ou une liste d'objets",
            action="déposer l'export complet du producteur",
        )
    _check_objects(objets, provenance)
    if not objets:
        raise provenance.refuse(
            "aucune entité dans le fichier",
            attendu="au moins une entité",
            action="déposer le fichier complet",
        )
    noms = list(dict.fromkeys(nom for objet in objets for nom in objet))
    return Grid(
        entete=tuple(nom.strip() for nom in noms),
        positions=tuple(range(1, len(noms) + 1)),
        colonnes=tuple(pa.array([_text(o.get(nom)) for o in objets], pa.string()) for nom in noms),
        lignes=np.arange(1, len(objets) + 1, dtype=np.int32),
        geometries=geometries,
    )


def _parsed(texte: str, provenance: Provenance) -> Any:
    def refuse_constant(nom: str) -> float:
        raise provenance.refuse(
            f"la valeur {nom} n'est pas du JSON",
            attendu="null pour une valeur absente",
            action="déposer le fichier d'origine du producteur",
        )

    try:
        return json.loads(texte, parse_constant=refuse_constant)
    except json.JSONDecodeError as erreur:
        raise provenance.refuse(
            f"ligne {erreur.lineno}, caractère {erreur.colno} : JSON illisible ({erreur.msg})",
            attendu="un fichier JSON entier",
            action="télécharger de nouveau le fichier, sans doute tronqué",
        ) from erreur


def _single_object(contenu: Any, provenance: Provenance) -> dict[str, Any]:
    if not isinstance(contenu, dict) or "features" in contenu:
        quoi = "une FeatureCollection" if isinstance(contenu, dict) else "une liste ou une valeur"
        raise provenance.refuse(
            f"le JSON est {quoi}",
            attendu="un seul objet",
            action="déposer un fichier par objet",
        )
    return contenu


def _flattened(objet: dict[str, Any], prefixe: str = "") -> dict[str, Any]:
    plat: dict[str, Any] = {}
    for nom, valeur in objet.items():
        if isinstance(valeur, dict):
            plat |= _flattened(valeur, f"{prefixe}{nom}.")
        else:
            plat[f"{prefixe}{nom}"] = valeur
    return plat


def _check_objects(objets: list[Any], provenance: Provenance) -> None:
    for rang, objet in enumerate(objets, 1):
        if not isinstance(objet, dict):
            raise provenance.refuse(
                f"entité {rang} : {json.dumps(objet, ensure_ascii=False)[:40]} n'est pas un objet",
                attendu="une liste d'objets",
                action="déposer le fichier d'origine du producteur",
            )


def _geometries(brutes: list[Any], contenu: dict[str, Any], provenance: Provenance) -> NDArray[Any]:
    geometries = np.full(len(brutes), None, object)
    for i, brute in enumerate(brutes):
        if brute is None:
            continue
        try:
            geometries[i] = shapely.geometry.shape(brute)
        except (shapely.errors.ShapelyError, AttributeError, KeyError, TypeError, ValueError) as erreur:
            raise provenance.refuse(
                f"entité {i + 1} : géométrie illisible ({erreur})",
                attendu="une géométrie GeoJSON ou null",
                action="déposer le fichier d'origine du producteur",
            ) from erreur
    crs = contenu.get("crs")
    try:
        geometries = to_wgs84(geometries, crs["properties"]["name"] if crs else _DEFAULT_CRS)
    except (pyproj.exceptions.CRSError, KeyError, TypeError) as erreur:
        raise provenance.refuse(
            f"projection inconnue : {json.dumps(crs, ensure_ascii=False)[:80]}",
            attendu="des coordonnées WGS84",
            action="exporter le fichier en WGS84 (EPSG:4326)",
        ) from erreur
    hors = outside_globe(geometries)
    if hors.size:
        raise provenance.refuse(
            f"entité {hors[0] + 1} : coordonnées qui ne sont pas des degrés",
            attendu="des longitudes et latitudes WGS84",
            action="exporter le fichier en WGS84 (EPSG:4326)",
        )
    return geometries


def _text(valeur: Any) -> str | None:
    if valeur is None or isinstance(valeur, str):
        return valeur
    # A literal too large for a float is kept as a text that the parser of numbers will not accept.
    if isinstance(valeur, int | float) and not isinstance(valeur, bool) and math.isfinite(valeur):
        return number_text(valeur)
    return json.dumps(valeur, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
