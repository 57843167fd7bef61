"""Maps as inline SVG: outlines of the release, flattened near enough for a region, never fetched tiles."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import shapely
from markupsafe import Markup
from shapely.geometry.base import BaseGeometry

from qpv_emploi.publication.site.contexte import SiteContext, inline_svg

# A shape smaller than this on the page, in pixels, is also shown by a dot.
_SMALL = 6.0
_MARGIN = 0.04


@dataclass(frozen=True)
class Mark:
    """Something on a map.

    Attributes:
        forme: outline or point, WGS 84 longitude and latitude in degrees.
        classe: what it is, for its colour (``fond``, ``zone``, ``quartier``, ``c0``…``c4`` for classes).
        titre: its name, shown on hover.
        etiquette: short text drawn on it, empty without any.
    """

    forme: BaseGeometry
    classe: str
    titre: str = ""
    etiquette: str = ""


def outlines(
    context: SiteContext, kind: str, codes: Iterable[str] | None = None, generation: str | None = None
) -> dict[str, BaseGeometry]:
    """Outlines of the release by code.

    Args:
        kind: ``type_territoire``.
        codes: those wanted, None for all.
        generation: of neighbourhoods.
    """
    if "dim_perimetre" not in context.relations:
        return {}
    conditions, parameters = ["type_territoire = ?"], [kind]
    if generation:
        conditions.append("generation = ?")
        parameters.append(generation)
    arguments: list[object] = list(parameters)
    if codes is not None:
        conditions.append("code_territoire in (select unnest(?))")
        arguments.append(sorted(set(codes)))
    rows = context.rows(
        f"select code_territoire, geometrie_wkb from dim_perimetre where {' and '.join(conditions)} "
        "order by code_territoire, cle_territoire",
        *arguments,
    )
    return {row["code_territoire"]: shapely.from_wkb(bytes(row["geometrie_wkb"])) for row in rows}


def departements(context: SiteContext) -> list[Mark]:
    """The départements of the release, as a background."""
    names = {
        row["code_territoire"]: row["libelle_territoire"]
        for row in context.rows(
            "select code_territoire, libelle_territoire from dim_territoire "
            "where type_territoire = 'departement' order by cle_territoire"
        )
    }
    return [
        Mark(shape, "fond", names.get(code, code)) for code, shape in outlines(context, "departement").items()
    ]


def draw(marks: Sequence[Mark], description: str, width: int = 640, height: int = 420) -> Markup | None:
    """Draw marks, the first below; None without any shape.

    Args:
        description: what a person who does not see it is told; the same facts are in a table beside.
        width, height: box of the drawing, in pixels; the drawing keeps its proportions inside it.
    """
    shapes = [mark.forme for mark in marks if not mark.forme.is_empty]
    if not shapes:
        return None
    west, south, east, north = shapely.total_bounds(shapely.GeometryCollection(shapes)).tolist()
    # A lone point has no extent: two kilometres around it.
    if east - west < 0.02 and north - south < 0.02:
        west, east, south, north = west - 0.01, east + 0.01, south - 0.01, north + 0.01
    # A degree of longitude is shorter than one of latitude.
    squeeze = math.cos(math.radians((south + north) / 2))
    across, up = (east - west) * squeeze, north - south
    scale = min(width / across, height / up) * (1 - 2 * _MARGIN)
    left, top = (width - across * scale) / 2, (height - up * scale) / 2

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (x - west) * squeeze * scale, top + (north - y) * scale

    parts = []
    labels = []
    for mark in marks:
        flat = shapely.simplify(mark.forme, 0.6 / scale)
        title = f"<title>{escape(mark.titre)}</title>" if mark.titre else ""
        path = "".join(_path(ring, place) for ring in _rings(flat))
        centre = place(*mark.forme.representative_point().coords[0])
        drawn = ""
        if path:
            drawn += f'<path d="{path}"/>'
        low_x, low_y, high_x, high_y = mark.forme.bounds
        if mark.classe != "fond" and max((high_x - low_x) * squeeze, high_y - low_y) * scale < _SMALL:
            drawn += f'<circle cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="4"/>'
        parts.append(f'<g class="m-{escape(mark.classe)}">{title}{drawn}</g>')
        if mark.etiquette:
            labels.append(
                f'<text x="{centre[0]:.1f}" y="{centre[1] + 4:.1f}">{escape(mark.etiquette)}</text>'
            )
    return inline_svg(
        f'<svg class="carte" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(description)}">'
        f'{"".join(parts)}<g class="m-noms">{"".join(labels)}</g></svg>'
    )


def _rings(shape: BaseGeometry) -> list[Sequence[tuple[float, float]]]:
    found: list[Sequence[tuple[float, float]]] = []
    for part in getattr(shape, "geoms", [shape]):
        if part.geom_type == "Polygon":
            found.append(list(part.exterior.coords))
            found.extend(list(hole.coords) for hole in part.interiors)
    return found


def _path(ring: Sequence[tuple[float, ...]], place: object) -> str:
    assert callable(place)
    points = [place(*point[:2]) for point in ring[:-1]]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z" if len(points) > 2 else ""
