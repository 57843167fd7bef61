"""What can be measured on bronze tables already written."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def count_zones(path: Path) -> int:
    """Number of zones, control row left out, of a « cellules » table."""
    table = pq.read_table(path, columns=["code_zone", "est_controle"])
    return int(pc.count_distinct(table.filter(pc.invert(table["est_controle"]))["code_zone"]).as_py())


def count_revised(before: Path, after: pa.Table) -> int:
    """Number of cells (zone x variable) whose text differs, appeared or disappeared between two readings."""
    keys = ["code_zone", "variable"]
    old = pq.read_table(before, columns=[*keys, "valeur_texte"]).rename_columns([*keys, "avant"])
    new = after.select([*keys, "valeur_texte"]).rename_columns([*keys, "apres"])
    joined = old.join(new, keys=keys, join_type="full outer")
    same = pc.fill_null(pc.equal(joined["avant"], joined["apres"]), False)
    return int(pc.sum(pc.invert(same)).as_py() or 0)
