"""What goes with the data: dictionary, versions of the sources, citation, and the page to read first."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from qpv_emploi.publication.cellules import neutralised
from qpv_emploi.publication.contexte import PUBLISHER, SOURCE_COLUMNS, Context
from qpv_emploi.publication.documentation import DOCUMENTATION
from qpv_emploi.publication.tableaux import FRENCH_EXCEL
from qpv_emploi.publication.version import BANNER, FICTIONAL

DICTIONARY = "dictionnaire.csv"
SOURCES = "versions_des_sources.csv"
CITATION = "CITATION.cff"
README = "LISEZMOI.txt"


def write_excel_csv(target: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows for the French Excel: BOM, semicolons, ``oui``/``non``, formulas neutralised."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=FRENCH_EXCEL.separateur, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    target.write_text(text.getvalue(), encoding="utf-8-sig", newline="\n")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return FRENCH_EXCEL.vrai if value else FRENCH_EXCEL.faux
    if isinstance(value, float):
        return repr(value).replace(".", FRENCH_EXCEL.decimale)
    if isinstance(value, date):
        return value.isoformat()
    return neutralised(str(value)) if isinstance(value, str) else str(value)


def write_dictionary(context: Context, target: Path) -> None:
    """One row per relation and column that leaves."""
    columns = [
        "table",
        "rang",
        "colonne",
        "type",
        "est_cle",
        "est_obligatoire",
        "reference",
        "valeurs",
        "description",
        "grain",
        "description_table",
        FICTIONAL,
    ]
    rows = [
        [
            relation.nom,
            rank,
            column.nom,
            column.type.lower(),
            column.nom in relation.cle,
            column.est_obligatoire,
            ".".join(column.reference) if column.reference else None,
            " | ".join(column.valeurs),
            column.description,
            relation.grain,
            relation.description,
            context.release.est_fictif,
        ]
        for relation in context.relations
        for rank, column in enumerate(relation.colonnes, 1)
    ]
    write_excel_csv(target, columns, rows)


def write_sources(context: Context, target: Path) -> None:
    """One row per dataset × vintage: licence, page, days, digest, and whether the licence is to confirm."""
    rows = [
        [*(source[name] for name in SOURCE_COLUMNS), not is_firm_licence(str(source["licence"]))]
        for source in context.sources
    ]
    write_excel_csv(target, [*SOURCE_COLUMNS, "est_licence_a_confirmer"], rows)


def is_firm_licence(licence: str) -> bool:
    """Whether a licence is named without reserve: nothing between brackets, nothing « à confirmer »."""
    return licence.strip() in ("Licence Ouverte", "Licence Ouverte 2.0")


def write_citation(context: Context, target: Path) -> None:
    """``CITATION.cff``, version 1.2.0 of the format. Values are JSON strings, which YAML reads as such."""
    release = context.release
    reserve = f"{BANNER}. " if release.est_fictif else ""
    fields = [
        ("cff-version", "1.2.0"),
        (
            "message",
            f"{reserve}Citer la version, le jour et, pour chaque chiffre, sa source et son millésime.",
        ),
        ("type", "dataset"),
        ("title", context.titre),
        ("version", release.identifiant),
        ("date-released", release.jour),
    ]
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields]
    lines += ["authors:", f"  - name: {json.dumps(PUBLISHER, ensure_ascii=False)}"]
    lines += ["keywords:"]
    lines += [f"  - {json.dumps(word, ensure_ascii=False)}" for word in ("emploi", "QPV", "contrat de ville")]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def write_readme(context: Context, target: Path, *, without_workbook: Sequence[str], compared: str) -> None:
    """The page to read first, as plain text.

    Args:
        without_workbook: marts that no spreadsheet file holds, for their length.
        compared: identifier of the release that the comparison starts from, empty without any.
    """
    release = context.release
    unsure = sorted(
        {
            f"{source['producteur']}/{source['jeu']} : {source['licence']}"
            for source in context.sources
            if not is_firm_licence(str(source["licence"]))
        }
    )
    parts = [BANNER, ""] if release.est_fictif else []
    parts += [
        context.titre,
        "=" * len(context.titre),
        "",
        f"Version {release.identifiant}, publiée le {release.jour}.",
        "",
        "Ce dossier",
        "----------",
        "xlsx/           un classeur par table d'évaluation : lisez-moi, données, dictionnaire, sources",
        "csv_excel/      CSV pour un tableur français : point-virgule, virgule décimale, oui/non",
        "csv/            CSV pour les machines : virgule, point décimal, UTF-8, true/false",
        "parquet/        les mêmes tables, types gardés (zstd)",
        "perimetres/     contours en GeoJSON et en GeoParquet, longitude et latitude (WGS84)",
        "entrepot.duckdb toutes les tables et vue_observation, lisible par tout client DuckDB 1.x",
        f"{DICTIONARY}, {SOURCES}   sens des colonnes ; sources, licences, empreintes",
        f"{DOCUMENTATION}   les modèles dbt, leur code et leur filiation, en une page",
        "datapackage.json, dcat.jsonld   descriptions pour les machines (Frictionless, DCAT-AP-FR)",
        "SHA256SUMS      pour vérifier une copie : sha256sum -c SHA256SUMS",
        "comparaison/    "
        + (
            f"ce qui change depuis la version {compared}, en page et en données"
            if compared
            else "absent : aucune version antérieure de cette région"
        ),
        "",
        "Lire sans se tromper",
        "--------------------",
        "- Une valeur vide n'est jamais un zéro : code_statut et motif disent pourquoi elle manque.",
        "- Les codes sont du texte : « 02 » n'est pas 2. Un tableur qui ouvre un CSV d'un double clic perd",
        "  les zéros de tête : préférer xlsx/, ou importer le CSV en déclarant les codes comme du texte.",
        "- Les pourcentages vont de 0 à 100. Un taux ne se moyenne pas.",
        "- QPV 2015 (QP…) et QPV 2024 (QN…) sont des territoires différents, même sous un même nom.",
        "- Une évolution est une différence entre deux mesures, pas une cause ; l'ordre des lignes n'est pas",
        "  un palmarès.",
        "- Dans les CSV, un texte qui commence par = + - @ (ou une apostrophe) est précédé d'une apostrophe,",
        "  pour qu'aucun tableur n'y voie une formule ; à la lecture par une machine, retirer la première.",
    ]
    if without_workbook:
        parts += [
            f"- Sans classeur ni csv_excel, trop longues pour un tableur : {', '.join(without_workbook)}."
        ]
    parts += ["", "Licences", "--------", f"Celle de chaque source est dans {SOURCES}."]
    if unsure:
        parts += ["À confirmer auprès du producteur avant de rediffuser :", *(f"- {line}" for line in unsure)]
    target.write_text("\n".join(parts) + "\n", encoding="utf-8", newline="\n")
