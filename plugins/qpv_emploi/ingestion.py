"""From a deposit to the lock: receive, keep, check, read, judge, and only then accept.

Each attempt leaves one line in the ledger. A refusal leaves a report in quarantine and changes nothing else:
the previous good files stay in the lock.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path

from qpv_emploi import __version__
from qpv_emploi.acquisition import Deposit, DepositedFile, check_bytes, refusal_for
from qpv_emploi.catalogue import BronzeTable, Catalogue
from qpv_emploi.conservation import (
    BronzeFiles,
    ConservationError,
    Issue,
    Ledger,
    Lock,
    LockedFile,
    LockEntry,
    Manifest,
    Outcome,
    RawStore,
    Reception,
    Receptions,
    StoredFile,
    iso_utc,
    modified_at,
    storage_of,
)
from qpv_emploi.conservation.lock import LockKey
from qpv_emploi.declarations import closed_lists, day_in_france, require_sound
from qpv_emploi.errors import RefusedFile
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.lecture.corrections import correct
from qpv_emploi.lecture.mesure import count_revised, count_zones
from qpv_emploi.lecture.parquet import write_parquet
from qpv_emploi.qualite import Verdict
from qpv_emploi.qualite.gate import judge
from qpv_emploi.qualite.rapport import refusal_of, write_report
from qpv_emploi.settings import Settings


@dataclass(frozen=True)
class _Received:
    """A deposited file once kept in the raw store, and where its bronze tables belong."""

    depose: DepositedFile
    garde: StoredFile
    recu_le: str
    bronze: dict[str, Path]


@contextmanager
def naming(key: LockKey, fichiers: Sequence[str] = ()) -> Iterator[None]:
    """Say which dataset, vintage and files a failure of what keeps them concerns."""
    try:
        yield
    except ConservationError as error:
        files = f" ({', '.join(fichiers)})" if fichiers else ""
        raise type(error)(f"{'/'.join(key)}{files} : {error}") from error


def ingest_deposit(
    settings: Settings,
    catalogue: Catalogue,
    deposit: Deposit,
    *,
    est_fictif: bool,
    now: datetime,
    force: bool = False,
) -> Outcome:
    """Take one dataset x vintage from the dépôt to the lock.

    Args:
        deposit: what the survey of the dépôt found.
        est_fictif: the dépôt is that of the fictional region.
        now: moment of the attempt.
        force: read and judge again even when neither the bytes nor the rules changed.

    Returns:
        The outcome, already written in the ledger. A bad file is an outcome, not an exception.

    Raises:
        SettingsError: fictional and real data would mix in this data directory.
        ConservationError: what was kept is damaged, or the storage does not answer.
    """
    key = deposit.producteur, deposit.jeu, deposit.millesime
    with naming(key, [file.fichier for file in deposit.fichiers]):
        return _ingest(settings, catalogue, deposit, est_fictif=est_fictif, now=now, force=force)


def _ingest(
    settings: Settings,
    catalogue: Catalogue,
    deposit: Deposit,
    *,
    est_fictif: bool,
    now: datetime,
    force: bool,
) -> Outcome:
    Manifest(settings.paths).check_origin(est_fictif)
    if est_fictif:
        # The known errors are those of real files.
        catalogue = replace(catalogue, corrections=())
    if deposit.refus:
        outcome = _refused_at_the_door(settings, deposit, est_fictif, now)
    else:
        received = [_receive(settings, catalogue, deposit, f, est_fictif, now) for f in deposit.fichiers]
        try:
            outcome = _accept(settings, catalogue, deposit, received, now, est_fictif=est_fictif, force=force)
        except RefusedFile as refusal:
            outcome = _refused(settings, deposit, received, refusal, now)
    _keep_report(settings, outcome)
    Ledger.of(settings.paths).append(outcome)
    return outcome


def _accept(
    settings: Settings,
    catalogue: Catalogue,
    deposit: Deposit,
    received: Sequence[_Received],
    now: datetime,
    *,
    est_fictif: bool,
    force: bool,
) -> Outcome:
    """Check, read, judge, then put in the lock.

    Raises:
        RefusedFile: a file is not what its dataset promises.
    """
    lock = Lock.of(settings.paths)
    held = lock.read().get((deposit.producteur, deposit.jeu, deposit.millesime))
    same_bytes = held is not None and held.empreintes == tuple(
        sorted(file.garde.empreinte_sha256 for file in received)
    )
    if held is not None and same_bytes and not force and _is_up_to_date(settings, held, received):
        return _outcome(deposit, received, Issue.INCHANGE, now)

    remarks: list[str] = []
    for file in received:
        refuse = refusal_for(deposit.producteur, deposit.jeu, deposit.millesime, file.depose.fichier)
        check_bytes(file.garde.chemin, file.depose.famille, refuse=refuse)
        if file.depose.famille == "formulaire":
            remarks += _check_form(settings, deposit, file, now)
    reads = correct(
        [(_provenance(deposit, file), _read(catalogue, deposit, file)) for file in received],
        catalogue.corrections_of(deposit.producteur, deposit.jeu),
    )
    _refuse_content_of_another_vintage(lock, deposit, received, reads)
    for file, group in zip(received, reads, strict=True):
        verdicts = _judge(settings, catalogue, deposit, group, est_fictif)
        if not all(verdict.accepte for verdict in verdicts):
            return _refused(settings, deposit, received, verdicts, now, faulty=file)

    revised = _revised_cells(settings, held, reads) if held is not None and not same_bytes else None
    bronze = BronzeFiles(settings.paths)
    for file, group in zip(received, reads, strict=True):
        for read in group:
            write_parquet(read.donnees, file.bronze[read.table.nom])
            bronze.keep(bronze.name(file.bronze[read.table.nom]))
    lock.update(_entry(settings, deposit, received, reads))
    issue = Issue.NOUVEAU if held is None else Issue.INCHANGE if same_bytes else Issue.REVISE
    return _outcome(
        deposit,
        received,
        issue,
        now,
        raison=" ; ".join([_revision_reason(revised)] * (issue is Issue.REVISE) + remarks),
        reads=[read for group in reads for read in group],
        nb_cellules_revisees=revised,
    )


def _receive(
    settings: Settings,
    catalogue: Catalogue,
    deposit: Deposit,
    file: DepositedFile,
    est_fictif: bool,
    now: datetime,
) -> _Received:
    kept, recu_le = _keep(settings, deposit, file.chemin, est_fictif, now)
    bronze = {
        table.nom: bronze_path(settings, catalogue, table, deposit.millesime, kept.empreinte_sha256)
        for table in _tables(catalogue, deposit, file)
    }
    return _Received(file, kept, recu_le, bronze)


def _keep(
    settings: Settings, deposit: Deposit, chemin: Path, est_fictif: bool, now: datetime
) -> tuple[StoredFile, str]:
    """Put a file in the raw store and in the manifest; gives also the moment of its first reception."""
    kept = RawStore(settings.paths).put(chemin)
    manifest = Manifest(settings.paths)
    reception = Reception(
        empreinte_sha256=kept.empreinte_sha256,
        octets=kept.octets,
        producteur=deposit.producteur,
        jeu=deposit.jeu,
        millesime=deposit.millesime,
        fichier=chemin.name,
        origine=_origin(settings, deposit, chemin),
        modifie_le=iso_utc(modified_at(chemin)),
        recu_le=iso_utc(now),
        version_outil=__version__,
        est_fictif=est_fictif,
    )
    if not manifest.record(reception):
        # The same bytes came before: they are known since then.
        reception = next(known for known in manifest.receptions() if known.cle == reception.cle)
    return kept, reception.recu_le


def _origin(settings: Settings, deposit: Deposit, chemin: Path) -> str:
    """Where a file came from: address of the producer, or path relative to the dépôt."""
    if deposit.dossier.is_relative_to(settings.paths.recu):
        known = Receptions(settings.paths).of(deposit.producteur, deposit.jeu)
        if (deposit.millesime, chemin.name) in known:
            return known[deposit.millesime, chemin.name].url
    return f"{deposit.producteur}/{deposit.jeu}/{deposit.millesime}/{chemin.name}"


def _tables(catalogue: Catalogue, deposit: Deposit, file: DepositedFile) -> list[BronzeTable]:
    return [
        table
        for table in catalogue.tables()
        if (table.producteur, table.jeu.jeu) == (deposit.producteur, deposit.jeu)
        and table.fichier == file.spec
    ]


def bronze_path(
    settings: Settings, catalogue: Catalogue, table: BronzeTable, millesime: str, empreinte: str
) -> Path:
    """Where the bronze table of a raw file belongs: its name tells the bytes and the rules of reading."""
    digest = _reading_digest(settings, catalogue, table)
    return settings.paths.bronze / table.nom / millesime / f"{empreinte[:16]}-{digest}.parquet"


def _reading_digest(settings: Settings, catalogue: Catalogue, table: BronzeTable) -> str:
    """First characters of a digest of how this table is read and judged.

    Declaration, dictionary, corrections, code and suite. It is part of the name of a bronze file: one read
    under other rules is read again.
    """
    suite = settings.expectations_dir / "bronze" / f"{table.nom}.yml"
    variables = catalogue.variables_of(table.producteur, table.jeu.jeu)
    parts = [
        table.table.model_dump_json().encode(),
        table.jeu.secret.model_dump_json().encode(),
        json.dumps({k: v.model_dump(mode="json") for k, v in table.jeu.millesimes.items()}).encode(),
        json.dumps([variable.model_dump(mode="json") for variable in variables]).encode(),
        json.dumps(
            [
                found.correction.model_dump(mode="json")
                for found in catalogue.corrections_of(table.producteur, table.jeu.jeu)
            ]
        ).encode(),
        suite.read_bytes() if suite.exists() else b"",
        _reader_code(),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:8]


@cache
def _reader_code() -> bytes:
    package = Path(__file__).parent
    # The parser of pages serves the live access too: it lives below the readers.
    parser = [package / "acquisition" / name for name in ("c2rp_fiche.py", "pages.py")]
    folders = ("lecture", "qualite", "declarations")
    files = sorted([*(path for name in folders for path in package.glob(f"{name}/*.py")), *parser])
    return b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)


def _is_up_to_date(settings: Settings, held: LockEntry, received: Sequence[_Received]) -> bool:
    # Pairs: several files of a vintage may feed one table.
    bronze = BronzeFiles(settings.paths)
    paths = {(name, bronze.name(path)) for file in received for name, path in file.bronze.items()}
    locked = {(name, path) for file in held.fichiers for name, path in file.bronze.items()}
    return locked == paths and all(bronze.exists(path) for _, path in paths)


def _read(catalogue: Catalogue, deposit: Deposit, file: _Received) -> list[ReadTable]:
    return read_file(
        file.garde.chemin,
        _tables(catalogue, deposit, file.depose),
        _provenance(deposit, file),
        catalogue.variables_of(deposit.producteur, deposit.jeu),
    )


def _check_form(settings: Settings, deposit: Deposit, file: _Received, now: datetime) -> list[str]:
    """What is left unread in a form filled by hand.

    Raises:
        RefusedFile: naming each cell to correct.
    """
    found = require_sound(
        file.garde.chemin,
        file.depose.spec.tables,
        closed_lists(settings.dbt_dir),
        provenance=_provenance(deposit, file),
        aujourdhui=day_in_france(now),
    )
    return [f"{file.depose.fichier} : {remark}" for remark in found]


def _refuse_content_of_another_vintage(
    lock: Lock,
    deposit: Deposit,
    received: Sequence[_Received],
    reads: Sequence[Sequence[ReadTable]],
) -> None:
    """A statistical base never repeats itself cell for cell: the same content under another vintage is the
    other vintage, re-saved or misfiled. Reference tables may well not change from one year to the next."""
    others = {
        (name, digest): entry.millesime
        for entry in lock.read().values()
        if (entry.producteur, entry.jeu) == (deposit.producteur, deposit.jeu)
        and entry.millesime != deposit.millesime
        for file in entry.fichiers
        for name, digest in file.empreinte_contenu.items()
    }
    for file, group in zip(received, reads, strict=True):
        for read in group:
            other = others.get((read.table.nom, read.empreinte_contenu))
            if other and read.table.table.forme == "cellules":
                refuse = refusal_for(deposit.producteur, deposit.jeu, deposit.millesime, file.depose.fichier)
                raise refuse(
                    raison=f"son contenu est, cellule pour cellule, celui du millésime {other}",
                    attendu=f"les données du millésime {deposit.millesime}",
                    action="vérifier de quel millésime est le fichier et le déposer dans le bon dossier",
                )


def _judge(
    settings: Settings, catalogue: Catalogue, deposit: Deposit, reads: Sequence[ReadTable], est_fictif: bool
) -> list[Verdict]:
    variables = catalogue.variables_of(deposit.producteur, deposit.jeu)
    return [
        judge(
            read,
            expectations_dir=settings.expectations_dir,
            variables=variables,
            zones_connues=_known_zones(settings, deposit, read.table),
            est_fictif=est_fictif,
        )
        for read in reads
    ]


def _known_zones(settings: Settings, deposit: Deposit, table: BronzeTable) -> dict[str, int]:
    """Number of zones of each other accepted vintage of a statistical table."""
    if table.table.forme != "cellules":
        return {}
    bronze = BronzeFiles(settings.paths)
    counts = {}
    for entry in Lock.of(settings.paths).read().values():
        if (entry.producteur, entry.jeu) != (deposit.producteur, deposit.jeu):
            continue
        if entry.millesime == deposit.millesime:
            continue
        paths = [bronze.local(file.bronze[table.nom]) for file in entry.fichiers if table.nom in file.bronze]
        counts[entry.millesime] = sum(count_zones(path) for path in paths if path is not None)
    return counts


def _revised_cells(settings: Settings, held: LockEntry, reads: Sequence[Sequence[ReadTable]]) -> int | None:
    """Cells whose text differs from the bytes held before; None when no statistical table can be compared."""
    bronze = BronzeFiles(settings.paths)
    names = {name: path for file in held.fichiers for name, path in file.bronze.items()}
    statistical = [read for group in reads for read in group if read.table.table.forme == "cellules"]
    before = {
        read.table.nom: bronze.local(names[read.table.nom]) for read in statistical if read.table.nom in names
    }
    counts = [
        count_revised(path, read.donnees)
        for read in statistical
        if (path := before.get(read.table.nom)) is not None
    ]
    return sum(counts) if counts else None


def _revision_reason(revised: int | None) -> str:
    detail = "" if revised is None else f", {revised} cellule(s) changée(s)"
    return (
        f"révision silencieuse : d'autres octets sous le même millésime{detail} ; l'ancien fichier est gardé"
    )


def _entry(
    settings: Settings,
    deposit: Deposit,
    received: Sequence[_Received],
    reads: Sequence[Sequence[ReadTable]],
) -> LockEntry:
    return LockEntry(
        deposit.producteur,
        deposit.jeu,
        deposit.millesime,
        tuple(
            LockedFile(
                fichier=file.depose.fichier,
                empreinte_sha256=file.garde.empreinte_sha256,
                octets=file.garde.octets,
                recu_le=file.recu_le,
                empreinte_contenu={read.table.nom: read.empreinte_contenu for read in group},
                bronze={
                    name: str(path.relative_to(settings.paths.root)) for name, path in file.bronze.items()
                },
            )
            for file, group in zip(received, reads, strict=True)
        ),
    )


def _refused_at_the_door(settings: Settings, deposit: Deposit, est_fictif: bool, now: datetime) -> Outcome:
    """Outcome of a vintage that the survey refused before any of its bytes were read."""
    # The first refusal comes last: it is the one that the outcome tells.
    reports = [_report_at_the_door(settings, deposit, r, est_fictif, now) for r in reversed(deposit.refus)]
    reason = deposit.refus[0].line()
    if len(reports) > 1:
        reason += f" (et {len(reports) - 1} autre(s) refus)"
    return _outcome(deposit, (), Issue.REFUSE, now, raison=reason, rapport=_below(settings, reports[-1]))


def _report_at_the_door(
    settings: Settings, deposit: Deposit, refusal: RefusedFile, est_fictif: bool, now: datetime
) -> Path:
    folder = deposit.dossier
    # A refusal of several files for one place names them all.
    named = [folder / name for name in (refusal.fichier, *refusal.fichier.split(", ")) if name]
    readable = [path for path in dict.fromkeys(named) if path.is_file() and os.access(path, os.R_OK)]
    kept = {path.name: _keep(settings, deposit, path, est_fictif, now)[0] for path in readable}
    digest = next((file.empreinte_sha256 for file in kept.values()), "")
    provenance = Provenance(deposit.producteur, deposit.jeu, deposit.millesime, refusal.fichier, digest)
    report = write_report(settings.paths.quarantaine, provenance, refusal, now)
    for name, file in kept.items():
        _lay_bytes(report, name, file)
    return report


def _refused(
    settings: Settings,
    deposit: Deposit,
    received: Sequence[_Received],
    cause: RefusedFile | Sequence[Verdict],
    now: datetime,
    faulty: _Received | None = None,
) -> Outcome:
    """Quarantine: a report, and the bytes under their own name beside it. The lock is left as it was."""
    if isinstance(cause, RefusedFile):
        faulty = next(file for file in received if file.depose.fichier == cause.fichier)
    assert faulty is not None
    provenance = _provenance(deposit, faulty)
    refusal = cause if isinstance(cause, RefusedFile) else refusal_of(provenance, cause)
    report = write_report(settings.paths.quarantaine, provenance, cause, now)
    _lay_bytes(report, faulty.depose.fichier, faulty.garde)
    return _outcome(
        deposit, received, Issue.REFUSE, now, raison=refusal.line(), rapport=_below(settings, report)
    )


def _lay_bytes(report: Path, name: str, kept: StoredFile) -> None:
    copy = report / name
    if not copy.exists():
        # The raw store already holds the bytes: a second name costs nothing.
        copy.hardlink_to(kept.chemin)


def _keep_report(settings: Settings, outcome: Outcome) -> None:
    """Put a report of quarantine where the other workers find it; its bytes are in the raw store."""
    remote = storage_of(settings.paths)
    if remote is None or not outcome.rapport:
        return
    for path in sorted((settings.paths.root / outcome.rapport).glob("rapport.*")):
        remote.replace(_below(settings, path), path.read_bytes())


def _below(settings: Settings, path: Path) -> str:
    return str(path.relative_to(settings.paths.root))


def _provenance(deposit: Deposit, file: _Received) -> Provenance:
    return Provenance(
        deposit.producteur, deposit.jeu, deposit.millesime, file.depose.fichier, file.garde.empreinte_sha256
    )


def _outcome(
    deposit: Deposit,
    received: Sequence[_Received],
    issue: Issue,
    now: datetime,
    *,
    raison: str = "",
    reads: Sequence[ReadTable] = (),
    nb_cellules_revisees: int | None = None,
    rapport: str = "",
) -> Outcome:
    return Outcome(
        le=iso_utc(now),
        producteur=deposit.producteur,
        jeu=deposit.jeu,
        millesime=deposit.millesime,
        issue=issue,
        raison=raison,
        fichiers=tuple(file.depose.fichier for file in received),
        empreintes=tuple(file.garde.empreinte_sha256 for file in received),
        nb_lignes=sum(read.donnees.num_rows for read in reads) if reads else None,
        # Once each, although several files may feed one table.
        colonnes_inconnues=tuple(dict.fromkeys(c for read in reads for c in read.colonnes_inconnues)),
        colonnes_absentes=tuple(dict.fromkeys(c for read in reads for c in read.colonnes_absentes)),
        nb_cellules_revisees=nb_cellules_revisees,
        rapport=rapport,
    )
