"""Bronze on disk."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def write_parquet(donnees: pa.Table, chemin: Path) -> None:
    """Write a table so that a reader meets the old file or the whole new one, never a part.

    The same table gives the same bytes with the same pyarrow.

    Raises:
        OSError: the folder cannot be written; nothing is left behind.
    """
    chemin.parent.mkdir(parents=True, exist_ok=True)
    provisoire = chemin.with_name(f".{chemin.name}.{uuid.uuid4().hex}.tmp")
    try:
        with provisoire.open("wb") as flux:
            pq.write_table(
                donnees.replace_schema_metadata(None),
                flux,
                compression="zstd",
                row_group_size=131_072,
                store_schema=False,
            )
            flux.flush()
            os.fsync(flux.fileno())
        provisoire.replace(chemin)
    finally:
        provisoire.unlink(missing_ok=True)
