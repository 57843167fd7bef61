"""The template of the form, blank or filled: a workbook with drop-down lists, or a folder of CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from qpv_emploi.catalogue import Table
from qpv_emploi.catalogue.models import Column
from qpv_emploi.declarations.guide import BANDEAU, guide
from qpv_emploi.declarations.listes import Lists
from qpv_emploi.lecture.formulaire import IDENTITE, RUBRIQUE, SEPARATEUR, VALEUR, column_letter

LIGNES_A_REMPLIR = 2_000
# 0-based row of the headings: a title and a hint come before.
_ENTETE = 2
# Constant, so that the same template has the same bytes.
_CREE_LE = datetime(2026, 1, 1, tzinfo=UTC)
_LARGEURS = {"texte": 34, "liste": 26, "code": 22, "entier": 14, "nombre": 14, "date": 14, "periode": 12}
_TITRE_MAX, _MESSAGE_MAX = 32, 255

Value = str | int | float | date


@dataclass(frozen=True)
class Filling:
    """What to write in a template.

    Attributes:
        identite: name of a rubric -> value.
        lignes: name of a table -> rows, each column -> value.
    """

    identite: Mapping[str, Value] = field(default_factory=dict)
    lignes: Mapping[str, Sequence[Mapping[str, Value]]] = field(default_factory=dict)


BLANK = Filling()


def write_workbook(
    chemin: Path, tables: Sequence[Table], listes: Lists, *, fictif: bool, contenu: Filling = BLANK
) -> Path:
    """Write the form as a XLSX workbook: guide, identity, one sheet per table, lists.

    The same arguments give the same bytes.

    Args:
        chemin: file to write.
        tables: tables of the form (catalogue).
        listes: list -> code -> label; an empty or missing list gives a free cell.
        fictif: each sheet carries the banner of the fictional region.
        contenu: what is already filled.

    Raises:
        FileExistsError: the file is already there, perhaps filled.
    """
    import xlsxwriter

    _refuse_to_overwrite(chemin)
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(chemin), options) as classeur:
        classeur.set_properties({"title": "Déclaration locale", "created": _CREE_LE.replace(tzinfo=None)})
        styles = _styles(classeur)
        _write_guide(classeur, styles, guide(tables, listes, fictif=fictif))
        _write_identity(classeur, styles, tables[0], contenu, fictif)
        for table in tables:
            _write_table(classeur, styles, table, listes, contenu, fictif)
        _write_lists(classeur, styles, listes)
    return chemin


def write_folder(dossier: Path, tables: Sequence[Table], listes: Lists, *, fictif: bool) -> list[Path]:
    """Write the form as CSV for a French Excel (``;``, UTF-8 mark): one per sheet, the lists, the guide.

    Args:
        dossier: folder to create; the other arguments are those of ``write_workbook``.

    Raises:
        FileExistsError: the folder is already there.
    """
    _refuse_to_overwrite(dossier)
    dossier.mkdir(parents=True)
    contenus: dict[str, list[list[str]]] = {
        IDENTITE: [[RUBRIQUE, VALEUR], *([c.intitule, ""] for c in _columns(tables[0], rubrique=True))],
        **{str(t.lecture.feuille): [[c.intitule for c in _columns(t, rubrique=False)]] for t in tables},
        "Listes": [
            ["Liste", "Code", "Libellé"],
            *([nom, code, libelle] for nom, codes in listes.items() for code, libelle in codes.items()),
        ],
    }
    ecrits = []
    for nom, lignes in contenus.items():
        tampon = io.StringIO()
        csv.writer(tampon, delimiter=";").writerows(lignes)
        chemin = dossier / f"{nom.lower()}.csv"
        chemin.write_bytes(("\ufeff" + tampon.getvalue()).encode())
        ecrits.append(chemin)
    texte = "\r\n".join(ligne for _, ligne in guide(tables, listes, fictif=fictif))
    (dossier / "guide.txt").write_bytes(("\ufeff" + texte + "\r\n").encode())
    return sorted([*ecrits, dossier / "guide.txt"])


def _refuse_to_overwrite(chemin: Path) -> None:
    if chemin.exists():
        raise FileExistsError(
            f"{chemin} existe déjà, peut-être rempli ; à faire : choisir un autre dossier, ou l'écarter"
        )


def _columns(table: Table, *, rubrique: bool) -> list[Column]:
    return [c for c in table.colonnes if c.saisie is not None and c.saisie.rubrique is rubrique]


def _styles(classeur: Any) -> dict[str, Any]:
    texte = {"num_format": "@", "text_wrap": True, "valign": "top"}
    return {
        "titre": classeur.add_format({"bold": True, "font_size": 14}),
        "section": classeur.add_format({"bold": True, "font_size": 12, "top": 1}),
        "texte": classeur.add_format(texte),
        "bandeau": classeur.add_format({"bold": True, "font_color": "#FFFFFF", "bg_color": "#B3261E"}),
        "consigne": classeur.add_format({"italic": True}),
        "obligatoire": classeur.add_format(
            {"bold": True, "font_color": "#FFFFFF", "bg_color": "#1F3864", "text_wrap": True, "valign": "top"}
        ),
        "facultatif": classeur.add_format({"bg_color": "#D9E2F3", "text_wrap": True, "valign": "top"}),
        "nombre": classeur.add_format({"valign": "top"}),
        "date": classeur.add_format({"num_format": "dd/mm/yyyy", "valign": "top"}),
    }


def _style_of(colonne: Column, styles: Mapping[str, Any]) -> Any:
    """Codes and periods are text: a spreadsheet would make a date of 2025-03."""
    assert colonne.saisie is not None
    nature = colonne.saisie.nature
    return styles["nombre" if nature in ("entier", "nombre") else nature if nature == "date" else "texte"]


def _write_head(feuille: Any, styles: Mapping[str, Any], titre: str, consigne: str, fictif: bool) -> None:
    if fictif:
        feuille.write_string(0, 0, f"{titre} – {BANDEAU}", styles["bandeau"])
    else:
        feuille.write_string(0, 0, titre, styles["titre"])
    feuille.write_string(1, 0, consigne, styles["consigne"])


def _write_guide(classeur: Any, styles: Mapping[str, Any], lignes: Sequence[tuple[str, str]]) -> None:
    feuille = classeur.add_worksheet("Guide")
    feuille.set_column(0, 0, 110)
    feuille.hide_gridlines(2)
    for rang, (style, texte) in enumerate(lignes):
        feuille.write_string(rang, 0, texte, styles["bandeau" if texte == BANDEAU else style])


def _write_identity(
    classeur: Any, styles: Mapping[str, Any], table: Table, contenu: Filling, fictif: bool
) -> None:
    feuille = classeur.add_worksheet(IDENTITE)
    _write_head(feuille, styles, "Identité de la déclaration", "Remplir la colonne Valeur.", fictif)
    feuille.set_column(0, 0, 34)
    feuille.set_column(1, 1, 40)
    feuille.set_column(2, 2, 70)
    for rang, titre in enumerate((RUBRIQUE, VALEUR, "Aide")):
        feuille.write_string(_ENTETE, rang, titre, styles["obligatoire"])
    for ligne, colonne in enumerate(_columns(table, rubrique=True), _ENTETE + 1):
        assert colonne.saisie is not None
        besoin = "" if colonne.saisie.obligatoire else "facultatif ; "
        feuille.write_string(ligne, 0, colonne.intitule, styles["facultatif"])
        _write_value(feuille, ligne, 1, contenu.identite.get(colonne.nom, ""), _style_of(colonne, styles))
        feuille.write_string(ligne, 2, besoin + colonne.description, styles["consigne"])
        feuille.data_validation(ligne, 1, ligne, 1, _validation(colonne, {}))


def _write_table(
    classeur: Any, styles: Mapping[str, Any], table: Table, listes: Lists, contenu: Filling, fictif: bool
) -> None:
    nom = str(table.lecture.feuille)
    feuille = classeur.add_worksheet(nom)
    consigne = "Une ligne par énoncé, sous les intitulés ; fond foncé : obligatoire. Voir la feuille Guide."
    _write_head(feuille, styles, nom, consigne, fictif)
    colonnes = _columns(table, rubrique=False)
    for rang, colonne in enumerate(colonnes):
        assert colonne.saisie is not None
        style = "obligatoire" if colonne.saisie.obligatoire else "facultatif"
        feuille.write_string(_ENTETE, rang, colonne.intitule, styles[style])
        feuille.set_column(rang, rang, _LARGEURS[colonne.saisie.nature], _style_of(colonne, styles))
        fin = _ENTETE + LIGNES_A_REMPLIR
        feuille.data_validation(_ENTETE + 1, rang, fin, rang, _validation(colonne, listes))
    feuille.freeze_panes(_ENTETE + 1, 1)
    for ligne, valeurs in enumerate(contenu.lignes.get(str(table.table), ()), _ENTETE + 1):
        for rang, colonne in enumerate(colonnes):
            _write_value(feuille, ligne, rang, valeurs.get(colonne.nom, ""), _style_of(colonne, styles))


def _write_value(feuille: Any, ligne: int, rang: int, valeur: Value, style: Any) -> None:
    if isinstance(valeur, date):
        feuille.write_datetime(ligne, rang, datetime(valeur.year, valeur.month, valeur.day), style)  # noqa: DTZ001
    elif isinstance(valeur, int | float):
        feuille.write_number(ligne, rang, valeur, style)
    elif valeur:
        feuille.write_string(ligne, rang, valeur, style)
    else:
        feuille.write_blank(ligne, rang, None, style)


def _validation(colonne: Column, listes: Lists) -> dict[str, Any]:
    """What the spreadsheet itself checks and says of a cell."""
    saisie = colonne.saisie
    assert saisie is not None
    regle: dict[str, Any] = {
        "validate": "any",
        "input_title": colonne.intitule[:_TITRE_MAX],
        "input_message": colonne.description[:_MESSAGE_MAX],
        "error_title": colonne.intitule[:_TITRE_MAX],
        "error_message": colonne.description[:_MESSAGE_MAX],
    }
    if saisie.liste is not None and listes.get(saisie.liste):
        # Territories are proposed, since a release may lack one; the other lists are closed.
        severite = "stop" if saisie.nature == "liste" else "warning"
        regle |= {"validate": "list", "source": f"={_list_name(saisie.liste)}", "error_type": severite}
    elif saisie.nature in ("entier", "nombre"):
        minimum = saisie.minimum if saisie.minimum is not None else -1e15
        quoi = "integer" if saisie.nature == "entier" else "decimal"
        regle |= {"validate": quoi, "criteria": ">=", "value": minimum}
    elif saisie.nature == "date":
        regle |= {"validate": "date", "criteria": ">=", "value": date(2000, 1, 1)}
    return regle


def _list_name(nom: str) -> str:
    return f"liste_{nom}"


def _write_lists(classeur: Any, styles: Mapping[str, Any], listes: Lists) -> None:
    feuille = classeur.add_worksheet("Listes")
    for rang, (nom, codes) in enumerate(sorted(listes.items())):
        feuille.set_column(rang, rang, 40)
        feuille.write_string(0, rang, nom, styles["obligatoire"])
        for ligne, (code, libelle) in enumerate(codes.items(), 1):
            feuille.write_string(ligne, rang, f"{code}{SEPARATEUR}{libelle}" if libelle else code)
        if codes:
            lettre = column_letter(rang)
            plage = f"=Listes!${lettre}$2:${lettre}${len(codes) + 1}"
            classeur.define_name(_list_name(nom), plage)
    feuille.freeze_panes(1, 0)
