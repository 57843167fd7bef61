"""The empty table of a dataset without file has the columns that its readers give, on the real files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from qpv_emploi.acquisition import survey
from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.lecture import Provenance, read_file
from qpv_emploi.lecture.vide import empty_table
from qpv_emploi.settings import Settings

pytestmark = pytest.mark.depot

CATALOGUE = load_catalogue(Settings().dbt_dir)


def test_each_table_of_the_depot_is_empty_like_its_readers(depot_reel: Path) -> None:
    compared = set()
    for deposit in survey(depot_reel, CATALOGUE).deposits:
        for file in deposit.fichiers:
            tables = [
                table
                for table in CATALOGUE.tables()
                if (table.producteur, table.jeu.jeu) == (deposit.producteur, deposit.jeu)
                and table.fichier == file.spec
                and table.nom not in compared
            ]
            if not tables:
                continue
            provenance = Provenance(
                deposit.producteur, deposit.jeu, deposit.millesime, file.fichier, "0" * 64
            )
            variables = CATALOGUE.variables_of(deposit.producteur, deposit.jeu)
            for read in read_file(file.chemin, tables, provenance, variables):
                unknown = set(read.colonnes_inconnues) if read.table.table.forme == "lignes" else set()
                known = pa.schema([f for f in read.donnees.schema if f.name not in unknown])
                assert empty_table(read.table).schema.equals(known), read.table.nom
                compared.add(read.table.nom)
    assert len(compared) >= 40
