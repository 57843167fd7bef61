"""Delimited text -> grid, with the physical line of each row.

Two dialects of the same INSEE bases exist (SOURCES.md, 1.2): the native file (no mark, last line terminated)
and the copy saved again from Excel (UTF-8 mark, unnamed columns at the end, last line not terminated). The
bytes tell which one it is, never the name.
"""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

from qpv_emploi.catalogue import Reading
from qpv_emploi.lecture.encodage import decode
from qpv_emploi.lecture.grille import Grid, GridBuilder
from qpv_emploi.lecture.provenance import Provenance

_BATCH = 4096
_SEPARATORS = {";": "point-virgule", ",": "virgule", "\t": "tabulation", "|": "barre verticale"}


def read_csv(chemin: Path, lecture: Reading, provenance: Provenance) -> Grid:
    """Read a delimited text.

    Raises:
        RefusedFile: no CSV in the archive, or several; wrong encoding or separator, truncated line or file,
            doubled or missing header names, filled column without name, no data.
    """
    if lecture.famille == "csv_zip":
        from qpv_emploi.lecture.membre import member_bytes

        octets = member_bytes(chemin, lecture.membre, provenance)
    else:
        octets = chemin.read_bytes()
    texte = decode(octets, lecture.encodage, provenance)
    # strict: an unbalanced quote is an error, not the start of a field that swallows the rest.
    separateur = _separator(texte) if lecture.separateur == "auto" else lecture.separateur
    lecteur = csv.reader(io.StringIO(texte, newline=""), delimiter=separateur, strict=True)
    try:
        entete = next(lecteur, [])
        _check_separator(entete, separateur, provenance)
        grille = GridBuilder(entete, 1, provenance)
        _check_end(texte, octets.startswith(codecs.BOM_UTF8) or not all(map(str.strip, entete)), provenance)
        rangs: list[list[str]] = []
        lignes: list[int] = []
        vide = 0
        debut = lecteur.line_num + 1
        for rang in lecteur:
            if not rang:
                vide = vide or debut
            elif vide:
                raise _truncated(vide, 0, len(entete), provenance)
            elif len(rang) != len(entete):
                raise _truncated(debut, len(rang), len(entete), provenance)
            else:
                rangs.append(rang)
                lignes.append(debut)
            debut = lecteur.line_num + 1
            if len(rangs) == _BATCH:
                grille.add(rangs, lignes)
                rangs, lignes = [], []
        grille.add(rangs, lignes)
    except csv.Error as erreur:
        raise provenance.refuse(
            f"ligne {lecteur.line_num} : guillemets mal fermés ({erreur})",
            attendu="des champs entre guillemets fermés, guillemet intérieur doublé",
            action="déposer de nouveau le fichier, sans doute tronqué ou modifié à la main",
        ) from erreur
    return grille.build()


def _separator(texte: str) -> str:
    """The mark that cuts the header into the most names; the first of the list when none does."""

    def names(marque: str) -> int:
        return len(next(csv.reader(io.StringIO(texte, newline=""), delimiter=marque), []))

    return max(_SEPARATORS, key=names)


def _check_separator(entete: list[str], separateur: str, provenance: Provenance) -> None:
    if len(entete) != 1:
        return
    autres = [mot for marque, mot in _SEPARATORS.items() if marque != separateur and marque in entete[0]]
    if autres:
        attendu = _SEPARATORS.get(separateur, separateur)
        raise provenance.refuse(
            f"ligne 1 : une seule colonne, « {entete[0][:60]} », qui contient le séparateur {autres[0]}",
            attendu=f"le séparateur {attendu}",
            action="déposer le fichier d'origine ou corriger le séparateur déclaré au catalogue",
        )


def _check_end(texte: str, excel: bool, provenance: Provenance) -> None:
    if not excel and not texte.endswith(("\n", "\r")):
        ligne = texte.count("\n") + 1
        raise provenance.refuse(
            f"ligne {ligne} : la dernière ligne n'est pas terminée, le fichier est tronqué",
            attendu="une fin de ligne après la dernière ligne",
            action="télécharger de nouveau le fichier",
        )


def _truncated(ligne: int, champs: int, attendus: int, provenance: Provenance) -> Exception:
    raison = "ligne vide" if not champs else f"{champs} champs au lieu de {attendus}"
    return provenance.refuse(
        f"ligne {ligne} : {raison}, ligne tronquée ou séparateur en trop",
        attendu=f"{attendus} champs par ligne, comme l'en-tête",
        action="télécharger de nouveau le fichier",
    )
