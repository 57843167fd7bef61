"""The check of bytes: every kind of wrong file is refused with its reason, sound files pass."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zipfile
from pathlib import Path
from typing import get_args

import pytest

from qpv_emploi.acquisition import check_bytes, refusal_for
from qpv_emploi.acquisition import controle as module_controle
from qpv_emploi.catalogue import Reading
from qpv_emploi.errors import RefusedFile, SettingsError

REFUSE = refusal_for("insee", "essai", "2031", "essai.xyz")
CENTRAL_RECORD = b"PK\x01\x02"


def write(tmp_path: Path, contenu: bytes) -> Path:
    # The check must not rely on the name: files are read from the raw store.
    chemin = tmp_path / "e3b0c442"
    chemin.write_bytes(contenu)
    return chemin


def check(tmp_path: Path, contenu: bytes, famille: str) -> None:
    check_bytes(write(tmp_path, contenu), famille, refuse=REFUSE)


def refusal(tmp_path: Path, contenu: bytes, famille: str) -> RefusedFile:
    with pytest.raises(RefusedFile) as prise:
        check(tmp_path, contenu, famille)
    return prise.value


def archive(membres: dict[str, bytes], methode: int = zipfile.ZIP_DEFLATED) -> bytes:
    tampon = io.BytesIO()
    with zipfile.ZipFile(tampon, "w", methode) as flux:
        for nom, contenu in membres.items():
            flux.writestr(zipfile.ZipInfo(nom), contenu, compress_type=methode)
    return tampon.getvalue()


SOUND_ZIP = archive({"couche/qp.shp": b"\x00\x00\x27\x0a" * 400, "couche/qp.dbf": b"nom" * 900})
XLSX = archive({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"})
XLS = module_controle.OLE_MAGIC + bytes(600)


@pytest.mark.parametrize(
    ("contenu", "famille"),
    [
        (b"CODGEO;ABC\r\nQP099001;12\r\n", "csv"),
        (b"\xef\xbb\xbfCODGEO;ABC\r\nQP099001;12", "csv"),
        (b'"CODGEO";"ABC"\n"QP099001";"1\xe2\x80\xaf204"\n', "csv"),
        (b"<5 ans;5 ans et plus\n1;2\n", "csv"),
        (b"PK_TRONCON;VALEUR\n1;2\n", "csv"),
        (b"CODGEO;ABC\r\nQN09901M;12\r\n", "csv_zip"),
        (SOUND_ZIP, "csv_zip"),
        (b"PAR1" + bytes(20) + b"PAR1", "parquet"),
        (XLSX, "tableur"),
        (XLS, "tableur"),
        (SOUND_ZIP, "shapefile_zip"),
        (b'{"type": "FeatureCollection", "features": []}\n', "geojson"),
        (b"\xef\xbb\xbf \n[{}]", "geojson"),
    ],
)
def test_sound_files_pass(tmp_path: Path, contenu: bytes, famille: str) -> None:
    check(tmp_path, contenu, famille)


def test_every_family_of_the_catalogue_is_checked(tmp_path: Path) -> None:
    familles = set(get_args(Reading.model_fields["famille"].annotation))
    for famille in familles - {"page_html"}:
        assert "page HTML" in refusal(tmp_path, b"<!DOCTYPE html><html></html>", famille).raison
    check(tmp_path, b"<!DOCTYPE html><html></html>", "page_html")
    assert "page HTML" in refusal(tmp_path, b"slug;titre\r\n", "page_html").raison


def test_unknown_family(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="« access » inconnue ; familles connues : csv"):
        check(tmp_path, b"a;b\n", "access")


@pytest.mark.parametrize(
    ("contenu", "famille", "raison"),
    [
        (b"siret;x\n", "parquet", "ce n'est pas un fichier Parquet"),
        (b"PAR1" + bytes(20), "parquet", "le Parquet est tronqué"),
        (b"PAR1", "parquet", "le Parquet est tronqué"),
        (SOUND_ZIP[:-30], "csv_zip", "tronquée ou abîmée"),
        (b"%PDF-1.7", "csv_zip", "un document PDF"),
    ],
)
def test_other_kinds_under_the_names_of_the_national_files(
    tmp_path: Path, contenu: bytes, famille: str, raison: str
) -> None:
    assert raison in refusal(tmp_path, contenu, famille).raison


def test_the_refusal_carries_identity_expectation_and_action(tmp_path: Path) -> None:
    refus = refusal(tmp_path, b"", "csv")
    assert (refus.producteur, refus.jeu, refus.millesime) == ("insee", "essai", "2031")
    assert refus.fichier == "essai.xyz"
    assert str(refus).startswith("insee/essai/2031/essai.xyz refusé : le fichier est vide ; à faire : ")


@pytest.mark.parametrize("famille", ["csv", "tableur", "shapefile_zip", "geojson"])
@pytest.mark.parametrize(
    "contenu", [b"", b"\xef\xbb\xbf", b" \r\n\t\n", b"\xef\xbb\xbf\n" + b" " * (3 << 20)]
)
def test_empty(tmp_path: Path, contenu: bytes, famille: str) -> None:
    assert "le fichier est vide" in refusal(tmp_path, contenu, famille).raison


@pytest.mark.parametrize("famille", ["csv", "tableur", "shapefile_zip", "geojson"])
@pytest.mark.parametrize(
    "contenu",
    [
        b"<!DOCTYPE html><html>",
        b"<!doctype HTML>",
        b"\xef\xbb\xbf\r\n  <HTML lang='fr'>",
        b"<html><body>Acc\xc3\xa8s refus\xc3\xa9</body></html>",
        b'<?xml version="1.0"?><Error/>',
        b"<!-- page de connexion -->",
        b"<Error>",
        b"\n" * (1 << 20) + b"<html>",
        # The first block ends in the middle of the tag.
        b" " * ((1 << 20) - 2) + b"<html>",
    ],
)
def test_page_in_place_of_the_file(tmp_path: Path, contenu: bytes, famille: str) -> None:
    refus = refusal(tmp_path, contenu, famille)
    assert "un site a servi une page" in refus.raison
    assert refus.action


@pytest.mark.parametrize(
    ("contenu", "raison"),
    [
        (SOUND_ZIP, "un classeur XLSX ou une archive ZIP sous un nom de CSV"),
        (XLS, "un classeur XLS sous un nom de CSV"),
        (b"\x1f\x8b\x08\x00", "une archive gzip"),
        (b"%PDF-1.7\n", "un document PDF"),
        ("CODGEO;ABC\n".encode("utf-16-be"), "octet nul ligne 1"),
        (b"CODGEO;ABC\nQP099001;1\nQP0\x0099002;2\n", "octet nul ligne 3"),
        (b"a;b\n" * (1 << 19) + b"\0", f"octet nul ligne {(1 << 19) + 1} "),
        (b'{"error_code": "ODSQLError"}', "message d'erreur d'un service"),
    ],
)
def test_not_a_csv(tmp_path: Path, contenu: bytes, raison: str) -> None:
    assert raison in refusal(tmp_path, contenu, "csv").raison


def test_utf16_with_its_mark(tmp_path: Path) -> None:
    assert refusal(tmp_path, "CODGEO;ABC\n".encode("utf-16"), "csv").raison == "le texte est en UTF-16"


def test_not_a_workbook(tmp_path: Path) -> None:
    assert "« CODGEO;ABC »" in refusal(tmp_path, b"CODGEO;ABC", "tableur").raison
    assert "89 50 4e 47" in refusal(tmp_path, b"\x89PNG\r\n\x1a\n", "tableur").raison


def test_zip_that_is_not_a_workbook(tmp_path: Path) -> None:
    assert "pas un classeur" in refusal(tmp_path, SOUND_ZIP, "tableur").raison


def test_truncated_workbook(tmp_path: Path) -> None:
    assert "tronquée" in refusal(tmp_path, XLSX[:-30], "tableur").raison


def test_bomb_in_a_workbook(tmp_path: Path) -> None:
    bombe = archive({"xl/workbook.xml": b"", "xl/worksheets/sheet1.xml": bytes(51 << 20)})
    assert "bombe" in refusal(tmp_path, bombe, "tableur").raison


@pytest.mark.parametrize("contenu", [b"CODGEO;ABC", b'"texte"', b"12", b"\xff\xfe{\0}\0"])
def test_not_json(tmp_path: Path, contenu: bytes) -> None:
    assert "pas du JSON" in refusal(tmp_path, contenu, "geojson").raison


@pytest.mark.parametrize("contenu", [b'{"type": "FeatureCollection", "fea', b"[{}, {}", b"[{}, {}}"])
def test_truncated_json(tmp_path: Path, contenu: bytes) -> None:
    assert "tronqué" in refusal(tmp_path, contenu, "geojson").raison


def test_size_ceiling(tmp_path: Path) -> None:
    chemin = tmp_path / "grand"
    with chemin.open("wb") as flux:
        flux.write(b"a;b\n")
        # A hole: no disk is used.
        flux.truncate(module_controle.MAX_BYTES + 1)
    with pytest.raises(
        RefusedFile, match=r"1073741825 octets ; attendu : 1073741824 octets \(1 Gio\) au plus"
    ):
        check_bytes(chemin, "csv", refuse=REFUSE)


def test_named_pipe_does_not_block(tmp_path: Path) -> None:
    chemin = tmp_path / "tube"
    os.mkfifo(chemin)
    with pytest.raises(RefusedFile, match="fichier ordinaire"):
        check_bytes(chemin, "csv", refuse=REFUSE)


def test_not_a_zip(tmp_path: Path) -> None:
    assert "pas une archive ZIP" in refusal(tmp_path, b"Rar!\x1a\x07\x00", "shapefile_zip").raison


def test_empty_zip(tmp_path: Path) -> None:
    assert "archive ZIP est vide" in refusal(tmp_path, archive({}), "shapefile_zip").raison


@pytest.mark.parametrize("reste", [0.2, 0.5, 0.9, 0.99])
def test_truncated_zip(tmp_path: Path, reste: float) -> None:
    coupee = SOUND_ZIP[: int(len(SOUND_ZIP) * reste)]
    assert "tronquée ou abîmée" in refusal(tmp_path, coupee, "shapefile_zip").raison


def test_encrypted_zip(tmp_path: Path) -> None:
    octets = bytearray(archive({"qp.shp": b"abc"}))
    octets[octets.index(CENTRAL_RECORD) + 8] |= 1
    assert "chiffrée (membre « qp.shp »)" in refusal(tmp_path, bytes(octets), "shapefile_zip").raison


@pytest.mark.parametrize(
    ("nom", "raison"),
    [
        ("../qp.shp", "sort du dossier"),
        ("couche/../../qp.shp", "sort du dossier"),
        ("/etc/passwd", "chemin absolu"),
        ("C:/qp.shp", "chemin absolu"),
        ("c:qp.shp", "chemin absolu"),
        ("..\\qp.shp", "barre oblique inverse"),
        ("couche\\qp.shp", "barre oblique inverse"),
    ],
)
def test_member_that_escapes(tmp_path: Path, nom: str, raison: str) -> None:
    refus = refusal(tmp_path, archive({"bon.shp": b"1", nom: b"2"}), "shapefile_zip")
    assert nom in refus.raison
    assert raison in refus.raison


def test_member_with_a_nul_in_its_name(tmp_path: Path) -> None:
    octets = archive({"qp.shp_suite": b"1"}).replace(b"qp.shp_suite", b"qp.shp\0suite")
    assert "caractère nul" in refusal(tmp_path, octets, "shapefile_zip").raison


def test_two_dots_inside_a_name_are_harmless(tmp_path: Path) -> None:
    check(tmp_path, archive({"couche..2015/qp..shp": b"1"}), "shapefile_zip")


def test_symbolic_link(tmp_path: Path) -> None:
    tampon = io.BytesIO()
    with zipfile.ZipFile(tampon, "w") as flux:
        lien = zipfile.ZipInfo("qp.shp")
        lien.create_system = 3
        lien.external_attr = 0o120777 << 16
        flux.writestr(lien, "/etc/passwd")
    assert "« qp.shp » de l'archive est un lien symbolique" in (
        refusal(tmp_path, tampon.getvalue(), "shapefile_zip").raison
    )


def test_bomb_by_ratio(tmp_path: Path) -> None:
    refus = refusal(tmp_path, archive({"qp.shp": bytes(51 << 20)}), "shapefile_zip")
    assert "bombe de décompression" in refus.raison
    assert "un rapport de 200 au plus" in refus.attendu


def test_high_ratio_below_the_floor_is_accepted(tmp_path: Path) -> None:
    contenu = archive({"qp.dbf": b" " * (4 << 20)})
    assert 200 * len(contenu) < (4 << 20)
    check(tmp_path, contenu, "shapefile_zip")


def test_high_total_with_a_low_ratio_is_accepted(tmp_path: Path) -> None:
    check(tmp_path, archive({"qp.shp": bytes(51 << 20)}, zipfile.ZIP_STORED), "shapefile_zip")


def test_bomb_by_declared_total_is_refused_before_reading(tmp_path: Path) -> None:
    octets = bytearray(archive({"qp.shp": os.urandom(1000)}))
    # Field « uncompressed size » of the central directory.
    struct.pack_into("<I", octets, octets.index(CENTRAL_RECORD) + 24, (2 << 30) + 1)
    refus = refusal(tmp_path, bytes(octets), "shapefile_zip")
    assert "2147483649 octets une fois ouverte" in refus.raison
    assert "2 Gio" in refus.attendu


def test_bomb_that_declares_a_small_size(tmp_path: Path) -> None:
    octets = bytearray(archive({"qp.shp": bytes(51 << 20)}))
    struct.pack_into("<I", octets, octets.index(CENTRAL_RECORD) + 24, 1000)
    assert "« qp.shp » de l'archive est abîmé" in refusal(tmp_path, bytes(octets), "shapefile_zip").raison


@pytest.mark.parametrize(
    "methode", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_damaged_member(tmp_path: Path, methode: int) -> None:
    contenu = bytes(range(256)) * 40
    octets = bytearray(archive({"bon.shp": b"1", "qp.dbf": contenu}, methode))
    debut = octets.index(b"qp.dbf") + len(b"qp.dbf")
    for position in range(debut + 20, debut + 60):
        octets[position] ^= 0xFF
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "« qp.dbf » de l'archive est abîmé" in refusal(tmp_path, bytes(octets), "shapefile_zip").raison
