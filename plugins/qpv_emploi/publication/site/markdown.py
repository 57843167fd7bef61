"""Pages of ``docs/`` as pages of the site: Markdown without HTML, links kept inside, queries answered.

Each ``sql`` block is run on the release that the site is about: a guide never shows the figures of another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import Any

import duckdb
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from qpv_emploi.publication.site.chemins import nom
from qpv_emploi.publication.site.formats import RIEN, jour_court, nombre, oui_non

# Rows of an answer that a page shows.
SHOWN_ROWS = 12

# What a script wrote under a query of the page, for those who read it as a file.
_WRITTEN = re.compile(r"<!-- résultat -->.*?<!-- fin du résultat -->", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LABELS = {"mermaid": "Schéma des tables, en texte (Mermaid)", "bash": "", "": ""}

# The place of a document of the repository in the site, None when it is not there.
Resolve = Callable[[str], str | None]


def queries(text: str) -> list[str]:
    """The ``sql`` blocks of a page, in order."""
    tokens = _parser().parse(_COMMENT.sub("", text))
    return [token.content for token in tokens if token.type == "fence" and token.info.strip() == "sql"]


def title_of(text: str) -> str:
    """The first heading of a page."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def render(text: str, resolve: Resolve, connection: duckdb.DuckDBPyConnection | None = None) -> Markup:
    """A page of Markdown as the inside of a page of the site.

    Args:
        text: Markdown; HTML in it is shown as text.
        resolve: link of a relative address; an address it does not know is left as text.
        connection: where the ``sql`` blocks are run, None to show them only.
    """
    parser = _parser()
    tokens = parser.parse(_COMMENT.sub("", _WRITTEN.sub("", text)))
    _anchor(tokens)
    _link(tokens, resolve)
    _align(tokens)
    parts: list[str] = []
    waiting: list[Token] = []
    tables = 0
    for token in tokens:
        waiting.append(token)
        if token.type == "table_open":
            tables += 1
            waiting.pop()
            parts.append(parser.renderer.render(waiting, parser.options, {}))
            waiting = [token]
            parts.append(f'<div class="defile" role="region" aria-label="Tableau {tables}" tabindex="0">\n')
        elif token.type == "table_close":
            parts.append(parser.renderer.render(waiting, parser.options, {}) + "</div>\n")
            waiting = []
        elif token.type == "fence":
            waiting.pop()
            parts.append(parser.renderer.render(waiting, parser.options, {}))
            waiting = []
            parts.append(_block(token))
            if token.info.strip() == "sql" and connection is not None:
                tables += 1
                parts.append(_answer(connection, token.content, tables))
    parts.append(parser.renderer.render(waiting, parser.options, {}))
    # Markdown-it escapes every text, and raw HTML is off.
    return Markup("".join(parts))


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _anchor(tokens: Sequence[Token]) -> None:
    """An ``id`` on each heading but the first: that of GitHub would be, without accents."""
    seen: dict[str, int] = {}
    for place, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag != "h1":
            slug = nom(tokens[place + 1].content.lower()) or "titre"
            seen[slug] = seen.get(slug, 0) + 1
            token.attrSet("id", f"t-{slug}" + (f"-{seen[slug]}" if seen[slug] > 1 else ""))


def _link(tokens: Sequence[Token], resolve: Resolve) -> None:
    for token in tokens:
        for child in _links(token.children or ()):
            address = str(child.attrGet("href") or "")
            if re.match(r"https?://", address):
                child.attrSet("rel", "noopener noreferrer external")
                continue
            place = None if address.startswith("#") else resolve(address)
            if place is None:
                # Both ends of the link become a span, without any address.
                child.tag = "span"
                child.attrs.clear()
            else:
                child.attrSet("href", place)
        opened: list[Token] = []
        for child in token.children or ():
            if child.type == "link_open":
                opened.append(child)
            elif child.type == "link_close":
                child.tag = opened.pop().tag


def _links(children: Sequence[Token]) -> list[Token]:
    return [child for child in children if child.type == "link_open"]


def _align(tokens: Sequence[Token]) -> None:
    """A class in place of a style, that the policy of content refuses."""
    for token in tokens:
        if token.type in ("th_open", "td_open"):
            style = str(token.attrGet("style") or "")
            token.attrs.pop("style", None)
            if "right" in style:
                token.attrSet("class", "n")


def _block(token: Token) -> str:
    code = f"<pre><code>{escape(token.content.rstrip())}</code></pre>\n"
    label = _LABELS.get(token.info.strip(), "")
    return f"<details><summary>{label}</summary>\n{code}</details>\n" if label else code


def _answer(connection: duckdb.DuckDBPyConnection, sql: str, number: int) -> str:
    try:
        cursor = connection.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        rows = cursor.fetchall()
    except duckdb.Error:
        return '<p class="note">Cette version ne sait pas répondre à cette requête.</p>\n'
    if not rows:
        return '<p class="discret">Réponse dans cette version : aucune ligne.</p>\n'
    caption = "Réponse dans cette version"
    if len(rows) > SHOWN_ROWS:
        caption += f" : {SHOWN_ROWS} premières lignes sur {nombre(len(rows))}"
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>\n" for row in rows[:SHOWN_ROWS])
    return (
        f'<div class="defile" role="region" aria-labelledby="reponse-{number}" tabindex="0">\n'
        f'<table class="serre"><caption id="reponse-{number}">{caption}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
    )


def _cell(value: Any) -> str:
    if value is None:
        return f"<td>{RIEN}</td>"
    if isinstance(value, bool):
        return f"<td>{oui_non(value)}</td>"
    if isinstance(value, float | Decimal):
        value = float(value)
        return f'<td class="n">{nombre(value, None if value.is_integer() else 2)}</td>'
    if isinstance(value, int):
        # A year keeps its four digits together.
        return f'<td class="n">{value if 1900 <= value < 2100 else nombre(value)}</td>'
    if isinstance(value, date | datetime):
        return f"<td>{jour_court(value)}</td>"
    return f"<td>{escape(str(value))}</td>"


def resolver(places: Mapping[str, str], link: Callable[[str], str]) -> Resolve:
    """Links between documents.

    Args:
        places: address in ``docs/`` (``modele.md``, ``requetes/README.md``) → path of its page.
        link: from a path of the site to the link on the page.
    """

    def resolve(address: str) -> str | None:
        name, _, _ = address.partition("#")
        found = places.get(name.removeprefix("./"))
        return link(found) if found else None

    return resolve
