"""What has arrived or changed and that no run has taken yet: in the files here, and at the producers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qpv_emploi.acquisition import Deposit, survey
from qpv_emploi.acquisition.connecteurs import Context, remotes
from qpv_emploi.acquisition.directe import Clients, is_for_real_data
from qpv_emploi.catalogue import Catalogue, Dataset, load_catalogue
from qpv_emploi.catalogue.acces import BdmAccess, C2rpAccess, DatedAccess, DepositAccess, MelodiAccess
from qpv_emploi.conservation import Issue, Ledger, Lock, LockEntry, Receptions
from qpv_emploi.errors import QPVError
from qpv_emploi.settings import Settings


@dataclass(frozen=True)
class Novelty:
    """A vintage (empty: the whole dataset) and what is new about it, in French."""

    producteur: str
    jeu: str
    millesime: str
    constat: str

    def line(self) -> str:
        """The dataset, the vintage and the news, on one line."""
        name = "/".join(filter(None, (self.producteur, self.jeu, self.millesime)))
        return f"{name} : {' '.join(self.constat.split())}"


@dataclass(frozen=True)
class News:
    """What is new, and the datasets whose producer could not be asked, with the reason."""

    nouveautes: tuple[Novelty, ...]
    non_consultes: tuple[Novelty, ...] = ()


def novelties(settings: Settings) -> News:
    """Vintages that the next ingestion will read and, with ``en_ligne``, that the next reception will fetch.

    Raises:
        SettingsError: there is neither dépôt nor reception.
    """
    catalogue = load_catalogue(settings.dbt_dir, settings.catalogue_dir)
    here = tuple(_to_ingest(settings, catalogue))
    if not settings.en_ligne or not is_for_real_data(settings):
        return News(here)
    found, silent = [], []
    with Clients(settings) as clients, tempfile.TemporaryDirectory() as workshop:
        for producteur, dataset in catalogue.datasets():
            # The other modes only answer by sending the data: reception does that.
            acces = dataset.acces
            if isinstance(acces, DepositAccess | C2rpAccess) or (
                isinstance(acces, MelodiAccess | BdmAccess) and acces.extrait
            ):
                continue
            context = Context(clients.of(acces), settings.region, Path(workshop))
            try:
                found += list(_to_fetch(settings, producteur, dataset, acces, context))
            except QPVError as error:
                silent.append(Novelty(producteur, dataset.jeu, "", f"producteur non consulté : {error}"))
    return News((*here, *found), tuple(silent))


def _to_ingest(settings: Settings, catalogue: Catalogue) -> Iterator[Novelty]:
    """Vintages of the dépôt or of the receptions that are not in use, or whose files are not those in use.

    A vintage already refused is left out: ``qpv status`` says why it was. Files are compared by name and
    size; ingestion compares their bytes.
    """
    in_use = Lock.of(settings.paths).read()
    last = Ledger.of(settings.paths).last_outcomes()
    Receptions(settings.paths).lay()
    for deposit in survey(settings.depot, catalogue, recu=settings.paths.recu).deposits:
        key = (deposit.producteur, deposit.jeu, deposit.millesime)
        if key in last and last[key].issue is Issue.REFUSE:
            continue
        entry = in_use.get(key)
        if entry is None:
            yield Novelty(*key, "arrivé, pas encore lu")
        elif _looks_different(deposit, entry):
            yield Novelty(*key, "fichiers changés depuis la dernière ingestion")


def _looks_different(deposit: Deposit, entry: LockEntry) -> bool:
    # A refused file is not among those of the deposit, so that a deposit that went wrong looks different too.
    deposited = {(file.fichier, file.chemin.stat().st_size) for file in deposit.fichiers}
    return deposited != {(file.fichier, file.octets) for file in entry.fichiers}


def _to_fetch(
    settings: Settings, producteur: str, dataset: Dataset, acces: DatedAccess, context: Context
) -> Iterator[Novelty]:
    """Files that the producer lists and that we have not received, or that it says have changed since.

    Raises:
        QPVError: the producer's list cannot be read.
    """
    known = Receptions(settings.paths).of(producteur, dataset.jeu)
    in_use = Lock.of(settings.paths).read()
    for remote in remotes(context, acces):
        if not remote.fichier:
            # Declared in the catalogue, not in the producer's list: reception says so.
            continue
        key = (producteur, dataset.jeu, remote.millesime)
        received = known.get((remote.millesime, remote.fichier))
        if received is None and key not in in_use:
            yield Novelty(*key, f"{remote.fichier} chez le producteur, pas encore reçu")
        elif received is not None and remote.marque and remote.marque != received.marque:
            yield Novelty(*key, f"{remote.fichier} changé chez le producteur ({remote.marque})")
