"""The fiche of each contrat de ville, in nine blocks, and their list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import shapely

from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.carte import Mark, draw, outlines
from qpv_emploi.publication.site.contexte import Row, SiteContext
from qpv_emploi.publication.site.fiche import (
    ACTIONS,
    COUVERTURE,
    DIAGNOSTIC,
    DROIT_COMMUN,
    MOYENS,
    POSITIONS,
    TRAJECTOIRE,
    Notes,
    contracts,
    fiche_lines,
    figure_traces,
    grouped_by,
    last_presences,
    line_notes,
    neighbourhoods,
    trajectory_series,
)
from qpv_emploi.publication.site.formats import jour, nombre
from qpv_emploi.publication.site.graphiques import Series, lines
from qpv_emploi.publication.site.modele import Page, SearchEntry
from qpv_emploi.publication.site.traces import Trace, TraceGroup, cited_sources

MENU = ("Contrats de ville", 10)
TABLES = (
    "dim_contrat_ville",
    "dim_qpv",
    "fct_moyens",
    "mart_disponibilite",
    "mart_fiche_contrat_ville",
    "mart_trajectoire",
    "pont_qpv_contrat",
)

_MEANS = {
    "adulte_relais": "Adultes-relais",
    "poste_fonjep": "FONJEP",
    "credits_p147": "Crédits spécifiques (programme 147)",
    "credits_droit_commun": "Crédits de droit commun",
}
# Lines of a chart: above, neither told apart nor heavy.
_MAX_SERIES = 40


def plan(context: SiteContext) -> Sequence[str]:
    return [chemins.CONTRATS, *(chemins.contrat(code) for code in contracts(context))]


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    known = contracts(context)
    if chemins.CONTRATS in paths:
        yield _index(context, known)
    codes = [code for code in known if chemins.contrat(code) in paths]
    if codes:
        yield from _fiches(context, {code: known[code] for code in codes})


def _index(context: SiteContext, known: Any) -> Page:
    counts = {
        row["code_contrat"]: row["nb"]
        for row in context.rows(
            "select code_contrat, count(*) as nb from pont_qpv_contrat group by code_contrat order by 1"
        )
    }
    generations = grouped_by(known.values(), "generation")
    return context.page(
        chemins.CONTRATS,
        "contrats.html.j2",
        titre="Contrats de ville",
        generations=[(name, generations[name]) for name in sorted(generations, reverse=True)],
        comptes=counts,
    )


def _fiches(context: SiteContext, chosen: dict[str, Row]) -> Iterable[Page]:
    keys = [row["cle_territoire"] for row in chosen.values()]
    every = fiche_lines(context, chosen)
    by_contract = grouped_by(every, "code_contrat")
    own = [line for line in every if line["niveau"] == "contrat"]
    traces = figure_traces(context, own)
    traces.update(_count_traces(own))
    traces.update(_declared_traces(context, own))
    links = grouped_by(
        context.rows(
            "select cle_territoire_contrat, cle_territoire_qpv, est_partage, est_principal "
            "from pont_qpv_contrat where cle_territoire_contrat in (select unnest(?)) "
            "order by code_qpv, cle_territoire_qpv",
            keys,
        ),
        "cle_territoire_contrat",
    )
    quarters = neighbourhoods(
        context, (link["cle_territoire_qpv"] for found in links.values() for link in found)
    )
    evolutions = trajectory_series(context, [*keys, *quarters], every)
    targeting = grouped_by(
        context.rows(
            "select c.*, g.libelle_base_parite as base from mart_ciblage_droit_commun as c "
            "left join (select distinct code_base_parite, libelle_base_parite "
            "from mart_ciblage_droit_commun) as g on c.code_base_parite = g.code_base_parite "
            "where c.cle_territoire in (select unnest(?)) order by c.cle_ligne",
            keys,
        ),
        "cle_ligne",
    )
    means = grouped_by(
        context.rows(
            "select * from mart_moyens_specifiques where cle_territoire in (select unnest(?)) "
            "and code_fait is null order by cle_territoire, annee, type_moyen, cle_ligne",
            keys,
        ),
        "cle_territoire",
    )
    cover = last_presences(
        context.rows(
            "select cle_territoire, code_dispositif, libelle_dispositif, debut, fin, present, origine, "
            "source, code_statut, motif, reserve from mart_couverture_dispositif "
            "where cle_territoire in (select unnest(?)) order by cle_ligne",
            sorted(quarters),
        )
    )
    availability = grouped_by(
        context.rows(
            "select * from mart_disponibilite where cle_territoire in (select unnest(?)) "
            "order by cle_territoire, famille, code_indicateur, cle_ligne",
            keys,
        ),
        "cle_territoire",
    )
    successions = context.rows(
        "select code_contrat_avant, code_contrat_apres, nature, remarque from pont_contrat_succession "
        "order by code_contrat_avant, code_contrat_apres"
    )
    maps = _Maps(context, chosen.values(), quarters)
    for code, contract in chosen.items():
        key = contract["cle_territoire"]
        members = [
            {**quarters[link["cle_territoire_qpv"]], **link, "numero": place}
            for place, link in enumerate(links.get(key, []), 1)
            if link["cle_territoire_qpv"] in quarters
        ]
        blocks = grouped_by((x for x in by_contract.get(code, []) if x["niveau"] == "contrat"), "bloc")
        matrix = grouped_by((x for x in by_contract.get(code, []) if x["niveau"] == "qpv"), "bloc")
        cited = cited_sources(
            context,
            traces,
            (line["cle_trace"] or line["cle_ligne"] for found in blocks.values() for line in found),
        )
        yield context.page(
            chemins.contrat(code),
            "contrat.html.j2",
            titre=f"{contract['libelle_contrat']} ({code})",
            fil=[("Contrats de ville", chemins.CONTRATS)],
            recherche=[
                SearchEntry(
                    contract["libelle_contrat"] or code,
                    f"{code}, génération {contract['generation']}",
                    "contrat de ville",
                    chemins.contrat(code),
                )
            ],
            contrat=contract,
            quartiers=members,
            blocs=blocks,
            traces=traces,
            notes={
                "diagnostic": line_notes(blocks.get(DIAGNOSTIC, []), "nd"),
                "trajectoire": Notes(
                    ((x["motif"], x["motif_comparaison"]) for x in blocks.get(TRAJECTOIRE, [])), "nt"
                ),
                "droit_commun": Notes(
                    ((x["motif"], x["reserve"]) for x in blocks.get(DROIT_COMMUN, [])), "nc"
                ),
            },
            positions=POSITIONS,
            carte=maps.draw(contract, members),
            legende_carte=maps.legend(members),
            avant=[s for s in successions if s["code_contrat_apres"] == code and s["code_contrat_avant"]],
            apres=[s for s in successions if s["code_contrat_avant"] == code],
            grille=_grid(matrix.get(DIAGNOSTIC, []), members),
            grille_evolution=_grid(matrix.get(TRAJECTOIRE, []), members),
            graphiques=_charts(key, members, evolutions, blocks.get(TRAJECTOIRE, [])),
            droit_commun=[
                (line, next(iter(targeting.get(line["cle_trace"], [])), None))
                for line in sorted(blocks.get(DROIT_COMMUN, []), key=lambda x: (x["libelle"], x["cle_ligne"]))
            ],
            moyens=_means(means.get(key, []), blocks.get(MOYENS, [])),
            couverture=_coverage(members, cover, blocks.get(COUVERTURE, [])),
            disponibilite=availability.get(key, []),
            sources=cited,
        )


def _grid(found: Sequence[Row], members: Sequence[Row]) -> dict[str, Any] | None:
    """One row per neighbourhood, one column per line of the block that has a value; None without any."""
    filled = {line["code_ligne"] for line in found if line["valeur"] is not None}
    if not filled:
        return None
    columns = {line["code_ligne"]: line for line in found}
    ordered = sorted(columns.values(), key=lambda line: (line["ordre"], line["code_ligne"]))
    return {
        "colonnes": [line for line in ordered if line["code_ligne"] in filled],
        "vides": [line["libelle"] for line in ordered if line["code_ligne"] not in filled],
        "cellules": {(line["cle_territoire_ligne"], line["code_ligne"]): line for line in found},
        "quartiers": members,
    }


def _charts(
    key: str,
    members: Sequence[Row],
    evolutions: dict[str, dict[str, tuple[Series, ...]]],
    block: Sequence[Row],
) -> list[dict[str, Any]]:
    """Small multiples: the sum of the contract where it adds up, else one line per neighbourhood."""
    charts = []
    for line in block:
        code = line["code_ligne"]
        label = line["libelle"].removesuffix(" : évolution")
        series = list(evolutions.get(key, {}).get(code, ()))
        who = "ensemble des quartiers du contrat"
        if not series:
            series = [
                Series(one.points, "autre" if len(members) > 1 else one.classe)
                for member in members[:_MAX_SERIES]
                for one in evolutions.get(member["cle_territoire"], {}).get(code, ())
                if one.classe == "quartier"
            ]
            who = f"{len(series)} quartier{'s' if len(series) > 1 else ''}"
        if not series:
            continue
        first, last = series[0].points[0][0], series[0].points[-1][0]
        charts.append(
            {
                "titre": label,
                "qui": who,
                "svg": lines(series, f"{label}, de {first} à {last} : {who}. Chiffres dans le tableau."),
            }
        )
    return charts


def _means(rows: Sequence[Row], block: Sequence[Row]) -> dict[str, Any]:
    """Amounts by year and kind."""
    by_key = {line["cle_trace"]: line for line in block}
    shown = [row for row in rows if row["cle_ligne"] in by_key]
    kinds = sorted({row["type_moyen"] for row in shown}, key=lambda kind: (list(_MEANS).index(kind), kind))
    return {
        "annees": sorted({row["annee"] for row in shown}),
        "types": [(kind, _MEANS.get(kind, kind)) for kind in kinds],
        "cellules": {(row["annee"], row["type_moyen"]): (row, by_key[row["cle_ligne"]]) for row in shown},
        "raisons": sorted(
            {
                (_MEANS.get(row["type_moyen"], row["type_moyen"]), row["motif"])
                for row in shown
                if row["montant"] is None and row["motif"]
            }
        ),
    }


def _coverage(
    members: Sequence[Row], cover: dict[tuple[str, str], Row], block: Sequence[Row]
) -> dict[str, Any]:
    """Known presences in a grid; the unknown ones by reason."""
    keys = {member["cle_territoire"] for member in members}
    here = {place: row for place, row in cover.items() if place[0] in keys}
    present = sorted(
        {(row["libelle_dispositif"], row["code_dispositif"]) for row in here.values() if row["present"]}
    )
    known = {code for _, code in present}
    totals = {line["code_ligne"]: line for line in block if line["code_ligne"] in known}
    unknown = grouped_by((line for line in block if line["code_ligne"] not in known), "motif")
    return {
        "dispositifs": present,
        "cellules": here,
        "totaux": totals,
        "inconnus": sorted(
            (
                (motif or "raison non dite", [line["libelle"].partition(" : ")[0] for line in found])
                for motif, found in unknown.items()
            ),
            key=lambda pair: (-len(pair[1]), pair[0]),
        ),
    }


def _declared_traces(context: SiteContext, block: Sequence[Row]) -> dict[str, Trace]:
    """Who declared the local figures, when, and in which line of which form."""
    lines_of = {line["code_ligne"]: line for line in block if line["bloc"] == ACTIONS}
    if not lines_of or "fct_saisie_locale" not in context.relations:
        return {}
    rows = context.rows(
        "select s.cle_saisie, s.auteur, s.organisme, s.saisi_le, s.fichier, s.ligne_source, "
        "s.cle_jeu_source, j.titre, j.millesime from fct_saisie_locale as s "
        "inner join dim_jeu_source as j on s.cle_jeu_source = j.cle_jeu_source "
        "where s.cle_saisie in (select unnest(?)) order by s.cle_saisie",
        sorted(lines_of),
    )
    return {
        lines_of[row["cle_saisie"]]["cle_ligne"]: Trace(
            f"saisie locale : {row['auteur']}, {row['organisme']}, {jour(row['saisi_le'])}",
            (
                TraceGroup(
                    "",
                    row["cle_jeu_source"],
                    f"{row['titre']}, millésime {row['millesime']}",
                    row["fichier"],
                    f"ligne {row['ligne_source']}",
                ),
            ),
        )
        for row in rows
    }


def _count_traces(block: Sequence[Row]) -> dict[str, Trace]:
    """Figures that are counted here, from what the page shows."""
    spread = "plus petite et plus grande valeur des quartiers ; chacune a sa trace, dans leur tableau"
    formulas = {
        1: "compte des quartiers rattachés au contrat, dans le tableau des quartiers",
        ACTIONS: "compte des saisies locales de ce bloc",
        COUVERTURE: "compte des quartiers où une source dit la présence, dans la grille",
        9: "cellules connues ÷ cellules attendues, « sans objet » exclu",
    }
    found = {
        line["cle_ligne"]: Trace(formulas[line["bloc"]], ())
        for line in block
        if line["bloc"] in formulas and line["valeur"] is not None
    }
    found.update(
        (line["cle_ligne"], Trace(spread, ()))
        for line in block
        if line["bloc"] == DIAGNOSTIC and line["valeur"] is None and line["code_statut"] == "NA"
    )
    return found


class _Maps:
    """The maps of the contracts: where their neighbourhoods lie."""

    def __init__(self, context: SiteContext, chosen: Iterable[Row], quarters: dict[str, Row]) -> None:
        sirens = {s for row in chosen for s in (row["siren_courant"], row["siren_signature"]) if s}
        self._holders = outlines(context, "epci", sirens)
        self._quarters = {
            generation: outlines(
                context,
                "qpv",
                [row["code_qpv"] for row in quarters.values() if row["generation"] == generation],
                generation,
            )
            for generation in sorted({row["generation"] for row in quarters.values()})
        }
        self._communes = outlines(
            context, "commune", {c["code"] for row in quarters.values() for c in row["communes"]}
        )

    def _shape(self, member: Row) -> Any:
        found = self._quarters.get(member["generation"], {}).get(member["code_qpv"])
        if found is None and member["longitude"] is not None:
            return shapely.Point(member["longitude"], member["latitude"])
        return found

    def draw(self, contract: Row, members: Sequence[Row]) -> Any:
        """The holder, the communes of the neighbourhoods, and the neighbourhoods with their numbers."""
        marks = []
        sirens = (contract["siren_courant"], contract["siren_signature"])
        holder = next((self._holders[siren] for siren in sirens if siren in self._holders), None)
        if holder is not None:
            marks.append(Mark(holder, "fond", contract["porteur"] or contract["libelle_contrat"] or ""))
        communes = {c["code"]: c["nom"] for member in members for c in member["communes"]}
        marks += [
            Mark(self._communes[code], "zone", f"{name} ({code})")
            for code, name in sorted(communes.items())
            if code in self._communes
        ]
        for member in members:
            shape = self._shape(member)
            if shape is not None:
                title = f"{member['numero']}. {member['libelle_qpv']} ({member['code_qpv']})"
                marks.append(Mark(shape, "quartier", title, str(member["numero"])))
        shown = sum(self._shape(member) is not None for member in members)
        return draw(
            marks,
            f"Carte : {contract['libelle_contrat']}, {len(communes)} communes et {shown} quartiers dessinés. "
            "Les quartiers sont dans le tableau.",
        )

    def legend(self, members: Sequence[Row]) -> str:
        missing = sum(self._shape(member) is None for member in members)
        said = "Quartiers prioritaires (numéros du tableau) et communes où ils se trouvent."
        if missing == len(members) and members:
            return (
                "Communes des quartiers du contrat. "
                "Les contours de ces quartiers ne sont dans aucun fichier reçu."
            )
        if missing:
            return f"{said} Contour absent des fichiers reçus pour {nombre(missing)} quartier(s)."
        return said
