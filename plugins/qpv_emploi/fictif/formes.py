"""Writer of the QPV shapefiles: DBF in cp1252 without .cpg, dated by a constant, in one ZIP.

The files are written by hand from the ESRI specification (SHP/SHX) and the dBASE III layout: GDAL would put
today's date in the DBF and mend the rings.
"""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np

from qpv_emploi.fictif.alea import flux
from qpv_emploi.fictif.geometrie import Anneau, Contours
from qpv_emploi.fictif.territoire import Territoire

# Date of the real DBF, 12 August 2015 (years since 1900), and of the members of the archive.
_DATE_DBF = (115, 8, 12)
_DATE_ZIP = (2015, 8, 12, 0, 0, 0)
# Language driver of the DBF: Windows ANSI, that is cp1252.
_LDID_CP1252 = 0x57
_POLYGONE = 5
_CHAMPS = (("CODE_QP", 8), ("NOM_QP", 254), ("COMMUNE_QP", 254))
COUCHE_WGS84 = "QP_METROPOLEOUTREMER_WGS84_EPSG4326"
COUCHE_LAMBERT = "QP_METROPOLE_LB93"
_PRJ_WGS84 = (
    'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)
_PRJ_LAMBERT = (
    'PROJCS["RGF93_Lambert_93",GEOGCS["GCS_RGF_1993",DATUM["D_RGF_1993",'
    'SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],'
    'UNIT["Degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic"],'
    'PARAMETER["False_Easting",700000.0],PARAMETER["False_Northing",6600000.0],'
    'PARAMETER["Central_Meridian",3.0],PARAMETER["Standard_Parallel_1",44.0],'
    'PARAMETER["Standard_Parallel_2",49.0],PARAMETER["Latitude_Of_Origin",46.5],UNIT["Meter",1.0]]'
)


def ecrire_archive(chemin: Path, territoire: Territoire, contours: Contours) -> None:
    """Write the archive: two shapefiles (WGS84, Lambert-93) and a one-page PDF note, at its root."""
    qpv = territoire.qpv
    communes = [
        _communes_jointes(territoire.noms_des_communes(indices), rang)
        for rang, indices in enumerate(qpv.communes)
    ]
    membres = {"Fiche descriptive QP_SHAPE.pdf": _fiche_pdf()}
    for couche, anneaux, prj in (
        (COUCHE_WGS84, contours.wgs84, _PRJ_WGS84),
        (COUCHE_LAMBERT, contours.lambert, _PRJ_LAMBERT),
    ):
        # Neither file of the real archive is sorted by code.
        ordre = flux(territoire.graine, couche).permutation(len(qpv)).tolist()
        shp, shx = _shp_et_shx([anneaux[rang] for rang in ordre])
        membres[f"{couche}.dbf"] = _dbf([(qpv.codes[r], qpv.libelles[r], communes[r]) for r in ordre])
        membres[f"{couche}.prj"] = prj.encode("ascii")
        membres[f"{couche}.shp"] = shp
        membres[f"{couche}.shx"] = shx
    with zipfile.ZipFile(chemin, "w") as archive:
        for nom, contenu in membres.items():
            membre = zipfile.ZipInfo(nom, date_time=_DATE_ZIP)
            membre.compress_type = zipfile.ZIP_DEFLATED
            membre.create_system = 3
            membre.external_attr = 0o100644 << 16
            archive.writestr(membre, contenu, compresslevel=6)


def _communes_jointes(noms: list[str], rang: int) -> str:
    """Commune names joined by « , », with the double spaces met here and there in the real field."""
    return (",  " if rang % 7 == 0 else ", ").join(noms)


def _shp_et_shx(qpv: list[list[Anneau]]) -> tuple[bytes, bytes]:
    """Main and index files of a polygon layer; lengths are in 16-bit words, as specified."""
    enregistrements, index = [], []
    position = 50
    for numero, anneaux in enumerate(qpv, 1):
        points = np.concatenate(anneaux)
        debuts = np.cumsum([0, *(len(anneau) for anneau in anneaux[:-1])]).astype("<i4")
        contenu = (
            struct.pack(
                "<i4d2i", _POLYGONE, *points.min(axis=0), *points.max(axis=0), len(anneaux), len(points)
            )
            + debuts.tobytes()
            + points.astype("<f8").tobytes()
        )
        mots = len(contenu) // 2
        enregistrements.append(struct.pack(">2i", numero, mots) + contenu)
        index.append(struct.pack(">2i", position, mots))
        position += 4 + mots
    etendue = np.concatenate([anneau for anneaux in qpv for anneau in anneaux])
    boite = (*etendue.min(axis=0), *etendue.max(axis=0))
    return (
        _entete_shp(position, boite) + b"".join(enregistrements),
        _entete_shp(50 + 4 * len(index), boite) + b"".join(index),
    )


def _entete_shp(mots: int, boite: tuple[float, ...]) -> bytes:
    return struct.pack(">7i", 9994, 0, 0, 0, 0, 0, mots) + struct.pack(
        "<2i8d", 1000, _POLYGONE, *boite, 0.0, 0.0, 0.0, 0.0
    )


def _dbf(lignes: list[tuple[str, str, str]]) -> bytes:
    """dBASE III table of text fields, in cp1252."""
    entete = 32 + 32 * len(_CHAMPS) + 1
    longueur = 1 + sum(taille for _, taille in _CHAMPS)
    morceaux = [
        struct.pack("<B3BIHH", 3, *_DATE_DBF, len(lignes), entete, longueur),
        bytes(17) + bytes([_LDID_CP1252]) + bytes(2),
    ]
    morceaux.extend(
        nom.encode("ascii").ljust(11, b"\0") + b"C" + bytes(4) + bytes([taille]) + bytes(15)
        for nom, taille in _CHAMPS
    )
    morceaux.append(b"\r")
    for ligne in lignes:
        champs = (
            texte.encode("cp1252")[:taille].ljust(taille)
            for texte, (_, taille) in zip(ligne, _CHAMPS, strict=True)
        )
        morceaux.append(b" " + b"".join(champs))
    morceaux.append(b"\x1a")
    return b"".join(morceaux)


def _fiche_pdf() -> bytes:
    """A one-page PDF in place of the producer's note."""
    texte = b"BT /F1 14 Tf 72 760 Td (Region fictive 99 : donnees imaginaires) Tj ET"
    objets = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(texte), texte),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    corps, positions = b"%PDF-1.4\n", []
    for numero, objet in enumerate(objets, 1):
        positions.append(len(corps))
        corps += b"%d 0 obj\n%s\nendobj\n" % (numero, objet)
    table = b"".join(b"%010d 00000 n \n" % position for position in positions)
    return corps + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(objets) + 1, table, len(objets) + 1, len(corps))
    )
