"""The QPV of generation 2024: what became of those of 2015, and the outlines they have now.

Every case of the real passage is here once the region is large enough: an unchanged QPV, a split, two mergers
(one that the passage table declares, one that it does not, as in Hauts-de-France: SOURCES 4.6), a QPV that
left the list, a new one; the others are modified a little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
import shapely.affinity
from numpy.typing import NDArray

from qpv_emploi.fictif import codes, noms
from qpv_emploi.fictif.alea import Entiers, Reels, choisir, flux
from qpv_emploi.fictif.contrats import epci_sans_contrat
from qpv_emploi.fictif.geometrie import Contours, cases_des_communes
from qpv_emploi.fictif.territoire import Territoire

STATUTS = {"M": "MODIFIE", "I": "INCHANGE", "N": "NOUVEAU"}
# A département has 99 ranks: the QPV 2015 beyond have no successor.
_RANG_MAX = 99
# Below this number of QPV, splits, mergers, exits and new ones would leave nothing ordinary.
_POUR_TOUS_LES_CAS = 8
_PART_INCHANGEE = 0.05
_PART_NOUVELLE = 0.04
_RAYON_NOUVEAU = 250.0


@dataclass(frozen=True)
class _Projet:
    """A QPV 2024 before it has a code.

    Attributes:
        origines: indexes of the QPV 2015 whose ground it takes; empty for a new one.
        declarees: those that the passage table names.
        lettre: M, I or N.
        moitie: 0 for the whole ground, 1 (west) or 2 (east) for half of it.
        communes: indexes of the communes, the main one first.
    """

    origines: tuple[int, ...]
    declarees: tuple[int, ...]
    lettre: str
    moitie: int
    communes: tuple[int, ...]


@dataclass(frozen=True)
class Quartiers2024:
    """The QPV 2024, column by column, sorted by code.

    Attributes:
        projets: where each one comes from.
        epci: indexes of one or two EPCI, that of the main commune first.
        population: inhabitants.
        difficulte: latent level of hardship, about N(0, 1); never published.
    """

    codes: list[str]
    libelles: list[str]
    projets: list[_Projet]
    epci: list[tuple[int, ...]]
    population: Entiers
    difficulte: Reels

    def __len__(self) -> int:
        return len(self.codes)


def quartiers_2024(territoire: Territoire) -> Quartiers2024:
    """The QPV 2024 of a territory; the rank of a code is not that of 2015 (SOURCES 1.1)."""
    alea = flux(territoire.graine, "qpv 2024")
    par_departement: dict[str, list[_Projet]] = defaultdict(list)
    for projet in _projets(territoire, alea):
        siege = territoire.communes[projet.communes[0]].departement
        par_departement[territoire.departements[siege].code].append(projet)
    places: list[tuple[str, _Projet]] = []
    for departement, projets in sorted(par_departement.items()):
        # What is rare is drawn first: it never falls beyond the last rank.
        gardes = projets[:_RANG_MAX]
        for rang, indice in enumerate(alea.permutation(len(gardes)).tolist(), 1):
            projet = gardes[indice]
            places.append((codes.code_qpv_2024(departement, rang, projet.lettre), projet))
    places.sort(key=lambda place: place[0])
    projets = [projet for _, projet in places]
    nouveaux = noms.quartiers(flux(territoire.graine, "noms 2024"), len(places))
    return Quartiers2024(
        codes=[code for code, _ in places],
        libelles=[_libelle(territoire, p, n) for p, n in zip(projets, nouveaux, strict=True)],
        projets=projets,
        epci=[
            tuple(dict.fromkeys(territoire.communes[i].epci for i in projet.communes))[:2]
            for projet in projets
        ],
        population=_populations(territoire, projets, alea),
        difficulte=np.array(
            [territoire.qpv.difficulte[list(p.origines)].mean() if p.origines else 0.0 for p in projets]
        ),
    )


def dessiner_2024(
    territoire: Territoire, contours: Contours, quartiers: Quartiers2024
) -> NDArray[np.object_]:
    """Outlines in Lambert-93, one valid polygon or multipolygon per QPV 2024; they never overlap.

    An unchanged QPV keeps its outline of 2015, a modified one grows or shrinks by 3 % at most.
    """
    anciens = [_polygone(anneaux) for anneaux in contours.lambert]
    centres, pas = cases_des_communes(territoire)
    facteurs = flux(territoire.graine, "contours 2024").uniform(0.97, 1.03, len(quartiers)).tolist()
    formes = []
    for projet, facteur in zip(quartiers.projets, facteurs, strict=True):
        if projet.lettre == "N":
            rayon = min(_RAYON_NOUVEAU, 0.3 * pas)
            formes.append(shapely.Point(centres[projet.communes[0]]).buffer(rayon, quad_segs=3))
            continue
        forme = shapely.union_all([anciens[origine] for origine in projet.origines])
        if projet.moitie:
            forme = _moitie(forme, projet.moitie)
        if projet.lettre == "M" and not projet.moitie and len(projet.origines) == 1:
            # One outline in its own cell: it stays in it.
            forme = shapely.affinity.scale(forme, facteur, facteur)
        formes.append(forme)
    return np.array(formes, dtype=object)


def _projets(territoire: Territoire, alea: np.random.Generator) -> list[_Projet]:
    """The QPV 2024, the rare cases first; a QPV 2015 that left the list is in none."""
    qpv = territoire.qpv
    libres = set(range(len(qpv)))
    projets: list[_Projet] = []
    if len(qpv) >= _POUR_TOUS_LES_CAS:
        for declaree in (True, False):
            paire = _voisins(territoire, libres, alea)
            libres -= set(paire)
            if paire:
                communes = tuple(dict.fromkeys(i for origine in paire for i in qpv.communes[origine]))
                projets.append(_Projet(paire, paire if declaree else paire[:1], "M", 0, communes))
        scinde, sorti = alea.permutation(sorted(libres))[:2].tolist()
        libres -= {scinde, sorti}
        projets += [_Projet((scinde,), (scinde,), "M", moitie, qpv.communes[scinde]) for moitie in (1, 2)]
        projets += _nouveaux(territoire, alea)
    restants = sorted(libres)
    inchanges = choisir(alea, np.ones(len(restants), dtype=np.bool_), _PART_INCHANGEE).tolist()
    projets += sorted(
        (
            _Projet((indice,), (indice,), "I" if inchange else "M", 0, qpv.communes[indice])
            for indice, inchange in zip(restants, inchanges, strict=True)
        ),
        key=lambda projet: projet.lettre,
    )
    return projets


def _voisins(territoire: Territoire, libres: Iterable[int], alea: np.random.Generator) -> tuple[int, ...]:
    """Two QPV of the same main commune; nothing where each commune has one at most."""
    par_commune: dict[int, list[int]] = defaultdict(list)
    for indice in sorted(libres):
        par_commune[territoire.qpv.communes[indice][0]].append(indice)
    paires = [tuple(indices[:2]) for indices in par_commune.values() if len(indices) > 1]
    return paires[int(alea.integers(len(paires)))] if paires else ()


def _nouveaux(territoire: Territoire, alea: np.random.Generator) -> list[_Projet]:
    """New QPV in communes that had none, of an EPCI that has some: it has a contract already."""
    qpv = territoire.qpv
    occupees = {indice for communes in qpv.communes for indice in communes}
    porteurs = {epci for intercommunalites in qpv.epci for epci in intercommunalites}
    a_la_commune = epci_sans_contrat(territoire)
    candidates = [
        indice
        for indice, commune in enumerate(territoire.communes)
        if indice not in occupees and commune.epci in porteurs and commune.epci != a_la_commune
    ]
    combien = max(1, round(_PART_NOUVELLE * len(qpv)))
    choisies = alea.permutation(np.array(candidates, dtype=np.int64))[:combien].tolist()
    return [_Projet((), (), "N", 0, (indice,)) for indice in choisies]


def _libelle(territoire: Territoire, projet: _Projet, nouveau: str) -> str:
    if not projet.origines:
        return nouveau
    libelles = [territoire.qpv.libelles[origine] for origine in projet.origines]
    suffixe = {0: "", 1: " Ouest", 2: " Est"}[projet.moitie]
    return " - ".join(dict.fromkeys(libelles)) + suffixe


def _populations(territoire: Territoire, projets: list[_Projet], alea: np.random.Generator) -> Entiers:
    """Inhabitants: those of 2018 on the same ground, halves of a split being uneven."""
    parts = {0: 1.0, 1: 0.55, 2: 0.45}
    nouvelles = alea.integers(1_000, 3_000, len(projets)).tolist()
    return np.array(
        [
            round(int(territoire.qpv.pop_2018[list(p.origines)].sum()) * parts[p.moitie]) if p.origines else n
            for p, n in zip(projets, nouvelles, strict=True)
        ],
        dtype=np.int64,
    )


def _polygone(anneaux: list[Reels]) -> shapely.Geometry:
    """The polygons of an outline once repaired; the lines that a repair leaves are dropped."""
    repare = shapely.make_valid(shapely.union_all([shapely.make_valid(shapely.Polygon(a)) for a in anneaux]))
    parties = [p for p in shapely.get_parts(repare).tolist() if p.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parties)


def _moitie(forme: shapely.Geometry, moitie: int) -> shapely.Geometry:
    ouest, sud, est, nord = forme.bounds
    milieu = forme.centroid.x
    bande = (ouest, sud, milieu, nord) if moitie == 1 else (milieu, sud, est, nord)
    return shapely.intersection(forme, shapely.box(*bande))
