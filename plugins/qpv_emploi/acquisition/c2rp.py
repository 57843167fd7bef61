"""Dispositifs of the C2RP: robots.txt, listing, pages, politely.

Only the addresses and the texts of a few pages are known (third-party: SOURCES 7 and 9.8). Not known: markup
of the listing, paging, robots.txt, licence. Inferred: any link ``/dispositifs/<slug>`` of the listing is a
dispositif, and its next pages are links to itself with ``?page=``. The texts bear no licence: keep titles,
labels and links, and do not serve the bodies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.robotparser import RobotFileParser

from qpv_emploi.acquisition.acces import AccesRefuse
from qpv_emploi.acquisition.c2rp_fiche import Fiche, read_fiche
from qpv_emploi.acquisition.cadence import Cadence
from qpv_emploi.acquisition.http import Fetched, HttpClient, Validators
from qpv_emploi.acquisition.lignes_csv import WrittenCsv, write_csv
from qpv_emploi.acquisition.pages import decode_page, links

AGENT = "qpv-emploi"
# Nobody waits for these pages: one every five seconds is slower than a reader.
POLITE_DELAY_S = 5.0
MAX_DELAY_S = 120.0
MAX_LISTING_PAGES = 100

_SLUG = re.compile(r"/dispositifs/([a-z0-9][a-z0-9_.%-]*)", re.IGNORECASE)


@dataclass(frozen=True)
class PageFetched:
    """The fetch of one dispositif: slug, address asked for, outcome."""

    slug: str
    url: str
    reception: Fetched


def slug_of(url: str) -> str:
    """Slug of the address of a dispositif; empty for any other page.

    One slug has several addresses: two hosts (``c2rp.fr``, ``www.c2rp.fr``), http or https, with or without a
    trailing slash, a query or a fragment.
    """
    parties = urlsplit(url)
    if not parties.hostname:
        return ""
    trouve = _SLUG.fullmatch(re.sub(r"/+", "/", parties.path).rstrip("/"))
    return trouve.group(1).lower() if trouve else ""


def slugs(html: str, url: str) -> tuple[str, ...]:
    """Dispositifs a page links to, each once, in order; links to other sites are left out."""
    site = _site(url)
    trouves = (slug_of(lien.url) for lien in links(html, url) if _site(lien.url) == site)
    return tuple(dict.fromkeys(slug for slug in trouves if slug))


class C2rp:
    """The site, at the pace it accepts. The rules of robots.txt are read once, before anything else.

    Args:
        client: its allowed hosts must hold both spellings of the host if the site redirects.
        base: address of the site, for instance ``https://www.c2rp.fr``.

    Raises:
        AccesRefuse: robots.txt is forbidden (401, 403): the whole site is.
        AccesImpossible: robots.txt does not answer: the site is left alone.
    """

    def __init__(self, client: HttpClient, base: str) -> None:
        self._client = client
        self._base = base.rstrip("/")
        self._hote = urlsplit(base).hostname or ""
        client.pace(self._hote, Cadence(delai_s=POLITE_DELAY_S))
        self._regles = self._read_rules()
        client.pace(self._hote, self._asked_pace())

    def listing(self, chemin: str = "/dispositifs") -> tuple[str, ...]:
        """Slugs of all the dispositifs, in the order of the listing.

        Raises:
            AccesRefuse: robots.txt forbids the page, or no dispositif is found there.
            AccesImpossible: the site does not answer.
        """
        a_lire, lues = [f"{self._base}{chemin}"], set[str]()
        trouves: dict[str, None] = {}
        while a_lire and len(lues) < MAX_LISTING_PAGES:
            url = a_lire.pop(0)
            lues.add(url)
            self._check(url)
            page = self._client.read(url)
            html = decode_page(page.contenu, page.content_type)
            trouves.update(dict.fromkeys(slugs(html, url)))
            a_lire += [u for u in self._next_pages(html, url) if u not in lues and u not in a_lire]
        if not trouves:
            raise AccesRefuse(
                f"{self._base}{chemin}",
                "aucun lien /dispositifs/<nom> dans la page",
                action="ouvrir la page dans un navigateur ; si elle a changé de forme, ranger les pages à la "
                "main dans le dépôt",
            )
        return tuple(trouves)

    def fetch(
        self,
        liste: Iterable[str],
        dossier: Path,
        *,
        connus: Mapping[str, Validators] | None = None,
    ) -> Iterator[PageFetched]:
        """Fetch pages as ``<dossier>/<slug>.html``, by conditional requests; lazily, one at a time.

        Args:
            liste: slugs.
            dossier: folder of the vintage.
            connus: validators of the pages held, by slug.

        Raises:
            AccesRefuse: robots.txt forbids a page, a page is refused or gone.
            AccesImpossible: the site does not answer.
        """
        for slug in liste:
            url = f"{self._base}/dispositifs/{slug}"
            self._check(url)
            reception = self._client.fetch(
                url, dossier / f"{slug}.html", validateurs=(connus or {}).get(slug), page_attendue=True
            )
            yield PageFetched(slug, url, reception)

    def _read_rules(self) -> RobotFileParser:
        regles = RobotFileParser()
        url = f"{self._base}/robots.txt"
        try:
            page = self._client.read(url)
        except AccesRefuse as erreur:
            if erreur.statut_http not in (404, 410):
                raise AccesRefuse(
                    url,
                    f"robots.txt n'est pas accessible ({erreur.statut_http or erreur.raison}) : le site est "
                    f"tenu pour fermé aux programmes",
                    action="ranger les pages à la main dans le dépôt",
                    tentatives=erreur.tentatives,
                    statut_http=erreur.statut_http,
                ) from None
            # No file, no rule (RFC 9309, 2.3.1.3).
            regles.parse([])
            return regles
        regles.parse(page.contenu.decode("utf-8-sig", "replace").splitlines())
        return regles

    def _asked_pace(self) -> Cadence:
        delai = self._regles.crawl_delay(AGENT)
        debit = self._regles.request_rate(AGENT)
        par_debit = debit.seconds / debit.requests if debit and debit.requests else 0.0
        demande = max(float(delai or 0), par_debit)
        return Cadence(delai_s=min(MAX_DELAY_S, max(POLITE_DELAY_S, demande)))

    def _check(self, url: str) -> None:
        if not self._regles.can_fetch(AGENT, url):
            raise AccesRefuse(
                url,
                "robots.txt interdit cette page aux programmes",
                action="ranger la page à la main dans le dépôt",
            )

    def _next_pages(self, html: str, url: str) -> list[str]:
        chemin = urlsplit(url).path.rstrip("/")
        suites = []
        for lien in links(html, url):
            parties = urlsplit(lien.url)
            numeros = parse_qs(parties.query).get("page", [""])
            if (
                _site(lien.url) == _site(url)
                and parties.path.rstrip("/") == chemin
                and re.fullmatch(r"\d{1,4}", numeros[0])
            ):
                suites.append(f"{self._base}{chemin}?page={numeros[0]}")
        return list(dict.fromkeys(suites))


def fiches_csv(fiches: Iterable[tuple[str, str, Fiche]], destination: Path) -> WrittenCsv:
    """Records as a CSV: lists joined by `` | ``, ``sections`` as a JSON list of pairs.

    Args:
        fiches: triples (slug, url, record).
    """
    return write_csv((_csv_row(*fiche) for fiche in fiches), destination)


def read_page(chemin: Path, content_type: str = "") -> Fiche:
    """The record of a page kept on disk."""
    return read_fiche(decode_page(chemin.read_bytes(), content_type))


def _csv_row(slug: str, url: str, fiche: Fiche) -> dict[str, str]:
    return {
        "slug": slug,
        "url": url,
        "titre": fiche.titre,
        "themes": " | ".join(fiche.themes),
        "publics": " | ".join(fiche.publics),
        "date_mise_a_jour": fiche.date_mise_a_jour,
        "date_parution": fiche.date_parution,
        "mots_cles": " | ".join(fiche.mots_cles),
        "sections": json.dumps(fiche.sections, ensure_ascii=False),
        "avertissements": " ; ".join(fiche.avertissements),
    }


def _site(url: str) -> str:
    """Host and port of an address, both spellings of a host being one."""
    return urlsplit(url).netloc.lower().removeprefix("www.")
