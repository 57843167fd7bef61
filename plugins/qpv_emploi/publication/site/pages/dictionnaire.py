"""The dictionary: every published table and column, as the models describe them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qpv_emploi.publication.documentation import DOCUMENTATION
from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.contexte import SiteContext
from qpv_emploi.publication.site.modele import Page
from qpv_emploi.publication.version import marked_relations

MENU = ("Dictionnaire", 90)
TABLES = ("dim_statut",)

FAMILLES = {
    "mart_": "Marts : tables prêtes à lire",
    "vue_": "Vues",
    "fct_": "Faits",
    "dim_": "Dimensions",
    "pont_": "Ponts entre dimensions",
}


def plan(context: SiteContext) -> Sequence[str]:
    return [chemins.DICTIONNAIRE]


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    relations = marked_relations(context.connection, context.release)
    counts = {relation.nom: context.value(f"select count(*) from {relation.nom}") for relation in relations}
    statuses = context.rows(
        "select code_statut, libelle_statut, definition, valeur_affichee, compte_comme_manquant "
        "from dim_statut order by coalesce(rang_gravite, 99), code_statut"
    )
    # The page of dbt leaves with the files of the same publication.
    held = (context.release.dossier / DOCUMENTATION).is_file()
    documentation = f"{context.fichiers}{DOCUMENTATION}" if context.fichiers and held else ""
    for path in paths:
        yield context.page(
            path,
            "dictionnaire.html.j2",
            titre="Dictionnaire",
            familles=[
                (label, found)
                for prefix, label in FAMILLES.items()
                if (found := [relation for relation in relations if relation.nom.startswith(prefix)])
            ],
            comptes=counts,
            les_statuts=statuses,
            documentation=documentation,
        )
