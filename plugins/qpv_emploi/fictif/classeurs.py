"""Workbooks: population 2013 (BIFF), EPCI and zones d'emploi 2023 (XLSX).

Header rows are those of the real files: labels on row 8 and codes on row 9 of the XLS, labels on row 5 and
codes on row 6 of the XLSX, whose sheets end with an empty row of formatted cells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import xlsxwriter
import xlwt

from qpv_emploi.fictif.codes import REGION_FICTIVE
from qpv_emploi.fictif.cog import commune_fusionnee
from qpv_emploi.fictif.territoire import Commune, Territoire

Cellule = str | int

# A BIFF sheet has 65,536 rows; the QPV beyond go to further sheets.
_LIGNES_BIFF = 65_536
_PREMIERE_LIGNE_XLS = 9
_CREE_LE = datetime(2023, 3, 17, tzinfo=UTC)
_MISE_EN_LIGNE = "Mise en ligne le 17/03/2023       Géographie au 01/01/2023"
_SOURCE = "Région fictive 99 : données imaginaires       Format : Insee, Code officiel géographique"
_SANS_EPCI, _LIBELLE_SANS_EPCI = "ZZZZZZZZZ", "Sans objet"


def ecrire_population_2013(chemin: Path, territoire: Territoire) -> None:
    """Write ``pop_qp_2013.xls``, sheet ``pop_qp``, one row per QPV in the order of the codes.

    EPCI are those of 1 January 2015. Beyond 65,527 QPV, the limit of the format, rows go on in sheets
    ``pop_qp_2``, ``pop_qp_3`` …
    """
    titres = (
        "Population municipale des quartiers la politique de la ville en 2013",
        "Contours au 1er janvier 2016",
        "Champ : région fictive 99, données imaginaires",
        "Source : Recensement de la population 2013",
        "Limites communales au 1er janvier 2015",
    )
    entetes = {
        "qp": "Code du quartier de la politique de la ville",
        "nom_qp": "Nom du quartier de la politique de la ville",
        "reg": "Code région",
        "epci1": "Code epci 1 au 1er janvier 2015",
        "epci2": "Code epci 2 au 1er janvier 2015",
        "uu": "Code unité urbaine",
        "liste_des_communes": "Liste des communes",
        "population_municipale_2013": "Population municipale 2013",
    }
    classeur = xlwt.Workbook(encoding="utf-8")
    par_feuille = _LIGNES_BIFF - _PREMIERE_LIGNE_XLS
    qpv = territoire.qpv
    for numero, debut in enumerate(range(0, len(qpv), par_feuille), 1):
        feuille = classeur.add_sheet("pop_qp" if numero == 1 else f"pop_qp_{numero}")
        for ligne, titre in enumerate(titres):
            feuille.write(ligne, 0, titre)
        for colonne, (code, libelle) in enumerate(entetes.items()):
            feuille.write(7, colonne, libelle)
            feuille.write(8, colonne, code)
        for rang in range(debut, min(debut + par_feuille, len(qpv))):
            for colonne, valeur in enumerate(_ligne_population(territoire, rang)):
                if valeur != "":
                    feuille.write(_PREMIERE_LIGNE_XLS + rang - debut, colonne, valeur)
    classeur.save(str(chemin))


def _ligne_population(territoire: Territoire, rang: int) -> list[Cellule]:
    qpv = territoire.qpv
    sirens = [territoire.epci[epci].siren_2015 for epci in qpv.epci[rang]]
    principale = territoire.communes[qpv.communes[rang][0]]
    return [
        qpv.codes[rang],
        qpv.libelles[rang],
        REGION_FICTIVE,
        sirens[0],
        sirens[1] if len(sirens) > 1 else "",
        f"{territoire.departements[principale.departement].code}{1 + max(principale.epci, 0) % 99:02d}",
        ", ".join(territoire.noms_des_communes(qpv.communes[rang])),
        int(qpv.pop_2013[rang]),
    ]


def ecrire_epci_2023(chemin: Path, territoire: Territoire) -> None:
    """Write the EPCI of 2023: list (with ``ZZZZZZZZZ``), communes, variables, documentation."""
    lignes = []
    for commune, code, nom in communes_2023(territoire):
        siren, libelle = _SANS_EPCI, _LIBELLE_SANS_EPCI
        if commune.epci >= 0:
            siren, libelle = territoire.epci[commune.epci].siren, territoire.epci[commune.epci].libelle
        departement = territoire.departements[commune.departement].code
        lignes.append((code, nom, siren, libelle, departement, REGION_FICTIVE))
    effectifs = Counter(ligne[2] for ligne in lignes)
    liste: list[tuple[Cellule, ...]] = sorted(
        (epci.siren, epci.libelle, epci.nature, effectifs[epci.siren]) for epci in territoire.epci
    )
    liste.append((_SANS_EPCI, _LIBELLE_SANS_EPCI, "ZZ", effectifs[_SANS_EPCI]))
    variables = {
        "CODGEO": "Code géographique",
        "LIBGEO": "Libellé géographique",
        "EPCI": "EPCI - Métropole",
        "LIBEPCI": "Libellé de l'EPCI / Métropole",
        "NATURE_EPCI": "Nature d'EPCI",
        "NB_COM": "Nombre communes",
        "DEP": "Département",
        "REG": "Région",
    }
    _ecrire_xlsx(
        chemin,
        titre="Intercommunalité et Métropole",
        sous_titre="France - Liste des intercommunalités",
        feuille="EPCI",
        variables=variables,
        liste=(["EPCI", "LIBEPCI", "NATURE_EPCI", "NB_COM"], liste),
        composition=(["CODGEO", "LIBGEO", "EPCI", "LIBEPCI", "DEP", "REG"], lignes),
    )


def ecrire_zones_2023(chemin: Path, territoire: Territoire) -> None:
    """Write the zones d'emploi of 2023; the interregional one has a regional part (``0099-99``)."""
    lignes = []
    for commune, code, nom in communes_2023(territoire):
        zone = territoire.zones[commune.zone]
        departement = territoire.departements[commune.departement].code
        lignes.append((code, nom, zone.code, zone.libelle, zone.partie, departement, REGION_FICTIVE))
    effectifs = Counter(ligne[2] for ligne in lignes)
    liste: list[tuple[Cellule, ...]] = sorted(
        (zone.code, zone.libelle, effectifs[zone.code]) for zone in territoire.zones
    )
    variables = {
        "CODGEO": "Code géographique communal",
        "LIBGEO": "Libellé géographique",
        "ZE2020": "Zone d'emploi 2020",
        "LIBZE2020": "Libellé zone d'emploi 2020",
        "NB_COM": "Nombre communes",
        "ZE2020_PARTIE_REG": "Partie régionale de la zone d’emploi trans-régionale",
        "DEP": "Département",
        "REG": "Région",
    }
    _ecrire_xlsx(
        chemin,
        titre="Zones d'emploi 2020",
        sous_titre="France - Liste des zones d'emploi 2020",
        feuille="ZE2020",
        variables=variables,
        liste=(["ZE2020", "LIBZE2020", "NB_COM"], liste),
        composition=(
            ["CODGEO", "LIBGEO", "ZE2020", "LIBZE2020", "ZE2020_PARTIE_REG", "DEP", "REG"],
            lignes,
        ),
    )


def communes_2023(territoire: Territoire) -> list[tuple[Commune, str, str]]:
    """Communes of 2023 as (commune that gives the zoning, code, name): those of 2024 and the merged one."""
    fusion = commune_fusionnee(territoire)
    lignes = [(commune, commune.code, commune.nom.libelle) for commune in territoire.communes]
    lignes.append((fusion.absorbante, fusion.code, fusion.nom.libelle))
    return sorted(lignes, key=lambda ligne: ligne[1])


def _ecrire_xlsx(
    chemin: Path,
    *,
    titre: str,
    sous_titre: str,
    feuille: str,
    variables: dict[str, str],
    liste: tuple[list[str], Sequence[Sequence[Cellule]]],
    composition: tuple[list[str], Sequence[Sequence[Cellule]]],
) -> None:
    """The four sheets of an INSEE geography workbook."""
    with xlsxwriter.Workbook(str(chemin), {"in_memory": True}) as classeur:
        classeur.set_properties({"title": "", "author": "Région fictive 99", "created": _CREE_LE})
        bordure = classeur.add_format({"border": 1})

        def remplir(
            nom: str, sous: str, labels: list[str], noms: list[str], lignes: Sequence[Sequence[Cellule]]
        ) -> None:
            onglet = classeur.add_worksheet(nom)
            for rang, texte in enumerate((titre, sous, _MISE_EN_LIGNE, _SOURCE)):
                onglet.write_string(rang, 0, texte)
            for colonne, label in enumerate(labels):
                onglet.write_string(4, colonne, label)
            for colonne, code in enumerate(noms):
                onglet.write_string(5, colonne, code)
            for rang, ligne in enumerate(lignes, 6):
                for colonne, valeur in enumerate(ligne):
                    if isinstance(valeur, int):
                        onglet.write_number(rang, colonne, valeur, bordure)
                    elif valeur:
                        onglet.write_string(rang, colonne, valeur, bordure)
                    else:
                        onglet.write_blank(rang, colonne, None, bordure)
            for colonne in range(len(noms)):
                onglet.write_blank(6 + len(lignes), colonne, None, bordure)

        for nom, sous, (noms, lignes) in (
            (feuille, sous_titre, liste),
            ("Composition_communale", "France - Composition communale", composition),
        ):
            remplir(nom, sous, [variables[code] for code in noms], noms, lignes)
        descriptions = [(code, label, label) for code, label in variables.items()]
        remplir("Variables", "Variables", [], ["VAR_ID", "VAR_LIB", "VAR_LIB_LONG"], descriptions)
        remplir(
            "Documentation", "Documentation", [], ["Définitions"], [("Région imaginaire, sans existence.",)]
        )
