"""A comparison of releases as data and as a page a person reads."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import jinja2

from qpv_emploi.publication.comparaison import Comparison, RelationChange, ValueChange
from qpv_emploi.publication.contexte import TITLE
from qpv_emploi.publication.descriptifs import write_excel_csv
from qpv_emploi.publication.version import BANNER, FICTIONAL, SourceRelease

PAGE, DATA = "index.html", "comparaison.json"
VALUES, RELATIONS, BY_SOURCE = "valeurs_changees.csv", "tables.csv", "par_source.csv"

# A page is read; what it does not show is in the CSV beside it.
_SHOWN_VALUES = 200

_STATES = {
    "ajoutee": "nouvelle",
    "retiree": "retirée",
    "presente": "présente",
    "ajoute": "nouveau",
    "retire": "retiré",
    "remplace": "fichier remplacé",
}


def write_comparison(comparison: Comparison, folder: Path) -> None:
    """Write ``index.html``, ``comparaison.json`` and three CSV (French Excel) into a folder, made if needed.

    The page stands alone: no script, nothing remote.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(comparison_data(comparison), ensure_ascii=False, indent=2)
    (folder / DATA).write_text(text + "\n", encoding="utf-8", newline="\n")
    fictional = comparison.apres.est_fictif
    names = [f.name for f in fields(ValueChange)]
    write_excel_csv(
        folder / VALUES,
        [*names, FICTIONAL],
        ([*(getattr(value, name) for name in names), fictional] for value in comparison.valeurs),
    )
    write_excel_csv(
        folder / RELATIONS,
        [
            "table",
            "etat",
            "lignes_avant",
            "lignes_apres",
            "lignes_ajoutees",
            "lignes_retirees",
            "lignes_changees",
            "cle",
            "motif_sans_cle",
            "colonnes_ajoutees",
            "colonnes_retirees",
            "colonnes_changees",
            FICTIONAL,
        ],
        ([*_relation_row(relation), fictional] for relation in comparison.relations),
    )
    write_excel_csv(
        folder / BY_SOURCE,
        [
            "table",
            "producteur",
            "jeu",
            "millesime",
            "lignes_ajoutees",
            "lignes_retirees",
            "lignes_changees",
            FICTIONAL,
        ],
        (
            [
                relation.nom,
                *source.split(":", 2),
                counts.ajoutees,
                counts.retirees,
                counts.changees,
                fictional,
            ]
            for relation in comparison.relations
            for source, counts in relation.par_source.items()
        ),
    )
    (folder / PAGE).write_text(comparison_page(comparison), encoding="utf-8", newline="\n")


def _relation_row(relation: RelationChange) -> list[object]:
    lignes = relation.lignes
    counts: list[object] = [None, None, None]
    if lignes:
        counts = [lignes.ajoutees, lignes.retirees, lignes.changees]
    return [
        relation.nom,
        _STATES[relation.etat],
        relation.lignes_avant,
        relation.lignes_apres,
        *counts,
        " | ".join(relation.cle),
        relation.motif_sans_cle,
        " | ".join(relation.colonnes_ajoutees),
        " | ".join(relation.colonnes_retirees),
        " | ".join(f"{name} : {count}" for name, count in relation.colonnes_changees.items()),
    ]


def comparison_data(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain data, for ``comparaison.json``; single values are in the CSV."""

    def release(one: SourceRelease) -> dict[str, object]:
        return {"identifiant": one.identifiant, "publie_le": one.publie_le, "region": one.region}

    return {
        "avant": release(comparison.avant),
        "apres": release(comparison.apres),
        FICTIONAL: comparison.apres.est_fictif,
        "est_identique": comparison.est_identique,
        "nb_valeurs_changees": len(comparison.valeurs),
        "entrees": [asdict(change) for change in comparison.entrees],
        "tables": [asdict(relation) for relation in comparison.relations],
    }


def comparison_lines(comparison: Comparison) -> list[str]:
    """The comparison in a few lines, for a terminal."""
    lines = [f"{comparison.avant.identifiant} -> {comparison.apres.identifiant}"]
    for change in comparison.entrees:
        lines.append(f"source  {change.producteur}/{change.jeu}/{change.millesime} : {_STATES[change.etat]}")
    for relation in comparison.relations:
        if relation.etat != "presente":
            rows = relation.lignes_apres if relation.lignes_avant is None else relation.lignes_avant
            lines.append(f"table   {relation.nom} : {_STATES[relation.etat]} ({rows} lignes)")
        elif not relation.est_inchangee:
            lines.append(f"table   {relation.nom} : {_change_said(relation)}")
    if comparison.valeurs:
        lines.append(f"valeurs {len(comparison.valeurs)} observation(s) de valeur ou de statut différent")
    if comparison.est_identique:
        lines.append("Aucune différence de schéma, de lignes ni de valeurs.")
    return lines


def _change_said(relation: RelationChange) -> str:
    said = []
    if relation.lignes:
        for count, word in (
            (relation.lignes.ajoutees, "ajoutée(s)"),
            (relation.lignes.retirees, "retirée(s)"),
            (relation.lignes.changees, "changée(s)"),
        ):
            if count:
                said.append(f"{count} ligne(s) {word}")
    for names, word in (
        (relation.colonnes_ajoutees, "nouvelle(s) colonne(s)"),
        (relation.colonnes_retirees, "colonne(s) retirée(s)"),
        (tuple(relation.types_changes), "type(s) changé(s)"),
    ):
        if names:
            said.append(f"{word} : {', '.join(names)}")
    return " ; ".join(said)


def comparison_page(comparison: Comparison) -> str:
    """The page, as HTML: every text of the data is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("qpv_emploi.publication", "gabarits"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["nombre"] = french_number
    return environment.get_template("comparaison.html.j2").render(
        titre=TITLE,
        banniere=BANNER if comparison.apres.est_fictif else "",
        comparaison=comparison,
        changees=[r for r in comparison.relations if not r.est_inchangee],
        inchangees=[r.nom for r in comparison.relations if r.est_inchangee],
        sources=[
            (relation.nom, source.replace(":", "/"), counts)
            for relation in comparison.relations
            for source, counts in relation.par_source.items()
        ],
        valeurs=comparison.valeurs[:_SHOWN_VALUES],
        etats=_STATES,
        fichier_valeurs=VALUES,
        fichier_donnees=DATA,
    )


def french_number(value: float | None) -> str:
    """A number as a French reader expects it: narrow spaces between thousands, decimal comma."""
    if value is None:
        return "–"
    whole = value == int(value)
    text = f"{int(value):,}" if whole else f"{value:,.3f}".rstrip("0")
    return text.replace(",", "\u202f").replace(".", ",")
