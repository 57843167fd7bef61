"""Errors of the project.

Every message names the dataset, the vintage, the file, the place in it, what was expected and what to do,
so that the line read at night is enough.
"""

from __future__ import annotations

from collections.abc import Sequence


class QPVError(Exception):
    """Base of all errors that carry a message for the person who runs the warehouse."""


class SettingsError(QPVError):
    """The installation, a setting or the catalogue is wrong."""


class RefusedFile(QPVError):
    """A source file is not what its dataset promises.

    Args:
        producteur, jeu, millesime: identity of the dataset and vintage.
        fichier: file name as dropped.
        raison: what is wrong, with line or column, in French.
        attendu: what was expected, in French.
        action: what the reader of the message can do, in French.
        details: every fault, one line each, in French, where the reason names only the first ones.
    """

    def __init__(
        self,
        *,
        producteur: str,
        jeu: str,
        millesime: str,
        fichier: str,
        raison: str,
        attendu: str = "",
        action: str = "",
        details: Sequence[str] = (),
    ) -> None:
        self.producteur = producteur
        self.jeu = jeu
        self.millesime = millesime
        self.fichier = fichier
        self.raison = raison
        self.attendu = attendu
        self.action = action
        self.details = tuple(details)
        super().__init__(self.line())

    def line(self) -> str:
        """The whole refusal on one line."""
        texte = f"{self.producteur}/{self.jeu}/{self.millesime}/{self.fichier} refusé : {self.raison}"
        if self.attendu:
            texte += f" ; attendu : {self.attendu}"
        if self.action:
            texte += f" ; à faire : {self.action}"
        return " ".join(texte.split())


class BuildError(QPVError):
    """The warehouse could not be built; the published release is untouched."""


class AuditError(QPVError):
    """The built warehouse breaks the contract with its consumers; it is not published."""


class UnknownRelease(QPVError):
    """The release asked for does not exist."""
