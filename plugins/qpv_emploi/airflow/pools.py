"""Pools of the tasks that ask producers. Imports nothing of Airflow: the launcher creates them by the API."""

from __future__ import annotations

from collections.abc import Iterable

from qpv_emploi.catalogue import Producer
from qpv_emploi.catalogue.acces import DepositAccess, LiveAccess, host_of

DEFAULT_POOL = "default_pool"
# One slot: one build at a time, whatever started it.
WAREHOUSE_POOL = "entrepot"


def host_pool(acces: LiveAccess) -> str:
    """Name of the pool of the host that a dataset comes from."""
    return "hote_" + host_of(acces.adresse_de_base).replace(".", "_")


def reception_pool(acces: LiveAccess, *, par_hote: bool) -> str:
    """Pool of the tasks that ask a producer.

    Args:
        par_hote: one pool per host, so that processes do not ask one site at the same time. Each must exist,
            with one slot, or its tasks wait for ever. Otherwise the default pool.
    """
    return host_pool(acces) if par_hote else DEFAULT_POOL


def host_pools(producteurs: Iterable[Producer]) -> list[str]:
    """Names of the pools of all the hosts of a catalogue, sorted."""
    acces = (jeu.acces for producteur in producteurs for jeu in producteur.jeux)
    return sorted({host_pool(a) for a in acces if not isinstance(a, DepositAccess)})
