"""The home page: what the site is, its release, how fresh its sources are, and the search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.contexte import Row, SiteContext
from qpv_emploi.publication.site.fiche import grouped_by
from qpv_emploi.publication.site.fraicheur import freshness
from qpv_emploi.publication.site.modele import Page

MENU = ("Accueil", 0)


def plan(context: SiteContext) -> Sequence[str]:
    return [chemins.ACCUEIL]


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    counts = {
        (nature, row["generation"]): row["nb"]
        for nature, table in (("contrat", "dim_contrat_ville"), ("quartier", "dim_qpv"))
        if table in context.relations
        for row in context.rows(
            f"select generation, count(distinct cle_territoire) as nb from {table} "
            "group by generation order by generation"
        )
    }
    sources, states = _latest_sources(context), freshness(context)
    held = {(row["producteur"], row["jeu"]) for row in sources}
    for path in paths:
        yield context.page(
            path,
            "accueil.html.j2",
            titre="Accueil",
            generations=sorted({generation for _, generation in counts}, reverse=True),
            comptes=counts,
            sources=sources,
            fraicheurs=states,
            absents=[state for key, state in states.items() if key not in held],
        )


def _latest_sources(context: SiteContext) -> list[Row]:
    """The last vintage of each dataset, with the number of its vintages."""
    if "dim_jeu_source" not in context.relations:
        return []
    rows = context.rows("select * from dim_jeu_source order by cle_jeu_source")
    vintages = grouped_by(rows, "producteur", "jeu")
    found = []
    for own in vintages.values():
        last: Row = max(own, key=lambda row: (row.get("annee_base") or 0, row["millesime"]))
        found.append({**last, "nb": len(own)})
    return found
