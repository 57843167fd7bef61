"""Check of a ZIP archive, and of the archive a XLSX workbook is: whole, readable and harmless.

Nothing is extracted: members are listed, then read to nowhere.
"""

from __future__ import annotations

import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from qpv_emploi.acquisition.refus import Refuse
from qpv_emploi.errors import RefusedFile

# First record of an archive: a member, the final directory (no member), a split marker.
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")

# What the members may weigh together once inflated: twice the ceiling of a file.
MAX_TOTAL_BYTES = 2 << 30
# Shapefiles and workbooks inflate 2 to 50 times; DEFLATE reaches 1030 on zeros alone.
MAX_RATIO = 200
# Below this total a high ratio is harmless: a nearly empty DBF also compresses 500 times.
RATIO_FLOOR_BYTES = 50 << 20
BLOCK_BYTES = 1 << 20

ENCRYPTED_FLAG = 0x1

# The member without which an archive is no XLSX workbook.
_WORKBOOK = "xl/workbook"

# What ``zipfile`` lets through when the bytes are not those of a sound archive.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    ValueError,
    OverflowError,
)
_AGAIN = "télécharger l'archive à nouveau, en entier, et vérifier qu'elle s'ouvre"
_UNSAFE = "ne pas l'ouvrir ; reprendre l'archive chez le producteur"


def check_archive(chemin: Path, refuse: Refuse) -> None:
    """Refuse an archive that is damaged, encrypted, oversized, or that writes outside its folder.

    Args:
        chemin: file that starts with one of ``ZIP_MAGICS``.
        refuse: builder of refusals of this file.

    Raises:
        RefusedFile: naming the faulty member.
    """
    _check(chemin, refuse, _check_name)


def check_workbook_archive(chemin: Path, refuse: Refuse) -> None:
    """Same for a XLSX workbook. It is read in memory, so that the names of its members do no harm.

    Raises:
        RefusedFile: naming the faulty member, or saying that the archive holds no workbook.
    """
    noms: list[str] = []
    _check(chemin, refuse, lambda membre, _: noms.append(membre.filename.replace("\\", "/").lower()))
    if not any(nom.startswith(_WORKBOOK) for nom in noms):
        raise refuse(
            raison="c'est une archive ZIP, mais pas un classeur (aucun membre xl/workbook)",
            attendu="un classeur XLSX",
            action="déposer le classeur lui-même, sorti de son archive",
        )


def is_workbook(chemin: Path) -> bool:
    """Whether an archive already found sound is a XLSX workbook."""
    with zipfile.ZipFile(chemin) as archive:
        return any(nom.lower().startswith(_WORKBOOK) for nom in archive.namelist())


def _check(chemin: Path, refuse: Refuse, check_name: Callable[[zipfile.ZipInfo, Refuse], object]) -> None:
    try:
        archive = zipfile.ZipFile(chemin)
    except _DAMAGE as erreur:
        raise refuse(
            raison="l'archive ZIP est tronquée ou abîmée : son répertoire final manque ou ne se lit pas "
            f"({erreur})",
            attendu="une archive ZIP entière",
            action=_AGAIN,
        ) from erreur
    with archive:
        membres = archive.infolist()
        if not membres:
            raise refuse(raison="l'archive ZIP est vide", action=_AGAIN)
        for membre in membres:
            _check_readable(membre, refuse)
            check_name(membre, refuse)
        # Before the first byte is inflated.
        _check_size(membres, chemin.stat().st_size, refuse)
        for membre in membres:
            _check_content(archive, membre, refuse)


def _check_readable(membre: zipfile.ZipInfo, refuse: Refuse) -> None:
    if membre.flag_bits & ENCRYPTED_FLAG:
        raise refuse(
            raison=f"l'archive est chiffrée (membre « {membre.filename} »)",
            attendu="une archive sans mot de passe",
            action="déposer une copie sans mot de passe",
        )


def _check_name(membre: zipfile.ZipInfo, refuse: Refuse) -> None:
    # ``filename`` is cut at the first NUL by zipfile; the name as written is judged.
    nom = membre.orig_filename
    defaut = None
    if "\0" in nom:
        defaut = "porte un caractère nul dans son nom"
    elif "\\" in nom:
        defaut = "porte une barre oblique inverse dans son nom"
    elif nom.startswith("/") or re.match(r"[A-Za-z]:", nom):
        defaut = "a un chemin absolu"
    elif ".." in nom.split("/"):
        defaut = "sort du dossier de l'archive"
    elif stat.S_ISLNK(membre.external_attr >> 16):
        defaut = "est un lien symbolique"
    if defaut:
        raise refuse(
            raison=f"le membre « {nom} » de l'archive {defaut}",
            attendu="des fichiers ordinaires, nommés par un chemin relatif à l'archive",
            action=_UNSAFE,
        )


def _check_size(membres: list[zipfile.ZipInfo], octets: int, refuse: Refuse) -> None:
    total = sum(membre.file_size for membre in membres)
    if total > MAX_TOTAL_BYTES:
        raise refuse(
            raison=f"bombe de décompression : l'archive annonce {total} octets une fois ouverte",
            attendu=f"{MAX_TOTAL_BYTES} octets (2 Gio) au plus",
            action=_UNSAFE,
        )
    # Against the size on disk: the compressed sizes an archive declares may lie.
    if total > RATIO_FLOOR_BYTES and total > MAX_RATIO * octets:
        raise refuse(
            raison=f"bombe de décompression : {octets} octets en annoncent {total} (x {total // octets})",
            attendu=f"un rapport de {MAX_RATIO} au plus au-delà de {RATIO_FLOOR_BYTES >> 20} Mio",
            action=_UNSAFE,
        )


def _check_content(archive: zipfile.ZipFile, membre: zipfile.ZipInfo, refuse: Refuse) -> None:
    try:
        # zipfile stops at the declared size: a member that lies about it fails its CRC.
        with archive.open(membre) as flux:
            while flux.read(BLOCK_BYTES):
                pass
    except OSError as erreur:
        # bz2 reports bad data as an OSError without number; a failing disk has one.
        if erreur.errno is not None:
            raise
        raise _damaged(membre, erreur, refuse) from erreur
    except (*_DAMAGE, RuntimeError) as erreur:
        raise _damaged(membre, erreur, refuse) from erreur


def _damaged(membre: zipfile.ZipInfo, erreur: Exception, refuse: Refuse) -> RefusedFile:
    return refuse(
        raison=f"le membre « {membre.filename} » de l'archive est abîmé (somme de contrôle CRC ou "
        f"décompression : {erreur})",
        attendu="une archive dont chaque membre se lit en entier",
        action=_AGAIN,
    )
