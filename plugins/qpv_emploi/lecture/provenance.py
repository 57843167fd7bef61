"""Where a row comes from, and the refusal that names it."""

from __future__ import annotations

from dataclasses import dataclass

from qpv_emploi.errors import RefusedFile

# Last column of each bronze table: the corrections of its row, added after the reading.
CORRECTION = "correction"


@dataclass(frozen=True)
class Provenance:
    """Identity of a source file, written on each bronze row.

    Attributes:
        producteur, jeu, millesime: dataset and vintage.
        fichier: file name as received.
        empreinte_sha256: SHA-256 of the bytes, 64 hexadecimal digits.
    """

    producteur: str
    jeu: str
    millesime: str
    fichier: str
    empreinte_sha256: str

    def refuse(self, raison: str, *, attendu: str = "", action: str = "") -> RefusedFile:
        """The error to raise when this file is not what its dataset promises. Texts in French."""
        return RefusedFile(
            producteur=self.producteur,
            jeu=self.jeu,
            millesime=self.millesime,
            fichier=self.fichier,
            raison=raison,
            attendu=attendu,
            action=action,
        )
