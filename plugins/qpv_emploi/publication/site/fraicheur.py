"""How fresh each dataset is on the day of the release, not on that of the reader: a page does not change."""

from __future__ import annotations

from datetime import datetime

from qpv_emploi.catalogue.echeances import Fraicheur, fraicheur
from qpv_emploi.publication.site.contexte import SiteContext

TABLE = "audit.fraicheur"


def freshness(context: SiteContext) -> dict[tuple[str, str], Fraicheur]:
    """Freshness by (producer, dataset), those never received included; empty for a release made before."""
    if TABLE not in context.relations:
        return {}
    rows = context.rows(
        "select producteur, jeu, titre, dernier_millesime, recu_le, millesime_attendu, attendu_le, "
        "retard_des_le, raison from audit.fraicheur order by producteur, jeu"
    )
    day = datetime.fromisoformat(context.release.jour).date()
    return {(item.producteur, item.jeu): item for item in fraicheur(rows, day)}
