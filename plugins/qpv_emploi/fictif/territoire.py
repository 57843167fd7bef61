"""The imagined territory: départements, communes, EPCI, zones d'emploi and QPV.

Everything here depends on the seed and on the number of QPV only, never on the vintages asked for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from qpv_emploi.fictif import codes, noms
from qpv_emploi.fictif.alea import Entiers, Reels, choisir, flux

NB_QPV_MAX = len(codes.DEPARTEMENTS_FICTIFS) * codes.QPV_PAR_DEPARTEMENT_MAX

# About the average of the real contracts: 199 QPV for 43 EPCI in Hauts-de-France.
_QPV_PAR_EPCI = 4.6
_PART_PLURICOMMUNALE = 0.25
_PART_DEUX_EPCI = 0.05
_PART_TROISIEME_COMMUNE = 0.3


@dataclass(frozen=True)
class Departement:
    """A fictional département and its commune seat (index in ``Territoire.communes``)."""

    code: str
    nom: noms.Toponyme
    chef_lieu: int


@dataclass(frozen=True)
class Commune:
    """A commune; ``epci`` is -1 outside any EPCI, populations are municipal, in inhabitants."""

    code: str
    nom: noms.Toponyme
    departement: int
    rang: int
    epci: int
    zone: int
    pop_2013: int
    pop_2018: int


@dataclass(frozen=True)
class Epci:
    """An EPCI; ``siren_2015`` differs from ``siren`` for the one that changed."""

    siren: str
    siren_2015: str
    libelle: str
    nature: str


@dataclass(frozen=True)
class Zone:
    """A zone d'emploi; ``partie`` is filled for the interregional one only."""

    code: str
    libelle: str
    partie: str


@dataclass(frozen=True)
class Quartiers:
    """The QPV, column by column; every sequence has one item per QPV.

    Attributes:
        communes: indexes of the communes, the main one first.
        epci: indexes of one or two EPCI, that of the main commune first.
        pop_2013, pop_2018: municipal population, inhabitants.
        pop_com_qp_2013, pop_com_qp_2018: population of all QPV of the communes of the QPV.
        pop_com_2013, pop_com_2018: population of the communes of the QPV.
        difficulte: latent level of hardship, about N(0, 1); never published.
        part_etrangers: latent share of foreigners, 0 to 1.
        part_etudiants: latent share of students among Caf recipients, 0 to 1.
    """

    codes: list[str]
    libelles: list[str]
    rang_rebaptise: int
    departement: Entiers
    communes: list[tuple[int, ...]]
    epci: list[tuple[int, ...]]
    pop_2013: Entiers
    pop_2018: Entiers
    pop_com_qp_2013: Entiers
    pop_com_qp_2018: Entiers
    pop_com_2013: Entiers
    pop_com_2018: Entiers
    difficulte: Reels
    part_etrangers: Reels
    part_etudiants: Reels

    def __len__(self) -> int:
        return len(self.codes)

    def libelles_de(self, annee: int) -> list[str]:
        """Names as published in a base: one is spelt otherwise from base 2020 on, as four real ones."""
        if annee < 2020 or self.rang_rebaptise < 0:
            return self.libelles
        libelles = list(self.libelles)
        libelles[self.rang_rebaptise] = noms.QUARTIER_COMMUN_REBAPTISE
        return libelles


@dataclass(frozen=True)
class Territoire:
    """The whole imagined region."""

    graine: int
    departements: list[Departement]
    communes: list[Commune]
    epci: list[Epci]
    zones: list[Zone]
    qpv: Quartiers
    anciennes: list[noms.Toponyme]

    def noms_des_communes(self, indices: tuple[int, ...]) -> list[str]:
        return [self.communes[indice].nom.libelle for indice in indices]


@dataclass(frozen=True)
class _Place:
    """A commune before its population is known."""

    departement: int
    rang: int
    epci: int


def imaginer(graine: int, nb_qpv: int) -> Territoire:
    """Imagine the region.

    Args:
        graine: seed, 0 or more.
        nb_qpv: number of QPV, 1 to ``NB_QPV_MAX``.

    Raises:
        ValueError: an argument is out of range.
    """
    if graine < 0:
        raise ValueError(f"graine négative : {graine}")
    if not 1 <= nb_qpv <= NB_QPV_MAX:
        raise ValueError(f"nb_qpv hors de 1..{NB_QPV_MAX} : {nb_qpv}")
    effectifs = _qpv_par_departement(nb_qpv)
    nb_epci = min(codes.EPCI_MAX, max(2 * len(effectifs), round(nb_qpv / _QPV_PAR_EPCI)))
    places = _places(effectifs, nb_epci)
    toponymes = noms.communes(flux(graine, "communes"), len(places) + 3 * len(effectifs))
    noms_communes, anciennes = toponymes[: len(places)], toponymes[len(places) :]

    qpv_communes = _communes_des_qpv(graine, effectifs, places)
    parts_2013 = _populations(graine, nb_qpv, qpv_communes)
    parts_2018 = _vieillir(graine, parts_2013)
    pop_2013, pop_2018 = _populations_communales(graine, places, qpv_communes, parts_2013, parts_2018)

    nb_zones = min(codes.ZONES_MAX, max(2, nb_epci))
    communes = [
        Commune(
            code=codes.code_commune(codes.DEPARTEMENTS_FICTIFS[place.departement], place.rang),
            nom=nom,
            departement=place.departement,
            rang=place.rang,
            epci=place.epci,
            zone=indice * nb_zones // len(places),
            pop_2013=pop_2013[indice],
            pop_2018=pop_2018[indice],
        )
        for indice, (place, nom) in enumerate(zip(places, noms_communes, strict=True))
    ]
    premiere = {commune.departement: indice for indice, commune in reversed(list(enumerate(communes)))}
    return Territoire(
        graine=graine,
        departements=[
            Departement(code, nom, premiere[rang])
            for rang, (code, nom) in enumerate(
                zip(codes.departements(len(effectifs)), noms.departements(len(effectifs)), strict=True)
            )
        ],
        communes=communes,
        epci=_intercommunalites(communes, nb_epci),
        zones=_zones(communes, nb_zones),
        qpv=_quartiers(graine, effectifs, communes, qpv_communes, parts_2013, parts_2018),
        anciennes=anciennes,
    )


def _qpv_par_departement(nb_qpv: int) -> list[int]:
    """Number of QPV of each département: two or three départements for a demo, 999 QPV at most in each."""
    au_moins = -(-nb_qpv // codes.QPV_PAR_DEPARTEMENT_MAX)
    nombre = min(nb_qpv, max(au_moins, min(5, max(2, 1 + nb_qpv // 20))))
    base, reste = divmod(nb_qpv, nombre)
    return [base + (rang < reste) for rang in range(nombre)]


def _places(effectifs: list[int], nb_epci: int) -> list[_Place]:
    """Communes of each département with their EPCI, interleaved so that each EPCI has a large town.

    The last commune of the first département belongs to no EPCI; when there are two départements, the second
    commune of the second one belongs to an EPCI of the first: its contract spans two départements.
    """
    nb_dep = len(effectifs)
    places = []
    for departement, effectif in enumerate(effectifs):
        debut = departement * nb_epci // nb_dep
        largeur = max(1, (departement + 1) * nb_epci // nb_dep - debut)
        nb_communes = min(codes.COMMUNES_PAR_DEPARTEMENT_MAX, max(8, effectif))
        for rang in range(nb_communes):
            epci = debut + rang % largeur
            if departement == 0 and rang == nb_communes - 1:
                epci = -1
            elif departement == 1 and rang == 1:
                epci = max(0, debut - 1)
            places.append(_Place(departement, rang + 1, epci))
    return places


def _communes_des_qpv(graine: int, effectifs: list[int], places: list[_Place]) -> list[tuple[int, ...]]:
    """Communes of each QPV, the main one first: a quarter on several, some of them on two EPCI."""
    alea = flux(graine, "quartiers")
    par_departement: dict[int, list[int]] = {}
    for indice, place in enumerate(places):
        if place.epci >= 0:
            par_departement.setdefault(place.departement, []).append(indice)
    principales: list[int] = []
    for departement, effectif in enumerate(effectifs):
        indices = par_departement[departement]
        poids = 1.0 / np.arange(1, len(indices) + 1)
        tirage = alea.choice(len(indices), size=effectif, p=poids / poids.sum()).tolist()
        tirage[:3] = [0, 1, 2][:effectif]
        principales.extend(indices[rang] for rang in tirage)

    nombre = len(principales)
    tous = np.ones(nombre, dtype=np.bool_)
    plusieurs = choisir(alea, tous, _PART_PLURICOMMUNALE)
    deux_epci = choisir(alea, plusieurs, _PART_DEUX_EPCI)
    trois = (alea.random(nombre) < _PART_TROISIEME_COMMUNE).tolist()
    proches: dict[tuple[int, bool], list[int]] = {}
    communes: list[tuple[int, ...]] = []
    for qpv, principale in enumerate(principales):
        if not plusieurs[qpv]:
            communes.append((principale,))
            continue
        cle = (principale, not deux_epci[qpv])
        if cle not in proches:
            proches[cle] = _voisines(principale, places, meme_epci=cle[1])
        communes.append((principale, *proches[cle][: 2 if trois[qpv] and cle[1] else 1]))
    return communes


def _voisines(principale: int, places: list[_Place], *, meme_epci: bool) -> list[int]:
    """Nearby communes, in the same EPCI or in another one: the same département first, then the nearest."""
    centre = places[principale]
    voisines = []
    for ecart in range(1, codes.COMMUNES_PAR_DEPARTEMENT_MAX + 1):
        for indice in (principale + ecart, principale - ecart):
            if not 0 <= indice < len(places) or places[indice].epci < 0:
                continue
            if (places[indice].epci == centre.epci) == meme_epci:
                voisines.append(indice)
        if sum(places[indice].departement == centre.departement for indice in voisines) >= 2:
            break
    return sorted(voisines, key=lambda indice: places[indice].departement != centre.departement)


def _populations(graine: int, nb_qpv: int, communes: list[tuple[int, ...]]) -> list[list[int]]:
    """Inhabitants of each QPV in 2013, commune by commune (real median about 2,060, minimum 479)."""
    alea = flux(graine, "population")
    totaux = np.clip(np.exp(alea.normal(np.log(2150.0), 0.6, nb_qpv)), 720, 30_000).astype(np.int64).tolist()
    # One large neighbourhood, so that counts above 1,000 and their thousands marks are in every base.
    totaux[min(2, nb_qpv - 1)] = 9_000 + int(alea.integers(1_000))
    principales = alea.uniform(0.55, 0.85, nb_qpv).tolist()
    parts = []
    for total, principale, indices in zip(totaux, principales, communes, strict=True):
        autres = len(indices) - 1
        secondaires = [int(total * (1 - principale) / autres)] * autres if autres else []
        parts.append([total - sum(secondaires), *secondaires])
    return parts


def _vieillir(graine: int, parts: list[list[int]]) -> list[list[int]]:
    """Inhabitants five years later: a slight decline, neighbourhood by neighbourhood."""
    facteurs = np.exp(flux(graine, "population", 2018).normal(-0.02, 0.06, len(parts))).tolist()
    return [
        [max(20, round(part * facteur)) for part in morceaux]
        for morceaux, facteur in zip(parts, facteurs, strict=True)
    ]


def _populations_communales(
    graine: int,
    places: list[_Place],
    communes: list[tuple[int, ...]],
    parts_2013: list[list[int]],
    parts_2018: list[list[int]],
) -> tuple[list[int], list[int]]:
    """Municipal populations of the communes, always above those of their QPV."""
    alea = flux(graine, "population communale")
    qp_2013, qp_2018 = _cumuler(communes, parts_2013), _cumuler(communes, parts_2018)
    bruit = np.exp(alea.normal(0.0, 0.2, len(places))).tolist()
    pente = np.exp(alea.normal(0.01, 0.03, len(places))).tolist()
    pop_2013 = [
        max(round((2_500 + 45_000 / place.rang**0.8) * bruit[indice]), round(1.4 * qp_2013[indice]))
        for indice, place in enumerate(places)
    ]
    pop_2018 = [
        max(round(pop_2013[indice] * pente[indice]), round(1.2 * qp_2018[indice]))
        for indice in range(len(places))
    ]
    return pop_2013, pop_2018


def _cumuler(communes: list[tuple[int, ...]], parts: list[list[int]]) -> Counter[int]:
    """QPV inhabitants of each commune."""
    cumul: Counter[int] = Counter()
    for indices, morceaux in zip(communes, parts, strict=True):
        for indice, part in zip(indices, morceaux, strict=True):
            cumul[indice] += part
    return cumul


def _intercommunalites(communes: list[Commune], nb_epci: int) -> list[Epci]:
    """EPCI named after their first commune; the first one is a métropole that changed SIREN after 2015."""
    sieges: dict[int, Commune] = {}
    for commune in communes:
        if commune.epci >= 0:
            sieges.setdefault(commune.epci, commune)
    resultat = []
    for rang in range(nb_epci):
        nom = sieges[rang].nom.nom
        if rang == 0:
            resultat.append(
                Epci(codes.EPCI_NOUVEAU_SIREN, codes.EPCI_ANCIEN_SIREN, f"Métropole Fictive {nom}", "ME")
            )
            continue
        nature = ("CA", "CC", "CA", "CU")[rang % 4]
        libelle = f"{nature} {nom} et Environs" if nature == "CC" else f"{nature} Grand {nom}"
        resultat.append(Epci(codes.siren(rang + 1), codes.siren(rang + 1), libelle, nature))
    return resultat


def _zones(communes: list[Commune], nb_zones: int) -> list[Zone]:
    """Zones d'emploi named after their first commune; the last one is interregional."""
    sieges: dict[int, Commune] = {}
    for commune in communes:
        sieges.setdefault(commune.zone, commune)
    zones = [Zone(f"99{rang + 1:02d}", sieges[rang].nom.libelle, "") for rang in range(nb_zones - 1)]
    partie = f"{codes.ZONE_INTERREGIONALE}-{codes.REGION_FICTIVE}"
    return [*zones, Zone(codes.ZONE_INTERREGIONALE, sieges[nb_zones - 1].nom.libelle, partie)]


def _quartiers(
    graine: int,
    effectifs: list[int],
    communes: list[Commune],
    qpv_communes: list[tuple[int, ...]],
    parts_2013: list[list[int]],
    parts_2018: list[list[int]],
) -> Quartiers:
    alea = flux(graine, "latents")
    nombre = len(qpv_communes)
    departement = np.repeat(np.arange(len(effectifs), dtype=np.int64), effectifs)
    rangs = [rang for effectif in effectifs for rang in range(1, effectif + 1)]
    libelles = noms.quartiers(flux(graine, "noms de quartier"), nombre)
    rebaptise = libelles.index(noms.QUARTIER_COMMUN) if noms.QUARTIER_COMMUN in libelles else -1
    qp_2013, qp_2018 = _cumuler(qpv_communes, parts_2013), _cumuler(qpv_communes, parts_2018)
    difficulte = np.clip(alea.normal(0.0, 1.0, nombre), -2.2, 2.2)
    etudiants = alea.random(nombre)
    return Quartiers(
        codes=[
            codes.code_qpv(codes.DEPARTEMENTS_FICTIFS[dep], rang)
            for dep, rang in zip(departement.tolist(), rangs, strict=True)
        ],
        libelles=libelles,
        rang_rebaptise=rebaptise,
        departement=departement,
        communes=qpv_communes,
        epci=[
            tuple(dict.fromkeys(communes[indice].epci for indice in indices))[:2] for indices in qpv_communes
        ],
        pop_2013=np.array([sum(parts) for parts in parts_2013], dtype=np.int64),
        pop_2018=np.array([sum(parts) for parts in parts_2018], dtype=np.int64),
        pop_com_qp_2013=_sommes(qpv_communes, qp_2013),
        pop_com_qp_2018=_sommes(qpv_communes, qp_2018),
        pop_com_2013=_sommes(qpv_communes, {i: c.pop_2013 for i, c in enumerate(communes)}),
        pop_com_2018=_sommes(qpv_communes, {i: c.pop_2018 for i, c in enumerate(communes)}),
        difficulte=difficulte,
        part_etrangers=np.clip(0.19 + 0.06 * difficulte + alea.normal(0.0, 0.06, nombre), 0.01, 0.5),
        part_etudiants=np.where(etudiants < 0.65, 0.004, 0.01 + 0.15 * (etudiants - 0.65)),
    )


def _sommes(communes: list[tuple[int, ...]], valeurs: dict[int, int]) -> Entiers:
    return np.array([sum(valeurs[indice] for indice in indices) for indices in communes], dtype=np.int64)
