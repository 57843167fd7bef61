"""HTML pages: decoding, a pass that makes any page safe to parse, and its links.

``html.parser`` takes a time that grows faster than the square of some malformed pages (an unclosed tag
repeated 20,000 times: 77 s measured with Python 3.11). The pass runs in linear time and leaves only short,
closed tags; ``html.parser`` is fed with nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from html.parser import HTMLParser
from urllib.parse import urljoin

MAX_TAG = 4000

_META_CHARSET = re.compile(rb"<meta[^<>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{1,40})", re.IGNORECASE)
_OPAQUE = re.compile(r"<!--|<(script|style)(?=[\s/>])", re.IGNORECASE)
_CLOSINGS = {nom: re.compile(rf"</{nom}[^<>]*>", re.IGNORECASE) for nom in ("script", "style")}
_UNCLOSED = re.compile(r"<(?=[^<>]*(?:<|\Z))")
_NOT_A_TAG = re.compile(r"<[!?][^<>]*>")
_TAG = re.compile(r"<[^<>]*>")
_ADDRESS = re.compile(r"https?://[\w.-]+(?::\d+)?(?:[/?#][^\s\x00-\x20<>\"'`{}|\\^]*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Link:
    """A link: absolute address, text as shown, and the ``rel`` words."""

    url: str
    texte: str
    rel: tuple[str, ...] = ()


def decode_page(contenu: bytes, content_type: str = "") -> str:
    """Text of a page: charset of the header, else of the page, else UTF-8; bad bytes become U+FFFD.

    Args:
        content_type: value of the header of this name; may be empty.
    """
    if contenu.startswith(b"\xef\xbb\xbf"):
        return contenu.decode("utf-8-sig", "replace")
    en_tete = Message()
    en_tete["Content-Type"] = content_type or "text/html"
    declare = _META_CHARSET.search(contenu[:4096])
    for nom in (en_tete.get_content_charset(), declare.group(1).decode("ascii") if declare else None):
        if nom:
            # Browsers read Latin-1 as Windows-1252; a page that says the former holds the latter.
            codec = "cp1252" if nom.lower() in ("iso-8859-1", "latin-1", "latin1") else nom
            try:
                return contenu.decode(codec, "replace")
            except (LookupError, ValueError):
                continue
    return contenu.decode("utf-8", "replace")


def defused(html: str) -> str:
    """A page without comments, scripts, styles nor declarations, whose every tag is closed and short.

    As in a browser, an unclosed comment, script or style hides the rest of the page. A ``<`` that opens
    nothing becomes text; so does a tag with a ``<`` in an attribute, which keeps the pass linear.
    """
    visibles: list[str] = []
    debut = 0
    while ouverture := _OPAQUE.search(html, debut):
        visibles.append(html[debut : ouverture.start()])
        debut = _end_of(ouverture, html)
        visibles.append(" ")
    visibles.append(html[debut:])
    texte = _UNCLOSED.sub("&lt;", "".join(visibles))
    texte = _NOT_A_TAG.sub(" ", texte)
    return _TAG.sub(lambda tag: tag.group() if len(tag.group()) <= MAX_TAG else " ", texte)


def links(html: str, url: str) -> tuple[Link, ...]:
    """Links of a page, in order; fragments are dropped, repetitions are kept.

    Args:
        html: page as served.
        url: its address, for the relative links.
    """
    lecteur = _Links()
    lecteur.feed(defused(html))
    lecteur.close()
    liens: list[Link] = []
    for href, texte, rel in lecteur.liens:
        try:
            adresse = urljoin(url, href.strip()).partition("#")[0]
        except ValueError:
            continue
        liens.append(Link(adresse, " ".join("".join(texte).split()), rel))
    return tuple(liens)


def canonical_url(html: str) -> str:
    """Address that a page gives as its own (``<link rel="canonical">``); empty when it gives none.

    Only an absolute http or https address counts: nothing else can be followed, or shown as a link.
    """
    lecteur = _Canonical()
    lecteur.feed(defused(html))
    lecteur.close()
    return lecteur.url if _ADDRESS.fullmatch(lecteur.url) else ""


def _end_of(ouverture: re.Match[str], html: str) -> int:
    """Where what a comment, a script or a style hides ends."""
    nom = ouverture.group(1)
    if nom is None:
        fin = html.find("-->", ouverture.start() + 2)
        return len(html) if fin < 0 else fin + 3
    fermeture = _CLOSINGS[nom.lower()].search(html, ouverture.end())
    return len(html) if fermeture is None else fermeture.end()


class _Canonical(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.url = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        valeurs = dict(attrs)
        if tag == "link" and not self.url and "canonical" in (valeurs.get("rel") or "").lower().split():
            self.url = (valeurs.get("href") or "").strip()


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.liens: list[tuple[str, list[str], tuple[str, ...]]] = []
        self._ouvert = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        valeurs = dict(attrs)
        href = valeurs.get("href")
        if tag in ("a", "area") and href:
            self.liens.append((href, [], tuple((valeurs.get("rel") or "").lower().split())))
            self._ouvert = tag == "a"
        elif tag == "a":
            self._ouvert = False

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._ouvert = False

    def handle_data(self, data: str) -> None:
        if self._ouvert:
            self.liens[-1][1].append(data)
