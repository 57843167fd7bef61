"""Each mode of access, from the declaration in the catalogue to the lock, against a local producer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.producteur_joue import (
    AUTRE,
    BON,
    Installation,
    install,
    one,
)
from tests.serveur import Recorded, Reply, Server, conditional

from qpv_emploi import pipeline
from qpv_emploi.conservation import Issue, Manifest, Outcome

pytestmark = pytest.mark.enable_socket

ODS = "/api/explore/v2.1/catalog/datasets"


@pytest.fixture
def serveur() -> Iterator[Server]:
    with Server() as ouvert:
        yield ouvert


@pytest.fixture
def maison(tmp_path: Path, serveur: Server, monkeypatch: pytest.MonkeyPatch) -> Installation:
    return install(tmp_path, serveur, monkeypatch)


def reply(objet: Any) -> Reply:
    return Reply(corps=json.dumps(objet).encode())


def digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def read(issues: list[Outcome]) -> dict[str, Issue]:
    """Issue of each vintage of the dataset under test, at ingestion."""
    return {i.millesime: i.issue for i in issues if i.jeu == "directe" and i.etape == "ingestion"}


def received(issues: list[Outcome]) -> dict[str, Issue]:
    """Same, at reception."""
    return {i.millesime: i.issue for i in issues if i.jeu == "directe" and i.etape == "reception"}


def origin(maison: Installation) -> str:
    (origine,) = {r.origine for r in Manifest(maison.settings.paths).receptions() if r.jeu == "directe"}
    return origine


# data.gouv.fr -----------------------------------------------------------------------------------------------


def resource(rid: str, titre: str, **champs: Any) -> dict[str, Any]:
    return {
        "id": rid,
        "title": titre,
        "format": "csv",
        "filetype": "file",
        "url": f"https://static.example/resources/20311002-101112/{rid}.csv",
        "last_modified": "2031-10-02T10:11:12+00:00",
        **champs,
    }


def play_datagouv(maison: Installation, *ressources: dict[str, Any]) -> None:
    maison.serveur.play(
        "/api/1/datasets/jeu-a/", reply({"id": "d1", "slug": "jeu-a", "resources": ressources})
    )


def declare_datagouv(maison: Installation, **cles: Any) -> None:
    maison.declare(
        {
            "mode": "datagouv",
            "base": maison.serveur.url(),
            "slug": "jeu-a",
            "millesimes": ["2031"],
            "fichiers": [{"titre": "liste .* {millesime}", "formats": ["csv"]}],
            **cles,
        }
    )


def test_datagouv(maison: Installation) -> None:
    declare_datagouv(maison)
    somme = {"type": "sha1", "value": hashlib.sha1(BON, usedforsecurity=False).hexdigest()}
    choisie = resource("r1", "Liste des zones 2031", checksum=somme, filesize=len(BON))
    autres = (resource("r2", "Liste des zones 2030"), resource("r3", "Liste des zones 2031", format="zip"))
    play_datagouv(maison, choisie, *autres)
    serveur = maison.serveur
    serveur.play("/api/1/datasets/r/r1", Reply(302, en_tetes={"Location": serveur.url("/fichiers/f.csv")}))
    serveur.play("/fichiers/f.csv", Reply(corps=BON))
    issues = maison.run()
    assert (received(issues), read(issues)) == ({"2031": Issue.NOUVEAU}, {"2031": Issue.NOUVEAU})
    assert maison.received() == {"r1.csv": BON}
    assert origin(maison) == serveur.url("/fichiers/f.csv")

    # First rung: the record did not move, nothing is downloaded.
    issues = maison.run()
    assert received(issues) == {"2031": Issue.INCHANGE}
    assert serveur.calls()["/fichiers/f.csv"] == 1

    # The record moved, and the bytes are not those it announces.
    play_datagouv(maison, {**choisie, "last_modified": "2031-11-02"})
    serveur.play("/fichiers/f.csv", Reply(corps=AUTRE))
    issues = maison.run()
    assert received(issues) == {"2031": Issue.REFUSE}
    assert "la somme sha1 du fichier reçu" in one(issues, "reception").raison
    assert read(issues) == {"2031": Issue.INCHANGE}
    assert maison.received() == {"r1.csv": BON}

    play_datagouv(maison, {**choisie, "last_modified": "2031-11-02", "checksum": None, "filesize": 99})
    issues = maison.run()
    assert "a 25 octets, le catalogue en annonce 99" in one(issues, "reception").raison


def test_datagouv_says_what_the_choice_met(maison: Installation) -> None:
    declare_datagouv(maison)
    play_datagouv(maison, resource("r1", "Liste A 2031"), resource("r2", "Liste B 2031"))
    issues = maison.run()
    assert received(issues) == {"2031": Issue.REFUSE}
    assert "2 ressources répondent" in one(issues, "reception").raison
    play_datagouv(maison, resource("r1", "Annexe"))
    assert "titres présents : Annexe [csv]" in one(maison.run(), "reception").raison


def test_datagouv_vintages_read_in_the_records(maison: Installation) -> None:
    """Monthly files: each record that speaks of a month gives its vintage, from the first one wanted."""
    extrait = {"motif": r"(?P<annee>\d{4})-(?P<mois>\d{2})", "dans": "date", "depuis": "2031-10"}
    declare_datagouv(
        maison,
        millesimes=[],
        extrait=extrait,
        fichiers=[{"titre": "mensuel", "nom": "donnees_{millesime}.csv"}],
    )
    mois = [resource(f"r{n}", "Mensuel", last_modified=f"2031-{n:02d}-03") for n in (9, 10, 11)]
    play_datagouv(maison, *mois)
    for n, corps in ((10, BON), (11, AUTRE)):
        maison.serveur.play(f"/api/1/datasets/r/r{n}", Reply(corps=corps))
    issues = maison.run()
    assert received(issues) == {"2031-10": Issue.NOUVEAU, "2031-11": Issue.NOUVEAU}
    assert read(issues) == received(issues)
    assert maison.received("2031-11") == {"donnees_2031-11.csv": AUTRE}
    play_datagouv(maison, *mois, resource("r9b", "Mensuel", last_modified="2031-11-30"))
    issues = maison.run()
    assert received(issues) == {"2031-10": Issue.INCHANGE, "2031-11": Issue.REFUSE}
    (refus,) = [i for i in issues if i.etape == "reception" and i.millesime == "2031-11"]
    assert "2 fichiers du millésime 2031-11 pour une même place" in refus.raison


# Opendatasoft -----------------------------------------------------------------------------------------------


def declare_ods(maison: Installation, **cles: Any) -> None:
    maison.declare(
        {
            "mode": "opendatasoft",
            "base": maison.serveur.url(),
            "jeu": "dares_communes-brutes",
            "where": 'code_region = "{region}"',
            "nom": "donnees_{millesime}_{region}.csv",
            "extrait": {
                "motif": r"(?P<annee>\d{4})-T(?P<trimestre>\d)",
                "dans": "colonne",
                "colonne": "date",
            },
            **cles,
        }
    )


def play_ods(maison: Installation, dernier: str, etat: str, corps: bytes) -> None:
    jeu = "dares-communes_brutes"
    serveur = maison.serveur
    serveur.play(ODS, reply({"total_count": 1, "results": [{"dataset_id": jeu}]}))
    serveur.play(
        f"{ODS}/{jeu}", reply({"dataset_id": jeu, "metas": {"default": {"modified": etat, "title": "t"}}})
    )
    serveur.play(f"{ODS}/{jeu}/records", reply({"total_count": 9, "results": [{"date": dernier}]}))
    serveur.play(f"{ODS}/{jeu}/exports/csv", Reply(corps=corps))


def exports(serveur: Server) -> list[Recorded]:
    return [requete for requete in serveur.requetes if "/exports/" in requete.chemin]


def test_opendatasoft(maison: Installation) -> None:
    declare_ods(maison)
    play_ods(maison, "2031-T4", "2031-12-01", BON)
    issues = maison.run()
    assert (received(issues), read(issues)) == ({"2031T4": Issue.NOUVEAU}, {"2031T4": Issue.NOUVEAU})
    assert maison.received("2031T4") == {"donnees_2031T4_32.csv": BON}
    (export,) = exports(maison.serveur)
    assert parse_qs(urlsplit(export.chemin).query)["where"] == ['code_region = "32"']
    dernier = next(r for r in maison.serveur.requetes if "/records" in r.chemin)
    assert parse_qs(urlsplit(dernier.chemin).query)["order_by"] == ["date desc"]

    # The portal says that nothing moved: no export.
    assert received(maison.run()) == {"2031T4": Issue.INCHANGE}
    assert len(exports(maison.serveur)) == 1

    # Another quarter is another vintage; the former one stays in use.
    play_ods(maison, "2032-T1", "2032-03-01", AUTRE)
    issues = maison.run()
    assert received(issues) == {"2032T1": Issue.NOUVEAU}
    assert read(issues) == {"2031T4": Issue.INCHANGE, "2032T1": Issue.NOUVEAU}


def test_opendatasoft_of_another_region_and_of_the_whole_country(maison: Installation) -> None:
    declare_ods(maison)
    play_ods(maison, "2031-T4", "2031-12-01", BON)
    maison.run()
    for region in ("11", "france"):
        pipeline.fetch(maison.settings.model_copy(update={"region": region}), "essai", "directe")
    clauses = [parse_qs(urlsplit(r.chemin).query).get("where") for r in exports(maison.serveur)]
    assert clauses == [['code_region = "32"'], ['code_region = "11"'], None]
    # One vintage, one file: that of the last region asked for.
    assert list(maison.received("2031T4")) == ["donnees_2031T4_france.csv"]


def test_opendatasoft_that_refuses_the_query(maison: Installation) -> None:
    declare_ods(maison)
    play_ods(maison, "2031-T4", "2031-12-01", BON)
    erreur = {"error_code": "ODSQLError", "message": "Unknown field: code_region"}
    chemin = f"{ODS}/dares-communes_brutes/records"
    maison.serveur.play(chemin, Reply(400, json.dumps(erreur).encode()))
    issue = one(maison.run(), "reception")
    assert (issue.issue, issue.millesime) == (Issue.REFUSE, "")
    assert "le portail refuse la requête : ODSQLError Unknown field: code_region" in issue.raison


# Pages of insee.fr ------------------------------------------------------------------------------------------


def declare_insee(maison: Installation, **cles: Any) -> None:
    maison.declare(
        {
            "mode": "insee_page",
            "page": maison.serveur.url("/fr/statistiques/8000000"),
            "suivre": "base",
            "extrait": {"motif": r"_(20\d{2})_", "dans": "nom", "depuis": "2030"},
            "fichiers": [{"cherche": r"base_20\d{2}_csv\.csv"}],
            **cles,
        }
    )


def play_insee(maison: Installation, **fichiers: bytes) -> None:
    serveur = maison.serveur
    liens = "".join(f'<a href="/fr/statistiques/fichier/9/{nom}.csv">f</a>' for nom in fichiers)
    sommaire = '<a href="/fr/statistiques/9">La base</a><a href="/fr/statistiques/10">Autre</a>'
    serveur.play("/fr/statistiques/8000000", Reply(corps=sommaire.encode()))
    serveur.play("/fr/statistiques/9", Reply(corps=liens.encode()))
    for nom, corps in fichiers.items():
        serveur.play(f"/fr/statistiques/fichier/9/{nom}.csv", conditional(corps, etag=f'"{nom}"'))


def test_insee_page(maison: Installation) -> None:
    declare_insee(maison)
    play_insee(maison, base_2029_csv=b"", base_2030_csv=BON, base_2031_csv=AUTRE, notice=b"x")
    issues = maison.run()
    attendu = {"2030": Issue.NOUVEAU, "2031": Issue.NOUVEAU}
    assert (received(issues), read(issues)) == (attendu, attendu)
    assert maison.received() == {"base_2031_csv.csv": AUTRE}
    issues = maison.run()
    assert set(received(issues).values()) == {Issue.INCHANGE}
    assert "/fr/statistiques/10" not in maison.serveur.paths()


def test_insee_page_with_listed_vintages(maison: Installation) -> None:
    fichiers = [{"cherche": r"base_{millesime}_csv\.csv", "nom": "base.csv"}]
    declare_insee(maison, extrait=None, millesimes=["2030", "2031"], fichiers=fichiers)
    play_insee(maison, base_2030_csv=BON)
    issues = maison.run()
    assert received(issues) == {"2030": Issue.NOUVEAU, "2031": Issue.REFUSE}
    (refus,) = [i for i in issues if i.issue is Issue.REFUSE]
    assert r"aucun fichier ne répond à la forme « base_2031_csv\.csv »" in refus.raison
    assert maison.received("2030") == {"base.csv": BON}


def test_insee_page_behind_a_bot_check(maison: Installation) -> None:
    declare_insee(maison)
    maison.serveur.play("/fr/statistiques/8000000", Reply(corps=b"<html>Un instant</html>"))
    issue = one(maison.run(), "reception")
    assert issue.issue is Issue.REFUSE
    assert "fichiers liés : aucun" in issue.raison
    assert "dépôt" in issue.raison


def test_insee_page_without_a_wanted_vintage(maison: Installation) -> None:
    declare_insee(maison)
    play_insee(maison, base_2020_csv=BON)
    assert "aucun fichier d'un millésime à demander" in one(maison.run(), "reception").raison


# APIs of the Insee ------------------------------------------------------------------------------------------


def observation(code: str, valeur: int) -> dict[str, Any]:
    return {"dimensions": {"code": code}, "measures": {"valeur": {"value": valeur}}}


def test_melodi(maison: Installation) -> None:
    pages = {
        "1": {"observations": [observation("01", 5)], "paging": {"isLast": False}},
        "2": {"observations": [observation("02", 6)], "paging": {"isLast": True}},
    }

    def answer(requete: Recorded) -> Reply:
        params = parse_qs(urlsplit(requete.chemin).query)
        assert params["TIME_PERIOD"] == ["2031"]
        return reply(pages[params["page"][0]])

    maison.serveur.play("/melodi/data/DS_ESSAI", answer)
    maison.declare(
        {
            "mode": "melodi",
            "base": maison.serveur.url("/melodi"),
            "jeu": "DS_ESSAI",
            "millesimes": ["2031"],
            "filtres": [["TIME_PERIOD", "{millesime}"]],
            "nom": "melodi_{millesime}.csv",
        }
    )
    issues = maison.run()
    assert (received(issues), read(issues)) == ({"2031": Issue.NOUVEAU}, {"2031": Issue.NOUVEAU})
    assert maison.received() == {"melodi_2031.csv": b"code;valeur\r\n01;5\r\n02;6\r\n"}
    # The API gives no validator: the same rows make the same bytes.
    assert received(maison.run()) == {"2031": Issue.INCHANGE}


SDMX = """<?xml version="1.0"?><m:StructureSpecificData xmlns:m="urn:m"><m:DataSet>{series}</m:DataSet>
</m:StructureSpecificData>"""


def play_bdm(maison: Installation, *periodes: str) -> None:
    observations = "".join(f'<Obs TIME_PERIOD="{p}" valeur="{n}"/>' for n, p in enumerate(periodes))
    message = SDMX.format(series=f'<Series code="01">{observations}</Series>')
    maison.serveur.play("/bdm/data/TAUX/T.01", Reply(corps=message.encode()))


def test_bdm(maison: Installation) -> None:
    maison.declare(
        {
            "mode": "bdm",
            "base": maison.serveur.url("/bdm"),
            "jeu": "TAUX",
            "cle": "T.01",
            "parametres": [["startPeriod", "2031"]],
            "extrait": {
                "motif": r"(?P<annee>\d{4})-Q(?P<trimestre>\d)",
                "dans": "colonne",
                "colonne": "TIME_PERIOD",
            },
            "nom": "taux_{millesime}.csv",
        }
    )
    play_bdm(maison, "2031-Q2")
    issues = maison.run()
    assert (received(issues), read(issues)) == ({"2031T2": Issue.NOUVEAU}, {"2031T2": Issue.NOUVEAU})
    assert maison.received("2031T2") == {"taux_2031T2.csv": b"code;TIME_PERIOD;valeur\r\n01;2031-Q2;0\r\n"}
    assert received(maison.run()) == {"2031T2": Issue.INCHANGE}
    play_bdm(maison, "2031-Q2", "2031-Q3")
    assert received(pipeline.fetch(maison.settings)) == {"2031T3": Issue.NOUVEAU}
    maison.serveur.play("/bdm/data/TAUX/T.01", Reply(corps=b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"))
    issue = one(pipeline.fetch(maison.settings), "reception")
    assert issue.issue is Issue.REFUSE
    assert "DTD ou entité" in issue.raison


def test_a_column_that_is_not_there(maison: Installation) -> None:
    play_bdm(maison, "2031-Q2")
    maison.declare(
        {
            "mode": "bdm",
            "base": maison.serveur.url("/bdm"),
            "jeu": "TAUX",
            "cle": "T.01",
            "extrait": {"motif": r"(\d{4})", "dans": "colonne", "colonne": "PERIODE"},
            "nom": "taux.csv",
        }
    )
    issue = one(maison.run(), "reception")
    assert issue.issue is Issue.REFUSE
    assert "pas de colonne PERIODE dans la réponse ; lues : code, TIME_PERIOD, valeur" in issue.raison


# C2RP -------------------------------------------------------------------------------------------------------


def page(texte: str, jeton: str = "") -> Reply:
    return Reply(corps=f"<html><body><h1>{texte}</h1><script>{jeton}</script></body></html>".encode())


@pytest.fixture
def c2rp(maison: Installation) -> Installation:
    maison.declare({"mode": "c2rp", "base": maison.serveur.url()}, motif=r".+\.html")
    listing = '<a href="/dispositifs/a">A</a><a href="/dispositifs/b">B</a>'
    maison.serveur.play("/dispositifs", Reply(corps=listing.encode()))
    maison.serveur.play("/dispositifs/a", page("A"))
    maison.serveur.play("/dispositifs/b", page("B"))
    return maison


def on(maison: Installation, jour: int, monkeypatch: pytest.MonkeyPatch) -> list[Outcome]:
    """Reception of a day of October 2031."""
    monkeypatch.setattr(pipeline, "now_utc", lambda: datetime(2031, 10, jour, 6, tzinfo=UTC))
    return pipeline.fetch(maison.settings, "essai", "directe")


def test_c2rp_keeps_only_the_pages_that_changed(c2rp: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    (issue,) = on(c2rp, 1, monkeypatch)
    assert (issue.issue, issue.millesime, sorted(issue.fichiers)) == (
        Issue.NOUVEAU,
        "2031-10-01",
        ["a.html", "b.html"],
    )
    assert "2 page(s) nouvelle(s) ou changée(s)" in issue.raison

    # Other bytes around the same text are no other page.
    c2rp.serveur.play("/dispositifs/a", page("A", "jeton du jour"))
    (issue,) = on(c2rp, 2, monkeypatch)
    assert (issue.issue, issue.millesime) == (Issue.INCHANGE, "")
    assert issue.raison == "2 page(s) relue(s), aucune n'a changé"

    c2rp.serveur.play("/dispositifs/a", page("A modifié"))
    (issue,) = on(c2rp, 3, monkeypatch)
    assert (issue.issue, issue.millesime, issue.fichiers) == (Issue.NOUVEAU, "2031-10-03", ("a.html",))

    # Back to a text kept two days before: a change, compared with the last page kept.
    c2rp.serveur.play("/dispositifs/a", page("A"))
    assert on(c2rp, 4, monkeypatch)[0].fichiers == ("a.html",)
    dossier = c2rp.settings.paths.recu / "essai" / "directe"
    assert {c.name: sorted(f.name for f in c.iterdir()) for c in dossier.iterdir()} == {
        "2031-10-01": ["a.html", "b.html"],
        "2031-10-03": ["a.html"],
        "2031-10-04": ["a.html"],
    }
    # One request every five seconds, at least.
    assert set(c2rp.temps.attentes) == {5.0}


def test_c2rp_twice_the_same_day(c2rp: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    on(c2rp, 1, monkeypatch)
    c2rp.serveur.play("/dispositifs/b", page("B modifié"))
    (issue,) = on(c2rp, 1, monkeypatch)
    assert (issue.issue, issue.millesime) == (Issue.REVISE, "2031-10-01")
    assert sorted(c2rp.received("2031-10-01")) == ["a.html", "b.html"]
    assert b"B modifi" in c2rp.received("2031-10-01")["b.html"]


def test_c2rp_page_that_is_gone_hides_no_other(c2rp: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    c2rp.serveur.play("/dispositifs/a", Reply(404))
    gardees, refus = on(c2rp, 1, monkeypatch)
    assert (gardees.issue, gardees.fichiers) == (Issue.NOUVEAU, ("b.html",))
    assert (refus.issue, refus.millesime) == (Issue.REFUSE, "")
    assert "/dispositifs/a : le site a répondu 404" in refus.raison


def test_c2rp_that_stops_answering_ends_the_tour(c2rp: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    c2rp.serveur.play("/dispositifs/a", Reply(500))
    (issue,) = on(c2rp, 1, monkeypatch)
    assert issue.issue is Issue.ABSENT
    assert "/dispositifs/b" not in c2rp.serveur.paths()


def test_c2rp_closed_to_programs(c2rp: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    c2rp.serveur.play("/robots.txt", Reply(corps=b"User-agent: *\nDisallow: /dispositifs\n"))
    (issue,) = on(c2rp, 1, monkeypatch)
    assert issue.issue is Issue.REFUSE
    assert "robots.txt interdit" in issue.raison
    assert c2rp.serveur.paths() == ["/robots.txt"]
