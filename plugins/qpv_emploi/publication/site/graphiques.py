"""Charts as inline SVG: drawn by pygal, then stripped of scripts, styles and random names.

What is left holds shapes and texts with classes, coloured by ``site.css``: the policy of content of the pages
refuses anything else, and the same figures give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

import pygal
from markupsafe import Markup

from qpv_emploi.publication.site.contexte import inline_svg
from qpv_emploi.publication.site.formats import nombre

_SVG = "http://www.w3.org/2000/svg"
_NUMBER = re.compile(r"-?\d+\.\d+")

_KEPT = frozenset({"svg", "g", "path", "rect", "circle", "text", "line", "polyline"})
_DROPPED_CLASSES = ("tooltip-overlay", "text-overlay", "titles", "legends")
_ATTRIBUTES = frozenset(
    {"viewBox", "class", "d", "x", "y", "width", "height", "cx", "cy", "r", "transform", "role", "aria-label"}
)


@dataclass(frozen=True)
class Series:
    """A line of a chart.

    Attributes:
        points: (x, y), x a year with its part.
        classe: what it is, for its colour: ``quartier``, ``zone``, ``autre``.
    """

    points: tuple[tuple[float, float], ...]
    classe: str = "quartier"


def lines(series: Sequence[Series], description: str, width: int = 230, height: int = 140) -> Markup:
    """Several short series on the same axes, whole years below.

    Args:
        series: at least one point in all.
        description: what a person who does not see it is told; the figures are in the table beside.
    """
    years = sorted({round(x) for one in series for x, _ in one.points})
    values = [y for one in series for _, y in one.points]
    low, high = min(values), max(values)
    # A flat line stays in the middle; the axis does not start at zero, and its labels say so.
    margin = (high - low) * 0.1 or abs(high) * 0.1 or 1.0
    chart = pygal.XY(
        width=width,
        height=height,
        range=(low - margin, high + margin),
        xrange=(years[0] - 0.3, years[-1] + 0.3) if years[0] != years[-1] else (years[0] - 1, years[0] + 1),
        value_formatter=lambda value: nombre(value, 0 if high - low >= 4 else 1),
        x_value_formatter=lambda value: f"{value:.0f}",
        dots_size=2.5,
        **_COMMON,
    )
    chart.x_labels = years if len(years) <= 4 else [years[0], years[len(years) // 2], years[-1]]
    for one in series:
        chart.add("", list(one.points))
    return _clean(chart.render_tree(), description, [one.classe for one in series])


def bars(
    labels: Sequence[str], values: Sequence[float], description: str, width: int = 640, height: int = 220
) -> Markup:
    """One bar per label, from zero: a distribution in classes, counts per year."""
    chart = pygal.Bar(
        width=width,
        height=height,
        include_x_axis=True,
        value_formatter=lambda value: nombre(value, 0),
        **_COMMON,
    )
    chart.x_labels = list(labels)
    chart.add("", list(values))
    return _clean(chart.render_tree(), description, ["quartier"])


_COMMON = {
    "js": (),
    "show_legend": False,
    "no_prefix": True,
    "margin": 4,
    "y_labels_major_count": 3,
    "show_minor_y_labels": False,
    "explicit_size": False,
}


def _clean(root: ElementTree.Element, description: str, classes: Sequence[str]) -> Markup:
    _strip(root)
    for element in root.iter():
        names = (element.get("class") or "").split()
        if "series" in names:
            place = next(int(name[6:]) for name in names if name.startswith("serie-"))
            element.set("class", f"s-{classes[place]}")
        elif names:
            element.set("class", " ".join(names).replace(" reactive", "").replace(" tooltip-trigger", ""))
    root.set("role", "img")
    root.set("aria-label", description)
    ElementTree.register_namespace("", _SVG)
    return inline_svg(ElementTree.tostring(root, encoding="unicode"))


def _strip(element: ElementTree.Element) -> None:
    """Keep shapes and texts, with harmless attributes and short numbers."""
    for child in list(element):
        tag = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else ""
        names = child.get("class") or ""
        if tag not in _KEPT or any(dropped in names for dropped in _DROPPED_CLASSES):
            element.remove(child)
        else:
            _strip(child)
    for name in list(element.attrib):
        if name not in _ATTRIBUTES or not element.attrib[name]:
            del element.attrib[name]
        elif name in {"d", "x", "y", "cx", "cy", "transform", "width", "height"}:
            element.attrib[name] = _short(element.attrib[name])


def _short(text: str) -> str:
    """Numbers of a path with one decimal: a tenth of a pixel."""
    return _NUMBER.sub(lambda found: f"{float(found.group()):.1f}".removesuffix(".0"), text)
