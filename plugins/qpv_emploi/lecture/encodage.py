"""Bytes to text, strictly, and the traces of a wrong decoding."""

from __future__ import annotations

import codecs

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qpv_emploi.lecture.provenance import Provenance

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# A continuation byte (0x80-0xBF) as latin-1 or cp1252 shows it.
_SUITE = "\u0080-\u00bf" + bytes(range(0x80, 0xC0)).decode("cp1252", errors="ignore")
# UTF-8 of the accented letters, of « ° » and the French quotes, of œ, of the typographic quotes and dashes,
# once read one byte at a time. None of these pairs occurs in a French or regional place name.
_MOJIBAKE = f"Ã[{_SUITE}]|Â[\u00a0-\u00bf]|Å[\u0092\u0093’“]|â[\u0080€][{_SUITE}]"


def decode(octets: bytes, encodage: str, provenance: Provenance) -> str:
    """Text of a file, without its byte order mark.

    A UTF-8 mark proves UTF-8 whatever the catalogue declares.

    Raises:
        RefusedFile: naming the first line that does not decode.
    """
    if octets.startswith(_UTF16):
        raise provenance.refuse(
            "le fichier est en UTF-16",
            attendu=f"l'encodage {encodage}",
            action="le réenregistrer en « CSV UTF-8 » ou déposer le fichier d'origine",
        )
    if octets.startswith(codecs.BOM_UTF8):
        octets, encodage = octets[len(codecs.BOM_UTF8) :], "utf-8"
    try:
        texte = octets.decode(encodage)
    except UnicodeDecodeError as erreur:
        ligne = octets.count(b"\n", 0, erreur.start) + 1
        extrait = octets[max(0, erreur.start - 15) : erreur.start + 15].decode("cp1252", errors="replace")
        raise provenance.refuse(
            f"ligne {ligne} : l'octet 0x{octets[erreur.start]:02X} n'est pas du {encodage}"
            f" (vers « {extrait} » si l'on lit en cp1252)",
            attendu=f"l'encodage {encodage}",
            action="réenregistrer en UTF-8 ou déclarer l'encodage du fichier au catalogue",
        ) from erreur
    if "\0" in texte:
        ligne = texte.count("\n", 0, texte.index("\0")) + 1
        raise provenance.refuse(
            f"ligne {ligne} : octet nul dans un fichier de texte",
            attendu="du texte",
            action="déposer de nouveau le fichier, sans doute abîmé en route",
        )
    return texte


def check_labels(
    nom: str, textes: pa.Array, lignes: NDArray[np.int32], encodage: str, provenance: Provenance
) -> None:
    """Refuse a column of labels that shows UTF-8 read as latin-1 or cp1252 (``QuÃ©bec``).

    Raises:
        RefusedFile: naming the first line and label.
    """
    fautifs = pc.fill_null(pc.match_substring_regex(textes, _MOJIBAKE), False)
    premier = pc.index(fautifs, True).as_py()
    if premier >= 0:
        raise provenance.refuse(
            f"ligne {lignes[premier]}, colonne {nom} : « {textes[premier].as_py()[:60]} »"
            " est de l'UTF-8 lu comme du latin-1",
            attendu=f"des libellés lisibles dans l'encodage {encodage}",
            action="déposer le fichier d'origine ou corriger l'encodage déclaré au catalogue",
        )
