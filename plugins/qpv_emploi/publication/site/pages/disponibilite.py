"""What is known and what is not: contract × family, then indicator by indicator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.contexte import SiteContext
from qpv_emploi.publication.site.fiche import grouped_by
from qpv_emploi.publication.site.modele import Page
from qpv_emploi.publication.site.pages.indicateurs import FAMILLES

MENU = ("Disponibilité", 60)
TABLES = ("mart_disponibilite",)


def plan(context: SiteContext) -> Sequence[str]:
    return [chemins.DISPONIBILITE]


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    cells = context.rows(
        "select generation, code_territoire, libelle_territoire, famille, "
        "cast(sum(cellules_attendues) as integer) as attendues, "
        "cast(sum(cellules_connues) as integer) as connues from mart_disponibilite "
        "where type_territoire = 'contrat_ville' group by all "
        "order by generation desc, code_territoire, famille"
    )
    indicators = context.rows(
        "select generation, famille, code_indicateur, libelle_indicateur, "
        "cast(sum(cellules_attendues) as integer) as attendues, "
        "cast(sum(cellules_connues) as integer) as connues, "
        "cast(sum(cellules_secret) as integer) as secret, "
        "cast(sum(cellules_non_diffusees) as integer) as non_diffusees, "
        "cast(sum(cellules_non_collectees) as integer) as non_collectees, "
        "min(motif_principal) as motif, max(prochaine_date) as prochaine, "
        "min(motif_prochaine_date) as motif_date from mart_disponibilite "
        "where type_territoire = 'contrat_ville' group by all "
        "order by generation desc, famille, code_indicateur"
    )
    generations = []
    for generation, found in sorted(grouped_by(cells, "generation").items(), reverse=True):
        contracts = grouped_by(found, "code_territoire")
        generations.append(
            {
                "nom": generation,
                "contrats": [
                    (code, rows[0]["libelle_territoire"], {row["famille"]: row for row in rows})
                    for code, rows in contracts.items()
                ],
                "indicateurs": [row for row in indicators if row["generation"] == generation],
            }
        )
    for path in paths:
        yield context.page(
            path, "disponibilite.html.j2", titre="Disponibilité", generations=generations, familles=FAMILLES
        )
