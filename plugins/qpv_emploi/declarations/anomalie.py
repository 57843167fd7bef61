"""What a check of a form finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_SHOWN = 60


@dataclass(frozen=True)
class Anomaly:
    """A fault of a form, for the person who filled it.

    Attributes:
        lieu: sheet and cell (``Beneficiaires!H7``), or CSV, column and line.
        constat, attendu, action: what is wrong, what was expected, what to do; French, the last two may be
            empty.
    """

    lieu: str
    constat: str
    attendu: str = ""
    action: str = ""

    def ligne(self) -> str:
        """The fault on one line."""
        texte = f"{self.lieu} : {self.constat}"
        if self.attendu:
            texte += f" ; attendu : {self.attendu}"
        if self.action:
            texte += f" ; à faire : {self.action}"
        return " ".join(texte.split())


@dataclass(frozen=True)
class Report:
    """Judgement of a form.

    Attributes:
        erreurs: faults that refuse the form, in the order of the sheets.
        remarques: what is not read and harms nothing (extra sheet or column), one line each.
        lignes: sheet -> number of statements.
        identite: name of a rubric -> its text.
    """

    erreurs: tuple[Anomaly, ...]
    remarques: tuple[str, ...]
    lignes: Mapping[str, int]
    identite: Mapping[str, str]


def shown(texte: str) -> str:
    """A text as a message quotes it, cut when it is long."""
    propre = " ".join(texte.split())
    return f"« {propre if len(propre) <= _SHOWN else propre[:_SHOWN] + '…'} »"
