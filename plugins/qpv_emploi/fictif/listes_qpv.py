"""Lists, perimeters and passages of the QPV, in the formats of the ANCT and of tables derived from them."""

from __future__ import annotations

import io
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import shapely

from qpv_emploi.fictif.codes import NOM_REGION_FICTIVE, REGION_FICTIVE
from qpv_emploi.fictif.ecriture_csv import ecrire_table
from qpv_emploi.fictif.ecriture_geojson import Entite, collection, en_degres
from qpv_emploi.fictif.generation_2024 import STATUTS
from qpv_emploi.fictif.geometrie import cases_des_communes
from qpv_emploi.fictif.region import Region
from qpv_emploi.fictif.zonages import unite_urbaine, zonage

_DATE_ZIP = (2024, 1, 1, 0, 0, 0)
_COUCHE_2024 = "QP2024_France_Hexagonale_Outre_Mer_WGS84"


def ecrire_communes_2015(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """One commune per QPV 2015, the first listed (SOURCES 4.2)."""
    territoire = region.territoire
    qpv = territoire.qpv
    chemin = dossier / "qpv_info_nom_commune.csv"
    lignes = (
        (code, libelle, territoire.communes[communes[0]].code)
        for code, libelle, communes in zip(qpv.codes, qpv.libelles, qpv.communes, strict=True)
    )
    ecrire_table(chemin, "code,nom_qp,insee_com", lignes)
    return [chemin]


def ecrire_qpv_2024(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Codes and names (CSV), and the perimeters in a ZIP that holds one GeoJSON (SOURCES 4.3, 4.4, 9.3)."""
    quartiers = region.quartiers_2024
    liste = dossier / "qpv_codelib_2024.csv"
    ecrire_table(liste, "code_qp,lib_qp", zip(quartiers.codes, quartiers.libelles, strict=True))
    archive = dossier / "qp2024_geojson.zip"
    archive.write_bytes(_archive(f"GEOJSON/{_COUCHE_2024}.geojson", _perimetres(region)))
    return [liste, archive]


def ecrire_liste_2024(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """National list: codes of communes armoured for Excel, names with line breaks (SOURCES 9.3)."""
    entete = "code_qp;lib_qp;insee_reg;lib_reg;insee_dep;lib_dep;insee_com;lib_com;siren_epci;lib_epci"
    territoire, quartiers = region.territoire, region.quartiers_2024
    lignes = []
    for rang, projet in enumerate(quartiers.projets):
        communes = [territoire.communes[indice] for indice in projet.communes]
        epci = [territoire.epci[indice] for indice in quartiers.epci[rang]]
        lignes.append(
            [
                quartiers.codes[rang],
                # Some of the real œ are lost.
                quartiers.libelles[rang].replace("œ", "?"),
                *(REGION_FICTIVE, NOM_REGION_FICTIVE),
                *region.departement_de(communes[0]),
                f'="{";".join(commune.code for commune in communes)}"',
                ";\r\n".join(commune.nom.libelle for commune in communes),
                ";".join(e.siren for e in epci),
                ";".join(e.libelle for e in epci),
            ]
        )
    chemin = dossier / f"listeqp2024-cog{millesime}.csv"
    ecrire_table(chemin, entete, lignes, separateur=";", fin="\r\n", encodage="utf-8-sig")
    return [chemin]


def ecrire_communes_2024(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Communes with a QPV 2024: points are centres of communes, lists are joined by « , » (SOURCES 4.5)."""
    territoire, quartiers = region.territoire, region.quartiers_2024
    par_commune: dict[int, list[int]] = defaultdict(list)
    for rang, projet in enumerate(quartiers.projets):
        for indice in projet.communes:
            par_commune[indice].append(rang)
    cases, _ = cases_des_communes(territoire)
    ordre = sorted(par_commune, key=lambda indice: territoire.communes[indice].code)
    points = en_degres([shapely.Point(cases[indice]) for indice in ordre], 9)
    entites: list[Entite] = []
    for place, (indice, point) in enumerate(zip(ordre, points, strict=True)):
        nom = territoire.communes[indice].nom.libelle
        proprietes = {
            "insee_com": territoire.communes[indice].code,
            # The real names are dirty here and there.
            "lib_com": f"{nom};\n{nom}" if place == 1 else nom,
            "code_qp": ", ".join(quartiers.codes[rang] for rang in par_commune[indice]),
            "lib_qp": ", ".join(quartiers.libelles[rang] for rang in par_commune[indice]),
        }
        entites.append((proprietes, point))
    chemin = dossier / "centroide-4326_qpv.geojson"
    chemin.write_bytes(collection("centroide-4326_qpv", entites))
    return [chemin]


def ecrire_passage(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Passage 2024 -> 2015: a merger is declared, another is not, one QPV 2015 is nowhere (SOURCES 4.6)."""
    quartiers, anciens = region.quartiers_2024, region.territoire.qpv
    entete = (
        "qp2024,label_qp2024,statut,qp2015_1,label_qp2015_1,qp2015_2,label_qp2015_2,qp2015_3,label_qp2015_3"
    )
    lignes = []
    for code, libelle, projet in zip(quartiers.codes, quartiers.libelles, quartiers.projets, strict=True):
        origines = [
            texte
            for origine in projet.declarees
            for texte in (anciens.codes[origine], anciens.libelles[origine])
        ]
        lignes.append([code, libelle, STATUTS[projet.lettre], *origines, *[""] * (6 - len(origines))])
    chemin = dossier / f"qpv_correspondance_2024_2015_{millesime}.fictif.csv"
    ecrire_table(chemin, entete, lignes)
    return [chemin]


def ecrire_communes_contrats(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Pairs (QPV 2024, commune) with their zonings and contract (SOURCES 5)."""
    entete = (
        "code_qp,lib_qp,insee_com,lib_commune,dep,reg,epci,libepci,arr,ze2020,libze2020,unite_urbaine,"
        "code_cv,lib_cv"
    )
    territoire, quartiers = region.territoire, region.quartiers_2024
    lignes = []
    for code, libelle, projet in zip(quartiers.codes, quartiers.libelles, quartiers.projets, strict=True):
        communes = (territoire.communes[indice] for indice in projet.communes)
        for commune in sorted(communes, key=lambda c: c.code):
            z = zonage(region, commune)
            contrat = region.contrat_2024_de(commune)
            lignes.append(
                [
                    *(code, libelle, commune.code, commune.nom.libelle, z.departement, REGION_FICTIVE),
                    *(z.epci, z.libelle_epci, z.arrondissement, z.zone_emploi, z.libelle_zone_emploi),
                    *(unite_urbaine(region, commune), contrat.code, contrat.libelle),
                ]
            )
    chemin = dossier / "qpv2024_fictif_communes.csv"
    ecrire_table(chemin, entete, lignes)
    return [chemin]


def _perimetres(region: Region) -> bytes:
    territoire, quartiers = region.territoire, region.quartiers_2024
    formes = [shapely.MultiPolygon(_polygones(forme)) for forme in region.formes_2024]
    entites: list[Entite] = []
    for rang, geometrie in enumerate(en_degres(formes, 12)):
        communes = [territoire.communes[indice] for indice in quartiers.projets[rang].communes]
        departement, libelle_departement = region.departement_de(communes[0])
        proprietes = {
            "fid": float(rang + 1),
            "code_qp": quartiers.codes[rang],
            "lib_qp": quartiers.libelles[rang],
            # Null for some of the real features.
            "insee_reg": None if rang == 2 else REGION_FICTIVE,
            "lib_reg": NOM_REGION_FICTIVE,
            "insee_dep": departement,
            "lib_dep": libelle_departement,
            "insee_com": ", ".join(commune.code for commune in communes),
            "lib_com": ", ".join(commune.nom.libelle for commune in communes),
            "siren_epci": region.epci_de(communes[0])[0],
        }
        entites.append((proprietes, geometrie))
    return collection(f"{_COUCHE_2024}_ESPG4326", entites)


def _polygones(forme: shapely.Geometry) -> list[shapely.Polygon]:
    parties = shapely.get_parts(np.array([forme]))
    return [partie for partie in parties.tolist() if partie.geom_type == "Polygon"]


def _archive(membre: str, contenu: bytes) -> bytes:
    tampon = io.BytesIO()
    with zipfile.ZipFile(tampon, "w") as archive:
        info = zipfile.ZipInfo(membre, date_time=_DATE_ZIP)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.create_system = 3
        archive.writestr(info, contenu, compresslevel=6)
    return tampon.getvalue()
