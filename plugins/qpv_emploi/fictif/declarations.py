"""A filled declaration of the fictional region, written by the writer of the template itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from qpv_emploi.catalogue import load_producer
from qpv_emploi.catalogue.loading import FOLDER
from qpv_emploi.declarations import Filling, closed_lists, write_workbook
from qpv_emploi.declarations.modele import Value
from qpv_emploi.fictif import codes
from qpv_emploi.fictif.alea import flux
from qpv_emploi.fictif.contrats import Contrat
from qpv_emploi.fictif.territoire import Territoire
from qpv_emploi.settings import load_settings

# Smallest count that the imaginary partners give.
SEUIL = 5
_SOURCE = "bilan imaginaire de la mission locale, tableau 3"

_Ligne = dict[str, Value]


def ecrire_declaration(
    chemin: Path, territoire: Territoire, contrats: Sequence[Contrat], millesime: str
) -> None:
    """Write the declaration of one contract of each generation.

    Args:
        chemin: XLSX file to write.
        territoire: the imagined region.
        contrats: contracts of generation 2024.
        millesime: day of the campaign (AAAA-MM-JJ), which is also that of the entry.
    """
    (jeu,) = load_producer(FOLDER / "local.yml").jeux
    ancien, nouveau = codes.code_contrat_2015(0), contrats[0]
    siege = min(epci[0] for epci in territoire.qpv.epci)
    siens = [i for i, epci in enumerate(territoire.qpv.epci) if epci[0] == siege]
    listes = {
        **closed_lists(load_settings().dbt_dir),
        "contrat": {ancien: "contrat imaginaire de 2015", nouveau.code: nouveau.libelle},
        "qpv": {territoire.qpv.codes[i]: territoire.qpv.libelles[i] for i in siens},
    }
    quartiers = list(listes["qpv"])[:3]
    contenu = Filling(
        identite={
            "auteur": "service politique de la ville",
            "organisme": "Intercommunalité imaginaire",
            "contact_fonction": "cheffe de projet du contrat de ville",
            "saisi_le": date.fromisoformat(millesime),
            "seuil_secret": SEUIL,
        },
        lignes={
            "beneficiaires": _beneficiaires(territoire, ancien, nouveau.code, quartiers),
            "actions": _actions(territoire, nouveau.code),
            "gouvernance": _gouvernance(nouveau.code),
            "clauses": _clauses(territoire, nouveau.code),
        },
    )
    write_workbook(chemin, jeu.fichiers[0].tables, listes, fictif=True, contenu=contenu)


def _beneficiaires(
    territoire: Territoire, ancien: str, nouveau: str, quartiers: Sequence[str]
) -> list[_Ligne]:
    alea = flux(territoire.graine, "declarations, bénéficiaires")

    def enonce(contrat: str, dispositif: str, population: str, **cases: Value) -> _Ligne:
        ligne: _Ligne = {"code_contrat": contrat, "code_dispositif": dispositif, "population": population}
        return {**ligne, "type_flux": "entrees", "source": _SOURCE, **cases}

    non_collecte = "la source ne relève pas le lieu de résidence"
    lignes = []
    for contrat, dispositif, annee in (
        (ancien, "GJ", "2021"),
        (nouveau, "CEJ", "2024"),
        (nouveau, "E2C", "2024"),
    ):
        total = int(alea.integers(60, 300))
        femmes = int(alea.binomial(total, 0.45))
        for sexe, nombre in (("", total), ("F", femmes), ("H", total - femmes)):
            cases: _Ligne = {"periode": annee, "sexe": sexe}
            lignes.append(enonce(contrat, dispositif, "total", nombre=nombre, **cases))
            lignes.append(enonce(contrat, dispositif, "qpv", nombre=max(SEUIL, nombre // 4), **cases))
    for quartier in quartiers:
        nombre = int(alea.integers(0, 3 * SEUIL))
        secret: _Ligne = {"statut": "SECRET", "motif": f"moins de {SEUIL} personnes"}
        valeur: _Ligne = secret if 0 < nombre < SEUIL else {"nombre": nombre}
        lignes.append(enonce(ancien, "GJ", "qpv", code_qpv=quartier, periode="2021", **valeur))
    for motif in ("emploi", "abandon"):
        sorties: _Ligne = {"type_flux": "sorties", "motif_sortie": motif, "periode": "2024"}
        lignes.append(enonce(nouveau, "E2C", "total", nombre=int(alea.integers(10, 40)), **sorties))
    lignes += [
        enonce(nouveau, "EPIDE", "qpv", periode="2024", statut="NC", motif=non_collecte),
        enonce(nouveau, "APPRENTISSAGE", "qpv", periode="2024", statut="NC", motif=non_collecte),
        enonce(nouveau, "PIC", "qpv", periode="2022", statut="ND", motif="demandé, non transmis à ce jour"),
        enonce(nouveau, "CEJ", "qpv", type_flux="stock", periode="2025-03", tranche_age="16_25", nombre=41),
    ]
    return lignes


def _actions(territoire: Territoire, contrat: str) -> list[_Ligne]:
    alea = flux(territoire.graine, "declarations, actions")
    commun: _Ligne = {
        "code_contrat": contrat,
        "famille": "actions",
        "enjeu": "accès à l'emploi des jeunes",
        "objectif": "aller vers les jeunes sans solution",
        "periode": "2024",
        "source": "comité technique imaginaire",
    }
    return [
        {
            **commun,
            "action": "permanences emploi au pied des immeubles",
            "indicateur": "jeunes rencontrés",
            "unite": "personnes",
            "cible": 120,
            "valeur": int(alea.integers(60, 150)),
            "suite_proposee": "garder",
        },
        {
            **commun,
            "action": "permanences emploi au pied des immeubles",
            "indicateur": "part des jeunes orientés vers la mission locale",
            "unite": "pourcent",
            "valeur": 37.5,
        },
        {
            **commun,
            "action": "parrainage par des salariés",
            "indicateur": "parrainages encore actifs à six mois",
            "unite": "parrainages",
            "cible": 30,
            "statut": "ND",
            "motif": "aucun suivi à six mois n'a été tenu",
            "suite_proposee": "repenser",
        },
    ]


def _gouvernance(contrat: str) -> list[_Ligne]:
    return [
        {
            "code_contrat": contrat,
            "theme": "pilotage",
            "question": "le comité de pilotage s'est-il réuni dans l'année ?",
            "constat_le": date(2025, 5, 12),
            "code_question": "Q02",
            "constat": "deux réunions, la seconde consacrée à l'emploi",
            "piece": "compte rendu imaginaire du 12 mai 2025",
        },
        {
            "code_contrat": contrat,
            "theme": "participation",
            "question": "le conseil citoyen siège-t-il au comité de pilotage ?",
            "constat_le": date(2025, 5, 12),
            "statut": "ND",
            "motif": "la composition du comité n'a pas été communiquée",
        },
    ]


def _clauses(territoire: Territoire, contrat: str) -> list[_Ligne]:
    alea = flux(territoire.graine, "declarations, clauses")
    commun: _Ligne = {
        "code_contrat": contrat,
        "operation": "chantier imaginaire de renouvellement urbain",
        "periode": "2024",
        "source": "facilitateur de clauses imaginaire",
    }
    heures = float(alea.integers(4_000, 12_000)) + 0.5
    lignes: list[_Ligne] = [
        {**commun, "population": "total", "mesure": "heures", "nombre": heures},
        {**commun, "population": "qpv", "mesure": "heures", "nombre": heures // 3},
    ]
    for sexe, duree in (("F", "1_a_6_mois"), ("H", "1_a_6_mois"), ("H", "6_mois_et_plus")):
        personnes: _Ligne = {
            "population": "total",
            "mesure": "beneficiaires",
            "nombre": int(alea.integers(5, 40)),
        }
        lignes.append(
            {**commun, **personnes, "sexe": sexe, "duree_contrat": duree, "qualification": "non_qualifie"}
        )
    inconnu = "le lieu de résidence n'est relevé qu'à l'embauche initiale"
    lignes.append(
        {**commun, "population": "qpv", "mesure": "beneficiaires", "statut": "NC", "motif": inconnu}
    )
    return lignes
