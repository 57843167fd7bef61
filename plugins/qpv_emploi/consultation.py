"""Reading the current release."""

from __future__ import annotations

import duckdb
import pandas as pd
import pyarrow as pa

from qpv_emploi.entrepot import current_release
from qpv_emploi.errors import QPVError, UnknownRelease
from qpv_emploi.publication import DATABASE
from qpv_emploi.settings import Settings


def query_current(settings: Settings, query: str) -> pd.DataFrame:
    """Run one SQL query on the current release, read-only.

    A refresh that publishes meanwhile does not disturb the query: it keeps the file it opened.

    Raises:
        UnknownRelease: nothing has been published yet.
        QPVError: the query is wrong, or writes; the message is DuckDB's, on one line.
    """
    release = current_release(settings.paths)
    if release is None:
        raise UnknownRelease(f"aucune version publiée dans {settings.paths.publie} ; à faire : `qpv run`")
    with duckdb.connect(str(release.dossier / DATABASE), read_only=True) as connection:
        try:
            # Arrow types keep a day a day, and an integer an integer beside a null.
            rows: pa.Table = connection.execute(query).to_arrow_table()
            frame: pd.DataFrame = rows.to_pandas(types_mapper=pd.ArrowDtype)
            return frame
        except duckdb.Error as error:
            # Below comes the query again, with a caret that a line cannot hold.
            reason = " ".join(str(error).partition("\n\nLINE ")[0].split())
            raise QPVError(f"requête refusée par DuckDB : {reason}") from error
