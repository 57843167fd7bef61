"""The data file of an archive, alone or beside its notice ``meta_…`` (SOURCES 9.1 and 9.3)."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path, PurePosixPath

from qpv_emploi.lecture.provenance import Provenance

# Whole signatures: a header may well begin with « PK_ ».
_MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def member_bytes(chemin: Path, motif: str, provenance: Provenance) -> bytes:
    """Bytes of the only member whose name matches; those of the file itself when it is not an archive.

    The first bytes decide, never the extension. Dangerous archives are refused before, at the reception.

    Args:
        chemin: archive, or the data file itself.
        motif: expression that the name of the member, without its folder, matches from end to end.
        provenance: the file, for messages.

    Raises:
        RefusedFile: damaged archive, no such member, or several.
    """
    with chemin.open("rb") as flux:
        if flux.read(4) not in _MAGICS:
            flux.seek(0)
            return flux.read()
    try:
        with zipfile.ZipFile(chemin) as archive:
            noms = [membre.filename for membre in archive.infolist() if not membre.is_dir()]
            choisis = [nom for nom in noms if re.fullmatch(motif, PurePosixPath(nom).name)]
            if len(choisis) != 1:
                combien = f"{len(choisis)} fichiers de données" if choisis else "aucun fichier de données"
                raise provenance.refuse(
                    f"{combien} dans l'archive, qui contient : {', '.join(noms) or 'rien'}",
                    attendu=f"un seul membre dont le nom est de la forme {motif}",
                    action="déposer l'archive du producteur, ou le seul fichier de données",
                )
            return archive.read(choisis[0])
    except (zipfile.BadZipFile, OSError, RuntimeError, EOFError) as erreur:
        raise provenance.refuse(
            f"archive ZIP illisible ({erreur})",
            attendu="une archive ZIP entière, sans mot de passe",
            action="télécharger de nouveau l'archive",
        ) from erreur
