"""Quality gates: the contract with the producer (bronze) and with the consumer (marts).

``gate.judge`` and ``marts.judge_warehouse`` judge, ``rapport.write_report`` explains a refusal.
Importing this package is cheap; great_expectations is imported by the first judgement.
"""

from qpv_emploi.qualite.verdict import Controle, Severite, Verdict

__all__ = ["Controle", "Severite", "Verdict"]
