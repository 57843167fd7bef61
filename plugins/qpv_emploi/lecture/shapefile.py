"""Layer of a zipped shapefile -> grid."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio.errors
import pyogrio.raw
import pyproj.exceptions
import shapely
from numpy.typing import NDArray

from qpv_emploi.catalogue import Reading
from qpv_emploi.lecture.geometrie import outside_globe, to_wgs84
from qpv_emploi.lecture.grille import Grid
from qpv_emploi.lecture.nombres import number_text
from qpv_emploi.lecture.provenance import Provenance

_NEEDED = (".shp", ".shx", ".dbf", ".prj")
# The format holds its offsets on 32 bits of 16-bit words; a member above that is not part of a shapefile.
_MAX_BYTES = 2**32


def read_shapefile(chemin: Path, lecture: Reading, provenance: Provenance) -> Grid:
    """Read the declared layer; ``ligne`` is the 1-based feature number.

    Attributes become text: a blank DBF field is ``''``, a number loses a zero decimal part.

    Raises:
        RefusedFile: not an archive, layer or member missing, text not in the declared encoding, projection
            unknown.
    """
    couche = str(lecture.couche)
    with tempfile.TemporaryDirectory(prefix="qpv_shapefile_") as dossier:
        try:
            with zipfile.ZipFile(chemin) as archive:
                _extract(archive, couche, Path(dossier), provenance)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as erreur:
            raise provenance.refuse(
                f"archive illisible ({erreur})",
                attendu="une archive ZIP sans mot de passe",
                action="télécharger de nouveau le fichier",
            ) from erreur
        try:
            meta, _, wkb, champs = pyogrio.raw.read(
                Path(dossier) / f"{couche}.shp", encoding=lecture.encodage
            )
            geometries = to_wgs84(shapely.from_wkb(wkb), meta["crs"])
        except UnicodeDecodeError as erreur:
            extrait = erreur.object[:60].decode("latin-1")
            raise provenance.refuse(
                f"couche {couche} : le texte « {extrait} » (lu en latin-1) n'est pas du {lecture.encodage}",
                attendu=f"l'encodage {lecture.encodage}",
                action="corriger l'encodage déclaré au catalogue",
            ) from erreur
        except (pyogrio.errors.DataSourceError, pyproj.exceptions.CRSError, shapely.GEOSException) as erreur:
            raise provenance.refuse(
                f"couche {couche} illisible ({erreur})",
                attendu="un shapefile entier dont la projection est connue",
                action="télécharger de nouveau le fichier",
            ) from erreur
    _check_rows(geometries, couche, provenance)
    noms = [str(nom) for nom in meta["fields"]]
    return Grid(
        entete=tuple(nom.strip() for nom in noms),
        positions=tuple(range(1, len(noms) + 1)),
        colonnes=tuple(pa.array([_text(v) for v in champ.tolist()], pa.string()) for champ in champs),
        lignes=np.arange(1, len(geometries) + 1, dtype=np.int32),
        geometries=geometries,
    )


def _extract(archive: zipfile.ZipFile, couche: str, dossier: Path, provenance: Provenance) -> None:
    membres: dict[str, list[zipfile.ZipInfo]] = {}
    for info in archive.infolist():
        nom = PurePosixPath(info.filename.replace("\\", "/"))
        if nom.stem == couche and not info.is_dir():
            membres.setdefault(nom.suffix.lower(), []).append(info)
    if ".shp" not in membres:
        vues = sorted(PurePosixPath(nom).stem for nom in archive.namelist() if nom.lower().endswith(".shp"))
        raise provenance.refuse(
            f"couche {couche} absente de l'archive ; couches trouvées : {', '.join(vues) or 'aucune'}",
            attendu=f"la couche {couche}",
            action="déposer l'archive d'origine ou corriger la couche déclarée au catalogue",
        )
    manquants = [couche + suffixe for suffixe in _NEEDED if suffixe not in membres]
    if manquants:
        raise provenance.refuse(
            f"fichier(s) absent(s) de l'archive : {', '.join(manquants)}",
            attendu=", ".join(couche + suffixe for suffixe in _NEEDED),
            action="déposer l'archive complète",
        )
    for suffixe in _NEEDED:
        infos = membres[suffixe]
        if len(infos) > 1 or infos[0].file_size > _MAX_BYTES:
            raise provenance.refuse(
                f"{couche}{suffixe} : présent {len(infos)} fois, {infos[0].file_size} octets",
                attendu="un seul fichier de ce nom, de 4 Gio au plus",
                action="déposer l'archive d'origine",
            )
        # The name written is ours: a path in the archive cannot lead out of the folder.
        with archive.open(infos[0]) as source, (dossier / (couche + suffixe)).open("wb") as cible:
            shutil.copyfileobj(source, cible)


def _check_rows(geometries: NDArray[Any], couche: str, provenance: Provenance) -> None:
    if not len(geometries):
        raise provenance.refuse(
            f"couche {couche} : aucune entité",
            attendu="au moins une entité",
            action="déposer l'archive complète",
        )
    hors = outside_globe(geometries)
    if hors.size:
        raise provenance.refuse(
            f"couche {couche}, entité {hors[0] + 1} : coordonnées hors du globe",
            attendu="des coordonnées dans la projection que dit le fichier .prj",
            action="télécharger de nouveau le fichier",
        )


def _text(valeur: Any) -> str:
    if valeur is None or valeur != valeur:
        return ""
    if isinstance(valeur, int | float) and not isinstance(valeur, bool):
        return number_text(valeur)
    return str(valeur)
