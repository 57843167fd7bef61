"""Sheet of a workbook (XLS, XLSX, ODS) -> grid, with the row numbers that the spreadsheet shows."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Literal

from python_calamine import CalamineError, CalamineWorkbook

from qpv_emploi.catalogue import Table
from qpv_emploi.lecture.grille import Grid, GridBuilder
from qpv_emploi.lecture.nombres import number_text
from qpv_emploi.lecture.provenance import Provenance

_Cell = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


def read_sheet(chemin: Path, table: Table, provenance: Provenance) -> Grid:
    """Read the declared sheet below the declared header row.

    A cell held as a number becomes text with the decimal mark of the reading, so that one rule parses both
    numbers and texts, and so that a workbook equals its CSV export.

    Raises:
        RefusedFile: not a workbook, sheet missing, key missing from the header row, no data.
    """
    lecture = table.lecture
    try:
        # By its bytes: the extension may be missing (raw store) or wrong.
        classeur = CalamineWorkbook.from_filelike(io.BytesIO(chemin.read_bytes()))
        if lecture.feuille not in classeur.sheet_names:
            raise provenance.refuse(
                f"feuille « {lecture.feuille} » absente ; feuilles du classeur : "
                + ", ".join(f"« {nom} »" for nom in classeur.sheet_names),
                attendu=f"la feuille « {lecture.feuille} »",
                action="déposer le classeur d'origine ou corriger la feuille déclarée au catalogue",
            )
        # The empty rows and columns of the start are kept: row numbers are those of the sheet.
        rangs = classeur.get_sheet_by_name(lecture.feuille).to_python(skip_empty_area=False)
    except CalamineError as erreur:
        raise provenance.refuse(
            f"classeur illisible ({erreur})",
            attendu="un classeur XLS ou XLSX sans mot de passe",
            action="déposer de nouveau le fichier d'origine",
        ) from erreur
    n = lecture.ligne_entete
    textes = [[_text(cellule, lecture.decimale) for cellule in rang] for rang in rangs]
    for position, nom in lecture.noms_manquants.items():
        if n <= len(textes) and position <= len(textes[n - 1]) and not textes[n - 1][position - 1].strip():
            textes[n - 1][position - 1] = nom
    _check_header(textes, table, provenance)
    grille = GridBuilder(textes[n - 1], n, provenance)
    debut = n + lecture.lignes_sous_entete
    grille.add(textes[debut:], range(debut + 1, len(textes) + 1))
    return grille.build()


def _check_header(rangs: list[list[str]], table: Table, provenance: Provenance) -> None:
    n = table.lecture.ligne_entete
    cle = table.cle[0]
    noms = {cle.nom, *cle.alias}

    def holds_key(rang: list[str]) -> bool:
        return not noms.isdisjoint(texte.strip() for texte in rang)

    presents = rangs[n - 1] if n <= len(rangs) else []
    if holds_key(presents):
        return
    vus = [texte.strip() for texte in presents if texte.strip()]
    contenu = ", ".join(f"« {texte[:30]} »" for texte in vus[:8]) or "rien"
    ailleurs = [i for i, rang in enumerate(rangs, 1) if holds_key(rang)]
    indice = f" ; ce nom se trouve à la ligne {ailleurs[0]}" if ailleurs else ""
    raise provenance.refuse(
        f"feuille « {table.lecture.feuille} », ligne {n} : colonne clé {cle.nom} absente,"
        f" on y lit {contenu}{indice}",
        attendu=f"les codes des colonnes à la ligne {n}",
        action="déposer le classeur d'origine ou corriger ligne_entete au catalogue",
    )


def _text(cellule: _Cell, decimale: Literal[",", "."]) -> str:
    if isinstance(cellule, str):
        return cellule
    if isinstance(cellule, bool):
        return "VRAI" if cellule else "FAUX"
    if isinstance(cellule, int | float):
        # A spreadsheet holds and exports 15 significant digits; the rest is binary noise.
        return number_text(float(f"{cellule:.15g}"), decimale)
    if isinstance(cellule, dt.timedelta):
        return str(cellule)
    return cellule.isoformat()
