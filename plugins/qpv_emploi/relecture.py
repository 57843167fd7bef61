"""Superseded files, read again from the raw store under the present rules.

A bronze file is named after the bytes and after the rules it was read under. Rules change: what was read long
ago is read again, so that every version of a figure in one build was read the same way.
"""

from __future__ import annotations

import re
from pathlib import Path

from qpv_emploi.acquisition import check_bytes, refusal_for
from qpv_emploi.catalogue import BronzeTable, Catalogue, FileSpec
from qpv_emploi.conservation import BronzeFiles, RawStore
from qpv_emploi.entrepot.history import FileVersion
from qpv_emploi.ingestion import bronze_path
from qpv_emploi.lecture import Provenance, read_file
from qpv_emploi.lecture.corrections import correct
from qpv_emploi.lecture.parquet import write_parquet
from qpv_emploi.qualite.gate import judge
from qpv_emploi.qualite.rapport import refusal_of
from qpv_emploi.settings import Settings


def read_again(settings: Settings, catalogue: Catalogue, version: FileVersion) -> dict[str, str]:
    """Bronze tables of a file that other bytes replaced, read if they are missing.

    The number of zones is not compared with other vintages: the file was accepted once.

    Args:
        version: the file; its bytes are in the raw store.

    Returns:
        Bronze table -> path relative to the data directory.

    Raises:
        RefusedFile: the file cannot be read any more, a correction no longer fits it, or the present gate
            refuses it.
        ConservationError: the raw store has lost it.
    """
    spec = _spec(catalogue, version)
    tables = [
        table
        for table in catalogue.tables()
        if (table.producteur, table.jeu.jeu) == (version.producteur, version.jeu) and table.fichier == spec
    ]
    paths = {
        table.nom: bronze_path(settings, catalogue, table, version.millesime, version.empreinte_sha256)
        for table in tables
    }
    bronze = BronzeFiles(settings.paths)
    names = {table: bronze.name(path) for table, path in paths.items()}
    if not all(bronze.exists(name) for name in names.values()):
        _read(settings, catalogue, version, spec, tables, paths)
        for name in names.values():
            bronze.keep(name)
    return names


def _spec(catalogue: Catalogue, version: FileVersion) -> FileSpec:
    jeu = catalogue.dataset(version.producteur, version.jeu)
    for spec in jeu.fichiers:
        if re.fullmatch(spec.motif, version.fichier):
            return spec
    raise refusal_for(version.producteur, version.jeu, version.millesime, version.fichier)(
        raison="le catalogue ne reconnaît plus le nom de ce fichier",
        attendu="un nom de la forme " + " ou ".join(spec.motif for spec in jeu.fichiers),
        action="rendre au catalogue la forme de ce nom pour en garder l'historique",
    )


def _read(
    settings: Settings,
    catalogue: Catalogue,
    version: FileVersion,
    spec: FileSpec,
    tables: list[BronzeTable],
    paths: dict[str, Path],
) -> None:
    raw = RawStore(settings.paths).path(version.empreinte_sha256)
    provenance = Provenance(
        version.producteur, version.jeu, version.millesime, version.fichier, version.empreinte_sha256
    )
    refuse = refusal_for(version.producteur, version.jeu, version.millesime, version.fichier)
    check_bytes(raw, spec.tables[0].lecture.famille, refuse=refuse)
    variables = catalogue.variables_of(version.producteur, version.jeu)
    lues = read_file(raw, tables, provenance, variables)
    (reads,) = correct([(provenance, lues)], catalogue.corrections_of(version.producteur, version.jeu))
    verdicts = [
        judge(read, expectations_dir=settings.expectations_dir, variables=variables, zones_connues={})
        for read in reads
    ]
    if not all(verdict.accepte for verdict in verdicts):
        raise refusal_of(provenance, verdicts)
    for read in reads:
        write_parquet(read.donnees, paths[read.table.nom])
