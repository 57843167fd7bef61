"""The whole chain, without Airflow: the functions that the DAGs and the command line both call.

Producers or dépôt -> raw store -> bronze -> gate 1 -> lock -> dbt -> gate 2 -> release.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import duckdb

from qpv_emploi import __version__
from qpv_emploi.acquisition import Survey, datasets_absent, survey
from qpv_emploi.acquisition.directe import Clients, fetch_dataset, is_for_real_data
from qpv_emploi.catalogue import Catalogue, load_catalogue
from qpv_emploi.catalogue.acces import is_live
from qpv_emploi.catalogue.millesimes import check_asked
from qpv_emploi.conservation import Issue, Ledger, Lock, Manifest, Outcome, Receptions, iso_utc, now_utc
from qpv_emploi.entrepot import (
    Candidate,
    NodeResult,
    Release,
    build_candidate,
    build_fingerprint,
    current_release,
    list_releases,
    load_candidate,
)
from qpv_emploi.entrepot.audit import audit_candidate, record_audit
from qpv_emploi.entrepot.candidate import discard_work, remove_work
from qpv_emploi.entrepot.dbt import manifest_of
from qpv_emploi.entrepot.fraicheur import record_freshness
from qpv_emploi.entrepot.releases import MANIFEST, fsync, fsync_tree, switch
from qpv_emploi.errors import BuildError, QPVError, SettingsError
from qpv_emploi.ingestion import ingest_deposit, naming
from qpv_emploi.publication import (
    DATABASE,
    DICTIONARY,
    DOCUMENTATION,
    read_dictionary,
    write_dictionary,
    write_documentation,
    write_release_files,
)
from qpv_emploi.relecture import read_again
from qpv_emploi.settings import Settings

Progress = Callable[[Outcome], None]


@dataclass(frozen=True)
class RunReport:
    """What one run of the chain did.

    Attributes:
        outcomes: one per dataset x vintage met.
        hors_catalogue: what nothing reads: folders of the dépôt that no dataset of the catalogue claims,
            files left outside a folder of vintage, receptions that the dépôt replaces.
        release: the release published by this run, None when nothing had changed.
        avertissements: lines of gate 2 that do not stop a publication.
    """

    outcomes: tuple[Outcome, ...]
    hors_catalogue: tuple[str, ...]
    release: Release | None
    avertissements: tuple[str, ...]


def vintages_in_depot(settings: Settings, producteur: str, jeu: str, asked: Sequence[str] = ()) -> list[str]:
    """Vintages of a dataset that lie in the dépôt or were received, sorted, refusals to come included.

    Args:
        asked: keep these only; empty, all. One that the dataset does not have may be that of another dataset
            of the producer.

    Raises:
        SettingsError: no dépôt, or a vintage asked for that no dataset of the producer has.
    """
    catalogue = load_catalogue(settings.dbt_dir, settings.catalogue_dir)
    found = _survey(settings, catalogue, producteur)
    of_producer = [d for d in found.deposits if d.producteur == producteur]
    datasets = [dataset for name, dataset in catalogue.datasets() if name == producteur]
    check_asked(datasets, asked, {d.millesime for d in of_producer}, en_ligne=settings.en_ligne)
    return sorted(d.millesime for d in of_producer if d.jeu == jeu and (not asked or d.millesime in asked))


def ingest_vintage(
    settings: Settings, producteur: str, jeu: str, millesime: str, *, force: bool = False
) -> Outcome:
    """Read one dataset x vintage that lies here. A bad file is an outcome, not an exception.

    Args:
        force: read and judge again even when neither the bytes nor the rules changed.
    """
    catalogue = load_catalogue(settings.dbt_dir, settings.catalogue_dir)
    with naming((producteur, jeu, millesime)):
        found = _survey(settings, catalogue, producteur, jeu)
    for deposit in found.deposits:
        if (deposit.producteur, deposit.jeu, deposit.millesime) == (producteur, jeu, millesime):
            return ingest_deposit(
                settings, catalogue, deposit, est_fictif=found.est_fictif, now=now_utc(), force=force
            )
    outcome = _absent(producteur, jeu, millesime, f"{millesime} n'est plus dans le dépôt {settings.depot}")
    Ledger.of(settings.paths).append(outcome)
    return outcome


def fetch(
    settings: Settings,
    producteur: str = "",
    jeu: str = "",
    progress: Progress = lambda outcome: None,
) -> list[Outcome]:
    """Ask the producers for the datasets that have a live access, whether or not ``en_ligne`` is set.

    A source that is down or refuses is an outcome, and stops no other.

    Args:
        producteur, jeu: one producer, or one dataset; empty for all.
        progress: called after each vintage.

    Returns:
        The outcomes (``etape`` is ``reception``), already written in the ledger.

    Raises:
        SettingsError: the installation is that of fictional data, or no such dataset has a live access.
    """
    if not is_for_real_data(settings):
        raise SettingsError(
            "les producteurs ne sont jamais interrogés pour la région fictive, ni vers un dossier de données "
            "ou un dépôt fictifs ; à faire : donner une vraie région (QPV_REGION), et d'autres dossiers "
            "(QPV_DATA_DIR, QPV_DEPOT)"
        )
    catalogue = load_catalogue(settings.dbt_dir, settings.catalogue_dir)
    asked = [
        (name, dataset.jeu)
        for name, dataset in catalogue.datasets()
        if is_live(dataset.acces) and producteur in ("", name) and jeu in ("", dataset.jeu)
    ]
    if not asked and (producteur or jeu):
        raise SettingsError(
            f"{'/'.join(filter(None, (producteur, jeu)))} : aucun jeu de ce nom ne se reçoit en ligne ; à "
            "faire : `qpv catalogue show` dit comment un jeu arrive ; sinon, ranger son fichier dans le dépôt"
        )
    outcomes = []
    with Clients(settings) as clients:
        for name, dataset in asked:
            for outcome in fetch_dataset(settings, catalogue, name, dataset, clients, now=now_utc()):
                Ledger.of(settings.paths).append(outcome)
                outcomes.append(outcome)
                progress(outcome)
    return outcomes


def ingest_all(
    settings: Settings, progress: Progress = lambda outcome: None
) -> tuple[list[Outcome], list[str]]:
    """Ask the producers when ``en_ligne`` is set, then read everything that lies here: dépôt and receptions.

    Args:
        progress: called after each dataset x vintage, at reception and at ingestion.

    Returns:
        The outcomes, and what nothing reads: folders that the catalogue does not know, files left outside a
        folder of vintage, receptions that the dépôt replaces.

    Raises:
        SettingsError: neither dépôt nor reception, or fictional and real data would mix.
    """
    catalogue = load_catalogue(settings.dbt_dir, settings.catalogue_dir)
    outcomes: list[Outcome] = []
    if settings.en_ligne and is_for_real_data(settings):
        outcomes += fetch(settings, progress=progress)
    found = _survey(settings, catalogue)
    # Said once, before the first file, rather than once per file.
    Manifest(settings.paths).check_origin(found.est_fictif)
    for deposit in found.deposits:
        outcome = ingest_deposit(settings, catalogue, deposit, est_fictif=found.est_fictif, now=now_utc())
        outcomes.append(outcome)
        progress(outcome)
    absent = _all_absent(settings, catalogue, found)
    Ledger.of(settings.paths).append(*absent)
    for outcome in absent:
        outcomes.append(outcome)
        progress(outcome)
    replaced = [f"{name} (le dépôt tient ce millésime)" for name in found.ecartes]
    return outcomes, [*found.hors_catalogue, *found.egares, *replaced]


def _survey(settings: Settings, catalogue: Catalogue, producteur: str = "", jeu: str = "") -> Survey:
    """Survey of the dépôt and of the receptions, once what other workers received of them is here."""
    Receptions(settings.paths).lay(producteur, jeu)
    return survey(settings.depot, catalogue, recu=settings.paths.recu)


def _all_absent(settings: Settings, catalogue: Catalogue, found: Survey) -> list[Outcome]:
    """Datasets without any file, and vintages in use or refused whose files have left the dépôt."""
    present = {(d.producteur, d.jeu, d.millesime) for d in found.deposits}
    outcomes = [
        _absent(producteur, jeu, "", f"aucun millésime dans le dépôt {settings.depot}")
        for producteur, jeu in datasets_absent(found, catalogue)
    ]
    in_use = Lock.of(settings.paths).read()
    for key in in_use:
        if key not in present:
            reason = "plus dans le dépôt ; le fichier déjà reçu reste en usage"
            outcomes.append(_absent(*key, reason))
    for key, last in Ledger.of(settings.paths).last_outcomes().items():
        if last.issue is Issue.REFUSE and key not in present and key not in in_use:
            outcomes.append(_absent(*key, "plus dans le dépôt, où il avait été refusé"))
    return outcomes


def _absent(producteur: str, jeu: str, millesime: str, raison: str) -> Outcome:
    return Outcome(
        le=iso_utc(now_utc()),
        producteur=producteur,
        jeu=jeu,
        millesime=millesime,
        issue=Issue.ABSENT,
        raison=raison,
        fichiers=(),
        empreintes=(),
        nb_lignes=None,
        colonnes_inconnues=(),
        colonnes_absentes=(),
        nb_cellules_revisees=None,
        rapport="",
    )


def build(settings: Settings, *, force: bool = False) -> str | None:
    """Build a candidate from the lock.

    Returns:
        Its identifier; None when a release of the same inputs exists already and ``force`` is off. A release
        that was rolled back counts: the rollback holds until an input changes. A release whose publication
        was killed before any reader saw it is given back, for ``publish`` to finish.

    Raises:
        BuildError: the warehouse cannot be built; nothing published changes.
    """
    fingerprint = build_fingerprint(settings)
    same = [release for release in list_releases(settings.paths) if release.empreinte == fingerprint]
    if same and not force:
        # Work outlives its release only when the publication was killed between its two renames.
        unseen = (
            release.identifiant
            for release in same
            if not release.est_courante and (settings.paths.travail / release.identifiant).is_dir()
        )
        return next(unseen, None)
    catalogue = load_catalogue(settings.dbt_dir, settings.catalogue_dir)
    reread = partial(read_again, settings, catalogue)
    return build_candidate(settings, catalogue, now=now_utc(), read_again=reread).identifiant


def node_results(settings: Settings, candidate: str) -> list[NodeResult]:
    """What dbt said of each node of a candidate."""
    return list(load_candidate(settings, candidate).noeuds)


def audit(settings: Settings, candidate: str) -> list[str]:
    """Gate 2 on a candidate.

    Returns:
        Warnings, one line each.

    Raises:
        AuditError: the candidate breaks the contract with its consumers.
    """
    return audit_candidate(settings, load_candidate(settings, candidate), current_release(settings.paths))


def publish(settings: Settings, candidate: str) -> Release:
    """Publish an audited candidate: complete directory first, then one rename.

    Killed at any moment, it leaves the former release current or the new one, and can be called again.

    Raises:
        BuildError: the candidate does not exist.
        AuditError: the candidate has not been audited, or was refused.
    """
    paths = settings.paths
    release = current_release(paths)
    if release is None or release.identifiant != candidate:
        built = load_candidate(settings, candidate)
        final = paths.versions / candidate
        if not final.is_dir():
            _prepare(settings, built, final)
        switch(paths, final)
        release = current_release(paths)
    if release is None or release.identifiant != candidate:
        raise QPVError(f"publication de {candidate} sans suite : {paths.courant} ne la désigne pas")
    discard_work(settings, candidate)
    return release


@dataclass(frozen=True)
class Rebuilt:
    """A warehouse as known on a past date, outside the releases.

    Attributes:
        dossier: the folder, laid out like a release.
        connu_le: the day.
        comptes: table -> number of rows.
        avertissements: superseded files left aside, and lines of gate 2 that stop nothing.
    """

    dossier: Path
    connu_le: date
    comptes: dict[str, int]
    avertissements: tuple[str, ...]


def rebuild_as_known(settings: Settings, connu_le: date, target: Path) -> Rebuilt:
    """Build the whole warehouse as it was known at the end of a past day, into a folder of its own.

    The figures are those of that day: bytes received later are not there, bytes replaced since are. The rules
    (models, dictionary, seeds) are those of today. The folder is no release: it never becomes current.

    Args:
        connu_le: the day; files received on that day count.
        target: folder to create; nothing may be there yet.

    Raises:
        SettingsError: the folder exists already, or lies among the releases.
        BuildError: nothing, or no reference dataset, was known on that day; or the build failed.
        AuditError: the warehouse of that day breaks the contract with its consumers.
    """
    target = target.resolve()
    if target.exists():
        raise SettingsError(
            f"{target} existe déjà ; à faire : donner à la reconstruction un dossier qui n'existe pas encore"
        )
    if target.is_relative_to(settings.paths.publie):
        raise SettingsError(
            f"{target} est parmi les versions publiées, où une reconstruction n'a pas sa place ; à faire : "
            "choisir un dossier ailleurs"
        )
    if connu_le > now_utc().date():
        raise SettingsError(f"le {connu_le} n'est pas encore venu ; attendu : un jour passé, ou ce jour")
    catalogue = load_catalogue(settings.dbt_dir, settings.catalogue_dir)
    preparing = target.with_name(f".{target.name}.partiel")
    # Beside the target, not in the data directory: a publication would take it for the rest of a killed one.
    work = preparing / "travail"
    _remove_works(settings, work)
    shutil.rmtree(preparing, ignore_errors=True)
    preparing.mkdir(parents=True)
    try:
        built = build_candidate(
            settings,
            catalogue,
            now=now_utc(),
            read_again=partial(read_again, settings, catalogue),
            connu_le=connu_le,
            travail=work,
        )
        warnings = audit_candidate(settings, built, None)
        record_audit(built)
        record_freshness(built.base, settings)
        counts = _write_files(built, preparing)
        _write_manifest(settings, built, counts, preparing / MANIFEST)
        _remove_works(settings, work)
        preparing.rename(target)
    except BuildError as error:
        raise BuildError(f"reconstruction au {connu_le} impossible : {error}") from error
    return Rebuilt(target, connu_le, counts, tuple(warnings))


def _remove_works(settings: Settings, work: Path) -> None:
    """Remove the work folders of a rebuild and what they hold on a server."""
    kept = [folder for folder in sorted(work.glob("*")) if not remove_work(settings, folder)]
    if kept:
        raise BuildError(
            f"{kept[0]} garde le nom de schémas de travail sur le serveur de QPV_MOTEUR_DSN, qui ne répond "
            "pas ; à faire : rétablir la connexion, puis recommencer"
        )
    shutil.rmtree(work, ignore_errors=True)


def _write_files(built: Candidate, folder: Path) -> dict[str, int]:
    """Data and dictionary of a warehouse; rows per published relation."""
    counts = write_release_files(built.base, folder)
    write_dictionary(read_dictionary(manifest_of(built.dossier)), folder / DICTIONARY)
    write_documentation(manifest_of(built.dossier), folder / DATABASE, folder / DOCUMENTATION)
    return counts


def _prepare(settings: Settings, built: Candidate, final: Path) -> None:
    """Write a release aside and give it its name once it is complete."""
    final.parent.mkdir(parents=True, exist_ok=True)
    preparing = final.with_name(f".{final.name}.partiel")
    shutil.rmtree(preparing, ignore_errors=True)
    preparing.mkdir()
    record_audit(built)
    record_freshness(built.base, settings)
    counts = _write_files(built, preparing)
    _write_manifest(settings, built, counts, preparing / MANIFEST)
    fsync_tree(preparing)
    preparing.rename(final)
    fsync(final.parent)


def _write_manifest(settings: Settings, built: Candidate, counts: dict[str, int], target: Path) -> None:
    fictional = any(reception.est_fictif for reception in Manifest(settings.paths).receptions())
    content = {
        "identifiant": built.identifiant,
        "publie_le": iso_utc(now_utc()),
        "construit_le": built.construit_le,
        "region": built.region,
        "est_fictif": fictional,
        "empreinte_construction": built.empreinte,
        "versions": {"qpv_emploi": __version__, "duckdb": duckdb.__version__},
        "comptes": counts,
        "entrees": built.entrees,
        **({"moteur": built.moteur} if built.moteur != "duckdb" else {}),
        # Only the manifest of a rebuilt warehouse bears a day: no release is as known on a past date.
        **({"connu_le": built.connu_le} if built.connu_le else {}),
    }
    target.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def run(settings: Settings, *, force: bool = False, progress: Progress = lambda outcome: None) -> RunReport:
    """The whole chain: receive, build, audit, publish.

    A refused file does not stop the others: the previous good vintage stays in use.
    """
    outcomes, unknown = ingest_all(settings, progress)
    candidate = build(settings, force=force)
    if candidate is None:
        return RunReport(tuple(outcomes), tuple(unknown), None, ())
    warnings = audit(settings, candidate)
    release = publish(settings, candidate)
    return RunReport(tuple(outcomes), tuple(unknown), release, tuple(warnings))
