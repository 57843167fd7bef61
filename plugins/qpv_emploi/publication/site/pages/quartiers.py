"""The page of each neighbourhood of both generations, and their list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import shapely

from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.carte import Mark, draw, outlines
from qpv_emploi.publication.site.contexte import Row, SiteContext
from qpv_emploi.publication.site.fiche import (
    DIAGNOSTIC,
    POSITIONS,
    TRAJECTOIRE,
    Notes,
    contracts,
    figure_traces,
    grouped_by,
    last_presences,
    line_notes,
    neighbourhoods,
    trajectory_series,
)
from qpv_emploi.publication.site.graphiques import lines
from qpv_emploi.publication.site.modele import Page, SearchEntry
from qpv_emploi.publication.site.traces import cited_sources, load_traces

MENU = ("Quartiers", 20)
TABLES = (
    "dim_contrat_ville",
    "dim_qpv",
    "mart_diagnostic_qpv",
    "mart_fiche_contrat_ville",
    "mart_trajectoire",
    "pont_qpv_contrat",
)

RELATIONS = {
    "identique": "contour inchangé",
    "modifie": "contour modifié",
    "fusion": "fusion de quartiers",
    "scission": "scission",
    "entrant": "quartier entrant",
    "sortant": "quartier sortant",
    "a_qualifier": "relation à qualifier",
}


def plan(context: SiteContext) -> Sequence[str]:
    return [
        chemins.QUARTIERS,
        *sorted({chemins.qpv(row["code_qpv"]) for row in neighbourhoods(context).values()}),
    ]


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    every = neighbourhoods(context)
    if chemins.QUARTIERS in paths:
        generations = grouped_by(every.values(), "generation")
        yield context.page(
            chemins.QUARTIERS,
            "quartiers.html.j2",
            titre="Quartiers prioritaires",
            generations=[(name, generations[name]) for name in sorted(generations, reverse=True)],
        )
    chosen = {key: row for key, row in every.items() if chemins.qpv(row["code_qpv"]) in paths}
    if chosen:
        yield from _pages(context, chosen)


def _pages(context: SiteContext, chosen: dict[str, Row]) -> Iterable[Page]:
    keys = sorted(chosen)
    known = contracts(context)
    fiche = _fiche_lines(context, keys)
    every = context.rows(
        "select * exclude (est_fictif) from mart_diagnostic_qpv "
        "where cle_territoire in (select unnest(?)) and est_plus_recente "
        "order by cle_territoire, famille, code_indicateur, cle_ventilation, cle_trace",
        keys,
    )
    traces = figure_traces(context, fiche)
    traces.update(load_traces(context, (row["cle_trace"] for row in every)))
    lines_of = grouped_by(fiche, "cle_territoire_ligne", "bloc")
    indicators = grouped_by(every, "cle_territoire")
    evolutions = trajectory_series(context, keys, fiche)
    cover = grouped_by(
        last_presences(
            context.rows(
                "select * from mart_couverture_dispositif where cle_territoire in (select unnest(?)) "
                "order by cle_ligne",
                keys,
            )
        ).values(),
        "cle_territoire",
    )
    passages = context.rows(
        "select * from pont_qpv_generation order by code_qpv_2015 nulls last, code_qpv_2024 nulls last"
    )
    epci = grouped_by(
        context.rows(
            "select distinct p.cle_territoire_qpv, p.siren_epci, t.libelle_territoire "
            "from pont_qpv_epci as p "
            "left join dim_territoire as t on p.cle_territoire_epci = t.cle_territoire "
            "where p.cle_territoire_qpv in (select unnest(?)) "
            "order by p.cle_territoire_qpv, p.siren_epci, t.libelle_territoire",
            keys,
        ),
        "cle_territoire_qpv",
    )
    shapes = {
        generation: outlines(
            context,
            "qpv",
            [row["code_qpv"] for row in chosen.values() if row["generation"] == generation],
            generation,
        )
        for generation in sorted({row["generation"] for row in chosen.values()})
    }
    communes = outlines(context, "commune", {c["code"] for row in chosen.values() for c in row["communes"]})
    for key, row in chosen.items():
        code = row["code_qpv"]
        diagnostic = lines_of.get((key, DIAGNOSTIC), [])
        trajectory = lines_of.get((key, TRAJECTOIRE), [])
        name = row["libelle_qpv"] or code
        towns = ", ".join(c["nom"] for c in row["communes"])
        shown = [line["cle_trace"] for line in (*diagnostic, *trajectory, *indicators.get(key, []))]
        yield context.page(
            chemins.qpv(code),
            "quartier.html.j2",
            titre=f"{name} ({code})",
            fil=[("Quartiers", chemins.QUARTIERS)],
            recherche=[
                SearchEntry(
                    name,
                    ", ".join(part for part in (towns, code, f"génération {row['generation']}") if part),
                    "quartier",
                    chemins.qpv(code),
                )
            ],
            quartier=row,
            contrats=[known[one] for one in row["contrats"] if one in known],
            epci=epci.get(key, []),
            passages=[
                p for p in passages if code == p[f"code_qpv_{2015 if row['generation'] == '2015' else 2024}"]
            ],
            relations=RELATIONS,
            carte=_map(row, shapes.get(row["generation"], {}).get(code), communes),
            diagnostic=diagnostic,
            trajectoire=trajectory,
            indicateurs=indicators.get(key, []),
            couverture=sorted(
                (one for one in cover.get(key, []) if one["present"]), key=lambda x: x["libelle_dispositif"]
            ),
            nb_inconnus=sum(one["present"] is None for one in cover.get(key, [])),
            graphiques=_charts(evolutions.get(key, {}), trajectory, name),
            traces=traces,
            notes={
                "diagnostic": line_notes(diagnostic, "nd"),
                "trajectoire": Notes(((x["motif"], x["motif_comparaison"]) for x in trajectory), "nt"),
                "indicateurs": Notes(((x["motif"], x["reserve"]) for x in indicators.get(key, [])), "ni"),
            },
            positions=POSITIONS,
            sources=cited_sources(context, traces, shown),
        )


def _fiche_lines(context: SiteContext, keys: Sequence[str]) -> list[Row]:
    """The lines of these neighbourhoods, once even where two contracts share them."""
    return context.rows(
        "select f.* exclude (est_fictif) from mart_fiche_contrat_ville as f "
        "where f.niveau = 'qpv' and f.bloc in (2, 3) and f.cle_territoire_ligne in (select unnest(?)) "
        "qualify row_number() over (partition by f.cle_territoire_ligne, f.bloc, f.code_ligne "
        "order by f.code_contrat) = 1 order by f.cle_territoire_ligne, f.bloc, f.ordre, f.code_ligne",
        keys,
    )


def _charts(found: dict[str, Any], block: Sequence[Row], name: str) -> list[dict[str, Any]]:
    charts = []
    for line in block:
        series = found.get(line["code_ligne"])
        if series:
            label = line["libelle"].removesuffix(" : évolution")
            who = "quartier" if len(series) == 1 else f"quartier ; tireté : {line['libelle_comparateur']}"
            first, last = series[0].points[0][0], series[0].points[-1][0]
            charts.append(
                {
                    "titre": label,
                    "qui": who,
                    "svg": lines(series, f"{label}, {name}, de {first} à {last}. Chiffres dans le tableau."),
                }
            )
    return charts


def _map(row: Row, shape: Any, communes: dict[str, Any]) -> Any:
    """The neighbourhood in its communes."""
    marks = [
        Mark(communes[c["code"]], "zone", f"{c['nom']} ({c['code']})")
        for c in row["communes"]
        if c["code"] in communes
    ]
    if shape is None and row["longitude"] is not None:
        shape = shapely.Point(row["longitude"], row["latitude"])
    if shape is not None:
        marks.append(Mark(shape, "quartier", row["libelle_qpv"] or row["code_qpv"]))
    where = ", ".join(c["nom"] for c in row["communes"])
    return draw(marks, f"Carte : {row['libelle_qpv'] or row['code_qpv']}, {where}.", 480, 360)
