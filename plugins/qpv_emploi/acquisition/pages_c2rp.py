"""Pages of the C2RP that are new, or whose text or links changed since we last kept them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from qpv_emploi.acquisition.acces import AccesImpossible, AccesRefuse, ErreurAcces
from qpv_emploi.acquisition.c2rp import C2rp, PageFetched
from qpv_emploi.acquisition.echange import Validators
from qpv_emploi.acquisition.http import HttpClient
from qpv_emploi.acquisition.pages import decode_page, defused, links
from qpv_emploi.catalogue.acces import C2rpAccess
from qpv_emploi.conservation import ReceivedFile

_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True)
class Round:
    """A tour of the site: pages kept, number of pages read, and the first failure, if any."""

    changees: tuple[PageFetched, ...]
    lues: int
    echec: ErreurAcces | None


def changed_pages(
    client: HttpClient,
    acces: C2rpAccess,
    connus: Mapping[tuple[str, str], ReceivedFile],
    chemin_de: Callable[[ReceivedFile], Path],
    dossier: Path,
) -> Round:
    """Read every page of the listing, and leave in a folder those that changed.

    A page that is refused (moved, forbidden) does not hide the others; a site that no longer answers ends
    the tour.

    Args:
        connus: pages kept so far, by (vintage, name).
        chemin_de: where such a page lies.
        dossier: folder to fill, with ``<slug>.html``.

    Raises:
        AccesRefuse, AccesImpossible: the rules of the site or its listing cannot be read.
    """
    derniers = {fichier: connu for (_, fichier), connu in sorted(connus.items())}
    site = C2rp(client, acces.base)
    changees: list[PageFetched] = []
    lues = 0
    echec: ErreurAcces | None = None
    for slug in site.listing(acces.liste):
        connu = derniers.get(f"{slug}.html")
        validateurs = {slug: Validators(connu.etag, connu.last_modified)} if connu else {}
        try:
            (page,) = site.fetch([slug], dossier, connus=validateurs)
        except AccesRefuse as erreur:
            echec = echec or erreur
            continue
        except AccesImpossible as erreur:
            echec = erreur
            break
        lues += 1
        if page.reception.chemin is None:
            continue
        if connu and visible(page.reception.chemin, page.url) == visible(chemin_de(connu), page.url):
            page.reception.chemin.unlink()
            continue
        changees.append(page)
    return Round(tuple(changees), lues, echec)


def visible(chemin: Path, url: str) -> str:
    """What a reader gets of a page: its text and its links. A site writes tokens and dates around them, new
    at each visit, that make no new version."""
    html = decode_page(chemin.read_bytes())
    texte = " ".join(_TAG.sub(" ", defused(html)).split())
    return "\n".join((texte, *(lien.url for lien in links(html, url))))
