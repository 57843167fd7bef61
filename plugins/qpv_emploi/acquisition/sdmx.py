"""SDMX-ML: the rows of a data message, generic or structure-specific, one per observation.

Both forms are those of the SDMX 2.1 standard; element names are compared without their namespace. A document
type declaration is refused before anything is expanded: that is where XML hides its bombs and its outside
files.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from qpv_emploi.acquisition.corps import BLOCK_BYTES

MAX_DEPTH = 30
MAX_ATTRIBUTES = 500


class BadSdmx(Exception):
    """The document is dangerous, damaged, or no data message; the text is fit for a message, in French."""


def check_xml(chemin: Path) -> None:
    """Refuse a document with a DTD or entities, too deep, or not well formed; in one pass, building nothing.

    Raises:
        BadSdmx: with the reason and the line.
    """
    analyseur = expat.ParserCreate()
    profondeur = 0

    def refuse_dtd(*_: object) -> NoReturn:
        raise BadSdmx(f"déclaration DTD ou entité ligne {analyseur.CurrentLineNumber}")

    def enter(nom: str, attributs: dict[str, str]) -> None:
        nonlocal profondeur
        profondeur += 1
        if profondeur > MAX_DEPTH or len(attributs) > MAX_ATTRIBUTES:
            raise BadSdmx(f"XML trop profond ou trop chargé ligne {analyseur.CurrentLineNumber}")

    def leave(nom: str) -> None:
        nonlocal profondeur
        profondeur -= 1

    analyseur.StartDoctypeDeclHandler = refuse_dtd
    analyseur.EntityDeclHandler = refuse_dtd
    analyseur.ExternalEntityRefHandler = refuse_dtd
    analyseur.StartElementHandler = enter
    analyseur.EndElementHandler = leave
    try:
        with chemin.open("rb") as flux:
            while bloc := flux.read(BLOCK_BYTES):
                analyseur.Parse(bloc, False)
            analyseur.Parse(b"", True)
    except expat.ExpatError as erreur:
        raise BadSdmx(f"XML mal formé ({erreur})") from None


def observations(chemin: Path) -> Iterator[dict[str, str]]:
    """Rows of a message: dimensions and attributes of the series, then those of the observation.

    The generic form gives ``TIME_PERIOD`` and ``OBS_VALUE`` their structure-specific names, so that both
    forms of one message give the same columns. A missing value is an empty text.

    Raises:
        BadSdmx: as ``check_xml``, which runs first.
    """
    check_xml(chemin)
    serie: dict[str, str] = {}
    dans_observation = False
    for moment, element in ET.iterparse(chemin, events=("start", "end")):
        nom = _local(element.tag)
        if moment == "start":
            dans_observation = dans_observation or nom == "Obs"
            if nom == "Series":
                serie = _attributes(element)
        elif nom == "Obs":
            yield {**serie, **_observation(element)}
            dans_observation = False
            element.clear()
        elif nom == "Series":
            serie = {}
            element.clear()
        elif nom in ("SeriesKey", "Attributes") and not dans_observation:
            serie.update(_values(element))


def _observation(element: ET.Element) -> dict[str, str]:
    ligne = _attributes(element)
    for enfant in element:
        nom = _local(enfant.tag)
        if nom == "ObsDimension":
            ligne[enfant.get("id") or "TIME_PERIOD"] = enfant.get("value", "")
        elif nom == "ObsValue":
            ligne["OBS_VALUE"] = enfant.get("value", "")
        elif nom in ("Attributes", "ObsKey"):
            ligne.update(_values(enfant))
    return ligne


def _values(element: ET.Element) -> dict[str, str]:
    """Pairs of the generic form: ``<Value id="…" value="…"/>``."""
    return {enfant.get("id", ""): enfant.get("value", "") for enfant in element if enfant.get("id")}


def _attributes(element: ET.Element) -> dict[str, str]:
    """Pairs of the structure-specific form; attributes of another namespace (``xsi:type``) say nothing."""
    return {nom: valeur for nom, valeur in element.attrib.items() if not nom.startswith("{")}


def _local(balise: str) -> str:
    return balise.rpartition("}")[2]
