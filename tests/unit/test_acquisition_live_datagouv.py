"""data.gouv.fr, played by a local server: choice of a resource, first rung, checksum, deletion."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.serveur import Reply, Server, Temps, conditional

from qpv_emploi.acquisition.acces import AccesImpossible, AccesRefuse
from qpv_emploi.acquisition.datagouv import Held, dataset, fetch_resource, pick, resources, sniff
from qpv_emploi.acquisition.http import HttpClient, Validators
from qpv_emploi.acquisition.sommes import Checksum

ZIP = b"PK\x03\x04" + b"contenu" * 9
SLUG = "quartiers-prioritaires"
RID = "11111111-2222-3333-4444-555555555555"
V1 = f"/api/1/datasets/{SLUG}/"
V2 = "/api/2/datasets/jeu-1/resources/"


@pytest.fixture
def serveur() -> Iterator[Server]:
    with Server() as ouvert:
        yield ouvert


@pytest.fixture
def client() -> Iterator[HttpClient]:
    with HttpClient({"127.0.0.1"}, **Temps().arguments()) as ouvert:
        yield ouvert


def resource(**champs: Any) -> dict[str, Any]:
    return {
        "id": RID,
        "title": "Périmètres 2031 (format geojson)",
        "filetype": "file",
        "format": "geojson",
        "mime": "application/geo+json",
        "url": "https://static.data.gouv.fr/resources/x/20310506-070809/f.geojson",
        "latest": f"https://www.data.gouv.fr/api/1/datasets/r/{RID}",
        "checksum": {"type": "sha1", "value": hashlib.sha1(ZIP).hexdigest()},
        "filesize": len(ZIP),
        "last_modified": "2031-05-06T07:08:09+00:00",
        **champs,
    }


def reply(objet: Any) -> Reply:
    return Reply(corps=json.dumps(objet).encode(), en_tetes={"Content-Type": "application/json"})


def described(ressources: Any) -> dict[str, Any]:
    return {"id": "jeu-1", "slug": SLUG, "title": "QPV", "license": "lov2", "resources": ressources}


def test_dataset_by_its_slug(serveur: Server, client: HttpClient) -> None:
    serveur.play(V1, reply(described([resource(), resource(id="2", checksum=None, filesize=None)])))
    jeu = dataset(client, serveur.url(), SLUG)
    assert (jeu.jeu_id, jeu.slug, jeu.licence, jeu.last_modified) == ("jeu-1", SLUG, "lov2", "")
    premiere, seconde = jeu.ressources
    assert premiere.somme == Checksum("sha1", hashlib.sha1(ZIP).hexdigest())
    assert (premiere.rid, premiere.octets, premiere.type_fichier) == (RID, len(ZIP), "file")
    assert (seconde.somme, seconde.octets) == (None, None)
    assert serveur.requetes[0].en_tetes["accept"] == "application/json"


def test_resources_behind_a_link_are_paged(serveur: Server, client: HttpClient) -> None:
    serveur.play(V1, reply(described({"rel": "subsection", "total": 3})))
    suite = {"data": [resource(id="c")], "next_page": None}
    serveur.play(f"{V2}?page=2", reply(suite))
    debut = {"data": [resource(id="a"), resource(id="b")], "next_page": serveur.url(f"{V2}?page=2")}
    serveur.play(f"{V2}?page=1&page_size=50", reply(debut))
    assert [r.rid for r in dataset(client, serveur.url(), SLUG).ressources] == ["a", "b", "c"]


def test_paging_that_loops(serveur: Server, client: HttpClient) -> None:
    serveur.play(V2, reply({"data": [], "next_page": serveur.url(f"{V2}?page=1&page_size=50")}))
    with pytest.raises(AccesRefuse, match="la pagination ne finit pas"):
        resources(client, serveur.url(), "jeu-1")
    assert len(serveur.requetes) == 1


def test_paging_that_leads_elsewhere(serveur: Server, client: HttpClient) -> None:
    serveur.play(V2, reply({"data": [], "next_page": "https://exemple.org/page2"}))
    with pytest.raises(AccesRefuse, match=r"« exemple.org » n'est pas autorisé"):
        resources(client, serveur.url(), "jeu-1")


@pytest.mark.parametrize(
    "corps", [b"[]", b'{"id": "x", "resources": [{}]}', b'{"id": "x", "resources": ["r"]}', b'{"title": "x"}']
)
def test_another_shape(serveur: Server, client: HttpClient, corps: bytes) -> None:
    serveur.play(V1, Reply(corps=corps))
    with pytest.raises(AccesRefuse, match=r"forme inattendue : .* champ id"):
        dataset(client, serveur.url(), SLUG)


@pytest.mark.parametrize("corps", [b"<html><body>maintenance</body></html>", b'{"id": ', b"[" * 100_000])
def test_reply_that_is_not_json(serveur: Server, client: HttpClient, corps: bytes) -> None:
    serveur.play(V1, Reply(corps=corps))
    with pytest.raises(AccesImpossible, match="le service a répondu"):
        dataset(client, serveur.url(), SLUG)


def test_pick(serveur: Server, client: HttpClient) -> None:
    liste = [
        resource(),
        resource(id="csv", title="Liste des QPV", format="CSV"),
        resource(id="shp", title="PÉRIMÈTRES 2031 (shapefile)", format="shp"),
    ]
    serveur.play(V1, reply(described(liste)))
    ressources = dataset(client, serveur.url(), SLUG).ressources
    assert pick(ressources, "liste", ("csv",)).rid == "csv"
    assert pick(ressources, "périmètres", ("geojson", "zip")).rid == RID
    with pytest.raises(AccesRefuse, match=r"2 ressources répondent .*en cause : Périmètres 2031 .*\[shp\]"):
        pick(ressources, "périmètres")
    with pytest.raises(AccesRefuse, match=r"aucune .*format gpkg.*titres présents : .*Liste des QPV \[CSV\]"):
        pick(ressources, "périmètres", ("gpkg",))


def test_stable_link_is_followed(serveur: Server, client: HttpClient, tmp_path: Path) -> None:
    serveur.play(V1, reply(described([resource()])))
    serveur.play(f"/api/1/datasets/r/{RID}", Reply(302, en_tetes={"Location": "/static/f.geojson"}))
    serveur.play("/static/f.geojson", conditional(ZIP, etag='"e1"'))
    (ressource,) = dataset(client, serveur.url(), SLUG).ressources
    cible = tmp_path / "f.geojson"
    obtenu = fetch_resource(client, serveur.url(), ressource, cible)
    assert (obtenu.statut, obtenu.url_finale) == ("nouveau", serveur.url("/static/f.geojson"))
    # Titled GeoJSON, and a ZIP.
    assert sniff(cible) == "zip"

    # First rung: the catalogue says nothing moved.
    avant = len(serveur.requetes)
    deja = Held(ressource.last_modified, obtenu.validateurs)
    inchange = fetch_resource(client, serveur.url(), ressource, cible, deja=deja)
    assert (inchange.statut, inchange.tentatives, inchange.validateurs) == (
        "non_modifie",
        0,
        Validators('"e1"'),
    )
    assert len(serveur.requetes) == avant

    # Second rung: the catalogue moved, the file did not.
    touchee = replace(ressource, last_modified="2031-06-01T00:00:00+00:00")
    inchange = fetch_resource(client, serveur.url(), touchee, cible, deja=deja)
    assert (inchange.statut, inchange.tentatives) == ("non_modifie", 1)


def test_date_of_a_remote_resource_proves_nothing(
    serveur: Server, client: HttpClient, tmp_path: Path
) -> None:
    serveur.play(V1, reply(described([resource(filetype="remote")])))
    serveur.play(f"/api/1/datasets/r/{RID}", Reply(corps=ZIP))
    (ressource,) = dataset(client, serveur.url(), SLUG).ressources
    obtenu = fetch_resource(
        client, serveur.url(), ressource, tmp_path / "f", deja=Held(ressource.last_modified)
    )
    assert obtenu.statut == "nouveau"


def fetch_twice(
    serveur: Server, client: HttpClient, tmp_path: Path, type_: str, valeur: str
) -> tuple[Path, AccesRefuse | None]:
    """Fetch the announced bytes, then other bytes under the same checksum."""
    somme = {"type": type_, "value": valeur}
    serveur.play(V1, reply(described([resource(checksum=somme, filesize=None)])))
    serveur.play(f"/api/1/datasets/r/{RID}", Reply(corps=ZIP), Reply(corps=ZIP + b"!"))
    (ressource,) = dataset(client, serveur.url(), SLUG).ressources
    cible = tmp_path / "f"
    fetch_resource(client, serveur.url(), ressource, cible)
    try:
        fetch_resource(client, serveur.url(), ressource, cible)
    except AccesRefuse as erreur:
        return cible, erreur
    return cible, None


@pytest.mark.parametrize(
    ("type_", "valeur"),
    [
        ("sha1", hashlib.sha1(ZIP).hexdigest().upper()),
        ("", hashlib.sha1(ZIP).hexdigest()),
        ("sha256", hashlib.sha256(ZIP).hexdigest()),
        ("sha2", hashlib.sha512(ZIP).hexdigest()),
        ("md5", hashlib.md5(ZIP).hexdigest()),
    ],
)
def test_another_checksum_is_refused(
    serveur: Server, client: HttpClient, tmp_path: Path, type_: str, valeur: str
) -> None:
    cible, erreur = fetch_twice(serveur, client, tmp_path, type_, valeur)
    assert erreur is not None
    assert re.search(rf"la somme {type_ or 'sha1'} .* n'est pas celle du catalogue", str(erreur))
    assert cible.read_bytes() == ZIP


@pytest.mark.parametrize("type_", ["crc", "inventé", "sha2"])
def test_checksum_that_cannot_be_checked(
    serveur: Server, client: HttpClient, tmp_path: Path, type_: str
) -> None:
    cible, erreur = fetch_twice(serveur, client, tmp_path, type_, "cafe0001")
    assert erreur is None
    assert cible.read_bytes() == ZIP + b"!"


@pytest.mark.parametrize(
    ("type_fichier", "octets", "admis"),
    [
        ("file", len(ZIP), True),
        ("file", None, True),
        ("file", len(ZIP) + 1, False),
        # Of a link the platform only repeats what was written one day.
        ("remote", len(ZIP) + 1, True),
    ],
)
def test_size_without_a_checksum(
    serveur: Server, client: HttpClient, tmp_path: Path, type_fichier: str, octets: int | None, admis: bool
) -> None:
    ressource = resource(checksum=None, filesize=octets, filetype=type_fichier)
    serveur.play(V1, reply(described([ressource])))
    serveur.play(f"/api/1/datasets/r/{RID}", Reply(corps=ZIP))
    (decrite,) = dataset(client, serveur.url(), SLUG).ressources
    if admis:
        fetch_resource(client, serveur.url(), decrite, tmp_path / "f")
        return
    with pytest.raises(AccesRefuse, match=rf"a {len(ZIP)} octets, le catalogue en annonce {octets}"):
        fetch_resource(client, serveur.url(), decrite, tmp_path / "f")
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize("statut", [404, 410])
def test_deleted_resource(serveur: Server, client: HttpClient, tmp_path: Path, statut: int) -> None:
    serveur.play(V1, reply(described([resource()])))
    serveur.play(f"/api/1/datasets/r/{RID}", Reply(statut))
    (ressource,) = dataset(client, serveur.url(), SLUG).ressources
    with pytest.raises(AccesRefuse, match=r"Périmètres 2031 .* a été supprimée") as prise:
        fetch_resource(client, serveur.url(), ressource, tmp_path / "f")
    assert prise.value.statut_http == statut


def test_stable_link_that_leads_elsewhere(serveur: Server, client: HttpClient, tmp_path: Path) -> None:
    serveur.play(V1, reply(described([resource()])))
    ailleurs = Reply(302, en_tetes={"Location": "https://exemple.org/f.geojson"})
    serveur.play(f"/api/1/datasets/r/{RID}", ailleurs)
    (ressource,) = dataset(client, serveur.url(), SLUG).ressources
    with pytest.raises(AccesRefuse, match=r"« exemple.org » n'est pas autorisé"):
        fetch_resource(client, serveur.url(), ressource, tmp_path / "f")


@pytest.mark.parametrize(
    ("octets", "nature"),
    [
        (ZIP, "zip"),
        (b'\xef\xbb\xbf\n {"type": "FeatureCollection"}', "geojson"),
        (b"[1]", "geojson"),
        (b" \r\n<!DOCTYPE html>", "html"),
        (b"<html>", "html"),
        (b"<?xml version='1.0'?>", "html"),
        (b"<5 ans;5 ans et plus\n1;2\n", "csv"),
        (b"\xef\xbb\xbfcode_qp;lib_qp\r\n", "csv"),
        (b"PK;VALEUR\n", "csv"),
        (b"PAR1\x15\x04", "parquet"),
        (b"", "inconnu"),
        (b"a\0b\0", "inconnu"),
        (b"%PDF-1.7", "inconnu"),
        (b"\x1f\x8b\x08", "inconnu"),
    ],
)
def test_sniff(tmp_path: Path, octets: bytes, nature: str) -> None:
    chemin = tmp_path / "f.csv"
    chemin.write_bytes(octets)
    assert sniff(chemin) == nature
