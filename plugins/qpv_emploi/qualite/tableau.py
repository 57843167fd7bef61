"""The frame a gate judges: one row per zone (wide files) or per row of the file, with its places."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qpv_emploi.lecture.nombres import number_text
from qpv_emploi.lecture.resultat import ReadTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The key of a « cellules » table, whatever the producer calls it, and the code of a zone keyed by its label.
CODE_ZONE = "code_zone"
CODE_SOURCE = "code_source"
_GEOMETRIE = "geometrie_wkb"


@dataclass(frozen=True)
class Tableau:
    """A frame and how to name a place in it.

    Attributes:
        donnees: n rows, index 0..n-1; blank texts are null.
        lieu: row label -> the row in words (zone and line, or key of a mart).
        positions: column -> 1-based position in the file, where it is known.
    """

    donnees: pd.DataFrame
    lieu: Callable[[int], str]
    positions: Mapping[str, int] = field(default_factory=dict)

    def exemple(self, rang: int, colonne: str, valeur: str) -> str:
        """A place in words: zone, line, column, value."""
        position = self.positions.get(colonne)
        nom = f"colonne {position} ({colonne})" if position else colonne
        return f"{self.lieu(rang)}, {nom} : {valeur}"


def shown(valeur: object) -> str:
    """A value as a French reader writes it."""
    if valeur is None or valeur is pd.NaT or valeur is pd.NA or valeur != valeur:
        return "(vide)"
    if isinstance(valeur, (bool, np.bool_)):
        return "vrai" if valeur else "faux"
    if isinstance(valeur, (int, float, np.integer, np.floating)) and np.isfinite(valeur):
        return number_text(float(valeur), ",")
    return f"« {valeur} »"


def unit_of(read: ReadTable) -> str:
    """What ``ligne`` counts in a table: lines of a text or a sheet, features of a map, sections of a page."""
    famille = read.table.table.lecture.famille
    return {"shapefile_zip": "entité", "geojson": "entité", "page_html": "rang"}.get(famille, "ligne")


def of_read_table(read: ReadTable) -> Tableau:
    """The frame of a bronze table, without the columns that the file lacks."""
    return _wide(read) if read.table.table.forme == "cellules" else _rows(read)


def trimmed(textes: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts without the spaces of their ends, null when blank."""
    propres = pc.utf8_trim_whitespace(textes)
    return pc.if_else(pc.equal(propres, ""), pa.scalar(None, pa.string()), propres)


def _wide(read: ReadTable) -> Tableau:
    """One row per non-control zone: numbers for notes and variables, texts for attributes."""
    cellules = read.donnees.filter(pc.invert(read.donnees["est_controle"]))
    lignes, premieres, rangs = np.unique(cellules["ligne"].to_numpy(), return_index=True, return_inverse=True)
    zones = pc.take(cellules["code_zone"], pa.array(premieres)).to_pylist()
    codes = pc.dictionary_encode(cellules["variable"].combine_chunks())
    variables = codes.dictionary.to_pylist()
    colonnes = codes.indices.to_numpy()
    n, k = len(lignes), len(variables)

    def first(nom: str) -> list[object]:
        _, debut = np.unique(colonnes, return_index=True)
        return list(pc.take(cellules[nom], pa.array(debut)).to_pylist())

    nombres = np.full((n, k), np.nan)
    nombres[rangs, colonnes] = cellules["valeur"].to_numpy()
    roles = first("role")
    trame: dict[str, object] = {CODE_ZONE: pd.array(zones, dtype="str")}
    if CODE_SOURCE in cellules.column_names:
        codes_source = pc.take(trimmed(cellules[CODE_SOURCE]), pa.array(premieres)).to_pylist()
        trame[CODE_SOURCE] = pd.array(codes_source, dtype="str")
    for j, variable in enumerate(variables):
        if roles[j] == "attribut":
            trame[variable] = _texts(cellules, rangs, colonnes == j, n)
        else:
            trame[variable] = nombres[:, j]
    positions = {v: int(str(p)) for v, p in zip(variables, first("colonne"), strict=True)}
    mot = unit_of(read)
    return Tableau(pd.DataFrame(trame), lambda i: f"{zones[i]}, {mot} {lignes[i]}", positions)


def _texts(cellules: pa.Table, rangs: NDArray[np.int64], choix: NDArray[np.bool_], n: int) -> object:
    textes = np.full(n, None, dtype=object)
    textes[rangs[choix]] = trimmed(cellules["valeur_texte"].filter(pa.array(choix))).to_pylist()
    return pd.array(textes, dtype="str")


def _rows(read: ReadTable) -> Tableau:
    """The rows of the file, texts trimmed, without the geometry itself."""
    absentes = {nom for absente in read.colonnes_absentes for nom in (absente, f"{absente}__valeur")}
    noms = [n for n in read.donnees.column_names if n not in absentes and n != _GEOMETRIE]
    colonnes = {nom: read.donnees[nom] for nom in noms}
    for nom, valeurs in colonnes.items():
        if pa.types.is_string(valeurs.type):
            colonnes[nom] = trimmed(valeurs)
    lignes = colonnes["ligne"].to_numpy()
    cles = [colonnes[c.nom] for c in read.table.table.cle]
    mot = unit_of(read)

    def lieu(i: int) -> str:
        zone = " + ".join(cle[i].as_py() or "(vide)" for cle in cles)
        return f"{zone}, {mot} {lignes[i]}"

    trame = pa.table(colonnes).to_pandas()
    return Tableau(trame, lieu)
