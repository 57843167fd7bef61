"""Sums that hold today: a derived column per identity, judged like any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from qpv_emploi.catalogue.models import Secrecy
from qpv_emploi.qualite.demandes import Demande, not_judged
from qpv_emploi.qualite.suites import Identite
from qpv_emploi.qualite.tableau import Tableau, shown
from qpv_emploi.qualite.verdict import Controle

_PREFIXE = "identite:"
# Sums of decimals such as 0.1 are not exact in binary; no source publishes more than two decimals.
_DECIMALES = 6


def cell_noise(secret: Secrecy) -> float | None:
    """Largest distance between a published count and the true one; None when it is not known.

    Sources: DOMAIN 7.1 (random key of amplitude D, rounding to a multiple).
    """
    if secret.methode == "cle_aleatoire":
        return None if secret.parametre_d is None else float(secret.parametre_d)
    if secret.methode == "arrondi":
        return None if secret.arrondi is None else secret.arrondi / 2
    return 0.0


def with_identities(
    tableau: Tableau, identites: Sequence[Identite], secret: Secrecy
) -> tuple[Tableau, list[Demande], list[Controle]]:
    """Add one column per identity whose columns are all there.

    Args:
        secret: regime of the vintage; noise on each count widens the tolerance of identities of counts.

    Returns:
        The frame with ``total - Σ parties`` (null on incomplete rows), the requests on these columns, and the
        controls of the identities that do not apply.
    """
    bruit = cell_noise(secret)
    colonnes: dict[str, pd.Series] = {}
    demandes: list[Demande] = []
    sans_objet: list[Controle] = []
    for identite in identites:
        nom = f"{_PREFIXE}{identite.nom}"
        absentes = [c for c in identite.colonnes if c not in tableau.donnees.columns]
        if absentes:
            raison = f"colonne(s) {', '.join(absentes)} absente(s) du fichier"
            sans_objet.append(not_judged(nom, identite.libelle, identite.severite, raison))
            continue
        if identite.mesure == "effectif" and bruit is None:
            raison = f"bruit du secret « {secret.methode} » inconnu pour ce millésime"
            sans_objet.append(not_judged(nom, identite.libelle, identite.severite, raison))
            continue
        tolerance = identite.tolerance
        if identite.mesure == "effectif" and bruit:
            tolerance += bruit * len(identite.colonnes)
        colonnes[nom] = gap(tableau.donnees, identite)
        demandes.append(_request(nom, identite, tolerance, colonnes[nom]))
    donnees = tableau.donnees.assign(**colonnes) if colonnes else tableau.donnees
    return replace(tableau, donnees=donnees), demandes, sans_objet


def gap(donnees: pd.DataFrame, identite: Identite) -> pd.Series:
    """``total - Σ parties`` of each row, null where one of them is."""
    somme = donnees[list(identite.parties)].sum(axis=1, skipna=False)
    total = donnees[identite.total] if isinstance(identite.total, str) else identite.total
    return (total - somme).round(_DECIMALES)


def _request(nom: str, identite: Identite, tolerance: float, ecarts: pd.Series) -> Demande:
    arguments: dict[str, object] = {"column": nom, "min_value": -tolerance}
    if identite.relation == "egal":
        arguments["max_value"] = tolerance
    marge = f" à {shown(tolerance)} près" if tolerance else ""
    note = f" ; {identite.note.strip()}" if identite.note else ""
    return Demande(
        nom=nom,
        type="expect_column_values_to_be_between",
        arguments=arguments,
        libelle=identite.libelle,
        requises=identite.colonnes,
        severite=identite.severite,
        message=f"attendu : vrai{marge} sur chaque ligne complète{note}",
        valeur=lambda rang: f"écart {shown(ecarts.loc[rang])}",
    )
