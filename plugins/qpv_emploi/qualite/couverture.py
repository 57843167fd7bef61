"""How many zones a file covers, against the vintages already accepted: a truncated file still parses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from qpv_emploi.qualite.verdict import Controle

COUVERTURE = "couverture"
SEUIL_TRONQUE = 0.75
SEUIL_GONFLE = 1.5

_ANNEE = re.compile(r"\d{4}")


def closest_vintage(millesime: str, autres: Mapping[str, int]) -> str | None:
    """The known vintage nearest in years, the older of two at the same distance; None when none is known.

    The vintage itself counts: its earlier version is the nearest of all. Vintages without a year of four
    digits come last, in the order of their names.
    """

    def distance(autre: str) -> tuple[bool, int, str]:
        annees = [int(m.group()) if (m := _ANNEE.search(nom)) else None for nom in (millesime, autre)]
        if annees[0] is None or annees[1] is None:
            return autre != millesime, 0, autre
        return False, abs(annees[0] - annees[1]) * 2 + (autre != millesime), autre

    connus = [autre for autre, zones in autres.items() if zones > 0]
    return min(connus, key=distance, default=None)


def comparable(millesime: str, autres: Mapping[str, int], ruptures: Sequence[str]) -> dict[str, int]:
    """The known vintages of the same map of zones: no break of ``ruptures_zonage`` stands between."""
    return {
        autre: zones
        for autre, zones in autres.items()
        if all((autre >= rupture) == (millesime >= rupture) for rupture in ruptures)
    }


def judge_coverage(zones: int, millesime: str, zones_connues: Mapping[str, int]) -> Controle:
    """Compare a number of zones with the closest vintage.

    Args:
        zones: distinct zones of the file, control row excluded.
        zones_connues: vintage -> zones, of versions already accepted.

    Returns:
        A control: critical below 75 %, warning above 150 %, not judged when there is nothing to compare with.
    """
    proche = closest_vintage(millesime, zones_connues)
    if proche is None:
        raison = "non évaluée : aucun autre millésime accepté avec qui comparer"
        return Controle(COUVERTURE, "", "critical", None, 0, (), raison)
    attendues = zones_connues[proche]
    part = round(100 * zones / attendues)
    constat = f"{zones} zones, contre {attendues} au millésime {proche} ({part} %)"
    if zones < SEUIL_TRONQUE * attendues:
        return Controle(COUVERTURE, "", "critical", False, 0, (), f"{constat} : fichier sans doute tronqué")
    if zones > SEUIL_GONFLE * attendues:
        message = f"{constat} : périmètre élargi, ou millésime de référence tronqué ; à vérifier"
        return Controle(COUVERTURE, "", "warning", False, 0, (), message)
    return Controle(COUVERTURE, "", "critical", True, 0, (), constat)
