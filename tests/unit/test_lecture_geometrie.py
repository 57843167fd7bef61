"""Shapefile and GeoJSON: reading, repair, area, and what is refused."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pyproj
import pytest
import shapely

from qpv_emploi.catalogue import BronzeTable, Dataset
from qpv_emploi.errors import RefusedFile
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.lecture.geometrie import geometry_columns, to_wgs84

COUCHE = "QP_ESSAI"
PROVENANCE = Provenance("sig_ville", "essai", "2015", "essai.zip", "a" * 64)
# 1 km x 1 km near Lille, and a bow-tie of two triangles of 0.25 km² each, in Lambert 93.
CARRE = shapely.box(704_000, 7_059_000, 705_000, 7_060_000)
PAPILLON = shapely.Polygon([(0, 0), (1000, 1000), (1000, 0), (0, 1000)])
PAPILLON = shapely.transform(PAPILLON, lambda xy: np.add(xy, (706_000, 7_059_000)))


def _bronze(famille: str, colonnes: list[dict[str, Any]] | None = None, **lecture: Any) -> BronzeTable:
    if famille == "shapefile_zip":
        lecture = {"couche": COUCHE, "encodage": "cp1252", "projections": {"defaut": 2154}} | lecture
    jeu = Dataset.model_validate(
        {
            "jeu": "essai",
            "titre": "Essai",
            "description": "Essai",
            "licence": "Licence Ouverte",
            "acces": {"mode": "depot"},
            "cadence": "ponctuelle",
            "type_territoire": "qpv",
            "secret": {"methode": "aucune"},
            "millesime": {"motif": r"\d{4}", "sens": "année"},
            "fichiers": [
                {
                    "motif": ".+",
                    "tables": [
                        {
                            "forme": "lignes",
                            "lecture": {"famille": famille, **lecture},
                            "colonnes": colonnes
                            or [{"nom": "CODE_QP", "role": "cle", "motif": r"Q[PN].+"}, {"nom": "NOM_QP"}],
                        }
                    ],
                }
            ],
        }
    )
    return BronzeTable("sig_ville__essai", "sig_ville", jeu, jeu.fichiers[0], jeu.fichiers[0].tables[0])


def _read(chemin: Path, bronze: BronzeTable) -> ReadTable:
    (lue,) = read_file(chemin, [bronze], PROVENANCE, ())
    return lue


def _archive(
    tmp_path: Path,
    geometries: Sequence[Any],
    *,
    crs: str = "EPSG:2154",
    encodage: str = "cp1252",
    noms: Sequence[str] = ("Béthune – Œuvre", ""),
    sans: Sequence[str] = (),
    dossier: str = "",
) -> Path:
    source = tmp_path / "source"
    source.mkdir(exist_ok=True)
    pyogrio.raw.write(
        source / f"{COUCHE}.shp",
        shapely.to_wkb(np.array(geometries, object)),
        [
            np.array(["QP059001", "QP059002"][: len(geometries)], object),
            np.array(noms[: len(geometries)], object),
            np.array([1.5, 42.0][: len(geometries)]),
        ],
        ["CODE_QP", "NOM_QP", "NB"],
        geometry_type="Polygon",
        crs=crs,
        encoding=encodage,
        driver="ESRI Shapefile",
    )
    chemin = tmp_path / "archive"
    with zipfile.ZipFile(chemin, "w") as archive:
        for membre in source.iterdir():
            if membre.suffix not in (*sans, ".cpg"):
                archive.write(membre, f"{dossier}{membre.name}")
        archive.writestr("../../evasion.shp", b"x")
    return chemin


def test_shapefile_text_area_and_repair(tmp_path: Path) -> None:
    lue = _read(_archive(tmp_path, [CARRE, PAPILLON], dossier="sous/dossier/"), _bronze("shapefile_zip"))
    carre, papillon = lue.donnees.to_pylist()
    assert lue.colonnes_inconnues == ("NB",)
    assert (carre["ligne"], carre["CODE_QP"], carre["NOM_QP"], carre["NB"]) == (
        1,
        "QP059001",
        "Béthune – Œuvre",
        "1.5",
    )
    assert (papillon["ligne"], papillon["NOM_QP"], papillon["NB"]) == (2, "", "42")
    assert (carre["geometrie_reparee"], papillon["geometrie_reparee"]) == (False, True)
    assert carre["surface_m2"] == pytest.approx(1_000_000, abs=1)
    assert papillon["surface_m2"] == pytest.approx(500_000, abs=1)
    for rang in (carre, papillon):
        geometrie = shapely.from_wkb(rang["geometrie_wkb"])
        assert geometrie.is_valid
        assert geometrie.geom_type in ("Polygon", "MultiPolygon")
        assert geometrie.contains(shapely.Point(rang["longitude"], rang["latitude"]))
    assert (carre["longitude"], carre["latitude"]) == (
        pytest.approx(3.065, abs=0.01),
        pytest.approx(50.63, abs=0.01),
    )


def test_nothing_leaves_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chemin = _archive(tmp_path, [CARRE])
    temporaire = tmp_path / "a" / "b"
    temporaire.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(temporaire))
    avant = set(tmp_path.rglob("*"))
    _read(chemin, _bronze("shapefile_zip"))
    assert set(tmp_path.rglob("*")) == avant


def test_text_that_is_not_in_the_declared_encoding(tmp_path: Path) -> None:
    with pytest.raises(RefusedFile, match=r"« Béthune.* n'est pas du utf-8"):
        _read(_archive(tmp_path, [CARRE]), _bronze("shapefile_zip", encodage="utf-8"))
    with pytest.raises(RefusedFile, match="UTF-8 lu comme du latin-1"):
        _read(_archive(tmp_path, [CARRE], encodage="utf-8"), _bronze("shapefile_zip"))


def test_refused_archives(tmp_path: Path) -> None:
    bon = _archive(tmp_path, [CARRE])
    with pytest.raises(RefusedFile, match=r"couche AUTRE absente .* couches trouvées : QP_ESSAI, evasion"):
        _read(bon, _bronze("shapefile_zip", couche="AUTRE"))
    tronque = tmp_path / "tronque.zip"
    tronque.write_bytes(bon.read_bytes()[:-60])
    with pytest.raises(RefusedFile, match="archive illisible"):
        _read(tronque, _bronze("shapefile_zip"))
    with pytest.raises(RefusedFile, match=r"absent\(s\) de l'archive : QP_ESSAI.prj"):
        _read(_archive(tmp_path, [CARRE], sans=[".prj"]), _bronze("shapefile_zip"))


def test_shapefile_whose_content_is_not_one(tmp_path: Path) -> None:
    chemin = tmp_path / "archive"
    with zipfile.ZipFile(chemin, "w") as archive:
        for suffixe in (".shp", ".shx", ".dbf", ".prj"):
            archive.writestr(COUCHE + suffixe, b"rien")
    with pytest.raises(RefusedFile, match="couche QP_ESSAI illisible"):
        _read(chemin, _bronze("shapefile_zip"))


def test_area_uses_the_longest_prefix_of_the_code() -> None:
    # A square kilometre in La Réunion is one in its own projection only.
    reunion = shapely.box(340_000, 7_680_000, 341_000, 7_681_000)
    geometries = to_wgs84(np.array([reunion, CARRE, CARRE], object)[:1], "EPSG:2975")
    projections = {"defaut": 2154, "QP9": 3297, "QP974": 2975}
    surface = geometry_columns(geometries, ["QP974001"], projections)["surface_m2"][0].as_py()
    assert surface == pytest.approx(1_000_000, abs=1)
    autre = geometry_columns(geometries, ["QP059001"], projections)["surface_m2"][0].as_py()
    assert abs(autre - 1_000_000) > 1000
    assert geometry_columns(geometries, ["QP974001"], {})["surface_m2"].to_pylist() == [None]


def test_polygons_only_after_a_repair_that_leaves_lines() -> None:
    # A square with a spike: make_valid gives a collection of a polygon and a line.
    pique = shapely.Polygon([(0, 0), (0, 1), (1, 1), (1, 0), (2, 0), (1, 0)])
    plat = shapely.Polygon([(0, 0), (1, 1), (2, 2)])
    colonnes = geometry_columns(np.array([pique, plat, None], object), ["a", "b", "c"], {})
    pique_lu, plat_lu, absent = (
        None if w is None else shapely.from_wkb(w) for w in colonnes["geometrie_wkb"].to_pylist()
    )
    assert pique_lu is not None
    assert pique_lu.geom_type in ("Polygon", "MultiPolygon")
    assert pique_lu.area == 1
    assert plat_lu is None
    assert absent is None
    assert colonnes["geometrie_reparee"].to_pylist() == [True, True, False]
    assert colonnes["longitude"].to_pylist()[1:] == [None, None]


CONTRATS = [
    {"nom": "code_cv", "role": "cle", "type": "code"},
    {"nom": "insee_dep", "type": "code"},
    {"nom": "pop", "type": "nombre"},
]


def _json(tmp_path: Path, contenu: Any) -> Path:
    chemin = tmp_path / "contrats.json"
    chemin.write_text(contenu if isinstance(contenu, str) else json.dumps(contenu), encoding="utf-8")
    return chemin


def _feature(proprietes: Any, geometrie: Any = None) -> dict[str, Any]:
    return {"type": "Feature", "properties": proprietes, "geometry": geometrie}


def test_points_numbers_absent_keys_and_null_geometry(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [3.0625, 50.63]}
    chemin = _json(
        tmp_path,
        {
            "type": "FeatureCollection",
            "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
            "features": [
                _feature({"code_cv": "CV001", "insee_dep": "59", "pop": 1104.0}, point),
                _feature({"code_cv": "CV002", "insee_dep": None, "pop": 12.5, "liste": [1, "é"]}),
                _feature({"code_cv": "CV003", "longitude": True}),
            ],
        },
    )
    lue = _read(chemin, _bronze("geojson", CONTRATS))
    premiere, seconde, troisieme = lue.donnees.to_pylist()
    assert [r["ligne"] for r in lue.donnees.to_pylist()] == [1, 2, 3]
    assert (premiere["pop"], premiere["pop__valeur"]) == ("1104", 1104.0)
    assert (premiere["longitude"], premiere["latitude"]) == (3.0625, 50.63)
    assert shapely.from_wkb(premiere["geometrie_wkb"]).equals(shapely.Point(3.0625, 50.63))
    assert premiere["surface_m2"] is None
    assert (seconde["insee_dep"], seconde["pop__valeur"], seconde["liste"]) == (None, 12.5, '[1,"é"]')
    assert (seconde["geometrie_wkb"], seconde["longitude"], seconde["geometrie_reparee"]) == (
        None,
        None,
        False,
    )
    assert (troisieme["pop"], troisieme["pop__valeur"]) == (None, None)
    assert troisieme["longitude__source"] == "true"


def test_plain_array_of_objects(tmp_path: Path) -> None:
    chemin = _json(tmp_path, [{"code_cv": "a", "pop": 21254}, {"code_cv": "b", "annee": 2022}])
    lue = _read(chemin, _bronze("geojson", CONTRATS))
    assert lue.donnees["pop"].to_pylist() == ["21254", None]
    assert lue.donnees["annee"].to_pylist() == [None, "2022"]
    assert lue.donnees["geometrie_wkb"].to_pylist() == [None, None]
    assert lue.colonnes_absentes == ("insee_dep",)


def test_old_projection_member_is_followed(tmp_path: Path) -> None:
    x, y = pyproj.Transformer.from_crs(4326, 2154, always_xy=True).transform(3.0, 50.0)
    chemin = _json(
        tmp_path,
        {
            "crs": {"type": "name", "properties": {"name": "EPSG:2154"}},
            "features": [_feature({"code_cv": "a"}, {"type": "Point", "coordinates": [x, y]})],
        },
    )
    rang = _read(chemin, _bronze("geojson", CONTRATS)).donnees.to_pylist()[0]
    assert (rang["longitude"], rang["latitude"]) == (pytest.approx(3.0), pytest.approx(50.0))


def test_digest_sees_a_moved_outline(tmp_path: Path) -> None:
    def digest(x: float) -> str:
        point = {"type": "Point", "coordinates": [x, 50]}
        chemin = _json(tmp_path, {"features": [_feature({"code_cv": "a"}, point)]})
        return _read(chemin, _bronze("geojson", CONTRATS)).empreinte_contenu

    assert digest(3.0) == digest(3.0)
    assert digest(3.0) != digest(3.1)


@pytest.mark.parametrize(
    ("contenu", "raison"),
    [
        ('{"features": [\n{"properties": {"code_cv"', r"ligne 2, caractère .* JSON illisible"),
        ({"total_count": 1, "results": []}, "ni une FeatureCollection ni une liste"),
        ([], "aucune entité"),
        ({"features": []}, "aucune entité"),
        ([{"code_cv": "a"}, 3], "entité 2 : 3 n'est pas un objet"),
        ({"features": [3]}, "entité 1 : 3 n'est pas un objet"),
        ('[{"code_cv": "a", "pop": NaN}]', "NaN n'est pas du JSON"),
        ({"features": [_feature({"code_cv": "a"}, {"type": "Point"})]}, "entité 1 : géométrie illisible"),
        (
            {"features": [_feature({"code_cv": "a"}, {"type": "Point", "coordinates": [704000, 7059000]})]},
            "entité 1 : coordonnées qui ne sont pas des degrés",
        ),
        ({"crs": {"properties": {"name": "EPSG:0"}}, "features": [_feature({})]}, "projection inconnue"),
        ({"crs": "WGS84", "features": [_feature({})]}, "projection inconnue"),
        ([{"code_cv": "a"}, {"pop": 1}], r"clé vide dans code_cv : ligne 2"),
        ([{"pop": 1}], r"requise\(s\) absente\(s\) : code_cv"),
    ],
)
def test_refused_json(tmp_path: Path, contenu: Any, raison: str) -> None:
    with pytest.raises(RefusedFile, match=raison):
        _read(_json(tmp_path, contenu), _bronze("geojson", CONTRATS))
