"""What changes from the previous release: sources, tables, values."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from qpv_emploi.publication.comparaison_fichiers import BY_SOURCE, DATA, VALUES
from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.contexte import SiteContext
from qpv_emploi.publication.site.modele import Page

MENU = ("Changements", 87)

# What a page does not show is in the CSV of the comparison.
_SHOWN = 200

ETATS = {
    "ajoute": "nouveau",
    "retire": "retiré",
    "remplace": "fichier remplacé",
    "ajoutee": "nouvelle",
    "retiree": "retirée",
    "presente": "présente",
}


def plan(context: SiteContext) -> Sequence[str]:
    return [chemins.CHANGEMENTS]


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    folder = context.comparaison
    data: dict[str, Any] | None = None
    values: list[dict[str, str]] = []
    sources: list[dict[str, str]] = []
    if folder is not None and (folder / DATA).is_file():
        data = json.loads((folder / DATA).read_text(encoding="utf-8"))
        values = _read(folder / VALUES, _SHOWN)
        sources = _read(folder / BY_SOURCE, _SHOWN)
    for path in paths:
        yield context.page(
            path,
            "changements.html.j2",
            titre="Changements",
            comparaison=data,
            changees=[t for t in (data or {}).get("tables", []) if _changed(t)],
            inchangees=[t["nom"] for t in (data or {}).get("tables", []) if not _changed(t)],
            valeurs=values,
            par_source=sources,
            etats=ETATS,
        )


def _changed(table: dict[str, Any]) -> bool:
    rows = table["lignes"] or {}
    return bool(
        table["etat"] != "presente"
        or table["colonnes_ajoutees"]
        or table["colonnes_retirees"]
        or table["types_changes"]
        or any(rows.values())
    )


def _read(path: Any, limit: int) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(islice(csv.DictReader(stream, delimiter=";"), limit))
