"""Statistical secrecy as the producer applies it: blanks, never zeros.

Counts below 5 are blanked, and a second cell is blanked where a sum would give the first one back
(SOURCES 1.3). A blank is written ``VIDE`` until the CSV writer turns it into an empty string.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from qpv_emploi.fictif.alea import Booleens, Entiers

# Blank cell. Far outside any published figure, so that arithmetic on it cannot go unnoticed.
VIDE = int(np.iinfo(np.int64).min)
SEUIL = 5

Colonnes = dict[str, Entiers]


def effacer(colonnes: Colonnes, noms: Iterable[str], lignes: Booleens) -> None:
    """Blank the given columns on the given rows."""
    for nom in noms:
        colonnes[nom] = np.where(lignes, VIDE, colonnes[nom])


def sous_le_seuil(colonnes: Colonnes, noms: Sequence[str]) -> Booleens:
    """Rows where one of the columns holds a count below the threshold."""
    petits = [(colonnes[nom] < SEUIL) & (colonnes[nom] != VIDE) for nom in noms]
    return np.asarray(np.logical_or.reduce(petits), dtype=np.bool_)


def effacer_petits(colonnes: Colonnes, noms: Iterable[str]) -> None:
    """Blank each count below the threshold, alone."""
    for nom in noms:
        effacer(colonnes, [nom], sous_le_seuil(colonnes, [nom]))


def effacer_ensemble(colonnes: Colonnes, noms: Sequence[str]) -> None:
    """Blank all the columns on a row where one of them is below the threshold (a pair, a small block)."""
    effacer(colonnes, noms, sous_le_seuil(colonnes, noms))


def proteger_partition(colonnes: Colonnes, noms: Sequence[str]) -> None:
    """Blank the small parts of a published total, and the smallest other part where only one would go."""
    valeurs = np.stack([colonnes[nom] for nom in noms], axis=1)
    touchees = sous_le_seuil(colonnes, noms)
    vides = valeurs < SEUIL
    valeurs = np.where(vides, np.iinfo(np.int64).max, valeurs)
    seules = touchees & (vides.sum(axis=1) == 1)
    vides[np.flatnonzero(seules), valeurs.argmin(axis=1)[seules]] = True
    for rang, nom in enumerate(noms):
        effacer(colonnes, [nom], vides[:, rang])


def proteger_croisement(colonnes: Colonnes, paires: Sequence[tuple[str, str]]) -> None:
    """Blank pairs (women, men) of a published partition: small ones, and a second pair if only one went."""
    petits = np.stack([sous_le_seuil(colonnes, paire) for paire in paires], axis=1)
    tailles = np.stack([np.minimum(colonnes[a], colonnes[b]) for a, b in paires], axis=1)
    tailles = np.where(petits, np.iinfo(np.int64).max, tailles)
    seules = petits.sum(axis=1) == 1
    petits[np.flatnonzero(seules), tailles.argmin(axis=1)[seules]] = True
    for rang, paire in enumerate(paires):
        effacer(colonnes, paire, petits[:, rang])
