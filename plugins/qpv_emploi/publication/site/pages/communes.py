"""The communes that hold a neighbourhood: from a commune to its neighbourhoods and contracts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.contexte import SiteContext
from qpv_emploi.publication.site.fiche import neighbourhoods
from qpv_emploi.publication.site.modele import Page, SearchEntry

MENU = ("Communes", 30)
TABLES = ("dim_qpv", "dim_territoire", "pont_qpv_commune", "pont_qpv_contrat")


def plan(context: SiteContext) -> Sequence[str]:
    return [chemins.COMMUNES]


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    if chemins.COMMUNES not in paths:
        return
    found: dict[str, dict[str, Any]] = {}
    for row in neighbourhoods(context).values():
        for commune in row["communes"]:
            own = found.setdefault(commune["code"], {**commune, "quartiers": [], "contrats": set()})
            own["quartiers"].append(row)
            own["contrats"].update(row["contrats"])
    communes = [found[code] for code in sorted(found)]
    yield context.page(
        chemins.COMMUNES,
        "communes.html.j2",
        titre="Communes",
        communes=communes,
        recherche=[
            SearchEntry(
                one["nom"], one["code"], "commune", f"{chemins.COMMUNES}#{chemins.ancre(one['code'])}"
            )
            for one in communes
        ],
    )
