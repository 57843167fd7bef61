"""The only way out to the network: one careful GET.

Addresses outside the allow-list are refused, on the first request and on every redirect. Failures that may
pass are tried again by the loop below rather than by urllib3's ``Retry`` (mounted with no retry): ``Retry``
sees neither a body cut short while it streams nor a total deadline, and reads the clock by itself.
"""

from __future__ import annotations

import io
import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

import requests
import urllib3

from qpv_emploi.acquisition.acces import (
    MAX_BODY,
    AccesImpossible,
    AccesRefuse,
    mask,
    secrets_of,
)
from qpv_emploi.acquisition.adresse import BadAddress, allowed_host, is_host_name, shown
from qpv_emploi.acquisition.attente import backoff, quota_reset, retry_after
from qpv_emploi.acquisition.cadence import Cadence, Pacer
from qpv_emploi.acquisition.corps import BLOCK_BYTES, DamagedBody, Gunzip, OversizedBody, Plain, Sink
from qpv_emploi.acquisition.echange import Fetched, Limits, Page, Statut, Validators
from qpv_emploi.acquisition.nature import sniff, sniff_bytes
from qpv_emploi.acquisition.session import open_session
from qpv_emploi.conservation.fichiers import flush_to_disk, sync_folder, temporary_file
from qpv_emploi.conservation.horloge import now_utc
from qpv_emploi.errors import SettingsError

__all__ = ["Fetched", "HttpClient", "Limits", "Page", "Validators"]

RETRIED = frozenset({429, 500, 502, 503, 504})
# Replies that may announce when to come back by an exhausted quota.
PASSING = frozenset({429, 503})
# Natures of a body worth quoting in a message.
TEXTS = frozenset({"geojson", "csv"})
DEPOT_ADVICE = "ouvrir l'adresse dans un navigateur, puis ranger le fichier à la main dans le dépôt"

_LOGGER = logging.getLogger(__name__)


@dataclass
class _Host:
    """One connection at a time, at its pace, unless its quota is spent."""

    verrou: threading.Lock = field(default_factory=threading.Lock)
    rythme: Pacer = field(default_factory=Pacer)
    cadence: Cadence = field(default_factory=Cadence)
    ferme_jusqu_a: datetime | None = None


@dataclass(frozen=True)
class _Answer:
    reponse: requests.Response
    url: str


class _Passing(Exception):
    """A failure that another try may mend."""

    def __init__(
        self, raison: str, *, demande_s: float | None = None, statut_http: int | None = None, corps: str = ""
    ) -> None:
        super().__init__(raison)
        self.raison = raison
        self.demande_s = demande_s
        self.statut_http = statut_http
        self.corps = corps


@dataclass
class _Request:
    """One call of the client, with what all its tries share."""

    url: str
    en_tetes: Mapping[str, str]
    validateurs: Validators
    puits: Sink
    echeance: float
    secrets: frozenset[str]
    vide_admis: bool = False
    tentatives: int = 0

    def refused(
        self, raison: str, action: str, *, statut_http: int | None = None, corps: str = ""
    ) -> AccesRefuse:
        return AccesRefuse(
            self.url,
            raison,
            action=action,
            tentatives=self.tentatives,
            statut_http=statut_http,
            corps=corps,
            secrets=self.secrets,
        )

    def impossible(
        self, raison: str, action: str, *, statut_http: int | None = None, corps: str = ""
    ) -> AccesImpossible:
        return AccesImpossible(
            self.url,
            raison,
            action=action,
            tentatives=self.tentatives,
            statut_http=statut_http,
            corps=corps,
            secrets=self.secrets,
        )


class HttpClient:
    """GET over HTTPS, to known hosts only. One instance per task; close it, or use ``with``.

    The pace and the single connection per host hold for one instance: several processes that call one
    service share its quota through an Airflow pool.

    Args:
        hotes: exact names of the hosts that may be asked, redirects included.
        limites: bounds of each request.
        cadences: pace per host, for instance ``{"api.insee.fr": Cadence(30, 60)}``.
        contact: address or page a webmaster may write to, added to the User-Agent.
        autoriser_http_local: accept plain HTTP and any port, for 127.0.0.1 and localhost only (tests). The
            proxies of the environment are then ignored.
        horloge, instant, dormir, alea: monotonic seconds, aware moment, sleep, draw in [0, 1[.

    Raises:
        SettingsError: the list of hosts is empty or holds something else than names.
    """

    def __init__(
        self,
        hotes: Collection[str],
        *,
        limites: Limits | None = None,
        cadences: Mapping[str, Cadence] | None = None,
        contact: str = "",
        autoriser_http_local: bool = False,
        horloge: Callable[[], float] = time.monotonic,
        instant: Callable[[], datetime] = now_utc,
        dormir: Callable[[float], None] = time.sleep,
        alea: Callable[[], float] = random.random,
    ) -> None:
        self.hotes = frozenset(hote.lower() for hote in hotes)
        mauvais = sorted(hote for hote in self.hotes if not is_host_name(hote))
        if mauvais or not self.hotes or isinstance(hotes, str):
            raise SettingsError(
                f"liste des hôtes autorisés incorrecte ({', '.join(mauvais) or 'vide ou texte seul'}) ; "
                "attendu : des noms d'hôtes seuls, par exemple www.insee.fr ; "
                "à faire : corriger le catalogue"
            )
        self.limites = limites or Limits()
        self._http_local = autoriser_http_local
        self._horloge = horloge
        self._instant = instant
        self._dormir = dormir
        self._alea = alea
        self._etats: dict[str, _Host] = {}
        self._verrou = threading.Lock()
        for hote, cadence in (cadences or {}).items():
            self.pace(hote, cadence)
        self._session = open_session(contact, trust_env=not autoriser_http_local)

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def pace(self, hote: str, cadence: Cadence) -> None:
        """Slow the requests to a host down to a pace; a stricter pace set before stays."""
        etat = self._host(hote)
        etat.cadence = etat.cadence.slowest(cadence)

    def fetch(
        self,
        url: str,
        destination: Path,
        *,
        validateurs: Validators | None = None,
        en_tetes: Mapping[str, str] | None = None,
        octets_max: int | None = None,
        page_attendue: bool = False,
        verifier: Callable[[Path], None] | None = None,
    ) -> Fetched:
        """Fetch a file. The destination changes only if everything went well, and at once.

        Args:
            url: address, of an allowed host.
            destination: path of the file; its folder is made if need be.
            validateurs: those of the version we hold, for a conditional request.
            en_tetes: headers to add; their values are secret, and not sent past a redirect to another host.
            octets_max: ceiling in bytes, instead of ``limites.octets``.
            page_attendue: accept a page (HTML or XML); otherwise it is an error served in place of the file.
            verifier: called with the temporary file before it takes its place; it refuses by raising.

        Raises:
            AccesRefuse: the host, the redirect, the status, the size or the nature is refused.
            AccesImpossible: no whole reply within the tries and the deadline, or the disk refuses it.
        """
        try:
            with temporary_file(destination.parent) as (flux, provisoire):
                puits = Sink(flux, octets_max or self.limites.octets)
                demande = self._request(url, en_tetes, validateurs, puits)
                reponse = self._obtain(demande)
                if reponse.reponse.status_code == 304:
                    return _fetched("non_modifie", None, demande, reponse)
                flush_to_disk(flux)
                if not page_attendue and sniff(provisoire) == "html":
                    raise demande.refused(
                        "le site a servi une page HTML ou XML (connexion, erreur, contrôle anti-robot) à la "
                        "place du fichier",
                        DEPOT_ADVICE,
                        statut_http=200,
                    )
                if verifier is not None:
                    verifier(provisoire)
                provisoire.replace(destination)
            sync_folder(destination.parent)
        except OSError as erreur:
            raise AccesImpossible(
                url,
                f"le fichier reçu ne s'écrit pas dans {destination.parent} ({erreur.strerror or erreur})",
                action="vérifier la place libre et les droits de ce dossier",
            ) from erreur
        return _fetched("nouveau", destination, demande, reponse)

    def read(
        self,
        url: str,
        *,
        validateurs: Validators | None = None,
        en_tetes: Mapping[str, str] | None = None,
        octets_max: int | None = None,
    ) -> Page:
        """Read a page or the reply of an API in memory (``limites.octets_page`` at most).

        Raises:
            AccesRefuse, AccesImpossible: as ``fetch``.
        """
        flux = io.BytesIO()
        puits = Sink(flux, octets_max or self.limites.octets_page)
        demande = self._request(url, en_tetes, validateurs, puits, vide_admis=True)
        reponse = self._obtain(demande)
        inchange = reponse.reponse.status_code == 304
        en_tetes_recus = reponse.reponse.headers
        return Page(
            statut="non_modifie" if inchange else "nouveau",
            contenu=flux.getvalue(),
            etag=en_tetes_recus.get("ETag", ""),
            last_modified=en_tetes_recus.get("Last-Modified", ""),
            url_finale=mask(reponse.url, demande.secrets | secrets_of(reponse.url)),
            content_type=en_tetes_recus.get("Content-Type", ""),
            tentatives=demande.tentatives,
        )

    # One request -------------------------------------------------------------------------------------------

    def _request(
        self,
        url: str,
        en_tetes: Mapping[str, str] | None,
        validateurs: Validators | None,
        puits: Sink,
        *,
        vide_admis: bool = False,
    ) -> _Request:
        return _Request(
            url=url,
            en_tetes=en_tetes or {},
            validateurs=validateurs or Validators(),
            puits=puits,
            echeance=self._horloge() + self.limites.total_s,
            secrets=secrets_of(url, en_tetes),
            vide_admis=vide_admis,
        )

    def _obtain(self, demande: _Request) -> _Answer:
        """Try until a reply is whole; the body is then in the sink."""
        while True:
            demande.tentatives += 1
            try:
                return self._try(demande)
            except _Passing as passager:
                # The clause deletes its name; nothing of the cause is chained, it may hold a secret.
                echec = passager
            self._wait_again(demande, echec)

    def _wait_again(self, demande: _Request, echec: _Passing) -> None:
        if demande.tentatives >= self.limites.tentatives:
            raise demande.impossible(
                echec.raison,
                "attendre et relancer ; si cela dure, vérifier l'adresse et l'état du service, ou passer par "
                "le dépôt",
                statut_http=echec.statut_http,
                corps=echec.corps,
            )
        attente = backoff(
            demande.tentatives,
            self._alea(),
            base_s=self.limites.attente_base_s,
            max_s=self.limites.attente_max_s,
        )
        if echec.demande_s is not None:
            attente = min(max(attente, echec.demande_s), self.limites.attente_max_s)
        _LOGGER.info(
            "%s : %s ; nouvelle tentative dans %.1f s",
            mask(demande.url, demande.secrets),
            mask(echec.raison, demande.secrets),
            attente,
        )
        self._sleep(attente, demande, echec.raison)

    def _sleep(self, attente: float, demande: _Request, raison: str) -> None:
        if self._horloge() + attente > demande.echeance:
            raise demande.impossible(
                f"{raison} ; il faudrait encore attendre {attente:.0f} s, au-delà du délai total de "
                f"{self.limites.total_s:.0f} s",
                "relancer plus tard",
            )
        self._dormir(attente)

    def _try(self, demande: _Request) -> _Answer:
        """One try, its redirects followed."""
        url, hote = demande.url, self._check_url(demande.url, demande)
        en_tetes = dict(demande.en_tetes)
        for _ in range(self.limites.redirections + 1):
            with self._turn(hote, demande):
                reponse = self._send(url, {**demande.validateurs.headers(), **en_tetes}, demande)
                try:
                    cible = self._session.get_redirect_target(reponse)
                    if cible is None:
                        self._note_quota(hote, reponse)
                        self._check_status(reponse, demande)
                        self._receive(reponse, demande)
                        return _Answer(reponse, url)
                finally:
                    reponse.close()
            url = urljoin(url, cible)
            suivant = self._check_url(url, demande)
            if suivant != hote:
                # A key given for one host is not given to another.
                en_tetes = {}
            hote = suivant
        raise demande.refused(
            f"plus de {self.limites.redirections} redirections, la dernière vers {shown(url)}",
            "vérifier l'adresse dans le catalogue",
        )

    def _send(self, url: str, en_tetes: Mapping[str, str], demande: _Request) -> requests.Response:
        reste = max(0.001, demande.echeance - self._horloge())
        delais = (min(self.limites.connexion_s, reste), min(self.limites.lecture_s, reste))
        try:
            return self._session.get(
                url, headers=en_tetes, stream=True, timeout=delais, allow_redirects=False
            )
        except requests.exceptions.SSLError as erreur:
            if "CERTIFICATE_VERIFY_FAILED" in str(erreur):
                raise demande.refused(
                    "le certificat du site n'est pas reconnu",
                    "vérifier l'adresse et l'heure de la machine ; derrière un mandataire d'entreprise, "
                    "donner son certificat par REQUESTS_CA_BUNDLE",
                ) from None
            raise _Passing(f"connexion chiffrée interrompue ({type(erreur).__name__})") from None
        except requests.exceptions.ConnectTimeout:
            raise _Passing(f"pas de connexion en {delais[0]:g} s") from None
        except requests.exceptions.Timeout:
            raise _Passing(f"pas de réponse en {delais[1]:g} s") from None
        except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError) as erreur:
            raise _Passing(f"connexion impossible ou rompue ({_cause(erreur)})") from None
        except (requests.exceptions.RequestException, UnicodeError) as erreur:
            raise demande.refused(
                f"requête impossible ({type(erreur).__name__})", "vérifier l'adresse dans le catalogue"
            ) from None

    def _check_status(self, reponse: requests.Response, demande: _Request) -> None:
        statut = reponse.status_code
        if statut == 200 or (statut == 304 and demande.validateurs.headers()):
            return
        corps = self._start_of_body(reponse, demande)
        detail = f"le site a répondu {statut}" + (f" {reponse.reason}" if reponse.reason else "")
        if corps:
            detail += f" : « {' '.join(corps.split())[:200]} »"
        if statut in RETRIED:
            demande_s = retry_after(reponse.headers.get("Retry-After"), self._instant())
            if demande_s is None and statut in PASSING:
                demande_s = quota_reset(reponse.headers, self._instant())
            raise _Passing(detail, demande_s=demande_s, statut_http=statut, corps=corps)
        raise demande.refused(detail, _advice(statut), statut_http=statut, corps=corps)

    def _start_of_body(self, reponse: requests.Response, demande: _Request) -> str:
        """Text of an error, when it is text and not a page; what could not be read is left out."""
        gzip = "gzip" in reponse.headers.get("Content-Encoding", "").lower()
        decodeur: Gunzip | Plain = Gunzip() if gzip else Plain()
        octets = b""
        try:
            for bloc in self._blocks(reponse, demande):
                octets += b"".join(decodeur.feed(bloc))
                if len(octets) >= MAX_BODY:
                    break
        except (_Passing, DamagedBody):
            pass
        return octets[:MAX_BODY].decode("utf-8", "replace") if sniff_bytes(octets) in TEXTS else ""

    def _receive(self, reponse: requests.Response, demande: _Request) -> None:
        puits = demande.puits
        puits.reset()
        if reponse.status_code == 304:
            return
        encodage = reponse.headers.get("Content-Encoding", "").strip().lower()
        if encodage not in ("", "identity", "gzip", "x-gzip"):
            raise demande.refused(
                f"le corps est encodé en « {encodage} », que nous n'avons pas demandé", DEPOT_ADVICE
            )
        decodeur = Gunzip() if "gzip" in encodage else Plain()
        annonce = _announced(reponse)
        try:
            if annonce is not None and annonce > puits.plafond:
                raise OversizedBody
            recus = 0
            for bloc in self._blocks(reponse, demande):
                recus += len(bloc)
                if recus > puits.plafond:
                    raise OversizedBody
                for morceau in decodeur.feed(bloc):
                    puits.write(morceau)
            decodeur.finish()
        except OversizedBody:
            raise demande.refused(
                f"le corps dépasse le plafond de {puits.plafond} octets",
                "vérifier que l'adresse est celle du bon fichier ; sinon relever le plafond",
            ) from None
        except DamagedBody as erreur:
            raise _Passing(str(erreur)) from None
        if not puits.octets and not demande.vide_admis:
            raise _Passing("corps vide")

    def _blocks(self, reponse: requests.Response, demande: _Request) -> Iterator[bytes]:
        while True:
            if self._horloge() > demande.echeance:
                raise demande.impossible(
                    f"le corps n'est pas arrivé en entier en {self.limites.total_s:.0f} s (délai total)",
                    "relancer ; si le service est toujours lent, relever le délai total",
                )
            try:
                # read1 gives what has arrived: read would block on a server that drips bytes.
                bloc: bytes = reponse.raw.read1(BLOCK_BYTES, decode_content=False)
            except urllib3.exceptions.ReadTimeoutError:
                raise _Passing("corps interrompu : plus rien n'arrive") from None
            except (urllib3.exceptions.HTTPError, ValueError) as erreur:
                raise _Passing(_cut(erreur)) from None
            if not bloc:
                return
            yield bloc

    # Hosts -------------------------------------------------------------------------------------------------

    def _check_url(self, url: str, demande: _Request) -> str:
        try:
            return allowed_host(url, self.hotes, http_local=self._http_local)
        except BadAddress as erreur:
            vers = "" if url == demande.url else f" (redirection vers {shown(url)})"
            raise demande.refused(f"{erreur}{vers}", erreur.action) from None

    def _host(self, hote: str) -> _Host:
        with self._verrou:
            return self._etats.setdefault(hote.lower(), _Host())

    @contextmanager
    def _turn(self, hote: str, demande: _Request) -> Iterator[None]:
        """The right to ask a host: one request at a time, its body included, at its pace."""
        etat = self._host(hote)
        if not etat.verrou.acquire(timeout=max(0.0, demande.echeance - self._horloge())):
            raise demande.impossible(
                f"une autre requête occupe l'hôte {hote} depuis {self.limites.total_s:.0f} s",
                "relancer quand l'autre téléchargement est fini",
            )
        try:
            self._wait_quota(hote, etat, demande)
            attente = etat.rythme.wait_s(etat.cadence, self._horloge())
            if attente > 0:
                self._sleep(attente, demande, f"rythme imposé par l'hôte {hote}")
            etat.rythme.started(etat.cadence, self._horloge())
            yield
        finally:
            etat.verrou.release()

    def _note_quota(self, hote: str, reponse: requests.Response) -> None:
        attente = quota_reset(reponse.headers, self._instant())
        self._host(hote).ferme_jusqu_a = (
            None if attente is None else self._instant() + timedelta(seconds=min(attente, 1e9))
        )

    def _wait_quota(self, hote: str, etat: _Host, demande: _Request) -> None:
        if etat.ferme_jusqu_a is None:
            return
        attente = (etat.ferme_jusqu_a - self._instant()).total_seconds()
        if attente > self.limites.attente_max_s:
            raise demande.impossible(
                f"le quota de requêtes de {hote} est épuisé jusqu'au {etat.ferme_jusqu_a:%Y-%m-%d %H:%M} UTC",
                "relancer après cette heure, ou donner une clé d'API",
            )
        if attente > 0:
            self._sleep(attente, demande, f"quota de {hote} épuisé")


def _fetched(statut: Statut, chemin: Path | None, demande: _Request, reponse: _Answer) -> Fetched:
    en_tetes = reponse.reponse.headers
    return Fetched(
        statut=statut,
        chemin=chemin,
        octets=demande.puits.octets,
        empreinte_sha256=demande.puits.empreinte_sha256 if chemin else "",
        etag=en_tetes.get("ETag", ""),
        last_modified=en_tetes.get("Last-Modified", ""),
        url_finale=mask(reponse.url, demande.secrets | secrets_of(reponse.url)),
        content_type=en_tetes.get("Content-Type", ""),
        tentatives=demande.tentatives,
    )


def _announced(reponse: requests.Response) -> int | None:
    """Bytes announced on the wire; nothing is announced when the body comes in chunks."""
    if "chunked" in reponse.headers.get("Transfer-Encoding", "").lower():
        return None
    longueur = reponse.headers.get("Content-Length", "").strip()
    return int(longueur) if longueur.isascii() and longueur.isdigit() else None


def _cut(erreur: Exception) -> str:
    """What is missing of a body; urllib3 compares it with ``Content-Length``."""
    cause = erreur.args[-1] if erreur.args else None
    if isinstance(cause, urllib3.exceptions.IncompleteRead) and cause.expected is not None:
        return f"corps tronqué : {cause.partial} octets reçus, {cause.expected} manquent"
    return f"corps tronqué ou mal découpé ({type(erreur).__name__})"


def _advice(statut: int) -> str:
    if statut in (401, 403):
        return f"vérifier le droit d'accès (clé, contrôle anti-robot) ; sinon {DEPOT_ADVICE}"
    if statut in (404, 410):
        return "le fichier a été déplacé ou supprimé : retrouver son adresse chez le producteur"
    return "vérifier l'adresse et les paramètres dans le catalogue"


def _cause(erreur: BaseException) -> str:
    """The innermost reason, by its type alone: the messages of requests hold the whole address."""
    while erreur.args and isinstance(erreur.args[0], BaseException):
        erreur = erreur.args[0]
    interne = getattr(erreur, "reason", None)
    return type(interne if isinstance(interne, BaseException) else erreur).__name__
