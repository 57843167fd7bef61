"""A table without any file has the columns and the types of a table that was read."""

from __future__ import annotations

import pyarrow as pa
import pytest

from qpv_emploi.acquisition import survey
from qpv_emploi.catalogue import BronzeTable, load_catalogue
from qpv_emploi.fictif import MILLESIMES_DU_DEPOT, generate
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.lecture.vide import empty_table
from qpv_emploi.settings import Settings

CATALOGUE = load_catalogue(Settings().dbt_dir)


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ReadTable]:
    """One real reading of each table of the catalogue, from fictional files."""
    depot = tmp_path_factory.mktemp("depot")
    generate(depot, nb_qpv=3)
    found = {}
    for deposit in survey(depot, CATALOGUE).deposits:
        for file in deposit.fichiers:
            tables = [
                table
                for table in CATALOGUE.tables()
                if (table.producteur, table.jeu.jeu) == (deposit.producteur, deposit.jeu)
                and table.fichier == file.spec
            ]
            provenance = Provenance(
                deposit.producteur, deposit.jeu, deposit.millesime, file.fichier, "0" * 64
            )
            variables = CATALOGUE.variables_of(deposit.producteur, deposit.jeu)
            for read in read_file(file.chemin, tables, provenance, variables):
                found[read.table.nom] = read
    return found


# The others have no fictional file: tests/integration/test_lecture_vide_depot.py reads their real ones.
FICTIONAL = [table for table in CATALOGUE.tables() if table.jeu.jeu in MILLESIMES_DU_DEPOT]


@pytest.mark.parametrize("table", FICTIONAL, ids=lambda table: table.nom)
def test_empty_like_the_readers(table: BronzeTable, reads: dict[str, ReadTable]) -> None:
    read = reads[table.nom]
    unknown = set(read.colonnes_inconnues) if table.table.forme == "lignes" else set()
    known = pa.schema([field for field in read.donnees.schema if field.name not in unknown])
    empty = empty_table(table)
    assert read.donnees.num_rows > 0
    assert empty.num_rows == 0
    assert empty.schema.equals(known), f"{empty.schema}\n---\n{known}"
