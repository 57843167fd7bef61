"""Error of the kept files."""

from __future__ import annotations

from qpv_emploi.errors import QPVError


class ConservationError(QPVError):
    """What the pipeline had kept is missing or damaged, or another process holds it."""


class StorageUnavailable(ConservationError):
    """The object storage does not answer, refuses us or fails: nothing is known of what it holds.

    A second try may mend it.
    """
