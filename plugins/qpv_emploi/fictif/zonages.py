"""Zonings of the communes (derived tables, table d'appartenance, unités urbaines, CLPE) and outlines."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from qpv_emploi.fictif.classeurs import communes_2023
from qpv_emploi.fictif.codes import NOM_REGION_FICTIVE, REGION_FICTIVE
from qpv_emploi.fictif.cog import arrondissement
from qpv_emploi.fictif.ecriture_csv import ecrire_table
from qpv_emploi.fictif.ecriture_geojson import Entite, collection, en_degres
from qpv_emploi.fictif.geometrie import cases_des_communes
from qpv_emploi.fictif.region import SANS_EPCI, Region
from qpv_emploi.fictif.territoire import Commune

# Inhabitants from which a commune of the region is in an unité urbaine.
_URBAINE = 8_000
_DECIMALES = 5


@dataclass(frozen=True)
class Zonage:
    """Zonings of a commune; ``partie`` is blank outside the interregional zone d'emploi."""

    departement: str
    arrondissement: str
    epci: str
    libelle_epci: str
    zone_emploi: str
    libelle_zone_emploi: str
    partie: str


def zonage(region: Region, commune: Commune) -> Zonage:
    """Zonings of a commune of the region."""
    departement, _ = region.departement_de(commune)
    zone = region.territoire.zones[commune.zone]
    return Zonage(
        departement,
        arrondissement(commune, departement),
        *region.epci_de(commune),
        zone.code,
        zone.libelle,
        zone.partie,
    )


def unite_urbaine(region: Region, commune: Commune) -> str:
    """Unité urbaine of a commune, one per EPCI; département followed by 00 outside any."""
    departement, _ = region.departement_de(commune)
    if commune.pop_2018 < _URBAINE:
        return f"{departement}00"
    # The same as in the population file of 2013.
    return f"{departement}{1 + max(commune.epci, 0) % 99:02d}"


def ecrire_zonages(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Zonings of the communes of the region, one row each (SOURCES 5)."""
    entete = "codgeo,libgeo,dep,reg,arr,epci,libepci,ze2020,libze2020,ze_partie_reg,unite_urbaine"
    lignes = []
    for commune in _triees(region):
        z = zonage(region, commune)
        lignes.append(
            [
                *(commune.code, commune.nom.libelle, z.departement, REGION_FICTIVE, z.arrondissement),
                *(z.epci, z.libelle_epci, z.zone_emploi, z.libelle_zone_emploi, z.partie),
                unite_urbaine(region, commune),
            ]
        )
    chemin = dossier / "fictif_communes_zonages.csv"
    ecrire_table(chemin, entete, lignes)
    return [chemin]


def ecrire_table_appartenance(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Sheet COM saved as CSV in cp1252, the commune merged in 2024 included (SOURCES 3.7).

    The zone d'emploi 0099 lost its leading zeros, as the real codes did.
    """
    entete = (
        "CODGEO;LIBGEO;DEP;REG;ARR;CV;EPCI;NATURE_EPCI;ZE2020;UU2020;TUU2017;TDUU2017;AAV2020;TAAV2017;"
        "TDAAV2017;CATEAAV2020;BV2012"
    )
    natures = {epci.siren: epci.nature for epci in region.territoire.epci}
    lignes = []
    for commune, code, nom in communes_2023(region.territoire):
        z = zonage(region, commune)
        urbaine = unite_urbaine(region, commune)
        lignes.append(
            [
                *(code, nom, z.departement, REGION_FICTIVE, z.arrondissement),
                *(f"{z.departement}{1 + commune.rang % 9:02d}", z.epci, natures.get(z.epci, "ZZ")),
                *(z.zone_emploi.lstrip("0"), urbaine),
                *(("0", "0") if urbaine.endswith("00") else ("4", "41")),
                f"9{commune.epci % 99:02d}" if commune.epci >= 0 else "0",
                *("2", "20", "11", f"{z.departement}91"),
            ]
        )
    chemin = dossier / f"table-appartenance-geo-communes-{millesime[2:]}.csv"
    ecrire_table(chemin, entete, lignes, separateur=";", fin="\r\n", encodage="cp1252")
    return [chemin]


def ecrire_unites_urbaines(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Unité urbaine of each commune (SOURCES 3.8)."""
    chemin = dossier / "commune_vers_unite_urbaine.csv"
    lignes = [(commune.code, unite_urbaine(region, commune)) for commune in _triees(region)]
    ecrire_table(chemin, "commune,unite_urbaine", lignes)
    return [chemin]


def ecrire_clpe(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Comités locaux pour l'emploi, one per zone d'emploi (SOURCES 6.3)."""
    entete = "commune_id,territoire_id,territoire_libelle,departement_id,nom_departement,region_id,nom_region"
    sieges: dict[int, str] = {}
    for commune in region.territoire.communes:
        sieges.setdefault(commune.zone, region.departement_de(commune)[0])
    lignes = [
        [
            commune.code,
            f"CLPE{sieges[commune.zone]}{commune.zone + 1:02d}",
            region.territoire.zones[commune.zone].libelle,
            *region.departement_de(commune),
            REGION_FICTIVE,
            NOM_REGION_FICTIVE,
        ]
        for commune in _triees(region)
    ]
    chemin = dossier / "ref_clpe_ft_fictif.csv"
    ecrire_table(chemin, entete, lignes, fin="\r\n")
    return [chemin]


def ecrire_contours_communes(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Outlines of the communes: squares that touch (SOURCES 5)."""
    communes = region.territoire.communes
    entites: list[Entite] = []
    for commune, geometrie in zip(communes, en_degres(_carres(region), _DECIMALES), strict=True):
        z = zonage(region, commune)
        proprietes = {
            "codgeo": commune.code,
            "libgeo": commune.nom.libelle,
            "dep": z.departement,
            "reg": REGION_FICTIVE,
            "arr": z.arrondissement,
            "epci": z.epci,
            "libepci": z.libelle_epci,
            "ze2020": z.zone_emploi,
            "libze2020": z.libelle_zone_emploi,
            "unite_urbaine": unite_urbaine(region, commune),
        }
        entites.append((proprietes, geometrie))
    return [_ecrire_contours(dossier / f"communes-fictif-cog{millesime}-derive.geojson", entites)]


def ecrire_contours_epci(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Outlines of the EPCI: those of their communes, dissolved (SOURCES 5)."""
    membres: dict[tuple[str, str], list[shapely.Geometry]] = defaultdict(list)
    for commune, carre in zip(region.territoire.communes, _carres(region), strict=True):
        cle = region.epci_de(commune)
        if cle[0] != SANS_EPCI:
            membres[cle].append(carre)
    cles = sorted(membres)
    formes = en_degres([shapely.union_all(membres[cle]) for cle in cles], _DECIMALES)
    entites: list[Entite] = [
        ({"epci": siren, "libepci": libelle, "nb_com_hdf": len(membres[siren, libelle])}, forme)
        for (siren, libelle), forme in zip(cles, formes, strict=True)
    ]
    return [_ecrire_contours(dossier / f"epci-fictif-{millesime}-derive.geojson", entites)]


def ecrire_contours_departements(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Outlines of the départements: one line, no ``crs`` member, ASCII escapes (SOURCES 5)."""
    membres: dict[int, list[shapely.Geometry]] = defaultdict(list)
    for commune, carre in zip(region.territoire.communes, _carres(region), strict=True):
        membres[commune.departement].append(carre)
    rangs = sorted(membres)
    entites: list[dict[str, Any]] = []
    for rang, geometrie in zip(
        rangs, en_degres([shapely.union_all(membres[r]) for r in rangs], _DECIMALES), strict=True
    ):
        departement = region.territoire.departements[rang]
        proprietes = {"code": departement.code, "nom": departement.nom.libelle}
        entites.append({"type": "Feature", "geometry": dict(geometrie), "properties": proprietes})
    chemin = dossier / "departements-fictif.geojson"
    contenu = {"type": "FeatureCollection", "features": entites}
    chemin.write_bytes(json.dumps(contenu, separators=(",", ":")).encode())
    return [chemin]


def _ecrire_contours(chemin: Path, entites: list[Entite]) -> Path:
    chemin.write_bytes(collection(chemin.stem, entites, resolution="1e-05"))
    return chemin


def _carres(region: Region) -> list[shapely.Geometry]:
    centres, pas = cases_des_communes(region.territoire)
    # To the millimetre, so that two neighbours share the very same corners.
    ouest_sud, est_nord = np.round(centres - pas / 2, 3), np.round(centres + pas / 2, 3)
    carres: list[shapely.Geometry] = shapely.box(
        ouest_sud[:, 0], ouest_sud[:, 1], est_nord[:, 0], est_nord[:, 1]
    ).tolist()
    return carres


def _triees(region: Region) -> list[Commune]:
    return sorted(region.territoire.communes, key=lambda commune: commune.code)
