"""Few datasets of the fictional region, for the tests whose subject is not how many there are."""

from __future__ import annotations

from qpv_emploi.fictif import MILLESIMES_DU_DEPOT

RIEN: dict[str, tuple[str, ...]] = dict.fromkeys(MILLESIMES_DU_DEPOT, ())
# What the star schema is built from.
SOCLE: dict[str, tuple[str, ...]] = RIEN | {
    jeu: MILLESIMES_DU_DEPOT[jeu]
    for jeu in (
        "insertion_professionnelle",
        "demographie_qpv",
        "revenus_qpv",
        "population_qpv",
        "cog",
        "epci",
        "zone_emploi",
        "qpv_2015",
        "contrats_ville",
    )
}
