"""Bytes -> bronze: one reader per file family, no business meaning.

Importing this package is cheap: the readers and their libraries are imported by the first ``read_file``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qpv_emploi.catalogue import BronzeTable, SourceVariable
from qpv_emploi.lecture.provenance import Provenance
from qpv_emploi.lecture.resultat import ReadTable

__all__ = ["Provenance", "ReadTable", "read_file"]


def read_file(
    chemin: Path,
    tables: Sequence[BronzeTable],
    provenance: Provenance,
    variables: Sequence[SourceVariable],
) -> list[ReadTable]:
    """Read the bronze tables that one source file gives.

    Args:
        chemin: the source file, wherever it is kept; messages name ``provenance.fichier``, not this path.
        tables: tables declared for this file, all of the same dataset.
        provenance: identity written on each row.
        variables: dictionary of variables; rows of other datasets are ignored.

    Returns:
        One result per table, in the order given.

    Raises:
        RefusedFile: the file is not what its dataset promises.
    """
    from qpv_emploi.lecture.fichier import read_table

    return [read_table(chemin, table, provenance, variables) for table in tables]
