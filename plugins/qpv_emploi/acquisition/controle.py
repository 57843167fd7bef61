"""Check of the bytes of a received file, before any reader opens it.

It answers one question: is this the kind of file its name promises? Its content is the readers' business.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from qpv_emploi.acquisition.archive import ZIP_MAGICS, check_archive, check_workbook_archive, is_workbook
from qpv_emploi.acquisition.refus import Refuse, shown_bytes
from qpv_emploi.errors import SettingsError

# The largest file of the sources is below 100 MB; a national export stays far below this.
MAX_BYTES = 1 << 30
BLOCK_BYTES = 1 << 20
# A page is parsed in memory.
MAX_PAGE_BYTES = 8 << 20
# Enough to recognise a page or a signature once the leading blanks are skipped.
HEAD_BYTES = 512

BOM_UTF8 = b"\xef\xbb\xbf"
BOMS_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# Container of XLS, and of a workbook protected by a password.
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PARQUET_MAGIC = b"PAR1"
# What people and sites put under a .csv name.
SIGNATURES = (
    *((magic, "un classeur XLSX ou une archive ZIP") for magic in ZIP_MAGICS),
    (OLE_MAGIC[:4], "un classeur XLS"),
    (b"\x1f\x8b", "une archive gzip"),
    (b"%PDF-", "un document PDF"),
)
# A tag, a comment, a doctype or an XML declaration; « <5 ans » is none of these.
_PAGE = re.compile(rb"<(!doctype|!--|\?xml|[a-z][a-z0-9:._-]*[\s/>])", re.IGNORECASE)
_FROM_PRODUCER = "reprendre le fichier chez le producteur, sans l'ouvrir ni le réenregistrer"


def check_bytes(chemin: Path, famille: str, *, refuse: Refuse) -> None:
    """Refuse a file whose bytes are not of its family.

    The path may be that of the raw store: its name is not looked at, the messages use that of ``refuse``.

    Args:
        chemin: file to read.
        famille: ``csv``, ``csv_zip``, ``tableur``, ``shapefile_zip``, ``geojson``, ``parquet``,
            ``page_html`` or ``formulaire`` (field ``lecture.famille``).
        refuse: builder of refusals of this file (``refusal_for``).

    Raises:
        RefusedFile: the file is empty, above 1 GiB, a web page where none is due, of another kind, damaged
            or dangerous.
        SettingsError: the family is unknown.
    """
    verification = _CHECKS.get(famille)
    if verification is None:
        raise SettingsError(
            f"famille de fichier « {famille} » inconnue ; familles connues : {', '.join(sorted(_CHECKS))}"
        )
    etat = chemin.stat()
    if not stat.S_ISREG(etat.st_mode):
        raise refuse(raison="ce n'est pas un fichier ordinaire", action=_FROM_PRODUCER)
    if etat.st_size > MAX_BYTES:
        raise refuse(
            raison=f"{etat.st_size} octets",
            attendu=f"{MAX_BYTES} octets (1 Gio) au plus",
            action="vérifier que le fichier est le bon",
        )
    with chemin.open("rb") as flux:
        debut = _first_bytes(flux)
    if not debut:
        raise refuse(
            raison="le fichier est vide" + (" (que des blancs)" if etat.st_size else ""),
            action=_FROM_PRODUCER,
        )
    if famille != "page_html" and _PAGE.match(debut):
        raise refuse(
            raison="le contenu est une page HTML ou XML : un site a servi une page (connexion, erreur, "
            "contrôle anti-robot) à la place du fichier",
            attendu=_EXPECTED[famille],
            action="ouvrir l'adresse dans un navigateur et télécharger le fichier à nouveau",
        )
    verification(chemin, debut, refuse)


def _first_bytes(flux: BinaryIO) -> bytes:
    """The first bytes that are not blank, past a UTF-8 byte order mark; empty when there are none."""
    bloc = flux.read(BLOCK_BYTES).removeprefix(BOM_UTF8).lstrip()
    while not bloc:
        suite = flux.read(BLOCK_BYTES)
        if not suite:
            return b""
        bloc = suite.lstrip()
    # A block may end right after its first byte that is not blank.
    return (bloc + flux.read(HEAD_BYTES))[:HEAD_BYTES]


def _check_csv(chemin: Path, debut: bytes, refuse: Refuse) -> None:
    for signature, nature in SIGNATURES:
        if debut.startswith(signature):
            raise refuse(
                raison=f"le contenu est {nature} sous un nom de CSV",
                attendu=_EXPECTED["csv"],
                action="déposer le CSV du producteur, ou donner au fichier sa vraie extension",
            )
    if debut.startswith(b"{"):
        raise refuse(
            raison="le contenu est un objet JSON (souvent le message d'erreur d'un service)",
            attendu=_EXPECTED["csv"],
            action=_FROM_PRODUCER,
        )
    if debut.startswith(BOMS_UTF16):
        raise refuse(raison="le texte est en UTF-16", attendu=_EXPECTED["csv"], action=_FROM_PRODUCER)
    ligne = 1
    with chemin.open("rb") as flux:
        while bloc := flux.read(BLOCK_BYTES):
            position = bloc.find(b"\0")
            if position >= 0:
                ligne += bloc.count(b"\n", 0, position)
                raise refuse(
                    raison=f"octet nul ligne {ligne} : le texte est en UTF-16, ou le contenu est binaire",
                    attendu=_EXPECTED["csv"],
                    action=_FROM_PRODUCER,
                )
            ligne += bloc.count(b"\n")


def _check_csv_or_archive(chemin: Path, debut: bytes, refuse: Refuse) -> None:
    if not debut.startswith(ZIP_MAGICS):
        _check_csv(chemin, debut, refuse)
        return
    check_archive(chemin, refuse)
    if is_workbook(chemin):
        raise refuse(
            raison="le contenu est un classeur XLSX sous un nom de CSV ou d'archive",
            attendu=_EXPECTED["csv_zip"],
            action="déposer le CSV du producteur, seul ou dans son archive",
        )


def _check_parquet(chemin: Path, debut: bytes, refuse: Refuse) -> None:
    with chemin.open("rb") as flux:
        flux.seek(max(0, chemin.stat().st_size - len(PARQUET_MAGIC)))
        fin = flux.read()
    if not debut.startswith(PARQUET_MAGIC):
        raise refuse(
            raison=f"ce n'est pas un fichier Parquet (premiers octets : {shown_bytes(debut)})",
            attendu=_EXPECTED["parquet"],
            action=_FROM_PRODUCER,
        )
    # The signature closes the file too; a file cut short has only the first one.
    if fin != PARQUET_MAGIC or chemin.stat().st_size < 3 * len(PARQUET_MAGIC):
        raise refuse(
            raison=f"le Parquet est tronqué (derniers octets : {shown_bytes(fin)})",
            attendu="la signature PAR1 à la fin du fichier",
            action="télécharger le fichier à nouveau, en entier",
        )


def _check_workbook(chemin: Path, debut: bytes, refuse: Refuse) -> None:
    if debut.startswith(ZIP_MAGICS):
        check_workbook_archive(chemin, refuse)
    elif not debut.startswith(OLE_MAGIC):
        raise refuse(
            raison=f"ni la signature d'un XLSX ni celle d'un XLS (premiers octets : {shown_bytes(debut)})",
            attendu=_EXPECTED["tableur"],
            action=_FROM_PRODUCER,
        )


def _check_form(chemin: Path, debut: bytes, refuse: Refuse) -> None:
    if not debut.startswith(ZIP_MAGICS):
        raise refuse(
            raison="ni un classeur XLSX ni une archive ZIP : ancien format XLS, classeur protégé par un mot"
            f" de passe ou autre fichier (premiers octets : {shown_bytes(debut)})",
            attendu=_EXPECTED["formulaire"],
            action="réenregistrer le classeur au format XLSX, sans mot de passe",
        )
    check_archive(chemin, refuse)


def _check_zip(chemin: Path, debut: bytes, refuse: Refuse) -> None:
    if not debut.startswith(ZIP_MAGICS):
        raise refuse(
            raison=f"ce n'est pas une archive ZIP (premiers octets : {shown_bytes(debut)})",
            attendu=_EXPECTED["shapefile_zip"],
            action=_FROM_PRODUCER,
        )
    check_archive(chemin, refuse)


def _check_json(chemin: Path, debut: bytes, refuse: Refuse) -> None:
    if debut.startswith(ZIP_MAGICS):
        check_archive(chemin, refuse)
        return
    fermeture = {b"{": b"}", b"[": b"]"}.get(debut[:1])
    if fermeture is None:
        raise refuse(
            raison=f"le contenu n'est pas du JSON (premiers octets : {shown_bytes(debut)})",
            attendu=_EXPECTED["geojson"],
            action=_FROM_PRODUCER,
        )
    with chemin.open("rb") as flux:
        flux.seek(max(0, chemin.stat().st_size - BLOCK_BYTES))
        fin = flux.read().rstrip()
    if not fin.endswith(fermeture):
        raise refuse(
            raison=f"le JSON est tronqué (derniers octets : {shown_bytes(fin[-20:])})",
            attendu=f"un dernier caractère « {fermeture.decode()} »",
            action="télécharger le fichier à nouveau, en entier",
        )


def _check_page(chemin: Path, debut: bytes, refuse: Refuse) -> None:
    if not _PAGE.match(debut):
        raise refuse(
            raison=f"le contenu n'est pas une page HTML (premiers octets : {shown_bytes(debut)})",
            attendu=_EXPECTED["page_html"],
            action="enregistrer la page depuis un navigateur (« page web, HTML uniquement »)",
        )
    taille = chemin.stat().st_size
    if taille > MAX_PAGE_BYTES:
        raise refuse(
            raison=f"{taille} octets pour une page",
            attendu=f"{MAX_PAGE_BYTES} octets (8 Mio) au plus",
            action="enregistrer la page seule, sans ses images",
        )


_EXPECTED = {
    "csv": "un CSV en texte",
    "csv_zip": "un CSV en texte, seul ou dans une archive ZIP",
    "tableur": "un classeur XLS ou XLSX",
    "shapefile_zip": "une archive ZIP",
    "geojson": "un texte JSON qui commence par « { » ou « [ », ou une archive ZIP qui en contient un",
    "parquet": "un fichier Parquet",
    "page_html": "une page HTML",
    "formulaire": "un formulaire rempli : classeur XLSX, ou archive ZIP de ses CSV",
}

_CHECKS: dict[str, Callable[[Path, bytes, Refuse], None]] = {
    "csv": _check_csv,
    "csv_zip": _check_csv_or_archive,
    "tableur": _check_workbook,
    "shapefile_zip": _check_zip,
    "geojson": _check_json,
    "parquet": _check_parquet,
    "page_html": _check_page,
    "formulaire": _check_form,
}
