"""The page docs/questions.md: its SQL blocks, and the tables under them, written from a release.

`python -m tests.questions [data_dir]` writes the tables again from the current release of a data directory.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

PAGE = Path(__file__).resolve().parents[1] / "docs" / "questions.md"
BLOC = re.compile(
    r"```sql\n(?P<sql>.*?)```\n\n<!-- résultat -->\n(?P<table>.*?)<!-- fin du résultat -->", re.DOTALL
)

Executer = Callable[[str], tuple[Sequence[str], Sequence[Sequence[Any]]]]


def executer(connexion: duckdb.DuckDBPyConnection) -> Executer:
    """How a block is run: its column names and its rows."""

    def lire(sql: str) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        resultat = connexion.execute(sql)
        return [colonne[0] for colonne in resultat.description or []], resultat.fetchall()

    return lire


def cellule(valeur: object) -> str:
    """One value as the page prints it: a decimal comma, two decimals at most, a dash for no value."""
    if valeur is None:
        return "–"
    if isinstance(valeur, bool):
        return "oui" if valeur else "non"
    if isinstance(valeur, datetime | date):
        return valeur.isoformat()
    if isinstance(valeur, int | str):
        return str(valeur).replace("|", "\\|")
    texte = f"{float(valeur):.2f}".rstrip("0").rstrip(".")  # type: ignore[arg-type]
    return ("0" if texte == "-0" else texte).replace(".", ",")


def tableau(colonnes: Sequence[str], lignes: Sequence[Sequence[Any]]) -> str:
    """A Markdown table, one line per row."""
    rangees = [list(colonnes), ["---"] * len(colonnes), *([cellule(v) for v in ligne] for ligne in lignes)]
    return "".join(f"| {' | '.join(rangee)} |\n" for rangee in rangees)


def recalculee(page: str, lire: Executer) -> str:
    """The page with each table taken from the warehouse again; its prose and its SQL stay."""

    def remplacer(bloc: re.Match[str]) -> str:
        debut, fin = (limite - bloc.start() for limite in bloc.span("table"))
        return bloc.group()[:debut] + tableau(*lire(bloc["sql"])) + bloc.group()[fin:]

    return BLOC.sub(remplacer, page)


if __name__ == "__main__":
    courante = Path(sys.argv[1] if len(sys.argv) > 1 else "data") / "publie" / "courant" / "entrepot.duckdb"
    with duckdb.connect(str(courante), read_only=True) as base:
        PAGE.write_text(recalculee(PAGE.read_text("utf-8"), executer(base)), "utf-8")
