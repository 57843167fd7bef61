"""What a test needs and does not find: skipped with the reason, or failed where everything must be there."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(reason: str, demanded_by: str = "QPV_EXIGER_OUTILS") -> NoReturn:
    """Skip, or fail when the variable is ``1`` (``.ci/run`` sets it).

    Args:
        reason: what is missing, and what to do.
        demanded_by: variable that makes it a failure.
    """
    if os.environ.get(demanded_by) == "1":
        pytest.fail(reason)
    pytest.skip(reason)
