"""What can be measured on bronze tables already written."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from qpv_emploi.lecture.empreinte import normalised


def count_zones(path: Path) -> int:
    """Number of zones, control row left out, of a « cellules » table."""
    table = pq.read_table(path, columns=["code_zone", "est_controle"])
    return int(pc.count_distinct(table.filter(pc.invert(table["est_controle"]))["code_zone"]).as_py())


def count_revised(before: Path, after: pa.Table) -> int:
    """Number of cells (zone x variable) that changed, appeared or disappeared between two readings.

    A number written otherwise (``1508`` and ``1 508``) is the same cell; a blank is not a number.
    """
    keys = ["code_zone", "variable"]
    joined = _cells(pq.read_table(before), "avant").join(
        _cells(after, "apres"), keys=keys, join_type="full outer"
    )
    same = pc.fill_null(pc.equal(joined["avant"], joined["apres"]), False)
    return int(pc.sum(pc.invert(same)).as_py() or 0)


def _cells(table: pa.Table, name: str) -> pa.Table:
    contents = normalised(table["valeur_texte"].combine_chunks(), table["valeur"].combine_chunks())
    return pa.table({"code_zone": table["code_zone"], "variable": table["variable"], name: contents})
