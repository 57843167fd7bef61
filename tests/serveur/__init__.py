"""A local server that plays scripts: what a producer's site may answer, good or bad."""

from tests.serveur.serveur import Recorded, Reply, Script, Server, conditional
from tests.serveur.temps import DEPART, Temps

__all__ = ["DEPART", "Recorded", "Reply", "Script", "Server", "Temps", "conditional"]
