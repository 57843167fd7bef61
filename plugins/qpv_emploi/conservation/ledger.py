"""Ledger of outcomes: what became of each dataset x vintage at each attempt, success or not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from qpv_emploi.conservation.rangees import Rows, rows_of
from qpv_emploi.conservation.stockage import ObjectStorage, storage_of
from qpv_emploi.settings import Paths


class Issue(StrEnum):
    """Outcome of one attempt."""

    NOUVEAU = "nouveau"
    INCHANGE = "inchange"
    # New bytes under a known vintage: kept beside the old ones and reported.
    REVISE = "revise"
    REFUSE = "refuse"
    ABSENT = "absent"


@dataclass(frozen=True)
class Outcome:
    """One line of the ledger.

    Attributes:
        le: moment of the attempt, ISO UTC (``iso_utc``).
        producteur, jeu, millesime: identity of the dataset and vintage; ``millesime`` is empty when the
            whole dataset is absent.
        issue: what happened.
        raison: one line in French, empty when nothing needs saying.
        fichiers, empreintes: names of the files and their SHA-256, in the same order.
        nb_lignes: rows of bronze, None when nothing was read.
        colonnes_inconnues, colonnes_absentes: columns outside the catalogue; usual columns not found.
        nb_cellules_revisees: cells whose value changed since the bytes held before, None when not compared.
        rapport: path of the quality report relative to the data directory, empty without one.
        etape: ``reception`` when the producer was asked over the network, ``ingestion`` for what became of
            the files themselves.
    """

    le: str
    producteur: str
    jeu: str
    millesime: str
    issue: Issue
    raison: str
    fichiers: tuple[str, ...]
    empreintes: tuple[str, ...]
    nb_lignes: int | None
    colonnes_inconnues: tuple[str, ...]
    colonnes_absentes: tuple[str, ...]
    nb_cellules_revisees: int | None
    rapport: str
    etape: Literal["reception", "ingestion"] = "ingestion"

    @property
    def cle(self) -> tuple[str, str, str]:
        return self.producteur, self.jeu, self.millesime


class Ledger:
    """The append-only ledger (``journal.jsonl``); many processes may append at once.

    ``of`` gives that of an installation, which an object storage may hold.
    """

    def __init__(self, chemin: Path, stockage: ObjectStorage | None = None) -> None:
        self._lignes: Rows[Outcome] = rows_of(stockage, "journal", chemin, Outcome)

    @classmethod
    def of(cls, paths: Paths) -> Ledger:
        """The ledger of an installation."""
        return cls(paths.journal, storage_of(paths))

    def append(self, *outcomes: Outcome) -> None:
        """Add outcomes at the end, durably, after closing a line that a killed process left cut short."""
        if outcomes:
            self._lignes.add(outcomes)

    def outcomes(self) -> tuple[Outcome, ...]:
        """All outcomes in the order of writing; a last line cut short is ignored.

        Raises:
            ConservationError: a line of the ledger is damaged.
            StorageUnavailable: the object storage does not answer or refuses.
        """
        return tuple(self._lignes.rows())

    def last_outcomes(
        self, etape: Literal["reception", "ingestion"] = "ingestion"
    ) -> dict[tuple[str, str, str], Outcome]:
        """Last outcome of each (producteur, jeu, millesime) at one step, keys sorted."""
        derniers = {outcome.cle: outcome for outcome in self.outcomes() if outcome.etape == etape}
        return dict(sorted(derniers.items()))
