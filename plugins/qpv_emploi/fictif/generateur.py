"""Assembly: from a seed to a dépôt of the fictional region, laid out like the real one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qpv_emploi.fictif import (
    bdm,
    c2rp,
    chomage,
    classeurs,
    cog,
    contrats,
    dares,
    declarations,
    estimations,
    filosofi,
    formes,
    listes_qpv,
    postes,
    sans_depot,
    schemas,
    zonages,
)
from qpv_emploi.fictif.codes import REGION_FICTIVE
from qpv_emploi.fictif.demographie import demographie
from qpv_emploi.fictif.ecriture_csv import ecrire_base
from qpv_emploi.fictif.emploi import insertion_professionnelle
from qpv_emploi.fictif.region import Region
from qpv_emploi.fictif.revenus import colonnes_vides_de_l_ensemble, revenus
from qpv_emploi.fictif.schemas import Schema
from qpv_emploi.fictif.territoire import Territoire, imaginer
from qpv_emploi.fictif.valeurs import Base, ensemble, millesime_population

MARQUEUR = "FICTIF.json"
AVERTISSEMENT = (
    "Données fictives : la région 99 n'existe pas. Un programme a produit tous les fichiers de ce dépôt à "
    "partir d'une graine ; aucun chiffre ne décrit un territoire réel."
)

# Writes the files of one vintage in a folder, and gives their paths.
_Ecriture = Callable[[Path, Region, str], list[Path]]
_Schema = Callable[[int], Schema]
_Valeurs = Callable[[Territoire, int], Base]


@dataclass(frozen=True)
class _Jeu:
    """A dataset: producer, usual vintages, writer; ``toute_annee``: it takes any year on four digits."""

    producteur: str
    millesimes: tuple[str, ...]
    ecrire: _Ecriture
    toute_annee: bool = False


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
        millesimes: jeu -> vintages; a jeu that is absent takes its usual ones (``MILLESIMES_DU_DEPOT``), an
            empty sequence leaves it out. The yearly statistical bases take any year on four digits; the
            others only their usual vintages.

    Returns:
        Paths of all the files written, sorted.

    Raises:
        ValueError: an argument is out of range, or a jeu or vintage is unknown.
        FileExistsError: ``cible`` already holds something else than a fictional dépôt of the same seed and
            size. Fictional data never mixes with real data.
    """
    demandes = _demandes(millesimes or {})
    region = Region(imaginer(graine, nb_qpv))
    marqueur = _marquer(cible, graine, nb_qpv)
    ecrits = [marqueur]
    for jeu, annees in demandes.items():
        for annee in annees:
            dossier = cible / _JEUX[jeu].producteur / jeu / annee
            dossier.mkdir(parents=True, exist_ok=True)
            ecrits.extend(_JEUX[jeu].ecrire(dossier, region, annee))
    return sorted(ecrits)


def _demandes(millesimes: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Vintages to write for each jeu, checked, without duplicates."""
    inconnus = sorted(set(millesimes) - set(_JEUX))
    if inconnus:
        raise ValueError(f"jeux inconnus : {', '.join(inconnus)} ; attendus : {', '.join(sorted(_JEUX))}")
    demandes = {}
    for jeu, usuels in MILLESIMES_DU_DEPOT.items():
        voulus = millesimes.get(jeu, usuels)
        if isinstance(voulus, str):
            raise ValueError(f"{jeu} : une suite de millésimes est attendue, pas le texte {voulus!r}")
        for annee in voulus:
            toute_annee = _JEUX[jeu].toute_annee
            if not (re.fullmatch(r"\d{4}", annee) if toute_annee else annee in usuels):
                attendu = "une année sur quatre chiffres" if toute_annee else " ou ".join(usuels)
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


def _ecrire_cog(dossier: Path, region: Region, annee: str) -> list[Path]:
    return cog.ecrire(dossier, region.territoire)


def _ecrire_population(dossier: Path, region: Region, annee: str) -> list[Path]:
    chemin = dossier / "pop_qp_2013.xls"
    classeurs.ecrire_population_2013(chemin, region.territoire)
    return [chemin]


def _ecrire_epci(dossier: Path, region: Region, annee: str) -> list[Path]:
    chemin = dossier / "Intercommunalite_Metropole_au_01-01-2023.xlsx"
    classeurs.ecrire_epci_2023(chemin, region.territoire)
    return [chemin]


def _ecrire_zones(dossier: Path, region: Region, annee: str) -> list[Path]:
    chemin = dossier / "ZE2020_au_01-01-2023.xlsx"
    classeurs.ecrire_zones_2023(chemin, region.territoire)
    return [chemin]


def _ecrire_perimetres_2015(dossier: Path, region: Region, annee: str) -> list[Path]:
    chemin = dossier / "qp-politiquedelaville-shp.zip"
    formes.ecrire_archive(chemin, region.territoire, region.contours)
    return [chemin]


def _ecrire_contrats(dossier: Path, region: Region, annee: str) -> list[Path]:
    chemin = dossier / "geom_cv_ctr.json"
    contrats.ecrire_contrats(chemin, region.contrats_2015 if annee == "2015" else region.contrats_2024)
    return [chemin]


def _ecrire_declaration(dossier: Path, region: Region, jour: str) -> list[Path]:
    chemin = dossier / "declaration_region_fictive.xlsx"
    chemin.unlink(missing_ok=True)
    declarations.ecrire_declaration(chemin, region.territoire, region.contrats_2024, jour)
    return [chemin]


def _ecrire_base(
    dossier: Path, region: Region, millesime: str, *, vers_schema: _Schema, vers_valeurs: _Valeurs
) -> list[Path]:
    """Write one statistical base."""
    annee, territoire = int(millesime), region.territoire
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
        if vers_valeurs is revenus:
            sans = colonnes_vides_de_l_ensemble(annee, schema.colonnes)
        poids = qpv.pop_2013 if millesime_population(annee) == 2013 else qpv.pop_2018
        ligne = ensemble(schema, base, poids, sans)
    chemin = dossier / schema.fichier
    ecrire_base(chemin, schema, {**textes, **base.publiees}, ligne)
    return [chemin]


def _base(millesimes: Sequence[str], vers_schema: _Schema, vers_valeurs: _Valeurs) -> _Jeu:
    ecrire = partial(_ecrire_base, vers_schema=vers_schema, vers_valeurs=vers_valeurs)
    return _Jeu("insee", tuple(millesimes), ecrire, toute_annee=True)


_ANNEES_DE_SUBVENTION = ("2020", "2021", "2022", "2023", "2024")

_JEUX: dict[str, _Jeu] = {
    "insertion_professionnelle": _base(
        ["2017", "2018", "2020", "2021"], schemas.ipro, insertion_professionnelle
    ),
    "demographie_qpv": _base(["2017", "2018", "2019", "2020", "2021"], schemas.demo, demographie),
    "revenus_qpv": _base(["2017", "2019", "2021"], schemas.revn, revenus),
    "population_qpv": _Jeu("insee", ("2013",), _ecrire_population),
    "cog": _Jeu("insee", ("2024",), _ecrire_cog),
    "epci": _Jeu("insee", ("2023",), _ecrire_epci),
    "zone_emploi": _Jeu("insee", ("2023",), _ecrire_zones),
    "estimations_demographiques_qpv": _Jeu("insee", ("2010",), estimations.ecrire_estimations),
    # Those that meet a base of incomes, and one with the communes (SOURCES 1.4, 3.1).
    "filosofi": _Jeu("insee", ("2015", "2017", "2019"), filosofi.ecrire_filosofi),
    "chomage_localise_departement": _Jeu("insee", ("2021T4",), chomage.ecrire_chomage_departements),
    "chomage_localise_zone_emploi": _Jeu("insee", ("2023T3",), chomage.ecrire_chomage_zones),
    "taux_chomage_bdm": _Jeu("insee", ("2021T4",), bdm.ecrire_taux_bdm),
    "table_appartenance": _Jeu("insee", ("2022",), zonages.ecrire_table_appartenance),
    "unite_urbaine": _Jeu("insee", ("2020",), zonages.ecrire_unites_urbaines),
    "defm_qpv_2024": _Jeu("insee", ("2024",), sans_depot.ecrire_defm),
    "filosofi_qpv_2024": _Jeu("insee", ("2021",), sans_depot.ecrire_filosofi_qpv),
    "cnaf_qpv_2024": _Jeu("insee", ("2024",), sans_depot.ecrire_cnaf),
    "rp_emploi_commune": _Jeu("insee", ("2022",), sans_depot.ecrire_recensement),
    "sirene_geolocalise": _Jeu("insee", ("2025-01",), sans_depot.ecrire_sirene),
    "qpv_2015": _Jeu("sig_ville", ("2015",), _ecrire_perimetres_2015),
    "qpv_communes_2015": _Jeu("sig_ville", ("2015",), listes_qpv.ecrire_communes_2015),
    "qpv_2024": _Jeu("sig_ville", ("2024",), listes_qpv.ecrire_qpv_2024),
    "qpv_2024_liste": _Jeu("sig_ville", ("2024",), listes_qpv.ecrire_liste_2024),
    "qpv_communes_2024": _Jeu("sig_ville", ("2026",), listes_qpv.ecrire_communes_2024),
    "passage_qpv_2015_2024": _Jeu("sig_ville", ("v0",), listes_qpv.ecrire_passage),
    "contrats_ville": _Jeu("sig_ville", ("2015", "2024"), _ecrire_contrats),
    "adultes_relais": _Jeu("sig_ville", _ANNEES_DE_SUBVENTION, postes.ecrire_adultes_relais),
    "postes_fonjep": _Jeu("sig_ville", _ANNEES_DE_SUBVENTION, postes.ecrire_fonjep),
    "communes_zonages_hdf": _Jeu("geo", ("2025",), zonages.ecrire_zonages),
    "qpv_2024_communes_contrats_hdf": _Jeu("geo", ("2025",), listes_qpv.ecrire_communes_contrats),
    "contours_communes": _Jeu("geo", ("2025",), zonages.ecrire_contours_communes),
    "contours_epci": _Jeu("geo", ("2025",), zonages.ecrire_contours_epci),
    "contours_departements": _Jeu("geo", ("2018",), zonages.ecrire_contours_departements),
    "defm_communales": _Jeu("dares", ("2024T4",), dares.ecrire_defm_extrait),
    "defm_communales_export": _Jeu("dares", ("2024T4",), dares.ecrire_defm_export),
    "poem": _Jeu("dares", ("2025",), dares.ecrire_poem),
    "clpe": _Jeu("france_travail", ("2026",), zonages.ecrire_clpe),
    "dispositifs": _Jeu("c2rp", ("2022",), c2rp.ecrire_dispositifs),
    "pages": _Jeu("c2rp", c2rp.JOURS_DES_PAGES, c2rp.ecrire_pages),
    "declarations": _Jeu("local", ("2025-06-30",), _ecrire_declaration),
}
# Vintages written unless others are asked for: those of the real dépôt, or a few where it holds none or many.
MILLESIMES_DU_DEPOT: dict[str, tuple[str, ...]] = {nom: jeu.millesimes for nom, jeu in _JEUX.items()}
# For a demonstration of two minutes, where each vintage costs seconds: two of the bases, both generations of
# contracts, one of the rest, and only the producers whose figures the star schema holds.
_PRODUCTEURS_COURTS = frozenset(("insee", "sig_ville", "local"))
MILLESIMES_COURTS: dict[str, tuple[str, ...]] = {
    nom: jeu.millesimes[-2 if jeu.toute_annee or nom == "contrats_ville" else -1 :]
    if jeu.producteur in _PRODUCTEURS_COURTS
    else ()
    for nom, jeu in _JEUX.items()
}
