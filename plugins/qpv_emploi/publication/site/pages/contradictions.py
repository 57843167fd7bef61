"""Where the documents disagree, group by group, and the rule that each group defends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.contexte import SiteContext
from qpv_emploi.publication.site.fiche import grouped_by
from qpv_emploi.publication.site.modele import Page

MENU = ("Contradictions", 70)
TABLES = ("mart_contradictions",)


def plan(context: SiteContext) -> Sequence[str]:
    return [chemins.CONTRADICTIONS]


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    lines = context.rows(
        "select code_groupe, sujet, regle, attendu, ce_qui_differe, nature_ligne, code_ligne, "
        "code_indicateur, libelle_indicateur, valeur, valeur_brute, unite, qualificatif, territoire_cite, "
        "code_comparateur, "
        "valeur_comparateur, ecart_points, rapport, rapport_recalcule, periode_citee, document, section, "
        "publication from mart_contradictions order by code_groupe, nature_ligne, code_ligne"
    )
    for path in paths:
        yield context.page(
            path,
            "contradictions.html.j2",
            titre="Contradictions",
            groupes=[(code, rows[0], rows) for code, rows in grouped_by(lines, "code_groupe").items()],
        )
