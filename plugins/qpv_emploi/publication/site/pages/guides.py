"""The guides of ``docs/`` and the queries of ``docs/requetes/``, with what this release answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.contexte import SiteContext
from qpv_emploi.publication.site.markdown import render as to_html
from qpv_emploi.publication.site.markdown import resolver, title_of
from qpv_emploi.publication.site.modele import Page, SearchEntry
from qpv_emploi.settings import Settings

MENU = ("Guides", 85)

INDEX = "guides/index.html"
REQUETES = "guides/requetes.html"

# Document → its page, and what a reader finds there.
GUIDES = {
    "guide_evaluateur.md": (
        chemins.GUIDE_EVALUATEUR,
        "Lire une fiche, un écart, une trajectoire ; citer un chiffre ; dire ce que l'on ne sait pas.",
    ),
    "guide_analyste.md": (
        chemins.GUIDE_ANALYSTE,
        "Interroger l'entrepôt en SQL : DuckDB, PostgreSQL, Python, R, Power BI ; les pièges, par l'exemple.",
    ),
    "questions.md": (
        "guides/questions.html",
        "Les quatorze questions évaluatives : ce que l'entrepôt répond, et ce qu'il ne peut pas dire.",
    ),
    "modele.md": ("guides/modele.html", "Les tables, leurs clés et leurs pièges."),
    "declarations.md": (
        "guides/declarations.html",
        "Déclarer ce que la donnée ouverte ne dit pas : actions, gouvernance, moyens de droit commun.",
    ),
}


def documents() -> Path:
    """Folder of the documents of the project."""
    return Settings().project_dir / "docs"


def plan(context: SiteContext) -> Sequence[str]:
    folder = documents()
    found = [path for name, (path, _) in GUIDES.items() if (folder / name).is_file()]
    queries = [REQUETES] if any((folder / "requetes").glob("*.sql")) else []
    return [INDEX, *found, *queries] if found or queries else []


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    folder = documents()
    texts = {
        path: (folder / name).read_text(encoding="utf-8")
        for name, (path, _) in GUIDES.items()
        if context.is_planned(path)
    }
    places = {name: path for name, (path, _) in GUIDES.items() if path in texts}
    if context.is_planned(REQUETES):
        places |= {"requetes/README.md": REQUETES, "requetes/": REQUETES}
        places |= {
            f"requetes/{path.name}": f"{REQUETES}#{chemins.ancre(path.stem)}"
            for path in (folder / "requetes").glob("*.sql")
        }
    for path in paths:
        if path == INDEX:
            yield context.page(
                INDEX,
                "guides.html.j2",
                titre="Guides",
                guides=[
                    (place, title_of(texts[place]), said) for place, said in GUIDES.values() if place in texts
                ],
                requetes=REQUETES,
            )
        elif path == REQUETES:
            yield _queries(context, folder / "requetes")
        else:
            title = title_of(texts[path])
            yield context.page(
                path,
                "guide.html.j2",
                titre=title,
                fil=[("Guides", INDEX)],
                recherche=[SearchEntry(title, "guide", "guide", path)],
                corps=to_html(
                    texts[path],
                    resolver(places, partial(chemins.relatif, path)),
                    context.connection,
                ),
            )


def _queries(context: SiteContext, folder: Path) -> Page:
    found = []
    for path in sorted(folder.glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        head, body = header(text)
        found.append((chemins.ancre(path.stem), path.stem, head, body.strip()))
    return context.page(
        REQUETES,
        "requetes.html.j2",
        titre="Requêtes pour les analystes",
        fil=[("Guides", INDEX)],
        recherche=[SearchEntry("Requêtes pour les analystes", "SQL", "guide", REQUETES)],
        requetes=found,
    )


def header(sql: str) -> tuple[dict[str, str], str]:
    """What a query says of itself (question, grain, clé, réserve), and the query."""
    said: dict[str, str] = {}
    lines = sql.splitlines()
    last, size = "", 0
    for line in lines:
        if not line.startswith("--"):
            break
        size += 1
        text = line.removeprefix("--").strip()
        if found := re.match(r"(Question|Grain|Clé|Réserve) : (.*)", text):
            last = found[1]
            said[last] = found[2]
        elif last:
            said[last] += f" {text}"
    return said, "\n".join(lines[size:])
