"""A page of the C2RP as a record: labels, ordered sections, text alone.

The texts were seen, not the markup (SOURCES 7): title; ``Thèmes | Sous thèmes :`` and ``Publics :`` with the
value on the next line; ``Date de mise à jour :`` (``décembre, 2020``) and ``Mots clés :`` with the value on
the same line; then the sections ``Objectifs``, ``Public``, ``Contenu``. A publication: ``Date de parution``
(``juin 2022``), a line of themes without label, ``Producteur``. Inferred: any heading tag opens a section; a
label may stand alone without its colon; the values of a list may come one per line; a day may precede the
month.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser

from qpv_emploi.acquisition.pages import defused

# The content of these is never text of the page.
_NOT_CONTENT = frozenset(("head", "nav", "footer", "form", "select", "button", "noscript", "template"))
_FOREIGN = frozenset(
    ("script", "style", "svg", "math", "iframe", "object", "applet", "canvas", "audio", "video")
)
_DROPPED = _NOT_CONTENT | _FOREIGN
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_LISTS = frozenset(("caption", "dd", "dl", "dt", "li", "ol", "table", "tbody", "td", "tfoot", "th", "thead"))
_FLOW = frozenset(
    ("address", "article", "aside", "blockquote", "body", "br", "details", "div", "fieldset", "figcaption")
)
_MORE_FLOW = frozenset(("figure", "header", "hr", "main", "p", "pre", "section", "summary", "tr", "ul"))
_BLOCKS = _HEADINGS | _LISTS | _FLOW | _MORE_FLOW
_SECTIONS = frozenset(
    ("objectif", "objectifs", "objectif(s)", "public", "contenu", "beneficiaires", "forme", "instruction")
)
_LABELS = {
    "themes | sous themes": "themes",
    "themes": "themes",
    "publics": "publics",
    "date de mise a jour": "date_mise_a_jour",
    "date de parution": "date_parution",
    "mots cles": "mots_cles",
    "fichier attache": "Fichier attaché",
    "type": "Type",
    "producteur": "Producteur",
}
# Words so common that they are labels only before the first section.
_HEAD_LABELS = frozenset(("Fichier attaché", "Type", "Producteur", "themes"))
_MONTHS = {
    "janvier": 1,
    "fevrier": 2,
    "mars": 3,
    "avril": 4,
    "mai": 5,
    "juin": 6,
    "juillet": 7,
    "aout": 8,
    "septembre": 9,
    "octobre": 10,
    "novembre": 11,
    "decembre": 12,
}
_DATE = re.compile(r"(?:(?:le\s+)?\d{1,2}(?:er)?\s+)?([a-z]+)\.?\s*,?\s*((?:19|20)\d{2})")
_MARKUP = re.compile(r"<[a-zA-Z/!?][^<>]*>")
_OPENING = re.compile(r"<(?=[a-zA-Z/!?])")
# Controls, and the marks that reorder what a reader sees.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff]"
)


@dataclass(frozen=True)
class Fiche:
    """A page as printed. Lists keep their order; absent labels are empty.

    Attributes:
        date_mise_a_jour, date_parution: ``AAAA-MM``; empty when absent or unreadable.
        sections: pairs (title, text), in order; a first pair without title holds what precedes them all.
        autres: other known labels with their text (``Type``, ``Producteur``, ``Fichier attaché``).
        avertissements: what could not be read, in French.
    """

    titre: str
    themes: tuple[str, ...] = ()
    publics: tuple[str, ...] = ()
    date_mise_a_jour: str = ""
    date_parution: str = ""
    mots_cles: tuple[str, ...] = ()
    sections: tuple[tuple[str, str], ...] = ()
    autres: tuple[tuple[str, str], ...] = ()
    avertissements: tuple[str, ...] = ()


def read_fiche(html: str) -> Fiche:
    """The record of a page; never fails: a page that is something else gives empty fields.

    Args:
        html: page as served, decoded.
    """
    return _record(*_lines(html))


def year_month(texte: str) -> str:
    """``décembre, 2020`` or ``juin 2022`` as ``2020-12``, ``2022-06``; empty when it is not a date."""
    trouve = _DATE.fullmatch(_folded(texte).strip(" .,"))
    if not trouve:
        return ""
    # « sept. », « janv. »: the first letters tell, when they fit one month only.
    debut = trouve.group(1)
    mois = [
        rang for nom, rang in _MONTHS.items() if nom == debut or (len(debut) > 2 and nom.startswith(debut))
    ]
    return f"{trouve.group(2)}-{mois[0]:02d}" if len(mois) == 1 else ""


def plain(texte: str) -> str:
    """A text without markup, even markup that was hidden in entities, nor invisible characters.

    The no-break spaces become ordinary ones. A ``<`` that could still open a tag is set apart by a space, so
    that no later assembly of texts makes one.
    """
    texte = _INVISIBLE.sub("", unicodedata.normalize("NFC", texte))
    # One pass: what nested markup leaves is set apart, and repeating would take a time in n².
    return " ".join(_OPENING.sub("< ", _MARKUP.sub(" ", texte)).split())


@dataclass
class _Line:
    texte: str
    titre: bool = False


class _Text(HTMLParser):
    """Lines of text of a page: a block element or ``<br>`` ends a line, a heading tag marks it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lignes: list[_Line] = []
        self.h1: list[str] = []
        self.position_h1 = 0
        self.titre_document = ""
        self._tampon: list[str] = []
        self._caches: list[str] = []
        self._rubrique = ""
        self._dans_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._dans_title = tag == "title"
        if tag == "body":
            # A head left open must not hide the page.
            self._caches.clear()
        elif tag in _DROPPED:
            self._caches.append(tag)
        if tag in _BLOCKS:
            self._break()
        if tag in _HEADINGS:
            self._rubrique = tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self._break()

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._dans_title = False
        if tag in self._caches:
            while self._caches.pop() != tag:
                pass
        if tag in _BLOCKS:
            self._break()
        if tag in _HEADINGS:
            self._rubrique = ""

    def handle_data(self, data: str) -> None:
        if self._dans_title:
            self.titre_document += data
        elif not self._caches:
            self._tampon.append(data)

    def close(self) -> None:
        super().close()
        self._break()

    def _break(self) -> None:
        texte = plain("".join(self._tampon))
        self._tampon.clear()
        if not texte:
            return
        if self._rubrique == "h1":
            self.h1.append(texte)
            if len(self.h1) == 1:
                self.position_h1 = len(self.lignes)
        else:
            self.lignes.append(_Line(texte, bool(self._rubrique)))


def _lines(html: str) -> tuple[str, list[_Line]]:
    """The title of the page, and the lines that follow it."""
    lecteur = _Text()
    lecteur.feed(defused(html))
    lecteur.close()
    if lecteur.h1:
        return lecteur.h1[0], lecteur.lignes[lecteur.position_h1 :]
    # « Titre de la page | Nom du site »
    return plain(lecteur.titre_document.split(" | ")[0]), lecteur.lignes


@dataclass
class _Draft:
    """A record in the making: values of the labels, and sections."""

    valeurs: dict[str, list[str]] = field(default_factory=dict)
    sections: list[tuple[str, list[str]]] = field(default_factory=lambda: [("", [])])


def _record(titre: str, lignes: Iterable[_Line]) -> Fiche:
    brouillon = _Draft()
    attente = ""
    suit_parution = False
    for ligne in lignes:
        etiquette, valeur = _label(ligne.texte)
        if len(brouillon.sections) > 1 and etiquette in _HEAD_LABELS:
            etiquette = ""
        if etiquette and etiquette not in brouillon.valeurs:
            brouillon.valeurs[etiquette] = [valeur] if valeur else []
            # A value on the same line is whole; otherwise it is on the next ones.
            attente = "" if valeur else etiquette
            suit_parution = etiquette == "date_parution" and bool(valeur)
        elif ligne.titre or _folded(ligne.texte).rstrip(" :") in _SECTIONS:
            brouillon.sections.append((ligne.texte.rstrip(" :"), []))
            attente, suit_parution = "", False
        elif attente:
            brouillon.valeurs[attente].append(ligne.texte)
            suit_parution = attente == "date_parution"
            # A date is one line; a list may have several.
            attente = "" if attente.startswith("date_") else attente
        elif suit_parution and "themes" not in brouillon.valeurs:
            brouillon.valeurs["themes"] = [ligne.texte]
            suit_parution = False
        else:
            brouillon.sections[-1][1].append(ligne.texte)
    return _finished(titre, brouillon)


def _finished(titre: str, brouillon: _Draft) -> Fiche:
    valeurs = brouillon.valeurs
    dates, avertissements = {}, []
    for nom in ("date_mise_a_jour", "date_parution"):
        brut = " ".join(valeurs.get(nom, ()))
        dates[nom] = year_month(brut)
        if brut and not dates[nom]:
            avertissements.append(f"date illisible : « {brut[:80]} » ; attendu : mois et année")
    if not titre:
        avertissements.append("page sans titre")
    connues = ("themes", "publics", "mots_cles", *dates)
    return Fiche(
        titre=titre,
        themes=_list(valeurs.get("themes", ())),
        publics=_list(valeurs.get("publics", ())),
        mots_cles=_list(valeurs.get("mots_cles", ())),
        sections=tuple((nom, "\n".join(textes)) for nom, textes in brouillon.sections if nom or textes),
        autres=tuple((nom, " ".join(v)) for nom, v in valeurs.items() if nom not in connues),
        avertissements=tuple(avertissements),
        **dates,
    )


def _label(texte: str) -> tuple[str, str]:
    """The label that opens a line and what follows its colon; empty when there is none."""
    gauche, deux_points, droite = texte.partition(":")
    etiquette = _LABELS.get(" ".join(_folded(gauche).split()), "")
    return (etiquette, droite.strip() if deux_points else "") if etiquette else ("", "")


def _list(lignes: Iterable[str]) -> tuple[str, ...]:
    """Items separated by ``|``, else by ``,``, or one per line; straight apostrophes, each item once."""
    items: dict[str, None] = {}
    for ligne in lignes:
        for item in ligne.replace("’", "'").split("|" if "|" in ligne else ","):
            if propre := item.strip(" .;\t"):
                items.setdefault(propre)
    return tuple(items)


def _folded(texte: str) -> str:
    """Lower case, without accents, straight apostrophes: for comparisons only."""
    decompose = unicodedata.normalize("NFKD", texte.replace("’", "'").lower())
    return "".join(c for c in decompose if not unicodedata.combining(c))
