"""What the models of the catalogue share: strict immutable models, regular expressions checked at loading."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def check_regex(motif: str) -> str:
    """The text, which must be a regular expression.

    Raises:
        ValueError: it is not one.
    """
    try:
        re.compile(motif)
    except re.error as erreur:
        raise ValueError(f"« {motif} » n'est pas une expression régulière : {erreur}") from erreur
    return motif


Regex = Annotated[str, AfterValidator(check_regex)]


class Model(BaseModel):
    """Base of all: a key that is not declared is an error, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
