"""Assembly: from a seed to a dépôt of the fictional region, laid out like the real one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from qpv_emploi.fictif import classeurs, cog, contrats, formes, schemas
from qpv_emploi.fictif.codes import REGION_FICTIVE
from qpv_emploi.fictif.demographie import demographie
from qpv_emploi.fictif.ecriture_csv import ecrire_base
from qpv_emploi.fictif.emploi import insertion_professionnelle
from qpv_emploi.fictif.geometrie import Contours, dessiner
from qpv_emploi.fictif.revenus import colonnes_vides_de_l_ensemble, revenus
from qpv_emploi.fictif.schemas import Schema
from qpv_emploi.fictif.territoire import Territoire, imaginer
from qpv_emploi.fictif.valeurs import Base, ensemble, millesime_population

MARQUEUR = "FICTIF.json"
AVERTISSEMENT = (
    "Données fictives : la région 99 n'existe pas. Un programme a produit tous les fichiers de ce dépôt à "
    "partir d'une graine ; aucun chiffre ne décrit un territoire réel."
)

# jeu -> producteur and vintages of the real dépôt.
_PRODUCTEURS = {
    "insertion_professionnelle": "insee",
    "demographie_qpv": "insee",
    "revenus_qpv": "insee",
    "population_qpv": "insee",
    "cog": "insee",
    "epci": "insee",
    "zone_emploi": "insee",
    "qpv_2015": "sig_ville",
    "contrats_ville": "sig_ville",
}
MILLESIMES_DU_DEPOT: dict[str, tuple[str, ...]] = {
    "insertion_professionnelle": ("2017", "2018", "2020", "2021"),
    "demographie_qpv": ("2017", "2018", "2019", "2020", "2021"),
    "revenus_qpv": ("2017", "2019", "2021"),
    "population_qpv": ("2013",),
    "cog": ("2024",),
    "epci": ("2023",),
    "zone_emploi": ("2023",),
    "qpv_2015": ("2015",),
    "contrats_ville": ("2015", "2024"),
}

_Schema = Callable[[int], Schema]
_Valeurs = Callable[[Territoire, int], Base]
_BASES: dict[str, tuple[_Schema, _Valeurs]] = {
    "insertion_professionnelle": (schemas.ipro, insertion_professionnelle),
    "demographie_qpv": (schemas.demo, demographie),
    "revenus_qpv": (schemas.revn, revenus),
}


def generate(
    cible: Path,
    *,
    graine: int = 2015,
    nb_qpv: int = 40,
    millesimes: Mapping[str, Sequence[str]] | None = None,
) -> list[Path]:
    """Write a dépôt of the fictional region 99 in the exact formats of the real sources.

    The same arguments give byte-identical files. The bytes of a vintage depend on ``graine`` and ``nb_qpv``
    only, never on the other vintages asked for, so a later call may add vintages to the same dépôt.

    Args:
        cible: root of the dépôt; files go to ``cible/<producteur>/<jeu>/<millesime>/<file>``, and the marker
            ``FICTIF.json`` to the root.
        graine: seed, 0 or more.
        nb_qpv: number of QPV, 1 to ``NB_QPV_MAX``.
        millesimes: jeu -> vintages; a jeu that is absent takes those of the real dépôt
            (``MILLESIMES_DU_DEPOT``), an empty sequence leaves it out. The yearly statistical bases take any
            year on four digits; the others only those of the real dépôt.

    Returns:
        Paths of all the files written, sorted.

    Raises:
        ValueError: an argument is out of range, or a jeu or vintage is unknown.
        FileExistsError: ``cible`` already holds something else than a fictional dépôt of the same seed and
            size. Fictional data never mixes with real data.
    """
    demandes = _demandes(millesimes or {})
    territoire = imaginer(graine, nb_qpv)
    marqueur = _marquer(cible, graine, nb_qpv)
    besoin_de_contours = any(demandes[jeu] for jeu in ("qpv_2015", "contrats_ville"))
    contours = dessiner(territoire) if besoin_de_contours else None
    ecrits = [marqueur]
    for jeu, annees in demandes.items():
        for annee in annees:
            dossier = cible / _PRODUCTEURS[jeu] / jeu / annee
            dossier.mkdir(parents=True, exist_ok=True)
            ecrits.extend(_ecrire(dossier, jeu, annee, territoire, contours))
    return sorted(ecrits)


def _demandes(millesimes: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Vintages to write for each jeu, checked, without duplicates."""
    inconnus = sorted(set(millesimes) - set(_PRODUCTEURS))
    if inconnus:
        raise ValueError(
            f"jeux inconnus : {', '.join(inconnus)} ; attendus : {', '.join(sorted(_PRODUCTEURS))}"
        )
    demandes = {}
    for jeu, usuels in MILLESIMES_DU_DEPOT.items():
        voulus = millesimes.get(jeu, usuels)
        if isinstance(voulus, str):
            raise ValueError(f"{jeu} : une suite de millésimes est attendue, pas le texte {voulus!r}")
        for annee in voulus:
            if not (re.fullmatch(r"\d{4}", annee) if jeu in _BASES else annee in usuels):
                attendu = "une année sur quatre chiffres" if jeu in _BASES else " ou ".join(usuels)
                raise ValueError(f"{jeu} : millésime {annee!r} refusé ; attendu : {attendu}")
        demandes[jeu] = tuple(sorted(set(voulus)))
    return demandes


def _marquer(cible: Path, graine: int, nb_qpv: int) -> Path:
    """Write the marker first, so that even an interrupted dépôt is known to be fictional."""
    contenu = {"region": REGION_FICTIVE, "graine": graine, "nb_qpv": nb_qpv, "avertissement": AVERTISSEMENT}
    texte = json.dumps(contenu, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    marqueur = cible / MARQUEUR
    if marqueur.exists():
        if marqueur.read_bytes() != texte.encode():
            raise FileExistsError(
                f"{cible} tient déjà une autre région fictive (voir {MARQUEUR}) : la vider d'abord"
            )
    elif cible.exists() and any(cible.iterdir()):
        raise FileExistsError(
            f"{cible} n'est pas vide et n'est pas un dépôt fictif : choisir un autre dossier"
        )
    cible.mkdir(parents=True, exist_ok=True)
    marqueur.write_bytes(texte.encode())
    return marqueur


def _ecrire(
    dossier: Path, jeu: str, annee: str, territoire: Territoire, contours: Contours | None
) -> list[Path]:
    """Write the files of one jeu and vintage."""
    if jeu in _BASES:
        return [_ecrire_base(dossier, jeu, int(annee), territoire)]
    if jeu == "cog":
        return cog.ecrire(dossier, territoire)
    if jeu == "population_qpv":
        chemin = dossier / "pop_qp_2013.xls"
        classeurs.ecrire_population_2013(chemin, territoire)
    elif jeu == "epci":
        chemin = dossier / "Intercommunalite_Metropole_au_01-01-2023.xlsx"
        classeurs.ecrire_epci_2023(chemin, territoire)
    elif jeu == "zone_emploi":
        chemin = dossier / "ZE2020_au_01-01-2023.xlsx"
        classeurs.ecrire_zones_2023(chemin, territoire)
    else:
        assert contours is not None
        if jeu == "qpv_2015":
            chemin = dossier / "qp-politiquedelaville-shp.zip"
            formes.ecrire_archive(chemin, territoire, contours)
        else:
            chemin = dossier / "geom_cv_ctr.json"
            lister = contrats.contrats_2015 if annee == "2015" else contrats.contrats_2024
            contrats.ecrire_contrats(chemin, lister(territoire, contours.centres))
    return [chemin]


def _ecrire_base(dossier: Path, jeu: str, annee: int, territoire: Territoire) -> Path:
    """Write one statistical base."""
    vers_schema, vers_valeurs = _BASES[jeu]
    schema, base = vers_schema(annee), vers_valeurs(territoire, annee)
    qpv = territoire.qpv
    textes = {
        "CODGEO": qpv.codes,
        "LIBGEO": qpv.libelles_de(annee),
        "LIB_COM": [", ".join(sorted(territoire.noms_des_communes(indices))) for indices in qpv.communes],
    }
    ligne = None
    if schema.ensemble:
        sans = frozenset(["POP_COM_QP", "POP_COM"])
        if jeu == "revenus_qpv":
            sans = colonnes_vides_de_l_ensemble(annee, schema.colonnes)
        poids = qpv.pop_2013 if millesime_population(annee) == 2013 else qpv.pop_2018
        ligne = ensemble(schema, base, poids, sans)
    chemin = dossier / schema.fichier
    ecrire_base(chemin, schema, {**textes, **base.publiees}, ligne)
    return chemin
