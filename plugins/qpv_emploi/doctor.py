"""Checks of the installation and of the catalogue, for ``qpv doctor`` and ``qpv catalogue check``."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from dataclasses import dataclass
from typing import Literal

from qpv_emploi.catalogue import SCHEMA, json_schema, load_catalogue
from qpv_emploi.conservation import storage_of
from qpv_emploi.entrepot import current_release
from qpv_emploi.entrepot.moteur_postgres import PostgresEngine
from qpv_emploi.entrepot.releases import list_releases
from qpv_emploi.errors import QPVError, SettingsError
from qpv_emploi.settings import Settings

_STACK = (
    "apache-airflow",
    "dbt-core",
    "dbt-duckdb",
    "duckdb",
    "great-expectations",
    "pandas",
    "requests",
)
_MIN_FREE_BYTES = 2 << 30


@dataclass(frozen=True)
class Finding:
    """One thing checked: ``ok``, ``attention`` (works, but look) or ``erreur``."""

    niveau: Literal["ok", "attention", "erreur"]
    message: str


def check_catalogue(settings: Settings) -> str:
    """Validate the catalogue, the dictionary, the suites and the JSON Schema.

    Returns:
        One line that counts what was checked.

    Raises:
        SettingsError: naming what is wrong and where.
    """
    catalogue = load_catalogue(settings.dbt_dir, settings.catalogue_dir)
    tables = {table.nom for table in catalogue.tables()}
    suites = {path.stem for path in (settings.expectations_dir / "bronze").glob("*.yml")}
    if tables != suites:
        missing, orphan = sorted(tables - suites), sorted(suites - tables)
        raise SettingsError(
            f"suites de contrôle : manquantes {missing or 'aucune'}, sans table {orphan or 'aucune'} ; "
            f"attendu : un fichier par table bronze dans {settings.expectations_dir / 'bronze'}"
        )
    if SCHEMA.read_text(encoding="utf-8") != json_schema():
        raise SettingsError(
            f"{SCHEMA.name} n'est plus celui des modèles ; à faire : `qpv catalogue check --ecrire-schema`"
        )
    datasets = sum(1 for _ in catalogue.datasets())
    return (
        f"{datasets} jeux, {len(tables)} tables bronze et leurs suites, {len(catalogue.variables)} variables"
    )


def examine(settings: Settings) -> list[Finding]:
    """Look at everything a run needs; never raises for what it finds."""
    return [
        *_stack(),
        _catalogue(settings),
        _depot(settings),
        _data_dir(settings),
        *_engine(settings),
        *_storage(settings),
        _release(settings),
    ]


def _stack() -> list[Finding]:
    findings = []
    for name in _STACK:
        try:
            findings.append(Finding("ok", f"{name} {importlib.metadata.version(name)}"))
        except importlib.metadata.PackageNotFoundError:
            findings.append(Finding("erreur", f"{name} n'est pas installé ; à faire : make setup"))
    return findings


def _catalogue(settings: Settings) -> Finding:
    try:
        return Finding("ok", f"catalogue : {check_catalogue(settings)}")
    except QPVError as error:
        return Finding("erreur", str(error))


def _depot(settings: Settings) -> Finding:
    if settings.depot.is_dir():
        return Finding("ok", f"dépôt : {settings.depot.resolve()}")
    return Finding(
        "attention",
        f"dépôt {settings.depot} absent : rien à recevoir ; à faire : le créer ou donner QPV_DEPOT",
    )


def _data_dir(settings: Settings) -> Finding:
    root = settings.paths.root
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    if not os.access(existing, os.W_OK):
        return Finding("erreur", f"dossier de données {root} : écriture refusée sur {existing}")
    free = shutil.disk_usage(existing).free
    size = f"{free / (1 << 30):.0f} Gio libres"
    if free < _MIN_FREE_BYTES:
        return Finding("attention", f"dossier de données {root} : {size}, 2 Gio conseillés")
    return Finding("ok", f"dossier de données : {root} ({size})")


def _engine(settings: Settings) -> list[Finding]:
    """The server of the engine, when it is not DuckDB."""
    if settings.moteur == "duckdb":
        return []
    try:
        return [Finding("ok", f"moteur de la construction : {PostgresEngine(settings).check()}")]
    except QPVError as error:
        return [Finding("erreur", str(error))]


def _storage(settings: Settings) -> list[Finding]:
    """Nothing to say of a storage that is the data directory."""
    try:
        remote = storage_of(settings.paths)
        if remote is None:
            return []
        remote.probe()
    except QPVError as error:
        return [Finding("erreur", str(error))]
    return [Finding("ok", f"stockage : {remote.url} (lecture, écriture conditionnelle)")]


def _release(settings: Settings) -> Finding:
    paths = settings.paths
    try:
        if paths.courant.is_symlink() and not paths.courant.exists():
            kept = ", ".join(release.identifiant for release in list_releases(paths)) or "aucune"
            return Finding(
                "erreur",
                f"{paths.courant} désigne un dossier disparu ; à faire : `qpv rollback VERSION` vers une "
                f"version gardée ({kept})",
            )
        release = current_release(paths)
    except QPVError as error:
        return Finding("erreur", str(error))
    if release is None:
        return Finding("attention", "aucune version publiée ; à faire : `qpv run`")
    return Finding("ok", f"version courante : {release.identifiant}, région {release.region}")
