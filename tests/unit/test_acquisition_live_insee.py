"""insee.fr and the INSEE APIs, played by a local server."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.serveur import Recorded, Reply, Server, Temps

from qpv_emploi.acquisition.acces import AccesRefuse
from qpv_emploi.acquisition.http import HttpClient
from qpv_emploi.acquisition.insee_api import bdm_csv, melodi_csv
from qpv_emploi.acquisition.insee_page import fetch_file, file_links, find_files, product_links
from qpv_emploi.acquisition.lignes_csv import write_csv
from qpv_emploi.acquisition.sdmx import BadSdmx, check_xml, observations

ZIP = b"PK\x03\x04" + b"defm" * 20


@pytest.fixture
def serveur() -> Iterator[Server]:
    with Server() as ouvert:
        yield ouvert


@pytest.fixture
def temps() -> Temps:
    return Temps()


@pytest.fixture
def client(temps: Temps) -> Iterator[HttpClient]:
    with HttpClient({"127.0.0.1"}, **temps.arguments()) as ouvert:
        yield ouvert


def rows(chemin: Path) -> list[dict[str, str]]:
    with chemin.open(encoding="utf-8", newline="") as flux:
        return list(csv.DictReader(flux, delimiter=";"))


# Pages ------------------------------------------------------------------------------------------------------

PRODUIT = """<!doctype html><html><head><title>DEFM 2031</title></head><body>
<A class="f"
 HREF='/fr/statistiques/fichier/9000001/DEFM2031_QP24_csv.zip'>Télécharger (zip, 3&nbsp;Mo)</a>
<a href="/fr/statistiques/fichier/9000001/DEFM2031_QP24_csv.zip?x=1#haut">encore
<a href="https://www.insee.fr/fr/statistiques/fichier/9000001/DEFM2031_QP24_xlsx.zip">
<a href=/fr/statistiques/fichier/9000001/base%20%C3%A9t%C3%A9.xlsx>sans guillemets</a>
<a href="/fr/statistiques/fichier/9000001/..%2F..%2Fpasswd">piège</a>
<a href="https://exemple.org/fr/statistiques/fichier/1/ailleurs.zip">ailleurs</a>
<a href="http://[mauvais/fr/statistiques/fichier/1/f.zip">illisible</a>
<!-- <a href="/fr/statistiques/fichier/9000001/ancien.zip">retiré</a> -->
<script>var a = '<a href="/fr/statistiques/fichier/1/script.zip">';</script>
<a>rien</a> <p>5 < 6"""


def test_file_links() -> None:
    trouves = file_links(PRODUIT, "https://www.insee.fr/fr/statistiques/9000001?sommaire=1")
    assert [lien.nom for lien in trouves] == [
        "DEFM2031_QP24_csv.zip",
        "DEFM2031_QP24_xlsx.zip",
        "base été.xlsx",
    ]
    premier = trouves[0]
    assert (premier.produit, premier.texte) == ("9000001", "Télécharger (zip, 3 Mo)")
    assert premier.url == "https://www.insee.fr/fr/statistiques/fichier/9000001/DEFM2031_QP24_csv.zip"


def test_product_links() -> None:
    sommaire = """<a href="/fr/statistiques/9000001?sommaire=8000000">DEFM</a>
    <a href="/fr/information/9000002/">Table</a> <a href="9000001">DEFM encore</a>
    <a href="/fr/statistiques/8000000">ici</a> <a href="/fr/metadonnees/definition/c1">définition</a>"""
    trouves = product_links(sommaire, "https://www.insee.fr/fr/statistiques/8000000?x")
    assert [(lien.url, lien.texte) for lien in trouves] == [
        ("https://www.insee.fr/fr/statistiques/9000001", "DEFM"),
        ("https://www.insee.fr/fr/information/9000002", "Table"),
    ]


def play_sommaire(serveur: Server) -> str:
    pages = {
        "8000000": '<a href="/fr/statistiques/1?sommaire=8000000">Emploi</a><a href="2">Revenus</a>',
        "1": '<a href="/fr/statistiques/fichier/1/DEFM2031_csv.zip">f</a>',
        "2": '<a href="/fr/statistiques/fichier/2/REVN_2031_csv.zip">f</a>',
    }
    for numero, html in pages.items():
        serveur.play(f"/fr/statistiques/{numero}", Reply(corps=html.encode()))
    serveur.play("/fr/statistiques/fichier/1/DEFM2031_csv.zip", Reply(corps=ZIP))
    return serveur.url("/fr/statistiques/8000000")


def test_file_found_through_a_sommaire(serveur: Server, client: HttpClient, tmp_path: Path) -> None:
    url = play_sommaire(serveur)
    (lien,) = find_files(client, url, [r"DEFM\d{4}_csv\.zip"])
    fetch_file(client, lien, tmp_path / lien.nom)
    assert (tmp_path / "DEFM2031_csv.zip").read_bytes() == ZIP
    assert serveur.paths()[-1] == "/fr/statistiques/fichier/1/DEFM2031_csv.zip"


def test_only_the_named_pages_are_followed(serveur: Server, client: HttpClient) -> None:
    url = play_sommaire(serveur)
    (lien,) = find_files(client, url, [r"revn_.*"], motif_page="revenus")
    assert lien.nom == "REVN_2031_csv.zip"
    assert serveur.paths() == ["/fr/statistiques/8000000", "/fr/statistiques/2"]


def test_file_that_is_absent(serveur: Server, client: HttpClient) -> None:
    url = play_sommaire(serveur)
    with pytest.raises(AccesRefuse, match=r"aucun fichier .* DEFM2031_csv\.zip, REVN_2031_csv\.zip"):
        find_files(client, url, [r".*\.xlsx", r".*\.ods"])


def test_every_file_of_one_of_the_forms_is_found(serveur: Server, client: HttpClient) -> None:
    url = play_sommaire(serveur)
    trouves = find_files(client, url, [r"revn_\d{4}_csv\.zip", r"defm.*"])
    assert [lien.nom for lien in trouves] == ["DEFM2031_csv.zip", "REVN_2031_csv.zip"]


def test_bot_check_in_place_of_a_page(serveur: Server, client: HttpClient) -> None:
    serveur.play("/fr/statistiques/1", Reply(corps=b"<html>prouvez que vous etes humain</html>"))
    with pytest.raises(AccesRefuse, match=r"fichiers liés : aucun .*passer par le dépôt"):
        find_files(client, serveur.url("/fr/statistiques/1"), [".*"])


# Melodi -----------------------------------------------------------------------------------------------------


def observation(geo: str, valeur: Any, **attributs: str) -> dict[str, Any]:
    mesure = {} if valeur is None else {"value": valeur}
    return {
        "dimensions": {"TIME_PERIOD": "2031", "GEO": geo},
        "measures": {"OBS_VALUE_NIVEAU": mesure},
        "attributes": attributs,
    }


def play_melodi(serveur: Server, lignes: list[dict[str, Any]], **pagination: Any) -> None:
    def answer(requete: Recorded) -> Reply:
        valeurs = parse_qs(urlsplit(requete.chemin).query)
        page, taille = int(valeurs["page"][0]), int(valeurs["maxResult"][0])
        fin = page * taille
        infos = {"isLast": fin >= len(lignes), "next": "http://interne:8080/data/DS", **pagination}
        corps = {"observations": lignes[fin - taille : fin], "paging": infos}
        return Reply(corps=json.dumps(corps).encode())

    serveur.play("/melodi/data/DS_ESSAI", answer)


def test_melodi_pages_become_a_csv(serveur: Server, client: HttpClient, tmp_path: Path, temps: Temps) -> None:
    lignes = [observation(f"2031-DEP-{rang:02d}", rang) for rang in range(68)]
    lignes.append(observation("2031-COM-99001", None, CONF_STATUS="C"))
    lignes.append(observation("2031-COM-99002", 1234567.890, OBS_STATUS="A"))
    play_melodi(serveur, lignes)
    ecrit = melodi_csv(
        client,
        serveur.url("/melodi"),
        "DS_ESSAI",
        tmp_path / "f.csv",
        filtres=[("GEO", "DEP"), ("GEO", "COM")],
        par_page=2,
        en_tetes={"X-INSEE-Cle": "SECRET"},
    )
    assert ecrit.colonnes == ("GEO", "TIME_PERIOD", "OBS_VALUE_NIVEAU", "CONF_STATUS", "OBS_STATUS")
    assert ecrit.lignes == 70
    lues = rows(tmp_path / "f.csv")
    assert lues[0] == dict(zip(ecrit.colonnes, ("2031-DEP-00", "2031", "0", "", ""), strict=True))
    # Secret is empty, not zero; the digits are those of the service.
    assert (lues[68]["OBS_VALUE_NIVEAU"], lues[68]["CONF_STATUS"]) == ("", "C")
    assert lues[69]["OBS_VALUE_NIVEAU"] == "1234567.89"
    assert "GEO=DEP&GEO=COM&maxResult=2&page=1" in serveur.requetes[0].chemin
    assert serveur.requetes[0].en_tetes["x-insee-cle"] == "SECRET"
    # 35 pages at 30 per minute: one full wait.
    assert len(serveur.requetes) == 35
    assert temps.attentes == [60.0]


def test_melodi_asks_for_no_more_than_the_limit(serveur: Server, client: HttpClient, tmp_path: Path) -> None:
    play_melodi(serveur, [observation("2031-DEP-01", 1)])
    melodi_csv(client, serveur.url("/melodi"), "DS_ESSAI", tmp_path / "f.csv", par_page=50_000)
    assert "maxResult=10000" in serveur.requetes[0].chemin


def test_melodi_ends_on_a_short_page_without_next(
    serveur: Server, client: HttpClient, tmp_path: Path
) -> None:
    play_melodi(serveur, [observation(f"2031-DEP-{r}", r) for r in "123"], isLast=None, next=None)
    with pytest.raises(AccesRefuse, match=r"page pleine sans paging\.next"):
        melodi_csv(client, serveur.url("/melodi"), "DS_ESSAI", tmp_path / "f.csv", par_page=3)
    ecrit = melodi_csv(client, serveur.url("/melodi"), "DS_ESSAI", tmp_path / "f.csv", par_page=4)
    assert ecrit.lignes == 3


def test_melodi_that_repeats_its_page(serveur: Server, client: HttpClient, tmp_path: Path) -> None:
    corps = {"observations": [observation("2031-DEP-01", 1)], "paging": {"isLast": False}}
    serveur.play("/melodi/data/DS_ESSAI", Reply(corps=json.dumps(corps).encode()))
    (tmp_path / "f.csv").write_bytes(b"ancien")
    with pytest.raises(AccesRefuse, match="deux pages de suite sont les mêmes"):
        melodi_csv(client, serveur.url("/melodi"), "DS_ESSAI", tmp_path / "f.csv")
    assert (tmp_path / "f.csv").read_bytes() == b"ancien"


@pytest.mark.parametrize(
    ("corps", "message"),
    [
        ({"observations": [], "paging": {"isLast": True}}, "aucune observation"),
        ({"observations": [], "paging": {"isLast": False}}, "page vide"),
        ({"erreur": "x"}, "liste observations attendue"),
        ({"observations": [{"dimensions": {}}]}, "une observation a des dimensions"),
        ({"observations": [{"dimensions": {"A": "1"}, "measures": {"A": {"value": 1}}}]}, "même nom"),
    ],
)
def test_melodi_of_another_shape(
    serveur: Server, client: HttpClient, tmp_path: Path, corps: Any, message: str
) -> None:
    serveur.play("/melodi/data/DS_ESSAI", Reply(corps=json.dumps(corps).encode()))
    with pytest.raises(AccesRefuse, match=message):
        melodi_csv(client, serveur.url("/melodi"), "DS_ESSAI", tmp_path / "f.csv")
    assert list(tmp_path.iterdir()) == []


# BDM --------------------------------------------------------------------------------------------------------

STRUCTURE = """<?xml version="1.0" encoding="UTF-8"?>
<message:StructureSpecificData xmlns:message="urn:m" xmlns:ns1="urn:d" xmlns:xsi="urn:x">
<message:Header><message:ID>1</message:ID></message:Header>
<message:DataSet ns1:type="x">
<Series xsi:type="s" IDBANK="001" FREQ="T" TITLE_FR="Taux de chômage - Aisne"><Obs TIME_PERIOD="2031-Q1"
 OBS_VALUE="10.30" OBS_STATUS="A"/><Obs TIME_PERIOD="2031-Q2" OBS_VALUE="" OBS_QUAL="P"/></Series>
<Series IDBANK="002" FREQ="T" TITLE_FR="Vide"/>
<Series IDBANK="003" FREQ="T"><Obs TIME_PERIOD="2031-Q1" OBS_VALUE="9"/></Series>
</message:DataSet></message:StructureSpecificData>"""

GENERIC = """<m:GenericData xmlns:m="urn:m" xmlns:g="urn:g"><m:DataSet>
<g:Series><g:SeriesKey><g:Value id="IDBANK" value="001"/><g:Value id="FREQ" value="T"/></g:SeriesKey>
<g:Attributes><g:Value id="TITLE_FR" value="Taux de chômage - Aisne"/></g:Attributes>
<g:Obs><g:ObsDimension value="2031-Q1"/><g:ObsValue value="10.30"/>
<g:Attributes><g:Value id="OBS_STATUS" value="A"/></g:Attributes></g:Obs>
<g:Obs><g:ObsDimension id="TIME_PERIOD" value="2031-Q2"/></g:Obs></g:Series></m:DataSet></m:GenericData>"""


def test_bdm_series_become_a_csv(serveur: Server, client: HttpClient, tmp_path: Path) -> None:
    serveur.play("/bdm/data/TAUX-CHOMAGE/T.A+B.D02", Reply(corps=STRUCTURE.encode()))
    ecrit = bdm_csv(
        client,
        serveur.url("/bdm"),
        "TAUX-CHOMAGE",
        tmp_path / "f.csv",
        cle="T.A+B.D02",
        parametres=[("startPeriod", "2031-Q1")],
    )
    assert serveur.requetes[0].chemin == "/bdm/data/TAUX-CHOMAGE/T.A+B.D02?startPeriod=2031-Q1"
    assert ecrit.colonnes == (
        "IDBANK",
        "FREQ",
        "TITLE_FR",
        "TIME_PERIOD",
        "OBS_VALUE",
        "OBS_STATUS",
        "OBS_QUAL",
    )
    lues = rows(tmp_path / "f.csv")
    assert [(r["IDBANK"], r["TIME_PERIOD"], r["OBS_VALUE"]) for r in lues] == [
        ("001", "2031-Q1", "10.30"),
        ("001", "2031-Q2", ""),
        ("003", "2031-Q1", "9"),
    ]
    assert (lues[0]["TITLE_FR"], lues[2]["TITLE_FR"]) == ("Taux de chômage - Aisne", "")


def test_both_forms_give_the_same_rows(tmp_path: Path) -> None:
    chemin = tmp_path / "m.xml"
    chemin.write_text(GENERIC, encoding="utf-8")
    premiere, seconde = observations(chemin)
    assert premiere == {
        "IDBANK": "001",
        "FREQ": "T",
        "TITLE_FR": "Taux de chômage - Aisne",
        "TIME_PERIOD": "2031-Q1",
        "OBS_VALUE": "10.30",
        "OBS_STATUS": "A",
    }
    assert (seconde["TIME_PERIOD"], seconde.get("OBS_VALUE", "")) == ("2031-Q2", "")
    # The attribute of the first observation does not stay.
    assert "OBS_STATUS" not in seconde


BOMB = """<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>"""


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (BOMB.encode(), "DTD"),
        (('<?xml version="1.0" encoding="UTF-16"?>' + BOMB).encode("utf-16"), "DTD"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "DTD"),
        (b"<a>" * 40, "trop profond"),
        (b"<a><b></a>", "mal form"),
        (b"<a>&inconnue;</a>", "mal form"),
        (b"", "mal form"),
    ],
    ids=["bomb", "bomb-utf16", "external", "deep", "crossed", "entity", "empty"],
)
def test_dangerous_xml(tmp_path: Path, document: bytes, message: str) -> None:
    chemin = tmp_path / "m.xml"
    chemin.write_bytes(document)
    with pytest.raises(BadSdmx, match=message):
        check_xml(chemin)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (BOMB.encode(), "message SDMX est refusé : déclaration DTD"),
        (b"<html><body><p>Erreur</body></html>", "message SDMX est refusé : XML mal formé"),
        (b"<m:Error xmlns:m='u'/>", "aucune observation"),
    ],
)
def test_bdm_refuses(
    serveur: Server, client: HttpClient, tmp_path: Path, document: bytes, message: str
) -> None:
    serveur.play("/bdm/data/TAUX-CHOMAGE", Reply(corps=document))
    with pytest.raises(AccesRefuse, match=message):
        bdm_csv(client, serveur.url("/bdm"), "TAUX-CHOMAGE", tmp_path / "f.csv")
    assert list(tmp_path.iterdir()) == []


def test_csv_is_the_same_twice(tmp_path: Path) -> None:
    lignes = [{"a": "1;2", "b": 'dit "x"'}, {"b": "ligne\nsuivante", "é": "œ"}]
    un, deux = (write_csv(lignes, tmp_path / nom) for nom in ("1.csv", "2.csv"))
    assert un.empreinte_sha256 == deux.empreinte_sha256
    assert un.octets == (tmp_path / "1.csv").stat().st_size
    assert rows(tmp_path / "1.csv") == [
        {"a": "1;2", "b": 'dit "x"', "é": ""},
        {"a": "", "b": "ligne\nsuivante", "é": "œ"},
    ]
