"""How files reach us: the survey of the dépôt, and the check of bytes before anything reads them."""

from qpv_emploi.acquisition.controle import check_bytes
from qpv_emploi.acquisition.depot import Deposit, DepositedFile, Survey, datasets_absent, survey
from qpv_emploi.acquisition.refus import Refuse, refusal_for

__all__ = [
    "Deposit",
    "DepositedFile",
    "Refuse",
    "Survey",
    "check_bytes",
    "datasets_absent",
    "refusal_for",
    "survey",
]
