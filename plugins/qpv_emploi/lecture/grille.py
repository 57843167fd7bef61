"""The common form of every source file: named columns of text, and the line each row comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qpv_emploi.lecture.provenance import Provenance


@dataclass(frozen=True)
class Grid:
    """Rows of a file as text.

    Attributes:
        entete: names of the k columns kept, stripped.
        positions: their 1-based positions in the file.
        colonnes: k string arrays of n rows, text as in the file; null only where a JSON key is absent.
        lignes: int32 of n, physical 1-based line, sheet row or feature number.
        geometries: n shapely geometries in WGS84 (None for null), or None for a family without geometry.
    """

    entete: tuple[str, ...]
    positions: tuple[int, ...]
    colonnes: tuple[pa.Array, ...]
    lignes: NDArray[np.int32]
    geometries: NDArray[Any] | None = None


class GridBuilder:
    """Gathers rows of equal length by batches, so that a large file never lives as Python strings at once.

    Args:
        entete: all the names of the header row, as in the file.
        ligne_entete: its number, for messages.
        provenance: the file, for messages.

    Raises:
        RefusedFile: a name twice, or no name at all.
    """

    def __init__(self, entete: Sequence[str], ligne_entete: int, provenance: Provenance) -> None:
        noms = [nom.strip() for nom in entete]
        self._provenance = provenance
        self._nommees = [i for i, nom in enumerate(noms) if nom]
        self._anonymes = [i for i, nom in enumerate(noms) if not nom]
        self._noms = tuple(noms[i] for i in self._nommees)
        self._morceaux: list[list[pa.Array]] = [[] for _ in self._nommees]
        self._lignes: list[int] = []
        if not self._noms:
            raise provenance.refuse(
                f"la ligne {ligne_entete} ne porte aucun nom de colonne",
                attendu="une ligne d'en-tête",
                action="déposer le fichier d'origine du producteur",
            )
        doubles = sorted(nom for nom, fois in Counter(self._noms).items() if fois > 1)
        if doubles:
            raise provenance.refuse(
                f"nom de colonne en double à la ligne {ligne_entete} : {', '.join(doubles)}",
                attendu="des noms de colonnes tous différents",
                action="déposer le fichier d'origine du producteur",
            )

    def add(self, rangs: Sequence[Sequence[str]], lignes: Sequence[int]) -> None:
        """Add a batch of rows and their line numbers.

        Raises:
            RefusedFile: a column without name holds something.
        """
        if not rangs:
            return
        colonnes = list(zip(*rangs, strict=True))
        for i in self._anonymes:
            if not any(colonnes[i]):
                continue
            for texte, ligne in zip(colonnes[i], lignes, strict=True):
                if texte.strip():
                    raise self._provenance.refuse(
                        f"ligne {ligne}, colonne {i + 1} : « {texte[:40]} » dans une colonne sans nom",
                        attendu="des colonnes sans nom toujours vides",
                        action="nommer la colonne ou déposer le fichier d'origine du producteur",
                    )
        for morceaux, i in zip(self._morceaux, self._nommees, strict=True):
            morceaux.append(pa.array(colonnes[i], pa.string()))
        self._lignes.extend(lignes)

    def build(self) -> Grid:
        """The grid, without the empty rows of the end.

        Raises:
            RefusedFile: no row of data.
        """
        colonnes = [pa.concat_arrays(m) if m else pa.array([], pa.string()) for m in self._morceaux]
        n = len(self._lignes)
        while n and not any(colonne[n - 1].as_py().strip() for colonne in colonnes):
            n -= 1
        if not n:
            raise self._provenance.refuse(
                "aucune ligne de données sous l'en-tête",
                attendu="au moins une ligne",
                action="déposer le fichier complet",
            )
        return Grid(
            entete=self._noms,
            positions=tuple(i + 1 for i in self._nommees),
            colonnes=tuple(colonne.slice(0, n) for colonne in colonnes),
            lignes=np.array(self._lignes[:n], np.int32),
        )
