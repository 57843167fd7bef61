"""What a reader gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qpv_emploi.catalogue import BronzeTable

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class ReadTable:
    """One bronze table read from one file.

    Attributes:
        table: its declaration.
        donnees: the rows, in file order.
        nb_lignes: data rows of the file, control row included (not the rows of ``donnees`` once melted).
        colonnes_inconnues: columns of the file that neither the catalogue nor the dictionary knows.
        colonnes_absentes: usual columns, and variables expected in this vintage, that the file lacks.
        empreinte_contenu: SHA-256 of the content; equal for the same data saved in another dialect.
    """

    table: BronzeTable
    donnees: pa.Table
    nb_lignes: int
    colonnes_inconnues: tuple[str, ...]
    colonnes_absentes: tuple[str, ...]
    empreinte_contenu: str
