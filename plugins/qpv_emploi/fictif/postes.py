"""Posts of adultes-relais and FONJEP, by contrat de ville, in the JSON of the ANCT (SOURCES 4.8, 4.9)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qpv_emploi.fictif.alea import flux
from qpv_emploi.fictif.codes import REGION_FICTIVE, cle_de_luhn
from qpv_emploi.fictif.contrats import Contrat
from qpv_emploi.fictif.region import Region

# One national amount per post and year, in euros.
_MONTANTS_ADULTES_RELAIS = {2020: 19875.06, 2021: 20071.82, 2022: 21254, 2023: 22555.73, 2024: 22810.61}
_MONTANT_FONJEP = 7_164
# From this year on contracts are those of 2024-2030.
_NOUVEAUX_CONTRATS = 2024
_PORTEURS = (
    "CENTRE SOCIAL LA PASSERELLE RÊVÉE", "ASS. LES AMIS DU SONGE", "RÉGIE DE QUARTIER DES CHIMÈRES",
    "MISSION LOCALE DE NULLE-PART", "MAISON DES MIRAGES", "COMPAGNIE DE L'ŒILLET BLEU", "ATELIER DES FABLES",
)  # fmt: skip
_Poste = dict[str, Any]


def ecrire_adultes_relais(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Two codes stuck together until 2023, no contract for one post of 2023, a shared post twice in 2024."""
    annee = int(millesime)
    postes = []
    for rang, contrat, porteur in _postes(region, "adultes-relais", annee, par_qpv=0.7):
        siren = f"0000{rang % 9000:04d}"
        etablissement = f"{siren}{cle_de_luhn(siren)}0001"
        postes.append(
            {
                "id_poste": f"{contrat.departement}{15 + rang % 6:02d}R{rang:04d}01",
                "code_tiers": etablissement + cle_de_luhn(etablissement),
                "raison_sociale": porteur,
                "annee": annee,
                "montant": _MONTANTS_ADULTES_RELAIS[annee],
                **_lieu(contrat),
            }
        )
    _particularites(postes, region, annee)
    return [_ecrire(dossier / f"adulte-relais-{annee}.json", postes)]


def ecrire_fonjep(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """No SIRET, ``annee`` a text from 2023 on, exact duplicates until 2022, no ``code_tiers`` in 2024."""
    annee = int(millesime)
    postes: list[_Poste] = []
    for rang, contrat, porteur in _postes(region, "fonjep", annee, par_qpv=0.3):
        poste: _Poste = {"id_poste": f"D{rang + 1:05d}"}
        if annee < _NOUVEAUX_CONTRATS:
            poste["code_tiers"] = porteur
        poste |= {
            "raison_sociale": porteur,
            # Less for a part of the year.
            "montant": 2_985 if (rang + annee) % 11 == 0 else _MONTANT_FONJEP,
            "annee": annee if annee < 2023 else str(annee),
            **_lieu(contrat),
        }
        postes.append(poste)
    _particularites(postes, region, annee)
    if annee < 2023:
        postes.append(dict(postes[0]))
    return [_ecrire(dossier / f"postes-fonjep-{annee}.json", postes)]


def _postes(region: Region, nom: str, annee: int, *, par_qpv: float) -> list[tuple[int, Contrat, str]]:
    """Posts of a year: (rank, contract, employer). A post keeps its rank, its employer and its EPCI."""
    territoire = region.territoire
    contrats = region.contrats_2015 if annee < _NOUVEAUX_CONTRATS else region.contrats_2024
    alea = flux(territoire.graine, nom)
    nombre = max(6, round(par_qpv * len(territoire.qpv)))
    porteurs = alea.integers(len(_PORTEURS), size=nombre).tolist()
    places = alea.random(nombre).tolist()
    occupes = flux(territoire.graine, nom, annee).random(nombre) < 0.9
    # Two posts at least, for what a file shows of shared and repeated ones.
    occupes[:3] = True
    return [
        (rang, contrats[int(places[rang] * len(contrats))], _PORTEURS[porteurs[rang]])
        for rang in range(nombre)
        if occupes[rang]
    ]


def _lieu(contrat: Contrat) -> _Poste:
    return {"code_cv": contrat.code, "insee_dep": contrat.departement, "insee_reg": REGION_FICTIVE}


def _particularites(postes: list[_Poste], region: Region, annee: int) -> None:
    """What the real files do to a few rows: keys left out, codes stuck together, a post of two contracts."""
    for cle in ("insee_dep", "insee_reg"):
        del postes[-1][cle]
    if annee == 2023:
        del postes[1]["code_cv"]
    if annee < _NOUVEAUX_CONTRATS:
        voisins = [c.code for c in region.contrats_2015 if c.code != postes[0]["code_cv"]]
        postes[0]["code_cv"] += "".join(voisins[:1])
        return
    autres = [contrat for contrat in region.contrats_2024 if contrat.code != postes[0]["code_cv"]]
    postes.extend({**postes[0], **_lieu(contrat)} for contrat in autres[:1])


def _ecrire(chemin: Path, postes: list[_Poste]) -> Path:
    chemin.write_bytes(json.dumps(postes, ensure_ascii=False, separators=(",", ":")).encode())
    return chemin
