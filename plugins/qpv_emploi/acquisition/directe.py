"""Reception of a dataset from its producer, into a folder laid out like the dépôt.

A vintage is received whole or not at all: its files are gathered aside, then its folder takes the place of
the former one. Whatever happens to one vintage, the others go on, and each leaves an outcome.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from qpv_emploi.acquisition.acces import AccesImpossible, AccesRefuse, ErreurAcces
from qpv_emploi.acquisition.cadence import Cadence
from qpv_emploi.acquisition.connecteurs import Context, Remote, remotes
from qpv_emploi.acquisition.depot import FICTIONAL_MARKER
from qpv_emploi.acquisition.echange import Fetched
from qpv_emploi.acquisition.http import HttpClient
from qpv_emploi.acquisition.pages_c2rp import changed_pages
from qpv_emploi.acquisition.reception import reception_path
from qpv_emploi.catalogue import Catalogue, Dataset
from qpv_emploi.catalogue.acces import C2rpAccess, DepositAccess, LiveAccess
from qpv_emploi.conservation import (
    ConservationError,
    Issue,
    Manifest,
    Outcome,
    ReceivedFile,
    Receptions,
    iso_utc,
)
from qpv_emploi.conservation.empreinte import file_digest
from qpv_emploi.conservation.fichiers import exclusive, install_folder
from qpv_emploi.errors import QPVError, SettingsError
from qpv_emploi.settings import Settings

# Another reception of the same dataset may last for minutes: better to say so than to wait.
LOCK_WAIT_S = 2.0


class Clients:
    """One client per set of hosts, so that the datasets of one site share its pace. Close it, or ``with``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clients: dict[frozenset[str], HttpClient] = {}

    def __enter__(self) -> Clients:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()

    def of(self, acces: LiveAccess) -> HttpClient:
        """The client that may ask the hosts of an access, and no other."""
        hotes = acces.hotes_admis
        if hotes not in self._clients:
            self._clients[hotes] = HttpClient(
                hotes,
                contact=self._settings.contact,
                autoriser_http_local=self._settings.autoriser_http_local,
            )
        for hote in hotes:
            self._clients[hotes].pace(hote, Cadence(delai_s=acces.delai_s))
        return self._clients[hotes]


def is_for_real_data(settings: Settings) -> bool:
    """Whether this installation may receive from producers: it holds and reads nothing fictional."""
    return not (
        settings.is_fictional
        or (settings.depot / FICTIONAL_MARKER).is_file()
        or any(reception.est_fictif for reception in Manifest(settings.paths).receptions())
    )


def fetch_dataset(
    settings: Settings, catalogue: Catalogue, producteur: str, jeu: str, clients: Clients, *, now: datetime
) -> Iterator[Outcome]:
    """Ask the producer for a dataset, lazily, vintage after vintage.

    Args:
        clients: those of the run, shared by its datasets.
        now: moment of the reception; its day (UTC) is the vintage of pages.

    Yields:
        One outcome per vintage met (``etape`` is ``reception``), not yet written in the ledger. ``nouveau``:
        the first files of the vintage; ``revise``: other bytes; ``inchange``: the producer says so, or the
        same bytes came; ``refuse``: a definitive no; ``absent``: the producer does not answer for now. The
        vintage is empty when the failure concerns the whole dataset. Nothing for a dataset that only comes
        by hand.
    """
    declare = catalogue.dataset(producteur, jeu)
    if isinstance(declare.acces, DepositAccess):
        return
    reception = _Reception(settings, producteur, declare, now)
    try:
        with exclusive(reception.dossier, LOCK_WAIT_S), _workshop(reception.dossier) as atelier:
            client = clients.of(declare.acces)
            if isinstance(declare.acces, C2rpAccess):
                yield from _fetch_pages(reception, declare.acces, client, atelier)
                return
            liste = remotes(Context(client, settings.region, atelier), declare.acces)
            if not liste:
                raise AccesRefuse(
                    declare.acces.adresse_de_base,
                    "aucun fichier d'un millésime à demander",
                    action="revoir dans le catalogue où le millésime est lu, et depuis lequel on demande",
                )
            for millesime, fichiers in _by_vintage(liste):
                yield reception.fetch_vintage(millesime, fichiers, atelier)
    except QPVError as erreur:
        yield reception.failed("", erreur)


def _by_vintage(liste: Sequence[Remote]) -> list[tuple[str, list[Remote]]]:
    groupes: dict[str, list[Remote]] = defaultdict(list)
    for distant in liste:
        groupes[distant.millesime].append(distant)
    return sorted(groupes.items())


@contextmanager
def _workshop(dossier: Path) -> Iterator[Path]:
    """A hidden folder beside those of the vintages: a rename from there stays on one file system."""
    dossier.mkdir(parents=True, exist_ok=True)
    # The lock is held: what an interrupted reception left here is nobody's.
    for reste in dossier.glob(".atelier-*"):
        shutil.rmtree(reste, ignore_errors=True)
    atelier = Path(tempfile.mkdtemp(prefix=".atelier-", dir=dossier))
    try:
        yield atelier
    finally:
        shutil.rmtree(atelier, ignore_errors=True)


@dataclass(frozen=True)
class _Reception:
    """The reception of one dataset."""

    settings: Settings
    producteur: str
    declare: Dataset
    now: datetime

    @property
    def jeu(self) -> str:
        return self.declare.jeu

    @property
    def dossier(self) -> Path:
        return self.settings.paths.recu / self.producteur / self.jeu

    def fetch_vintage(self, millesime: str, distants: Sequence[Remote], atelier: Path) -> Outcome:
        """Receive a vintage: all its mandatory files, or nothing."""
        prepare = atelier / "millesime"
        shutil.rmtree(prepare, ignore_errors=True)
        try:
            self._check_vintage(millesime, distants)
            prepare.mkdir()
            recus, notes = self._gather(millesime, distants, prepare)
        except QPVError as erreur:
            return self.failed(millesime, erreur)
        return self.keep(millesime, prepare, recus, notes)

    def _check_vintage(self, millesime: str, distants: Sequence[Remote]) -> None:
        if not re.fullmatch(self.declare.millesime.motif, millesime):
            raise SettingsError(
                f"{self.producteur}/{self.jeu} : « {millesime} », lu chez le producteur, n'est pas un "
                f"millésime de ce jeu ; attendu : la forme {self.declare.millesime.motif} ; à faire : revoir "
                "dans le catalogue où le millésime est lu"
            )
        par_place: dict[int, list[Remote]] = defaultdict(list)
        for distant in distants:
            par_place[distant.place].append(distant)
        for memes in par_place.values():
            if len(memes) > 1:
                raise AccesRefuse(
                    memes[0].demande,
                    f"{len(memes)} fichiers du millésime {millesime} pour une même place : "
                    + ", ".join(distant.fichier for distant in memes),
                    action="préciser dans le catalogue lequel prendre",
                )

    def _gather(
        self, millesime: str, distants: Sequence[Remote], prepare: Path
    ) -> tuple[list[ReceivedFile], list[str]]:
        """The files of a vintage in a folder, new or held, and what must be said of the optional ones."""
        receptions = Receptions(self.settings.paths)
        connus = receptions.of(self.producteur, self.jeu)
        recus: list[ReceivedFile] = []
        notes: list[str] = []
        for distant in distants:
            connu = connus.get((millesime, distant.fichier))
            try:
                recu = self._take(distant, connu, prepare)
            except ErreurAcces as erreur:
                if distant.obligatoire:
                    raise
                notes.append(f"un fichier facultatif n'est pas reçu ({erreur.line()})")
                if connu is None:
                    continue
                recu = connu
            if not (prepare / recu.fichier).exists():
                _share(receptions.path(recu), prepare / recu.fichier)
            recus.append(recu)
        return recus, notes

    def _take(self, distant: Remote, connu: ReceivedFile | None, prepare: Path) -> ReceivedFile:
        if distant.fichier:
            # Judged before anything is asked for.
            reception_path(
                self.settings.paths.recu, self.producteur, self.jeu, distant.millesime, distant.fichier
            )
        if connu is not None and connu.demande != distant.demande:
            connu = None
        obtenu = distant.prendre(prepare / distant.fichier, connu)
        if connu is not None and obtenu.statut == "non_modifie":
            return replace(
                connu,
                etag=obtenu.etag or connu.etag,
                last_modified=obtenu.last_modified or connu.last_modified,
                marque=distant.marque,
            )
        return self.received(distant.millesime, distant.fichier, distant.demande, distant.marque, obtenu)

    def received(
        self, millesime: str, fichier: str, demande: str, marque: str, obtenu: Fetched
    ) -> ReceivedFile:
        """What is to be remembered of a file that came; its date becomes that of the producer."""
        if obtenu.chemin is not None and obtenu.last_modified:
            with suppress(ValueError):
                moment = parsedate_to_datetime(obtenu.last_modified).timestamp()
                os.utime(obtenu.chemin, (moment, moment))
        return ReceivedFile(
            producteur=self.producteur,
            jeu=self.jeu,
            millesime=millesime,
            fichier=fichier,
            empreinte_sha256=obtenu.empreinte_sha256,
            octets=obtenu.octets,
            demande=demande,
            url=obtenu.url_finale,
            etag=obtenu.etag,
            last_modified=obtenu.last_modified,
            marque=marque,
            recu_le=iso_utc(self.now),
        )

    def keep(
        self, millesime: str, prepare: Path, recus: Sequence[ReceivedFile], notes: Sequence[str]
    ) -> Outcome:
        """Put a gathered vintage in its place, unless it holds the same bytes already."""
        cible = self.dossier / millesime
        avant = {chemin.name: file_digest(chemin) for chemin in cible.glob("*")} if cible.is_dir() else {}
        apres = {recu.fichier: recu.empreinte_sha256 for recu in recus}
        issue = Issue.INCHANGE if avant == apres else Issue.REVISE if avant else Issue.NOUVEAU
        if issue is not Issue.INCHANGE:
            install_folder(prepare, cible)
        Receptions(self.settings.paths).record(self.producteur, self.jeu, millesime, recus)
        sources = recus[0].url + (f" et {len(recus) - 1} autre(s) adresse(s)" if len(recus) > 1 else "")
        debut = {
            Issue.NOUVEAU: f"reçu de {sources}",
            Issue.REVISE: f"d'autres octets que ceux déjà reçus, de {sources}",
            Issue.INCHANGE: "rien de nouveau chez le producteur",
        }[issue]
        return self.outcome(millesime, issue, " ; ".join((debut, *notes, *self._in_depot(millesime))), recus)

    def _in_depot(self, millesime: str) -> list[str]:
        deposited = self.settings.depot / self.producteur / self.jeu / millesime
        return ["le dépôt tient ce millésime : c'est lui qui est lu"] if deposited.is_dir() else []

    def failed(self, millesime: str, erreur: QPVError) -> Outcome:
        """The outcome of a vintage, or of the whole dataset, that could not be received."""
        # Our own disk, or another process, is no fault of the producer.
        if isinstance(erreur, AccesImpossible) and erreur.tentatives:
            issue, debut = Issue.ABSENT, "le producteur ne répond pas : "
        elif isinstance(erreur, AccesImpossible | ConservationError):
            issue, debut = Issue.ABSENT, "réception impossible : "
        else:
            issue, debut = Issue.REFUSE, ""
        tenus = {vintage for vintage, _ in Receptions(self.settings.paths).of(self.producteur, self.jeu)}
        garde = millesime in tenus if millesime else bool(tenus)
        fin = " ; le fichier déjà reçu reste en usage" if garde else ""
        nom = "/".join(filter(None, (self.producteur, self.jeu, millesime)))
        texte = erreur.line() if isinstance(erreur, ErreurAcces) else " ".join(str(erreur).split())
        refus = f"{nom} refusé à la réception : " if issue is Issue.REFUSE else ""
        return self.outcome(millesime, issue, f"{refus}{debut}{texte}{fin}", ())

    def outcome(self, millesime: str, issue: Issue, raison: str, recus: Sequence[ReceivedFile]) -> Outcome:
        """A line of the ledger for this reception."""
        return Outcome(
            le=iso_utc(self.now),
            producteur=self.producteur,
            jeu=self.jeu,
            millesime=millesime,
            issue=issue,
            raison=raison,
            fichiers=tuple(recu.fichier for recu in recus),
            empreintes=tuple(recu.empreinte_sha256 for recu in recus),
            nb_lignes=None,
            colonnes_inconnues=(),
            colonnes_absentes=(),
            nb_cellules_revisees=None,
            rapport="",
            etape="reception",
        )


def _fetch_pages(
    reception: _Reception, acces: C2rpAccess, client: HttpClient, atelier: Path
) -> Iterator[Outcome]:
    """Pages new or changed today: the folder of the day holds them, and what came earlier the same day."""
    jour = reception.now.date().isoformat()
    receptions = Receptions(reception.settings.paths)
    connus = receptions.of(reception.producteur, reception.jeu)
    prepare = atelier / "pages"
    prepare.mkdir()
    tour = changed_pages(client, acces, connus, receptions.path, prepare)
    recus = {
        page.slug: reception.received(jour, f"{page.slug}.html", page.url, "", page.reception)
        for page in tour.changees
    }
    if recus:
        for (millesime, _), connu in connus.items():
            slug = connu.fichier.removesuffix(".html")
            if millesime == jour and slug not in recus:
                _share(receptions.path(connu), prepare / connu.fichier)
                recus[slug] = connu
        note = f"{len(tour.changees)} page(s) nouvelle(s) ou changée(s)"
        yield reception.keep(jour, prepare, list(recus.values()), [note])
    elif tour.echec is None:
        yield reception.outcome("", Issue.INCHANGE, f"{tour.lues} page(s) relue(s), aucune n'a changé", ())
    if tour.echec is not None:
        yield reception.failed("", tour.echec)


def _share(source: Path, destination: Path) -> None:
    """A second name for a file already received, or a copy where the disk has no such thing."""
    try:
        destination.hardlink_to(source)
    except OSError:
        shutil.copy2(source, destination)
