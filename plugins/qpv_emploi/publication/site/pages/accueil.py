"""The home page: what the site is, its release, how fresh its sources are, and the search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.contexte import SiteContext
from qpv_emploi.publication.site.modele import Page

MENU = ("Accueil", 0)


def plan(context: SiteContext) -> Sequence[str]:
    return [chemins.ACCUEIL]


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    counts = {
        (row["nature"], row["generation"]): row["nb"]
        for row in context.rows(
            "select 'contrat' as nature, generation, count(*) as nb from dim_contrat_ville group by generation "
            "union all select 'quartier', generation, count(distinct code_qpv) from dim_qpv group by generation "
            "order by 1, 2"
        )
    }
    sources = context.rows(
        "select producteur, jeu, any_value(titre order by millesime desc) as titre, "
        "max_by(cle_jeu_source, (coalesce(annee_base, 0), millesime)) as cle_jeu_source, "
        "max_by(millesime, (coalesce(annee_base, 0), millesime)) as millesime, count(*) as nb, "
        "max(publie_le) as publie_le, max(recupere_le) as recupere_le from dim_jeu_source "
        "group by producteur, jeu order by producteur, jeu"
    )
    for path in paths:
        yield context.page(
            path,
            "accueil.html.j2",
            titre="Accueil",
            generations=sorted({generation for _, generation in counts}, reverse=True),
            comptes=counts,
            sources=sources,
        )
