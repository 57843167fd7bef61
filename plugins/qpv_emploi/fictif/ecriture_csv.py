"""Writers of CSV files: the two dialects of the INSEE bases, and the plain one of the COG."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from qpv_emploi.fictif.alea import Entiers
from qpv_emploi.fictif.schemas import Dialecte, Schema
from qpv_emploi.fictif.secret import VIDE

_BOM = b"\xef\xbb\xbf"
_FIN = "\r\n"
_FINE_INSECABLE = "\u202f"
_LIGNES_PAR_BLOC = 10_000

Valeur = int | str


def texte_entier(valeur: int, *, milliers: bool) -> str:
    """An integer, blank if ``VIDE``, with U+202F between thousands if asked."""
    if valeur == VIDE:
        return ""
    if milliers and not -1000 < valeur < 1000:
        return f"{valeur:,}".replace(",", _FINE_INSECABLE)
    return str(valeur)


def texte_taux(dixiemes: int, *, fixe: bool) -> str:
    """A number of tenths with a decimal comma; ``fixe`` keeps the decimal of a whole number."""
    if dixiemes == VIDE:
        return ""
    signe = "-" if dixiemes < 0 else ""
    unites, reste = divmod(abs(dixiemes), 10)
    return f"{signe}{unites},{reste}" if reste or fixe else f"{signe}{unites}"


def ecrire_base(
    chemin: Path,
    schema: Schema,
    colonnes: Mapping[str, Entiers | list[str]],
    ensemble: Mapping[str, Valeur] | None = None,
) -> None:
    """Write one statistical base, block of rows by block of rows.

    Args:
        chemin: file to write.
        schema: columns and dialect.
        colonnes: one sequence per column of the schema, all of the same length: text, integers, or tenths for
            the rates; ``VIDE`` is a blank.
        ensemble: values of the national row, absent names are blank.
    """
    dialecte = schema.dialecte
    queue = ";" * dialecte.sans_nom
    nombre = len(colonnes["CODGEO"])
    with chemin.open("wb") as fichier:
        if dialecte.bom:
            fichier.write(_BOM)
        fichier.write((";".join(_texte(nom, dialecte) for nom in schema.colonnes) + queue).encode())
        if ensemble is not None:
            ligne = [_cellules([ensemble.get(nom, VIDE)], nom, schema)[0] for nom in schema.colonnes]
            fichier.write((_FIN + ";".join(ligne) + queue).encode())
        for debut in range(0, nombre, _LIGNES_PAR_BLOC):
            bloc = [_cellules(_liste(colonnes[nom], debut), nom, schema) for nom in schema.colonnes]
            lignes = (_FIN + ";".join(cellules) + queue for cellules in zip(*bloc, strict=True))
            fichier.write("".join(lignes).encode())
        if dialecte.derniere_fin:
            fichier.write(_FIN.encode())


def _liste(colonne: Entiers | list[str], debut: int) -> Sequence[Valeur]:
    tranche = colonne[debut : debut + _LIGNES_PAR_BLOC]
    return tranche if isinstance(tranche, list) else tranche.tolist()


def _cellules(valeurs: Sequence[Valeur], nom: str, schema: Schema) -> list[str]:
    """Texts of a column, text cells as they are and numbers in the style of the column."""
    dialecte = schema.dialecte
    if nom in schema.taux:
        fixe = nom in schema.taux_fixes
        return [_texte(v, dialecte) if isinstance(v, str) else texte_taux(v, fixe=fixe) for v in valeurs]
    milliers = dialecte.milliers
    return [
        _texte(v, dialecte) if isinstance(v, str) else texte_entier(v, milliers=milliers) for v in valeurs
    ]


def _texte(valeur: str, dialecte: Dialecte) -> str:
    return f'"{valeur}"' if dialecte.guillemets else valeur


def ecrire_table(
    chemin: Path,
    entete: str,
    lignes: Iterable[Sequence[object]],
    *,
    separateur: str = ",",
    fin: str = "\n",
    encodage: str = "utf-8",
    fin_derniere: bool = True,
) -> None:
    """Write a plain table: a text that holds the separator, a quote or a line break is quoted.

    Args:
        entete: names of the columns, joined by the separator.
        fin: end of a line; that of the last one is left out when ``fin_derniere`` is false.
        encodage: ``utf-8-sig`` for a byte order mark.
    """
    tampon = io.StringIO(newline="")
    sortie = csv.writer(tampon, delimiter=separateur, lineterminator=fin)
    sortie.writerow(entete.split(separateur))
    sortie.writerows(lignes)
    texte = tampon.getvalue()
    chemin.write_bytes((texte if fin_derniere else texte.removesuffix(fin)).encode(encodage))


def ecrire_cog(chemin: Path, entete: str, lignes: Iterable[Sequence[str]]) -> None:
    """Write one file of the COG: UTF-8 without BOM, commas, CRLF, last line terminated."""
    ecrire_table(chemin, entete, lignes, fin=_FIN)
