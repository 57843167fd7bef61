"""The four files of the Code officiel géographique 2024 for the fictional region.

Besides the living communes: associated and delegated communes that repeat codes, a renaming, and a merger of
1 January 2024 whose former commune is still in the 2023 lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qpv_emploi.fictif.codes import REGION_FICTIVE, code_commune
from qpv_emploi.fictif.ecriture_csv import ecrire_cog
from qpv_emploi.fictif.noms import Toponyme
from qpv_emploi.fictif.territoire import Commune, Territoire

_ENTETE_COMMUNES = "TYPECOM,COM,REG,DEP,CTCD,ARR,TNCC,NCC,NCCENR,LIBELLE,CAN,COMPARENT"
_ENTETE_DEPARTEMENTS = "DEP,REG,CHEFLIEU,TNCC,NCC,NCCENR,LIBELLE"
_ENTETE_ARRONDISSEMENTS = "ARR,DEP,REG,CHEFLIEU,TNCC,NCC,NCCENR,LIBELLE"
_ENTETE_MOUVEMENTS = (
    "MOD,DATE_EFF,TYPECOM_AV,COM_AV,TNCC_AV,NCC_AV,NCCENR_AV,LIBELLE_AV,"
    "TYPECOM_AP,COM_AP,TNCC_AP,NCC_AP,NCCENR_AP,LIBELLE_AP"
)
# Ranks of the communes that no longer are, beyond those of the living ones.
_RANG_FUSIONNEE, _RANG_DELEGUEE, _RANG_ASSOCIEE = 91, 92, 93
# Ranks of the living communes that the past events concern.
_RANG_NOUVELLE, _RANG_RENOMMEE, _RANG_PARENTE = 3, 4, 5


@dataclass(frozen=True)
class CommuneFusionnee:
    """A commune of 2023 merged into another on 1 January 2024."""

    code: str
    nom: Toponyme
    absorbante: Commune


def commune_fusionnee(territoire: Territoire) -> CommuneFusionnee:
    """The only commune of the 2023 lists that the COG 2024 no longer has."""
    absorbante = territoire.communes[territoire.departements[0].chef_lieu]
    code = code_commune(territoire.departements[0].code, _RANG_FUSIONNEE)
    return CommuneFusionnee(code, territoire.anciennes[0], absorbante)


def ecrire(dossier: Path, territoire: Territoire) -> list[Path]:
    """Write the four files and return their paths."""
    fichiers = {
        "communes.csv": (_ENTETE_COMMUNES, _communes(territoire)),
        "departements.csv": (_ENTETE_DEPARTEMENTS, _departements(territoire)),
        "arrondissements.csv": (_ENTETE_ARRONDISSEMENTS, _arrondissements(territoire)),
        "mouvements-communes.csv": (_ENTETE_MOUVEMENTS, _mouvements(territoire)),
    }
    for nom, (entete, lignes) in fichiers.items():
        ecrire_cog(dossier / nom, entete, lignes)
    return [dossier / nom for nom in fichiers]


def _nom(toponyme: Toponyme) -> list[str]:
    return [toponyme.tncc, toponyme.ncc, toponyme.nom, toponyme.libelle]


def arrondissement(commune: Commune, departement: str) -> str:
    """Two arrondissements by département: odd and even ranks."""
    return f"{departement}{2 - commune.rang % 2}"


def _commune_de_rang(territoire: Territoire, departement: int, rang: int) -> Commune:
    return territoire.communes[territoire.departements[departement].chef_lieu + rang - 1]


def _deleguee(departement: int, territoire: Territoire) -> Toponyme:
    return territoire.anciennes[len(territoire.departements) + departement]


def _ancien_nom(departement: int, territoire: Territoire) -> Toponyme:
    return territoire.anciennes[2 * len(territoire.departements) + departement]


def _communes(territoire: Territoire) -> list[list[str]]:
    lignes = []
    for commune in territoire.communes:
        departement = territoire.departements[commune.departement].code
        lignes.append(
            [
                *["COM", commune.code, REGION_FICTIVE, departement, f"{departement}D"],
                arrondissement(commune, departement),
                *_nom(commune.nom),
                *[f"{departement}{1 + commune.rang % 9:02d}", ""],
            ]
        )
    vide = ["", "", "", ""]
    for rang, departement_ in enumerate(territoire.departements):
        code = departement_.code
        nouvelle = _commune_de_rang(territoire, rang, _RANG_NOUVELLE).code
        # The commune nouvelle keeps the code of one of the former communes, which becomes delegated.
        lignes.append(["COMD", nouvelle, *vide, *_nom(_ancien_nom(rang, territoire)), "", nouvelle])
        deleguee = code_commune(code, _RANG_DELEGUEE)
        lignes.append(["COMD", deleguee, *vide, *_nom(_deleguee(rang, territoire)), "", nouvelle])
        parente = _commune_de_rang(territoire, rang, _RANG_PARENTE)
        associee = Toponyme("", f"{parente.nom.nom}-le-Bas")
        lignes.append(["COMA", code_commune(code, _RANG_ASSOCIEE), *vide, *_nom(associee), "", parente.code])
    fusion = commune_fusionnee(territoire)
    lignes.append(["COMD", fusion.code, *vide, *_nom(fusion.nom), "", fusion.absorbante.code])
    # Interleaved by code, the commune before the delegated one of the same code.
    return sorted(lignes, key=lambda ligne: (ligne[1], ligne[0]))


def _departements(territoire: Territoire) -> list[list[str]]:
    lignes = [
        [d.code, REGION_FICTIVE, territoire.communes[d.chef_lieu].code, *_nom(d.nom)]
        for d in territoire.departements
    ]
    return sorted(lignes)


def _arrondissements(territoire: Territoire) -> list[list[str]]:
    lignes = []
    for rang, departement in enumerate(territoire.departements):
        for numero in (1, 2):
            siege = _commune_de_rang(territoire, rang, numero)
            lignes.append(
                [
                    f"{departement.code}{numero}",
                    departement.code,
                    REGION_FICTIVE,
                    siege.code,
                    *_nom(siege.nom),
                ]
            )
    return sorted(lignes)


def _mouvements(territoire: Territoire) -> list[list[str]]:
    """Events, latest first: a merger (32), commune nouvelles of 2019 (32) and renamings (10)."""
    lignes: list[list[str]] = []

    def noter(mod: str, date: str, avant: list[str], apres: list[str]) -> None:
        lignes.append([mod, date, *avant, *apres])

    fusion = commune_fusionnee(territoire)
    absorbante = ["COM", fusion.absorbante.code, *_nom(fusion.absorbante.nom)]
    ancienne = [fusion.code, *_nom(fusion.nom)]
    noter("32", "2024-01-01", absorbante, absorbante)
    noter("32", "2024-01-01", ["COM", *ancienne], absorbante)
    noter("32", "2024-01-01", ["COM", *ancienne], ["COMD", *ancienne])
    for rang, departement in enumerate(territoire.departements):
        commune = _commune_de_rang(territoire, rang, _RANG_NOUVELLE)
        apres = ["COM", commune.code, *_nom(commune.nom)]
        historique = [commune.code, *_nom(_ancien_nom(rang, territoire))]
        voisine = [code_commune(departement.code, _RANG_DELEGUEE), *_nom(_deleguee(rang, territoire))]
        for avant in (historique, voisine):
            noter("32", "2019-01-01", ["COM", *avant], ["COMD", *avant])
            noter("32", "2019-01-01", ["COM", *avant], apres)
    for rang in range(len(territoire.departements)):
        commune = _commune_de_rang(territoire, rang, _RANG_RENOMMEE)
        avant_nom = Toponyme("", f"{commune.nom.nom}-Village")
        noter(
            "10",
            "1999-06-01",
            ["COM", commune.code, *_nom(avant_nom)],
            ["COM", commune.code, *_nom(commune.nom)],
        )
    return lignes
