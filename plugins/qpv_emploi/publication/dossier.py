"""The files of a publication: everything a person takes away from one release."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from qpv_emploi.publication.avancement import Progress, Steps, silent
from qpv_emploi.publication.base import write_database
from qpv_emploi.publication.classeur import has_workbook, write_workbook
from qpv_emploi.publication.comparaison import compare_releases
from qpv_emploi.publication.comparaison_fichiers import write_comparison
from qpv_emploi.publication.contexte import Context, read_context
from qpv_emploi.publication.descriptifs import (
    CITATION,
    DICTIONARY,
    README,
    SOURCES,
    write_citation,
    write_dictionary,
    write_readme,
    write_sources,
)
from qpv_emploi.publication.documentation import DOCUMENTATION
from qpv_emploi.publication.empreintes import file_facts, write_sums
from qpv_emploi.publication.export import DATABASE, NOT_IN_CSV
from qpv_emploi.publication.paquet import data_package, dcat_catalogue
from qpv_emploi.publication.perimetres import outline_layers, write_layer
from qpv_emploi.publication.tableaux import FRENCH_EXCEL, MACHINE, write_csv, write_parquet
from qpv_emploi.publication.version import BANNER, FICTIONAL, Relation, marked_relations, read_release

COMPARISON = "comparaison"
PACKAGE, DCAT = "datapackage.json", "dcat.jsonld"


@dataclass(frozen=True)
class FilesReport:
    """What was written.

    Attributes:
        dossier: the folder.
        nb_fichiers: number of files, ``SHA256SUMS`` included.
        octets: their size.
        comptes: rows of each relation that left.
        sans_classeur: marts that no spreadsheet file holds, for their length.
    """

    dossier: Path
    nb_fichiers: int
    octets: int
    comptes: dict[str, int]
    sans_classeur: tuple[str, ...]


def publish_files(
    release: Path,
    folder: Path,
    progress: Progress = silent,
    *,
    previous: Path | None = None,
    address: str = "",
) -> FilesReport:
    """Write every file that people take away from a release.

    Nothing of the clock enters: the same release, the same previous one and the same code give the same
    bytes, but for the database, whose rows are the same and whose blocks DuckDB lays as it likes.

    Args:
        release: directory of the release; only read.
        folder: empty or missing folder, filled with ``xlsx/``, ``csv/``, ``csv_excel/``, ``parquet/``,
            ``perimetres/``, ``comparaison/``, the database and the descriptions.
        progress: told after each file.
        previous: directory of the release to compare with, None without any.
        address: public address of the folder, for the catalogues; ends with ``/``.

    Raises:
        QPVError: the release has no dictionary, or it marks what the release does not hold.
    """
    source = read_release(release)
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(source.base), read_only=True) as connection:
        relations = marked_relations(connection, source)
    write_database(source, relations, folder / DATABASE)
    with duckdb.connect(str(folder / DATABASE), read_only=True) as connection:
        # The order of rows is that of the table only with one thread.
        connection.execute("set threads = 1")
        context = read_context(connection, source, relations)
        tables = [relation for relation in relations if not relation.est_vue]
        texts = [relation for relation in tables if not relation.has_outlines]
        sheets = [r for r in texts if r.nom not in NOT_IN_CSV]
        books = [r for r in sheets if has_workbook(r, context.comptes[r.nom])]
        layers = outline_layers(connection)
        planned = len(tables) + len(texts) + len(sheets) + len(books) + len(layers)
        # And the database, the comparison, the descriptions.
        steps = Steps(progress, planned + 3)
        steps.step(DATABASE)
        for kind in ("parquet", "csv", "csv_excel", "xlsx", "perimetres"):
            (folder / kind).mkdir(exist_ok=True)
        for relation in tables:
            write_parquet(
                connection,
                relation.nom,
                folder / "parquet" / f"{relation.nom}.parquet",
                _facts(context, relation),
            )
            steps.step(f"parquet/{relation.nom}")
        for kind, dialect, chosen in (("csv", MACHINE, texts), ("csv_excel", FRENCH_EXCEL, sheets)):
            for relation in chosen:
                columns = [(column.nom, column.type) for column in relation.colonnes]
                write_csv(connection, relation.nom, columns, folder / kind / f"{relation.nom}.csv", dialect)
                steps.step(f"{kind}/{relation.nom}")
        for relation in books:
            write_workbook(connection, context, relation, folder / "xlsx" / f"{relation.nom}.xlsx")
            steps.step(f"xlsx/{relation.nom}")
        for layer in layers:
            write_layer(connection, context, layer, folder / "perimetres")
            steps.step(f"perimetres/{layer[0]}")
        period = _period(connection, relations)
    compared = ""
    if previous is not None:
        comparison = compare_releases(previous, release)
        write_comparison(comparison, folder / COMPARISON)
        compared = comparison.avant.identifiant
    steps.step(COMPARISON)
    long = tuple(r.nom for r in texts if r.nom.startswith("mart_") and r not in books)
    # A release made before there was such a page has none.
    if (source.dossier / DOCUMENTATION).is_file():
        shutil.copyfile(source.dossier / DOCUMENTATION, folder / DOCUMENTATION)
    _describe(folder, context, long, compared, period, address)
    steps.step("descriptions et empreintes")
    facts = file_facts(folder)
    return FilesReport(
        folder, len(facts), sum(fact.octets for fact in facts.values()), dict(context.comptes), long
    )


def _facts(context: Context, relation: Relation) -> dict[str, str]:
    release = context.release
    return {
        "version": release.identifiant,
        "region": release.region,
        "description": relation.description,
        "grain": relation.grain,
        FICTIONAL: BANNER if release.est_fictif else "non",
    }


def _period(connection: duckdb.DuckDBPyConnection, relations: tuple[Relation, ...]) -> tuple[str, str] | None:
    """First and last day that the observations speak of."""
    present = {relation.nom for relation in relations}
    if not {"fct_observation", "dim_periode"}.issubset(present):
        return None
    ((first, last),) = connection.execute(
        "select cast(min(p.debut) as varchar), cast(max(p.fin) as varchar) from dim_periode as p "
        "where p.cle_periode in (select o.cle_periode from fct_observation as o where o.valeur is not null)"
    ).fetchall()
    return (first, last) if first and last else None


def _describe(
    folder: Path,
    context: Context,
    long: tuple[str, ...],
    compared: str,
    period: tuple[str, str] | None,
    address: str,
) -> None:
    write_dictionary(context, folder / DICTIONARY)
    write_sources(context, folder / SOURCES)
    write_citation(context, folder / CITATION)
    write_readme(context, folder / README, without_workbook=long, compared=compared)
    facts = file_facts(folder)
    for name, content in (
        (PACKAGE, data_package(context, facts)),
        (DCAT, dcat_catalogue(context, facts, period=period, address=address)),
    ):
        text = json.dumps(content, ensure_ascii=False, indent=2)
        (folder / name).write_text(text + "\n", encoding="utf-8", newline="\n")
    write_sums(folder)
