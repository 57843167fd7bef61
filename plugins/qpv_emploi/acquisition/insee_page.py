"""Files of insee.fr: the links of a product page, or of the pages its *sommaire* leads to.

The form of the addresses (``/fr/statistiques/<id>``, ``/fr/information/<id>``,
``/fr/statistiques/fichier/<id>/<name>``) is official; identifiers and names change with each vintage, so that
they are read, never written here (SOURCES 9.1). No page was seen: the markup is unknown and any ``<a href>``
is accepted. Third-party clients send the headers of a browser; ours says who it is, and a refusal (403) sends
the reader to the dépôt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from qpv_emploi.acquisition.acces import AccesRefuse
from qpv_emploi.acquisition.http import Fetched, HttpClient, Validators
from qpv_emploi.acquisition.pages import Link, decode_page, links
from qpv_emploi.acquisition.reception import is_file_name

MAX_PRODUCT_PAGES = 60
SHOWN_NAMES = 20

_FILE = re.compile(r"/(?:fr|en)/statistiques/fichier/(\d+)/([^/]+)/?")
_PRODUCT = re.compile(r"/(?:fr|en)/(?:statistiques|information)/(\d+)/?")


@dataclass(frozen=True)
class FileLink:
    """A file of insee.fr: product number, name as the address gives it (decoded), address, text shown."""

    produit: str
    nom: str
    url: str
    texte: str


def file_links(html: str, url: str) -> tuple[FileLink, ...]:
    """Files a page links to, each once, in order. A name that cannot name a file on disk is left out.

    Args:
        html: page as served.
        url: its address; links to other hosts are left out.
    """
    trouves: dict[str, FileLink] = {}
    for lien, correspondance in _matching(links(html, url), url, _FILE):
        nom = unquote(correspondance.group(2))
        adresse = lien.url.partition("?")[0]
        if is_file_name(nom):
            trouves.setdefault(adresse, FileLink(correspondance.group(1), nom, adresse, lien.texte))
    return tuple(trouves.values())


def product_links(html: str, url: str) -> tuple[Link, ...]:
    """Other product pages a page links to, each once, in order (``?sommaire=…`` is dropped)."""
    ici = urlsplit(url).path.rstrip("/")
    trouves: dict[str, Link] = {}
    for lien, _ in _matching(links(html, url), url, _PRODUCT):
        adresse = lien.url.partition("?")[0].rstrip("/")
        if urlsplit(adresse).path != ici:
            trouves.setdefault(adresse, Link(adresse, lien.texte))
    return tuple(trouves.values())


def find_files(
    client: HttpClient, url: str, motifs: Sequence[str], *, motif_page: str = ""
) -> tuple[FileLink, ...]:
    """The files whose name matches, on a page; failing that, on the product pages it links to.

    Args:
        url: address of a product page or of a sommaire.
        motifs: regular expressions of the whole name, in any case; one is enough.
        motif_page: regular expression looked for in the text of the links to follow; empty follows them all
            (60 at most).

    Raises:
        AccesRefuse: none; the message lists the names. Or the site refuses.
        AccesImpossible: the site does not answer.
    """
    page, adresse = _read(client, url)
    sur_place = file_links(page, adresse)
    vus = list(sur_place)
    trouves = _named(sur_place, motifs)
    if not trouves:
        suites = [
            lien
            for lien in product_links(page, adresse)
            if not motif_page or re.search(motif_page, lien.texte, re.IGNORECASE)
        ]
        if len(suites) > MAX_PRODUCT_PAGES:
            raise AccesRefuse(
                url,
                f"{len(suites)} pages de produits à lire, {MAX_PRODUCT_PAGES} au plus",
                action="préciser dans le catalogue le texte des liens à suivre, ou la page du produit",
            )
        for lien in suites:
            suite, adresse_suite = _read(client, lien.url)
            vus += file_links(suite, adresse_suite)
        trouves = _named(vus, motifs)
    if not trouves:
        raise not_found(url, " ou ".join(motifs), vus)
    return tuple(trouves)


def not_found(url: str, forme: str, liens: Sequence[FileLink]) -> AccesRefuse:
    """The refusal of a page without the file looked for; it lists the names it links to.

    Args:
        forme: what the name should look like.
    """
    noms = list(dict.fromkeys(lien.nom for lien in liens))
    reste = f", … ({len(noms) - SHOWN_NAMES} autres)" if len(noms) > SHOWN_NAMES else ""
    return AccesRefuse(
        url,
        f"aucun fichier ne répond à la forme « {forme} » ; fichiers liés : "
        f"{', '.join(noms[:SHOWN_NAMES]) or 'aucun'}{reste}",
        action="ajuster la forme du nom ou l'adresse de la page dans le catalogue ; si la page est une page "
        "de contrôle, passer par le dépôt",
    )


def fetch_file(
    client: HttpClient,
    lien: FileLink,
    destination: Path,
    *,
    validateurs: Validators | None = None,
    octets_max: int | None = None,
) -> Fetched:
    """Fetch a file as it is: an archive is kept whole, readers open it later.

    Raises:
        AccesRefuse, AccesImpossible: as ``HttpClient.fetch``.
    """
    return client.fetch(lien.url, destination, validateurs=validateurs, octets_max=octets_max)


def _read(client: HttpClient, url: str) -> tuple[str, str]:
    page = client.read(url)
    return decode_page(page.contenu, page.content_type), page.url_finale


def _named(fichiers: Iterable[FileLink], motifs: Sequence[str]) -> list[FileLink]:
    uniques = {lien.url: lien for lien in fichiers}
    return [
        lien
        for lien in uniques.values()
        if any(re.fullmatch(motif, lien.nom, re.IGNORECASE) for motif in motifs)
    ]


def _matching(
    liens: Sequence[Link], url: str, motif: re.Pattern[str]
) -> Iterable[tuple[Link, re.Match[str]]]:
    """Links of the same host whose path is of a form, with the match."""
    hote = urlsplit(url).netloc
    for lien in liens:
        parties = urlsplit(lien.url)
        correspondance = motif.fullmatch(parties.path)
        if correspondance and parties.netloc == hote:
            yield lien, correspondance
