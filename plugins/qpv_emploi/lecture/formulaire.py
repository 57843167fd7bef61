"""Filled form -> sheets of cells: a XLSX workbook, or the ZIP (or folder) of its CSV, one per sheet.

The same cells feed the validation of the form and its bronze tables, so that what was checked is what is
read. The identity of the declaration, written once on its own sheet, is repeated on each row.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from qpv_emploi.catalogue import Table
from qpv_emploi.catalogue.models import Column
from qpv_emploi.lecture.encodage import decode
from qpv_emploi.lecture.grille import Grid
from qpv_emploi.lecture.nombres import number_text
from qpv_emploi.lecture.provenance import Provenance

Nature = Literal["texte", "nombre", "pourcentage", "date", "formule", "autre"]

IDENTITE = "Identite"
RUBRIQUE, VALEUR = "Rubrique", "Valeur"
# Sheets written for the person who fills the form; nothing in them is read.
ANNEXES = ("Guide", "Listes")
# What a drop-down list puts between a code and its label.
SEPARATEUR = " – "
# A title, a hint and the headings; a person may add a line above them.
_DERNIERE_ENTETE = 10
_ENCODAGE = "utf-8"
# What a damaged workbook makes its readers raise; the errors of the XML parsers are syntax errors.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, SyntaxError, KeyError, ValueError, TypeError, EOFError)
_CODE_ET_LIBELLE = re.compile(rf"(\S+){SEPARATEUR}.*", re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """A cell as text, and what the file says it is. A CSV holds texts only; ``autre``: boolean, error."""

    texte: str
    nature: Nature = "texte"

    @property
    def vide(self) -> bool:
        return not self.texte.strip()


_EMPTY = Cell("")


@dataclass(frozen=True)
class FormSheet:
    """A sheet of the form.

    Attributes:
        nom: name of the sheet, or of the CSV.
        est_csv: it comes from a CSV.
        entete: stripped headings, blank for a column without heading.
        ligne_entete: their 1-based row, 0 when no row holds a known heading.
        lignes: (1-based row or line, cells) of each row that is not blank; it may be shorter or longer than
            the headings.
    """

    nom: str
    est_csv: bool
    entete: tuple[str, ...]
    ligne_entete: int
    lignes: tuple[tuple[int, tuple[Cell, ...]], ...]

    def place(self, ligne: int, rang: int) -> str:
        """Where a cell is: ``Beneficiaires!H7``, or ``beneficiaires.csv!Période, ligne 7``.

        Args:
            ligne: 1-based row or line.
            rang: 0-based column.
        """
        if self.est_csv:
            intitule = self.entete[rang] if rang < len(self.entete) else ""
            return f"{self.nom}!{intitule or f'colonne {rang + 1}'}, ligne {ligne}"
        return f"{self.nom}!{column_letter(rang)}{ligne}"

    def rank(self, colonne: Column) -> int | None:
        """0-based place of a declared column, by its name or one of its headings; None when it is absent."""
        noms = {heading_key(nom) for nom in (colonne.nom, *colonne.alias)}
        return next((i for i, titre in enumerate(self.entete) if heading_key(titre) in noms), None)

    def cell(self, cases: Sequence[Cell], rang: int | None) -> Cell:
        """A cell of a row; an empty one where the column is absent or the row is short."""
        return cases[rang] if rang is not None and rang < len(cases) else _EMPTY


@dataclass(frozen=True)
class Form:
    """A filled form: its sheets by key (see ``sheet_key``), annexes left out."""

    feuilles: Mapping[str, FormSheet]

    def sheet(self, nom: str) -> FormSheet | None:
        return self.feuilles.get(sheet_key(nom))

    @cached_property
    def identite(self) -> dict[str, tuple[int, Cell]]:
        """Key of a heading of the identity sheet -> (row, cell)."""
        feuille = self.sheet(IDENTITE)
        if feuille is None:
            return {}
        return {
            heading_key(cases[0].texte): (ligne, feuille.cell(cases, 1))
            for ligne, cases in feuille.lignes
            if not cases[0].vide
        }

    def rubric(self, colonne: Column) -> tuple[int, Cell]:
        """Row and cell of a rubric of the identity sheet; row 0 when it is absent."""
        for nom in (colonne.nom, *colonne.alias):
            trouvee = self.identite.get(heading_key(nom))
            if trouvee:
                return trouvee
        return 0, _EMPTY


def column_letter(rang: int) -> str:
    """Letters of a 0-based column: 0 is A, 26 is AA."""
    lettres = ""
    rang += 1
    while rang:
        rang, reste = divmod(rang - 1, 26)
        lettres = chr(ord("A") + reste) + lettres
    return lettres


def heading_key(texte: str) -> str:
    """A heading without case, accents, typographic apostrophes or doubled spaces."""
    decompose = unicodedata.normalize("NFKD", texte.replace("’", "'").casefold())
    return " ".join("".join(c for c in decompose if not unicodedata.combining(c)).split())


def sheet_key(nom: str) -> str:
    """Same for the name of a sheet, or of its CSV."""
    return heading_key(nom).removesuffix(".csv")


def code_of(texte: str) -> str:
    """The code that a drop-down list wrote before its label; the stripped text itself otherwise."""
    propre = texte.strip()
    trouve = _CODE_ET_LIBELLE.fullmatch(propre)
    return trouve.group(1) if trouve else propre


def text_of(colonne: Column, case: Cell) -> str:
    """Text of a cell as bronze keeps it: as written, but for the label that follows a code."""
    if colonne.saisie is not None and colonne.saisie.liste is not None:
        return code_of(case.texte)
    return case.texte


def read_form(chemin: Path, tables: Sequence[Table], provenance: Provenance) -> Form:
    """Read every sheet of a form.

    Args:
        chemin: workbook, archive or folder; the bytes decide, never the name.
        tables: the tables of the form, which name the sheets and their headings.
        provenance: the file, for messages.

    Raises:
        RefusedFile: it is neither a workbook nor an archive of CSV, or a CSV cannot be read.
    """
    entetes = {sheet_key(IDENTITE): {heading_key(RUBRIQUE), heading_key(VALEUR)}}
    for table in tables:
        noms = (
            nom for c in table.colonnes for nom in (c.nom, *c.alias) if c.saisie and not c.saisie.rubrique
        )
        entetes[sheet_key(str(table.lecture.feuille))] = {heading_key(nom) for nom in noms}
    feuilles: dict[str, FormSheet] = {}
    ignorees = {sheet_key(nom) for nom in ANNEXES}
    est_csv, contenus = _contents(chemin, provenance)
    for nom, rangs in contenus:
        cle = sheet_key(nom)
        if cle in ignorees:
            continue
        if cle in feuilles:
            raise provenance.refuse(
                f"« {feuilles[cle].nom} » et « {nom} » sont la même feuille",
                attendu="une seule feuille de chaque nom",
                action="réunir leurs lignes dans une seule",
            )
        feuilles[cle] = _sheet(nom, est_csv, rangs, entetes.get(cle, set()))
    return Form(feuilles)


def read_form_sheet(chemin: Path, table: Table, provenance: Provenance) -> Grid:
    """The rows of one table of a form, the identity of the declaration after them.

    A sheet that is absent or left blank gives no row. ``positions`` are those of the sheet, 0 for a rubric of
    the identity.

    Raises:
        RefusedFile: the file cannot be read, or the rows of the sheet have no heading.
    """
    formulaire = read_form(chemin, [table], provenance)
    feuille = formulaire.sheet(str(table.lecture.feuille))
    lignes = feuille.lignes if feuille else ()
    if feuille and lignes and not feuille.ligne_entete:
        raise provenance.refuse(
            f"feuille « {feuille.nom} » : aucune ligne d'intitulés",
            attendu="les intitulés du modèle au-dessus des lignes saisies",
            action="recopier les lignes dans le modèle d'origine",
        )
    noms: list[str] = []
    positions: list[int] = []
    colonnes: list[pa.Array] = []
    for colonne in table.colonnes:
        if colonne.saisie is not None and colonne.saisie.rubrique:
            _, case = formulaire.rubric(colonne)
            position, textes = 0, [text_of(colonne, case)] * len(lignes)
        else:
            rang = feuille.rank(colonne) if feuille else None
            if rang is None and lignes:
                continue
            position = 0 if rang is None else rang + 1
            textes = [text_of(colonne, feuille.cell(cases, rang)) for _, cases in lignes] if feuille else []
        noms.append(colonne.nom)
        positions.append(position)
        colonnes.append(pa.array(textes, pa.string()))
    return Grid(
        entete=tuple(noms),
        positions=tuple(positions),
        colonnes=tuple(colonnes),
        lignes=np.array([ligne for ligne, _ in lignes], np.int32),
    )


def _sheet(nom: str, est_csv: bool, rangs: Iterable[tuple[Cell, ...]], intitules: set[str]) -> FormSheet:
    entete: tuple[str, ...] = ()
    ligne_entete = 0
    lignes: list[tuple[int, tuple[Cell, ...]]] = []
    for numero, cases in enumerate(rangs, 1):
        titres = [heading_key(case.texte) for case in cases]
        connus = len(intitules.intersection(titres))
        if not ligne_entete and numero <= _DERNIERE_ENTETE and connus >= min(2, len(intitules) or 1):
            entete, ligne_entete, lignes = tuple(case.texte.strip() for case in cases), numero, []
        elif not all(case.vide for case in cases):
            lignes.append((numero, cases))
    return FormSheet(nom, est_csv, entete, ligne_entete, tuple(lignes))


def _contents(chemin: Path, provenance: Provenance) -> tuple[bool, list[tuple[str, list[tuple[Cell, ...]]]]]:
    """Whether the sheets are CSV, and each sheet with its rows."""
    if chemin.is_dir():
        textes = {path.name: path.read_bytes() for path in sorted(chemin.glob("*.csv"))}
        return True, _csv_sheets(textes, provenance)
    try:
        with zipfile.ZipFile(chemin) as archive:
            noms = [membre.filename for membre in archive.infolist() if not membre.is_dir()]
            if not any(nom.startswith("xl/") for nom in noms):
                membres = [nom for nom in noms if nom.lower().endswith(".csv")]
                return True, _csv_sheets({nom: archive.read(nom) for nom in membres}, provenance)
        return False, _workbook_sheets(chemin)
    except _UNREADABLE as erreur:
        raise provenance.refuse(
            f"ce n'est ni un classeur XLSX ni une archive ZIP lisible ({erreur})",
            attendu="le modèle rempli, au format XLSX, ou l'archive ZIP de ses CSV",
            action="réenregistrer le classeur au format XLSX, sans mot de passe",
        ) from erreur


def _csv_sheets(
    textes: Mapping[str, bytes], provenance: Provenance
) -> list[tuple[str, list[tuple[Cell, ...]]]]:
    if not textes:
        raise provenance.refuse(
            "aucun fichier CSV",
            attendu="un CSV par feuille du modèle (identite.csv, beneficiaires.csv…)",
            action="remplir les CSV que `qpv modele` écrit, puis les réunir dans une archive ZIP",
        )
    feuilles = []
    for chemin, octets in textes.items():
        nom = PurePosixPath(chemin).name
        membre = replace(provenance, fichier=f"{provenance.fichier}!{nom}")
        texte = decode(octets, _ENCODAGE, membre)
        lecteur = csv.reader(io.StringIO(texte, newline=""), delimiter=";", strict=True)
        rangs: list[tuple[Cell, ...]] = []
        try:
            for rang in lecteur:
                # A field may hold line breaks: the row takes the number of its first line.
                rangs += [()] * (lecteur.line_num - len(rangs) - 1 - sum(champ.count("\n") for champ in rang))
                rangs.append(tuple(Cell(champ) for champ in rang))
        except csv.Error as erreur:
            raise membre.refuse(
                f"ligne {lecteur.line_num} : guillemets mal fermés ({erreur})",
                attendu="des champs séparés par des points-virgules, guillemet intérieur doublé",
                action="réenregistrer la feuille en « CSV UTF-8 (séparateur : point-virgule) »",
            ) from erreur
        feuilles.append((nom, rangs))
    return feuilles


def _workbook_sheets(chemin: Path) -> list[tuple[str, list[tuple[Cell, ...]]]]:
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        # Extensions that a spreadsheet adds when it saves a list again: of no use to a reader.
        warnings.simplefilter("ignore", UserWarning)
        # A file object: the raw store names files by their digest, without extension.
        with chemin.open("rb") as flux:
            classeur = load_workbook(flux, read_only=True, data_only=False)
            feuilles = []
            for feuille in classeur.worksheets:
                # Some tools write a wrong extent; the rows themselves tell.
                feuille.reset_dimensions()
                rangs = [tuple(_cell(case) for case in rang) for rang in feuille.iter_rows()]
                feuilles.append((feuille.title, rangs))
            classeur.close()
    return feuilles


def _cell(case: Any) -> Cell:
    valeur = case.value
    if valeur is None:
        return _EMPTY
    if case.data_type == "f":
        return Cell(str(valeur), "formule")
    if isinstance(valeur, bool):
        return Cell("VRAI" if valeur else "FAUX", "autre")
    if isinstance(valeur, dt.datetime):
        heure = valeur.time() != dt.time()
        return Cell(valeur.isoformat(" ") if heure else valeur.date().isoformat(), "date")
    if isinstance(valeur, int | float):
        # A spreadsheet holds 15 significant digits; the rest is binary noise.
        texte = number_text(float(f"{valeur:.15g}"), ",")
        return Cell(texte, "pourcentage" if "%" in str(case.number_format) else "nombre")
    if isinstance(valeur, str):
        return Cell(valeur, "autre" if case.data_type == "e" else "texte")
    return Cell(str(valeur), "autre")
