"""From the lock to a published release: build aside, audit, publish by one rename."""

from qpv_emploi.entrepot.candidate import Candidate, build_candidate, load_candidate
from qpv_emploi.entrepot.dbt import NodeResult
from qpv_emploi.entrepot.fingerprint import build_fingerprint
from qpv_emploi.entrepot.releases import Release, current_release, list_releases, rollback

__all__ = [
    "Candidate",
    "NodeResult",
    "Release",
    "build_candidate",
    "build_fingerprint",
    "current_release",
    "list_releases",
    "load_candidate",
    "rollback",
]
