"""The page of each indicator: what it means, where it comes from, how it spreads over the region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qpv_emploi.publication.base import quoted
from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.carte import Mark, departements, draw, outlines
from qpv_emploi.publication.site.classes import bounds_of, even_classes, even_counts, place_of
from qpv_emploi.publication.site.contexte import Row, SiteContext
from qpv_emploi.publication.site.formats import nombre, valeur
from qpv_emploi.publication.site.graphiques import bars
from qpv_emploi.publication.site.modele import Page, SearchEntry

MENU = ("Indicateurs", 30)
TABLES = ("dim_indicateur", "fct_observation", "mart_diagnostic_qpv", "mart_disponibilite")

FAMILLES = {
    "diagnostic": "Diagnostic",
    "actions": "Actions et moyens spécifiques",
    "droit_commun": "Droit commun",
    "gouvernance": "Gouvernance",
}
SENS = {-1: "une baisse est souhaitée", 0: "aucun sens souhaité", 1: "une hausse est souhaitée"}
ADDITIF = {
    "oui": "oui : les valeurs de plusieurs territoires s'additionnent",
    "non": "non : une moyenne, un taux ou une médiane ne s'additionne ni ne se moyenne",
    "sous_conditions": "sous conditions : la somme n'est donnée que si aucune cellule n'est masquée",
}
SECRET = {
    "aucune": "aucune protection",
    "masquage": "petites cellules masquées",
    "seuil": "seuil de diffusion",
    "classe": "classe à la place de la valeur",
    "arrondi": "valeurs arrondies",
    "cle_aleatoire": "clés aléatoires : un petit bruit est ajouté",
}
_TOTAL = "TOTAL"


def plan(context: SiteContext) -> Sequence[str]:
    return [chemins.INDICATEURS, *(chemins.indicateur(code) for code in context.indicateurs)]


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    chosen = [code for code in context.indicateurs if chemins.indicateur(code) in paths]
    if chemins.INDICATEURS in paths:
        yield _index(context)
    if chosen:
        yield from _pages(context, chosen)


def _index(context: SiteContext) -> Page:
    known = _by_code(
        context.rows(
            "select code_indicateur, count(distinct code_qpv) as nb_qpv from mart_diagnostic_qpv "
            "where valeur is not null group by code_indicateur order by code_indicateur"
        )
    )
    families = [
        (name, label, [row for row in context.indicateurs.values() if row["famille"] == name])
        for name, label in FAMILLES.items()
    ]
    return context.page(
        chemins.INDICATEURS,
        "indicateurs.html.j2",
        titre="Indicateurs",
        familles=[family for family in families if family[2]],
        nb_qpv={code: rows[0]["nb_qpv"] for code, rows in known.items()},
    )


def _pages(context: SiteContext, chosen: Sequence[str]) -> Iterable[Page]:
    facts = _by_code(
        context.rows(
            "select i.code_indicateur, i.denominateur_code, i.source_usuelle, i.regle_comparaison, "
            "i.ecart_min_annees, i.non_compare_avec from dim_indicateur as i "
            "where i.code_indicateur in (select unnest(?)) order by i.code_indicateur, i.version",
            chosen,
        )
    )
    breaks = _by_code(
        context.rows(
            "select code_indicateur, rupture_le, raison from dim_rupture_serie "
            "where code_indicateur in (select unnest(?)) order by code_indicateur, rupture_le",
            chosen,
        )
    )
    sources = _by_code(
        context.rows(
            "select o.code_indicateur, s.cle_jeu_source, s.producteur, s.titre, s.millesime, "
            "s.methode_secret, s.seuil, s.arrondi, s.parametre_d, s.avertissement, count(*) as nb, "
            "count(o.valeur) as nb_valeurs "
            "from fct_observation as o inner join dim_jeu_source as s on o.cle_jeu_source = s.cle_jeu_source "
            "where o.connu_au is null and o.code_indicateur in (select unnest(?)) "
            "group by all order by o.code_indicateur, s.cle_jeu_source",
            chosen,
        )
    )
    statuses = _by_code(
        context.rows(
            "select code_indicateur, code_statut, count(*) as nb from mart_diagnostic_qpv "
            "where code_indicateur in (select unnest(?)) group by all order by code_indicateur, code_statut",
            chosen,
        )
    )
    values = _by_code(
        context.rows(
            "select d.code_indicateur, d.generation, d.code_qpv, d.libelle_qpv, d.code_departement, "
            "d.cle_periode, d.libelle_periode, p.fin, d.valeur, d.unite, d.petit_effectif, d.code_statut, "
            "d.motif, d.jeu, d.millesime from mart_diagnostic_qpv as d "
            "left join dim_periode as p on d.cle_periode = p.cle_periode "
            "where d.est_plus_recente and d.cle_ventilation = ? and d.code_indicateur in (select unnest(?)) "
            "order by d.code_indicateur, d.code_qpv, d.cle_trace",
            _TOTAL,
            chosen,
        )
    )
    quoted_facts = _by_code(
        context.rows(
            "select code_indicateur, code_fait, valeur, valeur_brute, unite, qualificatif, territoire_cite, "
            "periode_citee, publication, document, section, code_comparateur, valeur_comparateur "
            "from fct_fait_documentaire where code_indicateur in (select unnest(?)) "
            "order by code_indicateur, code_fait",
            chosen,
        )
    )
    targets = _by_code(
        context.rows(
            "select code_indicateur, code_cible, texte_fixant, valeur_cible, unite, echeance "
            "from fct_cible where code_indicateur in (select unnest(?)) order by code_indicateur, code_cible",
            chosen,
        )
    )
    reasons = _by_code(
        context.rows(
            "select code_indicateur, motif_principal as motif, count(*) as nb from mart_disponibilite "
            "where motif_principal is not null and type_territoire = 'contrat_ville' "
            "and code_indicateur in (select unnest(?)) group by all order by code_indicateur, nb desc, motif",
            chosen,
        )
    )
    background = departements(context) if values else []
    shapes = {generation: outlines(context, "qpv", None, generation) for generation in ("2015", "2024")}
    for code in chosen:
        indicator = {**context.indicateurs[code], **(facts.get(code) or [{}])[0]}
        yield context.page(
            chemins.indicateur(code),
            "indicateur.html.j2",
            titre=indicator["libelle_indicateur"],
            fil=[("Indicateurs", chemins.INDICATEURS)],
            recherche=[
                SearchEntry(indicator["libelle_indicateur"], code, "indicateur", chemins.indicateur(code))
            ],
            indicateur=indicator,
            famille=FAMILLES.get(indicator["famille"], indicator["famille"]),
            sens=SENS.get(indicator["sens_souhaite"], "non établi"),
            additif=ADDITIF.get(indicator["additif"], indicator["additif"]),
            ruptures=breaks.get(code, []),
            sources=sources.get(code, []),
            secret=SECRET,
            comptes_statuts=statuses.get(code, []),
            vues=[
                _view(indicator, rows, background, shapes.get(generation, {}))
                for generation, rows in _latest(values.get(code, []))
            ],
            faits=quoted_facts.get(code, []),
            cibles=targets.get(code, []),
            raisons=reasons.get(code, []),
            sql=example(code, bool(values.get(code)), bool(sources.get(code)), bool(quoted_facts.get(code))),
        )


def example(code: str, by_quarter: bool, observed: bool, cited: bool) -> str:
    """A query that shows the indicator, on the table that knows most about it."""
    if by_quarter:
        return (
            "select code_qpv, libelle_qpv, libelle_periode, valeur, unite, code_statut, motif\n"
            "from mart_diagnostic_qpv\n"
            f"where code_indicateur = {quoted(code)}\n"
            "  and est_plus_recente and cle_ventilation = 'TOTAL'\n"
            "order by code_qpv, libelle_periode"
        )
    if observed:
        return (
            "select type_territoire, code_territoire, libelle_periode, libelle_ventilation, valeur, unite,\n"
            "  code_statut, motif, jeu, millesime\n"
            "from vue_observation\n"
            f"where code_indicateur = {quoted(code)}\n"
            "order by type_territoire, code_territoire, debut, libelle_ventilation, jeu, millesime"
        )
    if cited:
        return (
            "select code_fait, valeur, unite, qualificatif, territoire_cite, periode_citee, publication\n"
            "from fct_fait_documentaire\n"
            f"where code_indicateur = {quoted(code)}\n"
            "order by code_fait"
        )
    return (
        "select code_territoire, libelle_territoire, cellules_attendues, cellules_connues, motif_principal\n"
        "from mart_disponibilite\n"
        f"where code_indicateur = {quoted(code)}\n"
        "order by code_territoire"
    )


def _by_code(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["code_indicateur"], []).append(row)
    return found


def _latest(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """The rows of each generation, at the last period that one of its neighbourhoods has."""
    found = []
    for generation in sorted({row["generation"] for row in rows}, reverse=True):
        own = [row for row in rows if row["generation"] == generation]
        # A period whose end is not documented comes first: it is never taken for the last one by mistake.
        last = max(own, key=lambda row: (row["fin"] is not None, str(row["fin"]), row["cle_periode"]))
        found.append((generation, [row for row in own if row["cle_periode"] == last["cle_periode"]]))
    return found


def _view(
    indicator: Row, rows: Sequence[Row], background: Sequence[Mark], shapes: Mapping[str, Any]
) -> dict[str, Any]:
    """One period of one generation: table, distribution and map."""
    known = [row for row in rows if row["valeur"] is not None]
    values = [row["valeur"] for row in known]
    label, unit = indicator["libelle_indicateur"], indicator["unite"]
    view: dict[str, Any] = {
        "generation": rows[0]["generation"],
        "periode": rows[0]["libelle_periode"],
        "lignes": rows,
        "nb_connus": len(known),
        "distribution": (),
        "histogramme": None,
        "carte": None,
        "classes": (),
    }
    if len(set(values)) < 2:
        return view
    spread = even_classes(values)
    view["distribution"] = [(_between(one.bas, one.haut, unit), one.nb) for one in spread]
    view["histogramme"] = bars(
        [nombre(one.bas) for one in spread],
        [float(one.nb) for one in spread],
        f"Distribution : {label}, {rows[0]['libelle_periode']}, nombre de quartiers par classe de valeur.",
    )
    coloured = even_counts(values)
    bounds = bounds_of(coloured)
    view["classes"] = [
        (f"c{place}", _between(one.bas, one.haut, unit), one.nb) for place, one in enumerate(coloured)
    ]
    marks = [
        Mark(
            shapes[row["code_qpv"]],
            "inconnu" if row["valeur"] is None else f"c{place_of(row['valeur'], bounds)}",
            f"{row['libelle_qpv']} ({row['code_qpv']}) : "
            + (valeur(row["valeur"], unit) if row["valeur"] is not None else row["motif"] or "inconnu"),
        )
        for row in rows
        if row["code_qpv"] in shapes
    ]
    view["sans_contour"] = len(rows) - len(marks)
    if marks:
        view["carte"] = draw(
            [*background, *marks],
            f"Carte : {label}, {rows[0]['libelle_periode']}. Les valeurs sont dans le tableau des quartiers.",
        )
    return view


def _between(low: float, high: float, unit: str) -> str:
    decimals = 0 if float(low).is_integer() and float(high).is_integer() else 1
    if unit == "rapport" and decimals:
        decimals = 2
    return f"de {nombre(low, decimals)} à {valeur(high, unit, decimals)}"
