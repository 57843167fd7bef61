"""Losses that a person has accepted: ``expectations/marts/exceptions.yml``, reviewed like code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from qpv_emploi.entrepot.drift import Drift
from qpv_emploi.errors import SettingsError
from qpv_emploi.qualite.suites import EXCEPTIONS

# A median is written by hand with a few digits.
_MEDIAN_TOLERANCE = 0.01


class Waiver(BaseModel):
    """One accepted difference. It holds for one count and until one day: any further loss is refused again.

    Attributes:
        region: region of the release, since the same file serves all of them.
        attendu: what the candidate must show: rows, known cells, or median.
        jusqu_au: last day on which a candidate may be built with it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    controle: Literal["lignes", "couverture", "grandeur"]
    relation: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    indicateur: str = ""
    type_territoire: str = ""
    region: str = Field(pattern=r"^(\d{2}|france)$")
    attendu: float
    raison: str = Field(min_length=10)
    decide_le: date
    jusqu_au: date

    @model_validator(mode="after")
    def _is_whole(self) -> Waiver:
        if self.jusqu_au < self.decide_le:
            raise ValueError("jusqu_au précède decide_le")
        if (self.controle == "lignes") != (not self.indicateur and not self.type_territoire):
            raise ValueError(
                "une exception de lignes ne nomme que sa relation ; une exception de couverture ou de "
                "grandeur nomme indicateur et type_territoire"
            )
        return self

    @property
    def subject(self) -> str:
        return ", ".join(filter(None, (self.controle, self.relation, self.indicateur, self.type_territoire)))

    def accepts(self, drift: Drift) -> bool:
        """Whether the difference is the one that was accepted, to the count."""
        same = (self.controle, self.relation, self.indicateur, self.type_territoire) == (
            drift.control,
            drift.relation,
            drift.indicator,
            drift.level,
        )
        if self.controle == "grandeur":
            return same and math.isclose(drift.after, self.attendu, rel_tol=_MEDIAN_TOLERANCE)
        return same and drift.after == self.attendu


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    exceptions: tuple[Waiver, ...] = ()


def read_waivers(expectations_dir: Path) -> tuple[Waiver, ...]:
    """The accepted losses; none when the file does not exist.

    Raises:
        SettingsError: the file is faulty, naming each key.
    """
    path = expectations_dir / "marts" / EXCEPTIONS
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return _File.model_validate(content).exceptions
    except FileNotFoundError:
        return ()
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} n'est pas du YAML : {error}") from error
    except ValidationError as error:
        details = "; ".join(
            f"{'.'.join(str(part) for part in e['loc']) or 'racine'} : {e['msg']}" for e in error.errors()
        )
        raise SettingsError(f"{path} : {details}") from error


def judge(
    drifts: Sequence[Drift], waivers: Sequence[Waiver], *, region: str, today: date
) -> tuple[list[str], list[str]]:
    """Sort differences into what is said and what stops the publication.

    Args:
        today: day on which the candidate was built.

    Returns:
        Warnings and errors, one line each. An error says what to do; a waiver that is out of date says so.
    """
    warnings: list[str] = []
    errors: list[str] = []
    local = [waiver for waiver in waivers if waiver.region == region]
    valid = [waiver for waiver in local if waiver.jusqu_au >= today]
    for drift in drifts:
        accepted = next((waiver for waiver in valid if waiver.accepts(drift)), None)
        if not drift.refused:
            warnings.append(drift.line)
        elif accepted is not None:
            warnings.append(f"{drift.line} ; admis jusqu'au {accepted.jusqu_au} : {accepted.raison}")
        else:
            errors.append(
                f"{drift.line} ; à faire : retrouver la cause dans le fichier reçu ou dans les modèles, ou "
                f"admettre l'écart dans expectations/marts/{EXCEPTIONS} (controle : {drift.control}, "
                f"attendu : {drift.after:.10g})"
            )
    warnings += [
        f"exception échue le {waiver.jusqu_au}, à retirer de expectations/marts/{EXCEPTIONS} : "
        f"{waiver.subject}"
        for waiver in local
        if waiver.jusqu_au < today
    ]
    return warnings, errors
