"""Corrections of known errors, put on bronze tables once they are read.

The right text takes the place of the wrong one, so that everything downstream is right without knowing; the
text published stays beside it and the row names its correction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qpv_emploi.catalogue import BronzeTable, Correction, Table, TableCorrection
from qpv_emploi.errors import RefusedFile, SettingsError
from qpv_emploi.lecture.cles import stripped
from qpv_emploi.lecture.fichier import decimal_mark
from qpv_emploi.lecture.nombres import parse_number, parse_numbers
from qpv_emploi.lecture.provenance import CORRECTION, Provenance
from qpv_emploi.lecture.resultat import ReadTable

# Between the corrections of one row.
SEPARATOR = "|"
PUBLISHED = "__publie"
_SHOWN = 4


@dataclass(frozen=True)
class _Cell:
    """A cell to correct: which of the read tables, which row, which column, and by what."""

    lu: int
    rang: int
    colonne: str
    correction: Correction


def correct(
    lectures: Sequence[tuple[Provenance, Sequence[ReadTable]]], corrections: Sequence[TableCorrection]
) -> list[list[ReadTable]]:
    """Apply the corrections of one dataset x vintage.

    Args:
        lectures: each file of the vintage and the tables read from it.
        corrections: those of the dataset; the others, and those of other vintages, are ignored. A correction
            of a table that the vintage does not hold has nothing to say.

    Returns:
        The same tables, in the same order, each with a column ``correction``: the codes of the corrections
        of the row separated by ``|``, null elsewhere. A corrected column ``x`` (``valeur_texte`` for
        « cellules ») holds the right text, its number is parsed again, and a column ``x__publie`` holds the
        text published, null where nothing was corrected or published. ``empreinte_contenu`` stays that of
        the content published.

    Raises:
        RefusedFile: the guard of a correction: the row is gone or is not alone, or its cell does not hold the
            wrong text expected.
        SettingsError: two corrections speak of the same cell.
    """
    lus = [(provenance, read) for provenance, groupe in lectures for read in groupe]
    millesimes = {provenance.millesime for provenance, _ in lectures}
    tenues = {read.table.nom for _, read in lus}
    cells = [
        _locate(lus, found.table, found.correction)
        for found in corrections
        if found.table.nom in tenues and any(map(found.correction.concerns, millesimes))
    ]
    _check_distinct(cells)
    par_table = defaultdict(list)
    for cell in cells:
        par_table[cell.lu].append(cell)
    corriges = iter([_corrected(read, par_table[i]) for i, (_, read) in enumerate(lus)])
    return [[next(corriges) for _ in groupe] for _, groupe in lectures]


def uncorrected(donnees: pa.Table) -> pa.Table:
    """The table with the column ``correction`` of a table without any."""
    return donnees.append_column(CORRECTION, pa.nulls(donnees.num_rows, pa.string()))


def _locate(lus: Sequence[tuple[Provenance, ReadTable]], table: BronzeTable, correction: Correction) -> _Cell:
    """The cell of a correction, once its guard holds."""
    candidates = [(i, p, read) for i, (p, read) in enumerate(lus) if read.table.nom == table.nom]
    trouvees = [
        (i, p, read, int(rang))
        for i, p, read in candidates
        for rang in np.flatnonzero(_matches(read.donnees, table.table, correction))
    ]
    if not trouvees:
        # No file has the row: the first one answers for the vintage.
        raise _gone(candidates[0][1], table.table, correction)
    if len(trouvees) > 1:
        raise _ambiguous(trouvees[0][1], [read.donnees["ligne"][r] for _, _, read, r in trouvees], correction)
    ((i, provenance, read, rang),) = trouvees
    colonne = "valeur_texte" if table.table.forme == "cellules" else correction.colonne
    publie = read.donnees[colonne][rang].as_py() or ""
    decimale = decimal_mark(table.table)
    if not _same(publie, correction.valeur_attendue, decimale):
        repare = _same(publie, correction.valeur_corrigee, decimale)
        raise _mended(provenance, read.donnees["ligne"][rang], correction, publie, repare)
    return _Cell(i, rang, colonne, correction)


def _gone(provenance: Provenance, table: Table, correction: Correction) -> RefusedFile:
    variable = f", variable {correction.colonne}" if table.forme == "cellules" else ""
    return provenance.refuse(
        f"correction {correction.code} : aucune ligne {correction.repere}{variable}",
        attendu=f"la ligne où {correction.colonne} vaut {_shown(correction.valeur_attendue)}",
        action="vérifier que le fichier est entier ; si le producteur a changé ses lignes, revoir ou retirer "
        + _entry(provenance, correction),
    )


def _ambiguous(provenance: Provenance, lignes: Sequence[object], correction: Correction) -> RefusedFile:
    return provenance.refuse(
        f"correction {correction.code} : {len(lignes)} lignes {correction.repere} "
        f"(lignes {', '.join(map(str, lignes[:_SHOWN]))})",
        attendu="une seule ligne",
        action=f"ajouter une colonne au repère « ligne » de {_entry(provenance, correction)}",
    )


def _mended(
    provenance: Provenance, ligne: object, correction: Correction, publie: str, repare: bool
) -> RefusedFile:
    return provenance.refuse(
        f"correction {correction.code}, ligne {ligne} ({correction.repere}) : {correction.colonne} vaut "
        f"{_shown(publie)}" + (", la valeur juste : le producteur a réparé son erreur" if repare else ""),
        attendu=f"la valeur fausse {_shown(correction.valeur_attendue)}",
        action=f"retirer {_entry(provenance, correction)}"
        + ("" if repare else ", ou la revoir si la nouvelle valeur est fausse aussi")
        + ", puis relancer",
    )


def _entry(provenance: Provenance, correction: Correction) -> str:
    return f"l'entrée {correction.code} de catalogue/corrections/{provenance.producteur}.yml"


def _matches(donnees: pa.Table, table: Table, correction: Correction) -> NDArray[np.bool_]:
    conditions: Mapping[str, str] = correction.ligne
    if table.forme == "cellules":
        (cle,) = correction.ligne.values()
        conditions = {"code_zone": cle, "variable": correction.colonne}
    found = np.ones(donnees.num_rows, bool)
    for colonne, texte in conditions.items():
        textes = stripped(donnees[colonne].combine_chunks())
        found &= pc.equal(textes, texte.strip()).to_numpy(zero_copy_only=False)
    return found


def _same(publie: str, attendu: str, decimale: Literal[",", "."]) -> bool:
    """Equal texts, or one number written in two ways: a copy saved again groups its thousands otherwise."""
    if publie.strip() == attendu.strip():
        return True
    nombre = parse_number(publie, decimale)
    return nombre is not None and nombre == parse_number(attendu, decimale)


def _check_distinct(cells: Sequence[_Cell]) -> None:
    vues: dict[tuple[int, int, object], str] = {}
    for cell in cells:
        autre = vues.setdefault((cell.lu, cell.rang, cell.colonne), cell.correction.code)
        if autre != cell.correction.code:
            raise SettingsError(
                f"les corrections {autre} et {cell.correction.code} visent la même cellule "
                f"({cell.correction.repere}, {cell.correction.colonne}) ; à faire : n'en garder qu'une"
            )


def _corrected(read: ReadTable, cells: Sequence[_Cell]) -> ReadTable:
    donnees = uncorrected(read.donnees)
    codes: dict[int, list[str]] = defaultdict(list)
    for cell in cells:
        codes[cell.rang].append(cell.correction.code)
    if codes:
        donnees = _with(donnees, CORRECTION, {rang: SEPARATOR.join(noms) for rang, noms in codes.items()})
    for colonne in dict.fromkeys(cell.colonne for cell in cells):
        justes = {c.rang: c.correction.valeur_corrigee for c in cells if c.colonne == colonne}
        publies = {rang: donnees[colonne][rang].as_py() for rang in justes}
        vide = pa.nulls(donnees.num_rows, pa.string())
        donnees = _with(
            donnees.append_column(f"{colonne}{PUBLISHED}", vide), f"{colonne}{PUBLISHED}", publies
        )
        donnees = _with(donnees, colonne, justes)
        donnees = _parsed_again(donnees, read.table.table, colonne, justes)
    return replace(read, donnees=donnees)


def _parsed_again(donnees: pa.Table, table: Table, colonne: str, justes: Mapping[int, str]) -> pa.Table:
    nombre = "valeur" if table.forme == "cellules" else f"{colonne}__valeur"
    if nombre not in donnees.column_names:
        return donnees
    if table.forme == "cellules":
        # The text of an attribute is never a number.
        justes = {rang: t for rang, t in justes.items() if donnees["role"][rang].as_py() != "attribut"}
    rangs = sorted(justes)
    valeurs = parse_numbers(pa.array([justes[r] for r in rangs], pa.string()), decimal_mark(table))
    return _with(donnees, nombre, dict(zip(rangs, valeurs.to_pylist(), strict=True)))


def _with(donnees: pa.Table, colonne: str, nouvelles: Mapping[int, object]) -> pa.Table:
    """The table with other values in a few rows of a column."""
    masque = np.zeros(donnees.num_rows, bool)
    rangs = sorted(nouvelles)
    masque[rangs] = True
    champ = donnees.schema.field(colonne)
    remplies = pc.replace_with_mask(
        donnees[colonne].combine_chunks(),
        pa.array(masque),
        pa.array([nouvelles[rang] for rang in rangs], champ.type),
    )
    return donnees.set_column(donnees.column_names.index(colonne), champ, remplies)


def _shown(texte: str) -> str:
    return f"« {texte.strip()} »" if texte.strip() else "(vide)"
