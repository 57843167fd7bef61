"""A portal of Opendatasoft, played by a local server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.serveur import Recorded, Reply, Server, Temps

from qpv_emploi.acquisition.acces import AccesImpossible, AccesRefuse
from qpv_emploi.acquisition.http import HttpClient
from qpv_emploi.acquisition.opendatasoft import Opendatasoft, Query, State, une_dimension_hors_total
from qpv_emploi.errors import SettingsError

RACINE = "/api/explore/v2.1/catalog/datasets"
JEU = "dares_defm_communales-brutes"


@pytest.fixture
def serveur() -> Iterator[Server]:
    with Server() as ouvert:
        yield ouvert


@pytest.fixture
def client() -> Iterator[HttpClient]:
    with HttpClient({"127.0.0.1"}, **Temps().arguments()) as ouvert:
        yield ouvert


def reply(objet: Any, statut: int = 200) -> Reply:
    return Reply(statut, json.dumps(objet).encode(), {"Content-Type": "application/json"})


def params(requete: Recorded) -> dict[str, list[str]]:
    return parse_qs(urlsplit(requete.chemin).query)


def paged(lignes: list[dict[str, Any]], total: int | None = None) -> Any:
    """A path that answers by ``limit`` and ``offset``."""

    def answer(requete: Recorded) -> Reply:
        valeurs = params(requete)
        debut, taille = int(valeurs["offset"][0]), int(valeurs["limit"][0])
        assert taille <= 100
        compte = len(lignes) if total is None else total
        return reply({"total_count": compte, "results": lignes[debut : debut + taille]})

    return answer


@pytest.mark.parametrize(
    ("motif", "attendu"),
    [
        (JEU, JEU),
        ("dares-defm-communales_brutes", JEU),
        ("DARES_DEFM_communales*", JEU),
        ("dares_defm_stock_region_cvs_trim", "dares_defm_stock-region_cvs_trim"),
    ],
)
def test_identifier_is_resolved(serveur: Server, client: HttpClient, motif: str, attendu: str) -> None:
    autres = [f"autre_{rang}" for rang in range(130)]
    tous = [{"dataset_id": jeu} for jeu in (*autres, JEU, "dares_defm_stock-region_cvs_trim")]
    serveur.play(RACINE, paged(tous))
    assert Opendatasoft(client, serveur.url()).resolve(motif) == attendu
    assert len(serveur.requetes) == 2


def test_identifier_that_is_ambiguous_or_absent(serveur: Server, client: HttpClient) -> None:
    serveur.play(RACINE, paged([{"dataset_id": "defm_a"}, {"dataset_id": "defm-b"}]))
    portail = Opendatasoft(client, serveur.url())
    with pytest.raises(
        AccesRefuse, match=r"2 jeux répondent au motif « defm_\* » ; en cause : defm_a, defm-b"
    ):
        portail.resolve("defm_*")
    with pytest.raises(AccesRefuse, match=r"aucun jeu .* jeux présents : defm-b, defm_a"):
        portail.resolve("emploi")


@pytest.mark.parametrize("imbrique", [True, False])
def test_state_is_the_first_rung(serveur: Server, client: HttpClient, imbrique: bool) -> None:
    metas = {"title": "DEFM", "modified": "2031-01-02", "data_processed": "2031-01-03"}
    description = {
        "dataset_id": JEU,
        "metas": {"default": metas} if imbrique else metas,
        "fields": [{"name": "code_region", "label": "Code région", "type": "text"}],
    }
    serveur.play(f"{RACINE}/{JEU}", reply(description))
    jeu = Opendatasoft(client, serveur.url()).describe(JEU)
    assert (jeu.titre, jeu.champs) == ("DEFM", (("code_region", "Code région"),))
    assert jeu.etat.same_as(State("2031-01-02", "2031-01-03"))
    assert not jeu.etat.same_as(State("2031-01-02", "2031-02-03"))
    # Silence proves nothing.
    assert not State().same_as(State())


def test_export_says_its_form(serveur: Server, client: HttpClient, tmp_path: Path) -> None:
    corps = b"\xef\xbb\xbfcode_region;n\r\n32;5\r\n"
    serveur.play(f"{RACINE}/{JEU}/exports/csv", Reply(corps=corps, par_blocs=True, compresse=True))
    requete = Query(
        select="code_region,n", where='code_region="32"', refine=(("sexe", "Total"), ("date", "2031-T4"))
    )
    obtenu = Opendatasoft(client, serveur.url()).export(JEU, tmp_path / "f.csv", requete=requete)
    assert (tmp_path / "f.csv").read_bytes() == corps
    assert obtenu.octets == len(corps)
    assert params(serveur.requetes[0]) == {
        "select": ["code_region,n"],
        "where": ['code_region="32"'],
        "refine": ["sexe:Total", "date:2031-T4"],
        "delimiter": [";"],
        "use_labels": ["false"],
        "with_bom": ["true"],
    }


def test_parquet_export(serveur: Server, client: HttpClient, tmp_path: Path) -> None:
    serveur.play(f"{RACINE}/{JEU}/exports/parquet", Reply(corps=b"PAR1....PAR1"))
    Opendatasoft(client, serveur.url()).export(JEU, tmp_path / "f.parquet", format_="parquet")
    assert params(serveur.requetes[0]) == {}


def test_key_is_sent_and_never_said(serveur: Server, client: HttpClient, tmp_path: Path) -> None:
    refus = {"message": "Unknown field: sexee (apikey=TRES-SECRET)", "error_code": "ODSQLError"}
    serveur.play(f"{RACINE}/{JEU}/exports/csv", reply(refus, 400))
    portail = Opendatasoft(client, serveur.url(), cle_api="TRES-SECRET")
    with pytest.raises(AccesRefuse) as prise:
        portail.export(JEU, tmp_path / "f.csv", requete=Query(where="sexee=1"))
    assert params(serveur.requetes[0])["apikey"] == ["TRES-SECRET"]
    erreur = prise.value
    assert "le portail refuse la requête : ODSQLError Unknown field: sexee" in str(erreur)
    assert erreur.statut_http == 400
    assert "TRES-SECRET" not in str(erreur) + erreur.corps + erreur.url


def test_spent_quota(serveur: Server, client: HttpClient) -> None:
    corps = {
        "errorcode": 10002,
        "error": "Too many requests",
        "reset_time": "2031-05-07T00:00:00Z",
        "limit_time_unit": "day",
        "call_limit": 5000,
    }
    serveur.play(f"{RACINE}/{JEU}", reply(corps, 429))
    with pytest.raises(AccesImpossible) as prise:
        Opendatasoft(client, serveur.url()).describe(JEU)
    assert "10002 Too many requests ; 5000 appels par day" in str(prise.value)
    assert "relancer après 2031-05-07T00:00:00Z" in str(prise.value)
    assert prise.value.tentatives == len(serveur.requetes) == 5


def test_error_of_another_shape_is_left_as_it_is(serveur: Server, client: HttpClient) -> None:
    serveur.play(f"{RACINE}/{JEU}", Reply(401, b'["non"]'))
    with pytest.raises(AccesRefuse, match="a répondu 401"):
        Opendatasoft(client, serveur.url()).describe(JEU)


def test_records_by_pages(serveur: Server, client: HttpClient) -> None:
    lignes = [{"n": rang} for rang in range(230)]
    serveur.play(f"{RACINE}/{JEU}/records", paged(lignes))
    lues = Opendatasoft(client, serveur.url()).records(JEU, Query(order_by="n"))
    assert lues == lignes
    assert [params(r)["offset"] for r in serveur.requetes] == [["0"], ["100"], ["200"]]


def test_records_are_refused_beyond_the_limit(serveur: Server, client: HttpClient) -> None:
    serveur.play(f"{RACINE}/{JEU}/records", paged([{"n": 1}] * 100, total=10_001))
    with pytest.raises(AccesRefuse, match=r"10001 lignes .* s'arrête à 10000 .*exporter le jeu"):
        Opendatasoft(client, serveur.url()).records(JEU)
    assert len(serveur.requetes) == 1


def test_records_that_never_come(serveur: Server, client: HttpClient) -> None:
    serveur.play(f"{RACINE}/{JEU}/records", paged([{"n": 1}] * 40, total=90))
    with pytest.raises(AccesRefuse, match="page vide après 40 lignes sur 90"):
        Opendatasoft(client, serveur.url()).records(JEU)


@pytest.mark.parametrize("corps", [b"[]", b'{"total_count": "3", "results": []}', b'{"results": []}'])
def test_records_of_another_shape(serveur: Server, client: HttpClient, corps: bytes) -> None:
    serveur.play(f"{RACINE}/{JEU}/records", Reply(corps=corps))
    with pytest.raises(AccesRefuse, match="total_count et results attendus"):
        Opendatasoft(client, serveur.url()).records(JEU)


def test_exactly_one_dimension_is_taken_apart() -> None:
    assert une_dimension_hors_total(["sexe", "tranche_d_age", "anciennete"], "tranche_d_age") == (
        'sexe = "Total" and not (tranche_d_age = "Total") and anciennete = "Total"'
    )
    assert une_dimension_hors_total({"code_region": "Total France", "sexe": "Total"}, "code_region") == (
        'not (code_region = "Total France") and sexe = "Total"'
    )
    assert une_dimension_hors_total({"sexe": 'dit "tous"'}, "sexe") == r'not (sexe = "dit \"tous\"")'


@pytest.mark.parametrize(
    ("dimensions", "gardee"),
    [
        (["sexe"], "age"),
        (["sexe", "sexe"], "sexe"),
        ([], "sexe"),
        ("sexe", "sexe"),
        (["sexe", 'age" or "1'], "sexe"),
        (["Tranche d'âge"], "Tranche d'âge"),
    ],
)
def test_dimensions_that_make_no_filter(dimensions: list[str], gardee: str) -> None:
    with pytest.raises(SettingsError, match="à faire :"):
        une_dimension_hors_total(dimensions, gardee)
