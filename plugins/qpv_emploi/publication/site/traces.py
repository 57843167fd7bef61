"""From a figure of a page to the dataset, vintage, file, line and column it was read in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from qpv_emploi.publication.site.contexte import Row, SiteContext

_ROLES = {
    "valeur": "",
    "valeur_t0": "au départ",
    "valeur_t": "à l'arrivée",
    "valeur_zone_t0": "comparateur, au départ",
    "valeur_zone_t": "comparateur, à l'arrivée",
    "valeur_qpv": "quartier",
    "valeur_zone": "comparateur",
    "numerateur": "numérateur",
    "denominateur": "dénominateur",
    "beneficiaires qpv": "bénéficiaires en QPV",
    "beneficiaires total": "bénéficiaires en tout",
    "parite": "parité",
    "fait": "document",
    "fait_t0": "document, au départ",
    "fait_t": "document, à l'arrivée",
    # What each of its members brings to a sum.
    "quartier": "quartiers",
    "ligne": "lignes",
}
_DOCUMENT = "document"
_SHOWN_LINES = 40


@dataclass(frozen=True)
class TraceGroup:
    """The cells of one column of one file that a figure was made from.

    Attributes:
        role: what they are to the figure, empty when they are the figure.
        cle_jeu_source: dataset × vintage, empty for a document.
        source: its name for a reader.
        fichier: file, as received.
        lieu: its lines and its column, in words.
        lu: what the cell says, empty when there are several.
        correction: code of the correction that was applied, empty without any.
    """

    role: str
    cle_jeu_source: str
    source: str
    fichier: str
    lieu: str
    lu: str = ""
    correction: str = ""


@dataclass(frozen=True)
class Trace:
    """Where a figure comes from.

    Attributes:
        formule: how it was made, in words.
        groupes: what it was made from.
    """

    formule: str
    groupes: tuple[TraceGroup, ...]


def load_traces(context: SiteContext, keys: Iterable[str | None]) -> dict[str, Trace]:
    """The traces of figures, by ``cle_trace``; a key without any is missing."""
    wanted = sorted({key for key in keys if key})
    if not wanted or "mart_tracabilite" not in context.relations:
        return {}
    rows = context.rows(
        "select * from mart_tracabilite where cle_trace in (select unnest(?)) "
        "order by cle_trace, role, fichier, colonne_source, ligne_source, cle_observation",
        wanted,
    )
    return {
        key: Trace(group[0]["formule"], trace_groups(group))
        for key, group in ((key, list(found)) for key, found in groupby(rows, key=lambda r: r["cle_trace"]))
    }


def trace_groups(rows: Sequence[Row]) -> tuple[TraceGroup, ...]:
    """Rows of ``mart_tracabilite`` grouped by role, dataset, file and column, in the order they are met."""
    grouped: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        key = (
            role_said(row["role"] or ""),
            row["producteur"],
            row["jeu"],
            row["millesime"],
            row["titre"],
            row["fichier"],
            row["colonne_source"],
            row["code_correction"],
            row.get("section"),
        )
        grouped.setdefault(key, []).append(row)
    groups = []
    for key, cells in grouped.items():
        role, producteur, jeu, millesime, titre, fichier, column, correction, section = key
        lu = str(cells[0]["valeur_texte_source"] or "") if len(cells) == 1 else ""
        if cells[0].get("nature_source") == _DOCUMENT:
            groups.append(TraceGroup(role, "", "document", fichier or "", section or "", lu))
            continue
        groups.append(
            TraceGroup(
                role=role,
                cle_jeu_source=f"{producteur}:{jeu}:{millesime}",
                source=f"{titre or jeu}, millésime {millesime}",
                fichier=fichier or "fichier inconnu",
                lieu=_place([row["ligne_source"] for row in cells], column),
                lu=lu,
                correction=correction or "",
            )
        )
    return tuple(groups)


def role_said(role: str) -> str:
    """A role in words: ``valeur_t, quartier qpv:QP059066:2015`` → ``à l'arrivée, quartiers``."""
    said = []
    for part in role.split(", "):
        # The key of a member tells it from the others, who are said together.
        word = " ".join(one for one in part.split(" ") if not set(one) & set(":|"))
        said.append(_ROLES.get(word, word.replace("_", " ")))
    return ", ".join(one for one in said if one)


def _place(lines: Sequence[int | None], column: str | None) -> str:
    known = sorted({line for line in lines if line is not None})
    if not known:
        said = "ligne non notée"
    elif len(known) == 1:
        said = f"ligne {known[0]}"
    else:
        shown = ", ".join(ranges(known)[:_SHOWN_LINES])
        said = f"{len(known)} lignes : {shown}{'…' if len(ranges(known)) > _SHOWN_LINES else ''}"
    return f"{said}, colonne {column}" if column else said


def ranges(numbers: Sequence[int]) -> list[str]:
    """``1, 2, 3, 7`` → ``1-3``, ``7``. Sorted, without repetition."""
    said: list[str] = []
    start = previous = None
    for number in (*numbers, None):
        if start is not None and previous is not None and number != previous + 1:
            said.append(str(start) if start == previous else f"{start}-{previous}")
            start = None
        if start is None:
            start = number
        previous = number
    return said


@dataclass(frozen=True)
class CitedSource:
    """A dataset behind the figures of a page.

    Attributes:
        titre: its name.
        millesimes: (cle_jeu_source, vintage) of those that are cited.
        avertissement: what must be known of them, empty without any.
    """

    titre: str
    millesimes: tuple[tuple[str, str], ...]
    avertissement: str


def cited_sources(
    context: SiteContext, traces: Mapping[str, Trace], keys: Iterable[str | None]
) -> list[CitedSource]:
    """The datasets behind some figures, the vintages with the same warning together."""
    warnings = context.cache("avertissements")
    if not warnings:
        warnings.update(
            (row["cle_jeu_source"], row["avertissement"] or "")
            for row in context.rows(
                "select cle_jeu_source, avertissement from dim_jeu_source order by cle_jeu_source"
            )
        )
    found = {
        (group.source.rpartition(", millésime ")[0], group.cle_jeu_source)
        for key in keys
        if key and key in traces
        for group in traces[key].groupes
        if group.cle_jeu_source
    }
    together: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for titre, key in sorted(found):
        together.setdefault((titre, warnings.get(key, "")), []).append((key, key.rpartition(":")[2]))
    return [CitedSource(titre, tuple(keys), warning) for (titre, warning), keys in together.items()]
