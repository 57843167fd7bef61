"""The data dictionary: what each published relation and column means, how it is checked, where it comes from.

It is read from dbt's manifest, so it cannot say anything else than the models do.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from qpv_emploi.errors import SettingsError

DICTIONARY = "dictionnaire.csv"
FORMATS = (".csv", ".md", ".xlsx")

_NATURES = {"table": "table", "view": "vue"}
# Written into the XLSX in place of the clock.
_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class Entry:
    """A relation (``colonne`` empty) or one of its columns.

    Attributes:
        nature: table or vue; empty for a column.
        grain: what one row is; empty for a column.
        controles: rules checked at each build, separated by « ; ».
        sources: datasets (producteur/jeu) and seeds that the relation is made of; empty for a column.
    """

    relation: str
    nature: str
    grain: str
    colonne: str
    type: str
    description: str
    controles: str
    sources: str


def read_dictionary(manifest: Path) -> list[Entry]:
    """The entries of the published relations, by name; a relation comes before its columns, in their order.

    Args:
        manifest: ``manifest.json`` of a build or of ``dbt parse``.

    Raises:
        SettingsError: there is no manifest, or it is not one.
    """
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        nodes, sources = content["nodes"], content.get("sources", {})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{manifest} : manifeste dbt absent ou illisible ({error})") from error
    rules = _rules(nodes)
    entries: list[Entry] = []
    # The other layers name their schema; the default one is that of a candidate on a server.
    relations = [n for n in nodes.values() if n["resource_type"] == "model" and not n["config"].get("schema")]
    for node in sorted(relations, key=lambda n: str(n["name"])):
        name, key = node["name"], node["unique_id"]
        entries.append(
            Entry(
                relation=name,
                nature=_NATURES.get(node["config"]["materialized"], node["config"]["materialized"]),
                grain=_text(node["config"]["meta"].get("grain", "")),
                colonne="",
                type="",
                description=_text(node["description"]),
                controles=" ; ".join(rules.get((key, ""), [])),
                sources=" ; ".join(_origins(key, nodes, sources)),
            )
        )
        for column in node["columns"].values():
            required = ["toujours renseignée"] if _is_required(column) else []
            entries.append(
                Entry(
                    relation=name,
                    nature="",
                    grain="",
                    colonne=column["name"],
                    type=column["data_type"] or "",
                    description=_text(column["description"]),
                    controles=" ; ".join([*required, *rules.get((key, column["name"]), [])]),
                    sources="",
                )
            )
    return entries


def write_dictionary(entries: Sequence[Entry], target: Path) -> None:
    """Write the dictionary in the format that the name of the file says.

    The same entries give the same bytes.

    Args:
        target: ``.csv`` (for the French Excel: BOM, semicolons), ``.md`` or ``.xlsx``.

    Raises:
        SettingsError: another extension.
    """
    writer = _WRITERS.get(target.suffix.lower())
    if writer is None:
        raise SettingsError(f"{target} : format inconnu ; attendu : {', '.join(FORMATS)}")
    target.write_bytes(writer(entries))


def _text(description: object) -> str:
    return " ".join(str(description).split())


def _is_required(column: dict[str, Any]) -> bool:
    return any(constraint["type"] == "not_null" for constraint in column["constraints"])


def _rules(nodes: dict[str, Any]) -> dict[tuple[str, str], list[str]]:
    """(model, column or nothing) -> its checks, in words."""
    rules: dict[tuple[str, str], list[str]] = {}
    for node in nodes.values():
        if node["resource_type"] == "test" and node.get("attached_node") and node.get("test_metadata"):
            key = (node["attached_node"], node.get("column_name") or "")
            warning = " (avertissement)" if str(node["config"]["severity"]).lower() == "warn" else ""
            rules.setdefault(key, []).append(f"{_rule(node['test_metadata'])}{warning}")
    return {key: sorted(set(found)) for key, found in rules.items()}


def _rule(metadata: dict[str, Any]) -> str:
    """A test in French; a test that has no wording of its own shows its name and its arguments."""
    name, arguments = metadata["name"], metadata["kwargs"]
    wording = _WORDINGS.get(name)
    if wording is not None:
        return wording(arguments)
    shown = {key: value for key, value in arguments.items() if key not in ("model", "column_name")}
    details = ", ".join(f"{key} = {value}" for key, value in sorted(shown.items()))
    return f"{name} ({details})" if details else name


def _ref(expression: str) -> str:
    return expression.removeprefix("ref('").removesuffix("')")


_WORDINGS: dict[str, Callable[[dict[str, Any]], str]] = {
    "unique": lambda a: "sans doublon",
    "not_null": lambda a: "toujours renseignée",
    "accepted_values": lambda a: "parmi " + ", ".join(str(value) for value in a["values"]),
    "relationships": lambda a: f"existe dans {_ref(a['to'])}.{a['field']}",
    "cle_unique": lambda a: "clé : " + ", ".join(a["colonnes"]),
    "code_format": lambda a: f"forme {a['motif']}",
    "siren_valide": lambda a: "neuf chiffres et clé de contrôle",
    "statut_coherent": lambda a: "une valeur, ou un statut de manque et son motif",
    "intervalle_coherent": lambda a: "bornes qui tiennent la valeur",
    "part_bornee": lambda a: f"de {a.get('minimum', 0)} à {a.get('maximum', 100)}",
    "relation_de_perimetre": lambda a: f"{a['code']} existe dans {_ref(a['vers'])}, même génération",
    "fenetres_disjointes": lambda a: "validités sans recouvrement par " + ", ".join(a["cle"]),
    "comparateur_present": lambda a: f"comparateur nommé quand {a['mesure']} est renseigné",
    "somme_egale_total": lambda a: (
        f"{a['axe']} : somme {'égale au' if a.get('exhaustif', True) else 'sous le'} total, à la tolérance "
        "du secret près"
    ),
    "compte_par_partition": lambda a: "comptes relus par " + ", ".join(a["colonnes"]),
}


def _origins(key: str, nodes: dict[str, Any], sources: dict[str, Any]) -> list[str]:
    """Datasets and seeds upstream of a model, however far."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [key]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        if current in sources:
            producer, _, dataset = sources[current]["name"].partition("__")
            # What the build itself lays (the lock) is no source of figures.
            if producer != "entrepot":
                found.add(f"{producer}/{dataset.partition('__')[0]}")
        elif current in nodes:
            node = nodes[current]
            if node["resource_type"] == "seed":
                found.add(f"table de référence {node['name']}")
            else:
                waiting += node["depends_on"]["nodes"]
    return sorted(found)


def _csv(entries: Iterable[Entry]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(
        stream, [field.name for field in fields(Entry)], delimiter=";", lineterminator="\r\n"
    )
    writer.writeheader()
    writer.writerows(asdict(entry) for entry in entries)
    return stream.getvalue().encode("utf-8-sig")


def _markdown(entries: Iterable[Entry]) -> bytes:
    lines = ["# Dictionnaire des données", ""]
    for entry in entries:
        if not entry.colonne:
            lines += [f"## {entry.relation}", "", entry.description, ""]
            lines += [f"Une ligne : {entry.grain} ({entry.nature}).", ""]
            if entry.controles:
                lines += [f"Contrôles : {entry.controles}.", ""]
            if entry.sources:
                lines += [f"Sources : {entry.sources}.", ""]
            lines += ["| Colonne | Type | Description | Contrôles |", "|---|---|---|---|"]
        else:
            cells = (f"`{entry.colonne}`", entry.type, entry.description, entry.controles)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    # A blank line before each heading that follows a table.
    text = "\n".join(lines).replace("\n## ", "\n\n## ").replace("\n\n\n## ", "\n\n## ")
    return (text + "\n").encode("utf-8")


def _xlsx(entries: Sequence[Entry]) -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"created": _NO_DATE})
        sheet = book.add_worksheet("dictionnaire")
        names = [field.name for field in fields(Entry)]
        sheet.write_row(0, 0, names, book.add_format({"bold": True}))
        for line, entry in enumerate(entries, start=1):
            for column, name in enumerate(names):
                sheet.write_string(line, column, str(getattr(entry, name)))
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(entries), len(names) - 1)
        for column, width in enumerate((28, 8, 40, 26, 18, 70, 50, 50)):
            sheet.set_column(column, column, width)
    return stream.getvalue()


_WRITERS: dict[str, Callable[[Sequence[Entry]], bytes]] = {".csv": _csv, ".md": _markdown, ".xlsx": _xlsx}
