"""What a gate says of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severite = Literal["critical", "warning"]

# As many places as a person checks before opening the file.
MAX_EXEMPLES = 5
_MAX_RAISONS = 3
_MAX_LIEUX = 3


@dataclass(frozen=True)
class Controle:
    """One rule, judged on one column or group of columns.

    Attributes:
        nom: type of the rule.
        colonne: column, columns or equality it speaks of.
        severite: critical refuses the table; warning is reported.
        reussi: None when the rule could not apply (column absent, no vintage to compare with).
        nb_ecarts: values, or rows, that break the rule; may be positive for a rule that tolerates some.
        exemples: at most five places (zone, line, column, value).
        message: the rule and its reason, or why it was not judged; French.
    """

    nom: str
    colonne: str
    severite: Severite
    reussi: bool | None
    nb_ecarts: int
    exemples: tuple[str, ...]
    message: str

    @property
    def est_bloquant(self) -> bool:
        return self.reussi is False and self.severite == "critical"

    @property
    def est_avertissement(self) -> bool:
        return self.reussi is False and self.severite == "warning"

    def ligne(self) -> str:
        """The broken rule on one line, with its first places."""
        texte = f"{self.colonne} : {self.message}" if self.colonne else self.message
        if self.exemples:
            pluriel = "s" if self.nb_ecarts > 1 else ""
            lieux = " ; ".join(self.exemples[:_MAX_LIEUX])
            reste = " ; …" if self.nb_ecarts > min(len(self.exemples), _MAX_LIEUX) else ""
            texte += f" ({self.nb_ecarts} écart{pluriel} : {lieux}{reste})"
        return " ".join(texte.split())


@dataclass(frozen=True)
class Verdict:
    """Judgement of one bronze table.

    Attributes:
        table: name of the bronze table.
        accepte: no critical rule is broken.
        controles: every rule of the suite, judged or not.
    """

    table: str
    accepte: bool
    controles: tuple[Controle, ...]

    @classmethod
    def of(cls, table: str, controles: tuple[Controle, ...]) -> Verdict:
        return cls(table, not any(c.est_bloquant for c in controles), controles)

    @property
    def bloquants(self) -> tuple[Controle, ...]:
        return tuple(c for c in self.controles if c.est_bloquant)

    @property
    def avertissements(self) -> tuple[Controle, ...]:
        return tuple(c for c in self.controles if c.est_avertissement)

    def raison(self) -> str:
        """One line in French naming the first critical failures and their lines; ``''`` when accepted."""
        if self.accepte:
            return ""
        bloquants = self.bloquants
        texte = " | ".join(c.ligne() for c in bloquants[:_MAX_RAISONS])
        reste = len(bloquants) - _MAX_RAISONS
        if reste > 0:
            texte += f" | et {reste} autre{'s' if reste > 1 else ''} contrôle{'s' if reste > 1 else ''}"
        return f"{self.table} : {texte}"
