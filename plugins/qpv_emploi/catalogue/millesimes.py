"""Vintages that a person asks for by name."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from qpv_emploi.catalogue.acces import is_live
from qpv_emploi.catalogue.models import Dataset
from qpv_emploi.errors import SettingsError


def check_asked(
    datasets: Sequence[Dataset], asked: Sequence[str], available: Collection[str], *, en_ligne: bool = False
) -> None:
    """Refuse a vintage that no dataset of a producer can have, or that has not arrived for any of them.

    Args:
        datasets: all those of the producer.
        asked: names of vintages.
        available: vintages that have arrived, all these datasets together.
        en_ligne: producers are asked: one that a dataset served online can have may still arrive.

    Raises:
        SettingsError: naming the vintage, and what was expected.
    """
    for millesime in asked:
        if not any(re.fullmatch(jeu.millesime.motif, millesime) for jeu in datasets):
            forms = ", ".join(sorted({jeu.millesime.motif for jeu in datasets}))
            raise SettingsError(
                f"« {millesime} » n'est le millésime d'aucun jeu de ce producteur ; attendu : un nom de la "
                f"forme {forms}"
            )
        arriving = en_ligne and any(
            is_live(jeu.acces) and re.fullmatch(jeu.millesime.motif, millesime) for jeu in datasets
        )
        if millesime not in available and not arriving:
            raise SettingsError(
                f"millésime {millesime} demandé, et aucun jeu de ce producteur ne l'a reçu ; millésimes "
                f"reçus : {', '.join(sorted(available)) or 'aucun'} ; à faire : le déposer dans "
                "<dépôt>/<producteur>/<jeu>/<millesime>/"
            )
