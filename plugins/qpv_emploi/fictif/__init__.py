"""A fictional region in the exact file formats of the real sources.

Region 99 exists nowhere: its départements, communes, EPCI, zones d'emploi, QPV and contrats de ville carry
codes that no official nomenclature uses, and its files carry the quirks of the real ones (dialects, schema
drift, secrecy blanks, text encodings, invalid polygons). Demos, tests and benchmarks run on it without
network and without a single real figure.
"""

from qpv_emploi.fictif.codes import EPCI_ANCIEN_SIREN, EPCI_NOUVEAU_SIREN, REGION_FICTIVE
from qpv_emploi.fictif.generateur import MARQUEUR, MILLESIMES_COURTS, MILLESIMES_DU_DEPOT, generate
from qpv_emploi.fictif.territoire import NB_QPV_MAX

__all__ = [
    "EPCI_ANCIEN_SIREN",
    "EPCI_NOUVEAU_SIREN",
    "MARQUEUR",
    "MILLESIMES_COURTS",
    "MILLESIMES_DU_DEPOT",
    "NB_QPV_MAX",
    "REGION_FICTIVE",
    "generate",
]
