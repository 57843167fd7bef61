"""Where a fetched file goes: a folder laid out like the dépôt, so that everything after is the same code."""

from __future__ import annotations

import re
from pathlib import Path

from qpv_emploi.errors import SettingsError

# A file system counts bytes; room is left for the temporary names.
MAX_NAME_BYTES = 200
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]")


def reception_path(racine: Path, producteur: str, jeu: str, millesime: str, fichier: str) -> Path:
    """Path ``<racine>/<producteur>/<jeu>/<millesime>/<fichier>`` of a file about to be fetched.

    Args:
        racine: folder of receptions, laid out like the dépôt.
        fichier: name given by the producer (end of a link, title): judged, never repaired.

    Raises:
        SettingsError: a part is empty, hidden, too long, or would lead elsewhere than its folder.
    """
    for nom, valeur in (("producteur", producteur), ("jeu", jeu), ("millésime", millesime)):
        if not _PART.fullmatch(valeur):
            raise SettingsError(
                f"« {valeur} » ne peut pas nommer un dossier ({nom}) ; attendu : des lettres sans accent, "
                f"des chiffres, « _ » ou « - » ; à faire : corriger le catalogue"
            )
    if not is_file_name(fichier):
        raise SettingsError(
            f"{producteur}/{jeu}/{millesime} : « {fichier[:MAX_NAME_BYTES]!r} » ne peut pas nommer un "
            f"fichier reçu ; attendu : un nom simple, sans chemin ni caractère réservé ; à faire : fixer le "
            f"nom du fichier dans le catalogue, ou ranger le fichier à la main dans le dépôt"
        )
    return racine / producteur / jeu / millesime / fichier


def is_file_name(nom: str) -> bool:
    """Whether a text can name a received file: no path, no reserved character, not hidden, not too long."""
    return (
        bool(nom)
        and nom == nom.strip()
        and not nom.startswith((".", "~"))
        and not _FORBIDDEN.search(nom)
        and len(nom.encode("utf-8", "surrogatepass")) <= MAX_NAME_BYTES
        and nom.isprintable()
    )
