"""Polygons of the fictional QPV: at sea, in the Bay of Biscay, where no neighbourhood is.

Polygons never overlap. On purpose a few are invalid, as in the real shapefile: bow-ties, and one with a
spike, whose repair gives a collection of a polygon and a line (SOURCES 4.1).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from pyproj import Transformer

from qpv_emploi.fictif.alea import Booleens, Reels, choisir, flux
from qpv_emploi.fictif.territoire import Territoire

# Lambert-93 box, metres: longitudes -6 to -4, latitudes 45 to 46.
_OUEST, _SUD, _EST, _NORD = 8_000.0, 6_476_000.0, 145_000.0, 6_564_000.0
_COTE_MAX = 1_000.0
_SOMMETS = 14
_PART_NOEUDS = 0.05

Anneau = Reels


@dataclass(frozen=True)
class Contours:
    """Outlines of the QPV: for each one, its closed clockwise rings, arrays of shape (points, 2).

    Attributes:
        lambert: EPSG:2154, metres, rounded to the millimetre.
        wgs84: EPSG:4326, degrees (longitude, latitude), rounded to nine decimals.
        centres: WGS84 centres, shape (QPV, 2).
    """

    lambert: list[list[Anneau]]
    wgs84: list[list[Anneau]]
    centres: Reels


def dessiner(territoire: Territoire) -> Contours:
    """Draw the QPV of a territory, each in its own cell near the centre of its main commune."""
    nombre = len(territoire.qpv)
    centres, demis = _cellules(territoire)
    alea = flux(territoire.graine, "contours")
    angles = np.linspace(0, -2 * np.pi, _SOMMETS, endpoint=False) + alea.uniform(
        -0.15, 0.15, (nombre, _SOMMETS)
    )
    rayons = demis[:, None] * alea.uniform(0.55, 0.95, (nombre, _SOMMETS))
    tous: Booleens = np.ones(nombre, dtype=np.bool_)
    noeuds = choisir(alea, tous, _PART_NOEUDS)
    eperon = choisir(alea, ~noeuds, 0.0)
    double = choisir(alea, ~noeuds & ~eperon, 0.0)
    # On a circle two neighbouring vertices exchanged make the outline cross itself, whatever the angles.
    rayons[noeuds, 2:6] = rayons[noeuds, 2:3]
    sommets = centres[:, None, :] + rayons[:, :, None] * np.stack([np.cos(angles), np.sin(angles)], axis=2)
    sommets[noeuds, 3], sommets[noeuds, 4] = sommets[noeuds, 4], sommets[noeuds, 3]
    # Out to a point of the cell and back by the same way.
    pointe = centres + demis[:, None] * np.array([0.98, 0.0])
    sommets[eperon, 1], sommets[eperon, 2] = pointe[eperon], sommets[eperon, 0]
    fermes = np.round(np.concatenate([sommets, sommets[:, :1]], axis=1), 3)

    lambert = [
        _deux_parties(points, centre) if deux else [points]
        for points, centre, deux in zip(fermes, centres, double.tolist(), strict=True)
    ]
    plat = np.concatenate([anneau for anneaux in lambert for anneau in anneaux])
    vers_wgs84 = Transformer.from_crs(2154, 4326, always_xy=True)
    degres = np.round(np.stack(vers_wgs84.transform(plat[:, 0], plat[:, 1]), axis=1), 9)
    longitudes, latitudes = vers_wgs84.transform(centres[:, 0], centres[:, 1])
    return Contours(
        lambert=lambert,
        wgs84=_redecouper(degres, lambert),
        centres=np.round(np.stack([longitudes, latitudes], axis=1), 9),
    )


def cases_des_communes(territoire: Territoire) -> tuple[Reels, float]:
    """Centre of the square of each commune, shape (communes, 2), and its side; Lambert-93 metres.

    Squares are laid row by row in the order of the communes, so that they touch without overlapping.
    """
    nombre = len(territoire.communes)
    largeur, hauteur = _EST - _OUEST, _NORD - _SUD
    colonnes = int(np.ceil(np.sqrt(nombre * largeur / hauteur)))
    pas = min(largeur / colonnes, hauteur / int(np.ceil(nombre / colonnes)))
    lignes, rangs = np.divmod(np.arange(nombre), colonnes)
    return np.stack([_OUEST + (rangs + 0.5) * pas, _NORD - (lignes + 0.5) * pas], axis=1), pas


def _cellules(territoire: Territoire) -> tuple[Reels, Reels]:
    """Centre of each QPV (Lambert-93 metres) and half the side of its cell."""
    cases, pas = cases_des_communes(territoire)
    effectifs = Counter(indices[0] for indices in territoire.qpv.communes)
    vus: Counter[int] = Counter()
    centres, demis = [], []
    for indices in territoire.qpv.communes:
        commune = indices[0]
        cote_en_qpv = int(np.ceil(np.sqrt(effectifs[commune])))
        cote = min(_COTE_MAX, 0.95 * pas / cote_en_qpv)
        ligne, colonne = divmod(vus[commune], cote_en_qpv)
        vus[commune] += 1
        decalage = (cote_en_qpv - 1) / 2
        centres.append(
            (
                cases[commune, 0] + (colonne - decalage) * cote,
                cases[commune, 1] - (ligne - decalage) * cote,
            )
        )
        demis.append(cote / 2)
    return np.array(centres), np.array(demis)


def _deux_parties(points: Anneau, centre: Reels) -> list[Anneau]:
    """The same outline, smaller, twice side by side: a multipolygon."""
    rayon = np.abs(points - centre).max()
    return [
        np.round(centre + 0.4 * (points - centre) + np.array([signe * 0.5 * rayon, 0.0]), 3)
        for signe in (-1, 1)
    ]


def _redecouper(plat: Reels, modele: list[list[Anneau]]) -> list[list[Anneau]]:
    """Cut a flat array of points like a list of lists of rings."""
    resultat, debut = [], 0
    for anneaux in modele:
        morceaux = []
        for anneau in anneaux:
            morceaux.append(plat[debut : debut + len(anneau)])
            debut += len(anneau)
        resultat.append(morceaux)
    return resultat
