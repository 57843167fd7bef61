"""What was checked before this release came out: contract with the readers, and the tests of each table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.contexte import SiteContext
from qpv_emploi.publication.site.modele import Page

TABLES = ("audit.controle", "audit.noeud")

NATURES = {
    "model": "tables construites",
    "seed": "tables de référence chargées",
    "test": "contrôles dbt",
    "unit_test": "exemples calculés à la main",
    "exposure": "usages déclarés",
}
STATUTS = {
    "success": "réussi",
    "pass": "réussi",
    "no-op": "déclaré",
    "warn": "avertissement",
    "skipped": "ignoré",
}


def plan(context: SiteContext) -> Sequence[str]:
    return [chemins.CONTROLES]


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    checks = context.rows(
        "select nom, colonne, severite, reussi, nb_ecarts, message from audit.controle "
        "order by reussi, colonne, nom, message"
    )
    nodes = context.rows(
        "select nature, statut, count(*) as nb from audit.noeud group by nature, statut "
        "order by nature, statut"
    )
    warnings = context.rows(
        "select nom, nature, statut, nb_ecarts, message from audit.noeud where statut = 'warn' order by nom"
    )
    for path in paths:
        yield context.page(
            path,
            "controles.html.j2",
            titre="Contrôles",
            fil=[("Dictionnaire", chemins.DICTIONNAIRE)],
            controles=checks,
            noeuds=nodes,
            avertissements=warnings,
            natures=NATURES,
            libelles=STATUTS,
        )
