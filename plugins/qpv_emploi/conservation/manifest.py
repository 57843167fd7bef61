"""Manifest of receptions: which file came under which dataset and vintage, from where and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qpv_emploi.conservation.rangees import Rows, rows_of
from qpv_emploi.conservation.stockage import storage_of
from qpv_emploi.errors import SettingsError
from qpv_emploi.settings import Paths


@dataclass(frozen=True)
class Reception:
    """A file as received.

    Attributes:
        empreinte_sha256: SHA-256 of the file, hex.
        octets: size in bytes.
        producteur, jeu, millesime: identity of the dataset and vintage.
        fichier: file name as dropped.
        origine: path relative to the dépôt, or URL.
        modifie_le: last modification at the origin, ISO UTC (``iso_utc``).
        recu_le: moment of reception, ISO UTC.
        version_outil: version of this package.
        est_fictif: the file belongs to the fictional region.
    """

    empreinte_sha256: str
    octets: int
    producteur: str
    jeu: str
    millesime: str
    fichier: str
    origine: str
    modifie_le: str
    recu_le: str
    version_outil: str
    est_fictif: bool

    @property
    def cle(self) -> tuple[str, str, str, str, str]:
        """What makes a reception the same as another."""
        return self.producteur, self.jeu, self.millesime, self.fichier, self.empreinte_sha256


class Manifest:
    """The manifest of one installation (``brut/manifeste.jsonl``), append-only."""

    def __init__(self, paths: Paths) -> None:
        self._root = paths.stockage or paths.root
        self._lignes: Rows[Reception] = rows_of(storage_of(paths), "manifeste", paths.manifeste, Reception)

    def receptions(self) -> tuple[Reception, ...]:
        """All receptions, oldest first.

        Raises:
            ConservationError: a line of the manifest is damaged.
            StorageUnavailable: the object storage does not answer or refuses.
        """
        return tuple(self._lignes.rows())

    def record(self, reception: Reception) -> bool:
        """Write a reception, once.

        Returns:
            Whether it was written; False when the same bytes already came under the same name.

        Raises:
            SettingsError: it would mix fictional and real data in this data directory.
        """

        def if_new(connues: list[Reception]) -> list[Reception]:
            self._refuse_mixture(connues, reception.est_fictif)
            return [] if any(connue.cle == reception.cle for connue in connues) else [reception]

        return self._lignes.decide(if_new)

    def check_origin(self, est_fictif: bool) -> None:
        """Refuse to mix fictional and real data in one data directory.

        Raises:
            SettingsError: the directory already holds data of the other kind.
        """
        self._refuse_mixture(self.receptions(), est_fictif)

    def _refuse_mixture(self, connues: Iterable[Reception], est_fictif: bool) -> None:
        if not any(connue.est_fictif != est_fictif for connue in connues):
            return
        present, arrive = ("réelles", "fictives") if est_fictif else ("fictives", "réelles")
        raise SettingsError(
            f"{self._root} contient déjà des données {present} : des données {arrive} n'y entrent pas ; "
            f"à faire : donner à QPV_DATA_DIR un autre dossier pour les données {arrive}, ou à QPV_DEPOT "
            f"le dépôt de données {present}"
        )
