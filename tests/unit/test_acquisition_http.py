"""The way out to the network: what is accepted, tried again, refused, and never said."""

from __future__ import annotations

import gzip
import hashlib
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from tests.serveur import DEPART, Recorded, Reply, Server, Temps, conditional
from urllib3.util import parse_url

from qpv_emploi import __version__
from qpv_emploi.acquisition import adresse
from qpv_emploi.acquisition.acces import AccesImpossible, AccesRefuse, ErreurAcces, mask, secrets_of
from qpv_emploi.acquisition.adresse import BadAddress, allowed_host
from qpv_emploi.acquisition.attente import backoff, quota_reset, retry_after
from qpv_emploi.acquisition.cadence import Cadence, Pacer
from qpv_emploi.acquisition.corps import BLOCK_BYTES, DamagedBody, Gunzip
from qpv_emploi.acquisition.http import HttpClient, Limits, Validators
from qpv_emploi.acquisition.reception import reception_path
from qpv_emploi.errors import SettingsError

CSV = b"CODGEO;ABC\r\nQP099001;12\r\n"
PAGE = b"<!DOCTYPE html><html><body>Verification que vous etes humain</body></html>"
SECRET = "S3CRET-clef/42"


@pytest.fixture
def serveur() -> Iterator[Server]:
    with Server() as ouvert:
        yield ouvert


@pytest.fixture
def temps() -> Temps:
    return Temps()


Ouvrir = Callable[..., HttpClient]


@pytest.fixture
def ouvrir(temps: Temps) -> Iterator[Ouvrir]:
    clients: list[HttpClient] = []

    def open_client(**arguments: object) -> HttpClient:
        options = {"hotes": {"127.0.0.1"}, **temps.arguments(), **arguments}
        clients.append(HttpClient(**options))
        return clients[-1]

    yield open_client
    for client in clients:
        client.close()


def left_over(dossier: Path) -> list[str]:
    return sorted(chemin.name for chemin in dossier.iterdir())


# A file -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reponse",
    [
        Reply(corps=CSV),
        Reply(corps=CSV, compresse=True),
        Reply(corps=CSV, par_blocs=True, goutte=5),
        Reply(corps=CSV, par_blocs=True, compresse=True, goutte=3),
        Reply(corps=CSV, longueur=-1),
    ],
    ids=["identity", "gzip", "chunked", "gzip-chunked", "until-close"],
)
def test_file_is_fetched_whole(serveur: Server, ouvrir: Ouvrir, tmp_path: Path, reponse: Reply) -> None:
    serveur.play("/f.csv", reponse)
    cible = tmp_path / "a" / "b" / "f.csv"
    obtenu = ouvrir().fetch(serveur.url("/f.csv"), cible)
    assert cible.read_bytes() == CSV
    assert (obtenu.statut, obtenu.chemin, obtenu.octets, obtenu.tentatives) == ("nouveau", cible, len(CSV), 1)
    assert obtenu.empreinte_sha256 == hashlib.sha256(CSV).hexdigest()
    assert obtenu.url_finale == serveur.url("/f.csv")
    assert left_over(cible.parent) == ["f.csv"]


def test_user_agent_is_honest(serveur: Server, ouvrir: Ouvrir) -> None:
    serveur.play("/p", Reply(corps=b"ok"))
    ouvrir(contact="https://exemple.fr/contact").read(serveur.url("/p"))
    agent = serveur.requetes[0].en_tetes["user-agent"]
    assert agent.startswith(f"qpv-emploi/{__version__} (")
    assert "quartiers prioritaires; https://exemple.fr/contact)" in agent
    assert "Mozilla" not in agent


def test_no_cookie_is_kept(serveur: Server, ouvrir: Ouvrir) -> None:
    serveur.play("/p", Reply(corps=b"ok", en_tetes={"Set-Cookie": "suivi=1; Path=/"}))
    client = ouvrir()
    client.read(serveur.url("/p"))
    client.read(serveur.url("/p"))
    assert "cookie" not in serveur.requetes[1].en_tetes


def test_netrc_is_not_read(
    serveur: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temps: Temps
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    serveur.play("/p", Reply(corps=b"ok"))
    with HttpClient({"127.0.0.1"}, **temps.arguments()) as client:
        # As in production, where the environment is trusted.
        client._session.trust_env = True
        client.read(serveur.url("/p"))
    assert "authorization" not in serveur.requetes[0].en_tetes


# Conditional requests ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("etag", "last_modified", "attendu"),
    [
        ('"abc"', "Tue, 06 May 2031 07:00:00 GMT", "if-none-match"),
        ("", "Tue, 06 May 2031 07:00:00 GMT", "if-modified-since"),
    ],
)
def test_unchanged_file_is_not_fetched(
    serveur: Server, ouvrir: Ouvrir, tmp_path: Path, etag: str, last_modified: str, attendu: str
) -> None:
    serveur.play("/f.csv", conditional(CSV, etag=etag, last_modified=last_modified))
    client, cible = ouvrir(), tmp_path / "f.csv"
    premier = client.fetch(serveur.url("/f.csv"), cible)
    assert premier.validateurs == Validators(etag, last_modified)
    cible.write_bytes(b"en place")
    second = client.fetch(serveur.url("/f.csv"), cible, validateurs=premier.validateurs)
    assert (second.statut, second.chemin, second.octets, second.empreinte_sha256) == (
        "non_modifie",
        None,
        0,
        "",
    )
    assert second.validateurs == premier.validateurs
    assert cible.read_bytes() == b"en place"
    conditions = {"if-none-match", "if-modified-since"} & set(serveur.requetes[1].en_tetes)
    assert conditions == {attendu}


def test_changed_file_replaces_the_old_one(serveur: Server, ouvrir: Ouvrir, tmp_path: Path) -> None:
    serveur.play("/f.csv", conditional(CSV, etag='"v2"'))
    cible = tmp_path / "f.csv"
    cible.write_bytes(b"ancien")
    obtenu = ouvrir().fetch(serveur.url("/f.csv"), cible, validateurs=Validators(etag='"v1"'))
    assert (obtenu.statut, obtenu.etag, cible.read_bytes()) == ("nouveau", '"v2"', CSV)


def test_304_to_an_unconditional_request_is_refused(serveur: Server, ouvrir: Ouvrir, tmp_path: Path) -> None:
    serveur.play("/f", Reply(304))
    with pytest.raises(AccesRefuse, match="a répondu 304"):
        ouvrir().fetch(serveur.url("/f"), tmp_path / "f")


# Failures that may pass -------------------------------------------------------------------------------------


@pytest.mark.parametrize("statut", [429, 500, 502, 503, 504])
def test_passing_failures_are_tried_again(
    serveur: Server, ouvrir: Ouvrir, temps: Temps, tmp_path: Path, statut: int
) -> None:
    serveur.play("/f.csv", Reply(statut), Reply(statut), Reply(corps=CSV))
    obtenu = ouvrir().fetch(serveur.url("/f.csv"), tmp_path / "f.csv")
    assert (obtenu.tentatives, temps.attentes) == (3, [1.0, 2.0])


@pytest.mark.parametrize(
    "mauvaise",
    [
        Reply(corps=CSV, coupe=7),
        Reply(corps=CSV, par_blocs=True, goutte=4, coupe=8),
        Reply(corps=CSV, compresse=True, coupe=15),
        Reply(corps=gzip.compress(CSV)[:-9], en_tetes={"Content-Encoding": "gzip"}),
        Reply(corps=b"pas du gzip", en_tetes={"Content-Encoding": "gzip"}),
        Reply(corps=CSV, longueur=len(CSV) + 5),
        Reply(corps=b""),
    ],
    ids=["cut", "cut-chunks", "cut-gzip", "short-gzip", "not-gzip", "longer-announced", "empty"],
)
def test_damaged_body_is_asked_for_again(
    serveur: Server, ouvrir: Ouvrir, tmp_path: Path, mauvaise: Reply
) -> None:
    serveur.play("/f.csv", mauvaise, Reply(corps=CSV))
    cible = tmp_path / "f.csv"
    obtenu = ouvrir().fetch(serveur.url("/f.csv"), cible)
    assert (obtenu.tentatives, cible.read_bytes()) == (2, CSV)
    assert obtenu.empreinte_sha256 == hashlib.sha256(CSV).hexdigest()


def test_body_always_cut_leaves_the_old_file(
    serveur: Server, ouvrir: Ouvrir, temps: Temps, tmp_path: Path
) -> None:
    serveur.play("/f.csv", Reply(corps=CSV, coupe=7))
    cible = tmp_path / "f.csv"
    cible.write_bytes(b"ancien")
    with pytest.raises(AccesImpossible) as prise:
        ouvrir().fetch(serveur.url("/f.csv"), cible)
    ligne = str(prise.value)
    assert f"{serveur.url('/f.csv')} : corps tronqué : 7 octets reçus, {len(CSV) - 7} manquent" in ligne
    assert "(après 5 tentatives)" in ligne
    assert "à faire : attendre et relancer" in ligne
    assert "\n" not in ligne
    assert temps.attentes == [1.0, 2.0, 4.0, 8.0]
    assert cible.read_bytes() == b"ancien"
    assert left_over(tmp_path) == ["f.csv"]


def test_slow_headers_time_out(serveur: Server, ouvrir: Ouvrir, tmp_path: Path) -> None:
    serveur.play("/f", Reply(corps=CSV, delai_s=0.4), Reply(corps=CSV))
    client = ouvrir(limites=Limits(lecture_s=0.1))
    assert client.fetch(serveur.url("/f"), tmp_path / "f").tentatives == 2


def test_body_that_stops_times_out(serveur: Server, ouvrir: Ouvrir, tmp_path: Path) -> None:
    serveur.play("/f", Reply(corps=CSV, goutte=8, pause_s=0.4), Reply(corps=CSV))
    client = ouvrir(limites=Limits(lecture_s=0.1))
    assert client.fetch(serveur.url("/f"), tmp_path / "f").tentatives == 2


def test_slow_drip_ends_at_the_deadline(
    serveur: Server, ouvrir: Ouvrir, temps: Temps, tmp_path: Path
) -> None:
    serveur.play("/f", Reply(corps=b"x" * 200, goutte=1, pause_s=0.002))
    client = ouvrir(limites=Limits(total_s=30.0))
    # Each look at the clock costs one second: some thirty drops fit.
    temps.pas = 1.0
    with pytest.raises(AccesImpossible, match=r"pas arrivé en entier en 30 s \(délai total\)"):
        client.fetch(serveur.url("/f"), tmp_path / "f")
    assert len(serveur.requetes) == 1


def test_no_wait_goes_past_the_deadline(serveur: Server, ouvrir: Ouvrir, temps: Temps) -> None:
    serveur.play("/p", Reply(503, en_tetes={"Retry-After": "100"}))
    with pytest.raises(AccesImpossible, match="au-delà du délai total de 50 s"):
        ouvrir(limites=Limits(total_s=50.0)).read(serveur.url("/p"))
    assert temps.attentes == []


def test_closed_port(ouvrir: Ouvrir, temps: Temps) -> None:
    with Server() as ferme:
        adresse = ferme.url("/p")
    with pytest.raises(AccesImpossible, match=r"connexion impossible .*après 2 tentatives"):
        ouvrir(limites=Limits(tentatives=2)).read(adresse)
    assert temps.attentes == [1.0]


@pytest.mark.parametrize(
    ("valeur", "attente"),
    [
        ("7", 7.0),
        (format_datetime(DEPART + timedelta(seconds=9), usegmt=True), 9.0),
        ("100000", 120.0),
        (format_datetime(DEPART - timedelta(days=1), usegmt=True), 1.0),
        ("bientôt", 1.0),
        ("-5", 1.0),
    ],
    ids=["seconds", "date", "capped", "past", "unreadable", "negative"],
)
def test_retry_after(serveur: Server, ouvrir: Ouvrir, temps: Temps, valeur: str, attente: float) -> None:
    en_tetes = {"Retry-After": valeur.encode().decode("latin-1")}
    serveur.play("/p", Reply(429, en_tetes=en_tetes), Reply(corps=b"ok"))
    assert ouvrir().read(serveur.url("/p")).contenu == b"ok"
    assert temps.attentes == [attente]


def test_definitive_failures_are_not_tried_again(serveur: Server, ouvrir: Ouvrir, temps: Temps) -> None:
    serveur.play("/p", Reply(400, b"filtre   geojson\nobligatoire"))
    with pytest.raises(AccesRefuse, match=r"a répondu 400 .*« filtre geojson obligatoire » ") as prise:
        ouvrir().read(serveur.url("/p"))
    assert (prise.value.statut_http, prise.value.tentatives, temps.attentes) == (400, 1, [])
    assert prise.value.corps == "filtre   geojson\nobligatoire"


@pytest.mark.parametrize(
    ("statut", "conseil"), [(403, "anti-robot"), (404, "déplacé ou supprimé"), (204, "vérifier l'adresse")]
)
def test_advice_of_a_status(serveur: Server, ouvrir: Ouvrir, statut: int, conseil: str) -> None:
    serveur.play("/p", Reply(statut, PAGE if statut != 204 else b""))
    with pytest.raises(AccesRefuse, match=conseil) as prise:
        ouvrir().read(serveur.url("/p"))
    # A page is not quoted.
    assert "DOCTYPE" not in str(prise.value)
    assert prise.value.corps == ""


def test_compressed_error_is_quoted(serveur: Server, ouvrir: Ouvrir) -> None:
    serveur.play("/p", Reply(400, b'{"message": "colonne inconnue"}', compresse=True))
    with pytest.raises(AccesRefuse, match="colonne inconnue"):
        ouvrir().read(serveur.url("/p"))


# What is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [PAGE, b"\xef\xbb\xbf\n <html>", b"<?xml version='1.0'?><erreur/>"])
def test_page_in_place_of_a_file(serveur: Server, ouvrir: Ouvrir, tmp_path: Path, page: bytes) -> None:
    serveur.play("/f.csv", Reply(corps=page, en_tetes={"Content-Type": "text/csv"}))
    with pytest.raises(AccesRefuse, match=r"a servi une page HTML ou XML .* à la main dans le dépôt"):
        ouvrir().fetch(serveur.url("/f.csv"), tmp_path / "f.csv")
    assert left_over(tmp_path) == []


def test_expected_page_is_accepted(serveur: Server, ouvrir: Ouvrir, tmp_path: Path) -> None:
    serveur.play("/p", Reply(corps=PAGE))
    ouvrir().fetch(serveur.url("/p"), tmp_path / "p.html", page_attendue=True)
    assert (tmp_path / "p.html").read_bytes() == PAGE


@pytest.mark.parametrize(
    "reponse",
    [
        Reply(corps=b"x" * 101),
        Reply(corps=b"x" * 101, par_blocs=True),
        Reply(corps=b"0" * 1_000_000, compresse=True),
    ],
    ids=["announced", "streamed", "bomb"],
)
def test_ceiling(serveur: Server, ouvrir: Ouvrir, tmp_path: Path, reponse: Reply) -> None:
    serveur.play("/f", reponse)
    plafond = 2000 if reponse.compresse else 100
    with pytest.raises(AccesRefuse, match=f"plafond de {plafond} octets"):
        ouvrir().fetch(serveur.url("/f"), tmp_path / "f", octets_max=plafond)
    assert left_over(tmp_path) == []


def test_ceiling_counts_the_bytes_past_the_end(serveur: Server, ouvrir: Ouvrir, tmp_path: Path) -> None:
    corps = gzip.compress(CSV) + bytes(5000)
    en_tetes = {"Content-Encoding": "gzip"}
    serveur.play("/f", Reply(corps=corps, en_tetes=en_tetes, par_blocs=True))
    with pytest.raises(AccesRefuse, match="plafond de 1000 octets"):
        ouvrir().fetch(serveur.url("/f"), tmp_path / "f", octets_max=1000)


def test_file_at_the_ceiling_passes(serveur: Server, ouvrir: Ouvrir, tmp_path: Path) -> None:
    serveur.play("/f", Reply(corps=b"x" * 100))
    assert ouvrir().fetch(serveur.url("/f"), tmp_path / "f", octets_max=100).octets == 100


def test_unknown_encoding(serveur: Server, ouvrir: Ouvrir) -> None:
    serveur.play("/p", Reply(corps=b"..", en_tetes={"Content-Encoding": "br"}))
    with pytest.raises(AccesRefuse, match="encodé en « br »"):
        ouvrir().read(serveur.url("/p"))


def test_verifier_refuses_before_the_file_takes_its_place(
    serveur: Server, ouvrir: Ouvrir, tmp_path: Path
) -> None:
    serveur.play("/f.csv", Reply(corps=CSV))
    vus: list[bytes] = []

    def refuse(chemin: Path) -> None:
        vus.append(chemin.read_bytes())
        raise AccesRefuse("u", "somme", action="rien")

    with pytest.raises(AccesRefuse, match="somme"):
        ouvrir().fetch(serveur.url("/f.csv"), tmp_path / "f.csv", verifier=refuse)
    assert vus == [CSV]
    assert left_over(tmp_path) == []


def test_disk_that_refuses(serveur: Server, ouvrir: Ouvrir, tmp_path: Path) -> None:
    serveur.play("/f.csv", Reply(corps=CSV))
    (tmp_path / "plein").write_bytes(b"")
    with pytest.raises(AccesImpossible, match=r"ne s'écrit pas dans .*/plein"):
        ouvrir().fetch(serveur.url("/f.csv"), tmp_path / "plein" / "f.csv")


# Hosts ------------------------------------------------------------------------------------------------------


def test_redirects_are_followed_inside_the_hosts(serveur: Server, ouvrir: Ouvrir, tmp_path: Path) -> None:
    serveur.play("/r", Reply(302, en_tetes={"Location": "suite"}))
    serveur.play("/suite", Reply(308, en_tetes={"Location": serveur.url("/f.csv", "localhost")}))
    serveur.play("/f.csv", Reply(corps=CSV))
    client = ouvrir(hotes={"127.0.0.1", "localhost"})
    obtenu = client.fetch(serveur.url("/r"), tmp_path / "f.csv")
    assert serveur.paths() == ["/r", "/suite", "/f.csv"]
    assert (obtenu.url_finale, obtenu.tentatives) == (serveur.url("/f.csv", "localhost"), 1)


def test_redirect_outside_the_hosts_is_refused(serveur: Server, ouvrir: Ouvrir) -> None:
    ailleurs = serveur.url("/f.csv", "localhost")
    serveur.play("/r", Reply(302, en_tetes={"Location": ailleurs}))
    serveur.play("/f.csv", Reply(corps=CSV))
    with pytest.raises(AccesRefuse, match=r"l'hôte « localhost » n'est pas autorisé .*redirection vers"):
        ouvrir().read(serveur.url("/r"))
    assert serveur.paths() == ["/r"]


def test_redirect_to_plain_http_is_refused(serveur: Server, ouvrir: Ouvrir) -> None:
    serveur.play("/r", Reply(301, en_tetes={"Location": "http://www.insee.fr/f"}))
    with pytest.raises(AccesRefuse, match="seul HTTPS est accepté"):
        ouvrir(hotes={"127.0.0.1", "www.insee.fr"}).read(serveur.url("/r"))


def test_redirects_end(serveur: Server, ouvrir: Ouvrir) -> None:
    serveur.play("/r", Reply(302, en_tetes={"Location": "/r"}))
    with pytest.raises(AccesRefuse, match="plus de 5 redirections"):
        ouvrir().read(serveur.url("/r"))
    assert len(serveur.requetes) == 6


def test_a_key_does_not_follow_to_another_host(serveur: Server, ouvrir: Ouvrir) -> None:
    serveur.play("/ici", Reply(302, en_tetes={"Location": "/encore"}))
    serveur.play("/encore", Reply(302, en_tetes={"Location": serveur.url("/la", "localhost")}))
    serveur.play("/la", Reply(corps=b"ok"))
    client = ouvrir(hotes={"127.0.0.1", "localhost"})
    client.read(serveur.url("/ici"), en_tetes={"X-Cle": SECRET})
    assert [requete.en_tetes.get("x-cle") for requete in serveur.requetes] == [SECRET, SECRET, None]


@pytest.mark.parametrize(
    "url",
    [
        "http://www.insee.fr/f",
        "ftp://www.insee.fr/f",
        "file:///etc/passwd",
        "https://www.insee.fr:8443/f",
        "https://insee.fr/f",
        "https://www.insee.fr.exemple.org/f",
        "https://www.insee.fr@exemple.org/f",
        "https://x@www.insee.fr/f",
        "https://exemple.org\\@www.insee.fr/f",
        "https://www.insee.fr\\.exemple.org/f",
        "https://www.insee.fr/f\r\nX: y",
        "https://[::1/f",
        "//www.insee.fr/f",
        "https://www.insee.fr:port/f",
        "",
    ],
)
def test_addresses_that_are_not_asked(url: str) -> None:
    with pytest.raises(BadAddress):
        allowed_host(url, {"www.insee.fr"}, http_local=True)


def test_two_parsers_must_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adresse, "parse_url", lambda _: parse_url("https://exemple.org/f"))
    with pytest.raises(BadAddress, match="trompeuse"):
        allowed_host("https://www.insee.fr/f", {"www.insee.fr"})


@pytest.mark.parametrize("url", ["https://www.insee.fr/f", "https://WWW.INSEE.FR:443/f?a=b"])
def test_addresses_that_are_asked(url: str) -> None:
    assert allowed_host(url, {"www.insee.fr"}) == "www.insee.fr"


def test_plain_http_needs_the_flag(serveur: Server) -> None:
    with (
        HttpClient({"127.0.0.1"}) as client,
        pytest.raises(AccesRefuse, match="seul HTTPS est accepté"),
    ):
        client.read(serveur.url("/p"))
    assert serveur.requetes == []


def test_the_local_flag_opens_no_other_host() -> None:
    with pytest.raises(BadAddress, match="seul HTTPS"):
        allowed_host("http://www.insee.fr/f", {"www.insee.fr"}, http_local=True)


@pytest.mark.parametrize("hotes", [set(), {"https://www.insee.fr"}, {"www.insee.fr/x"}, {"a:1"}, "insee.fr"])
def test_wrong_list_of_hosts(hotes: set[str]) -> None:
    with pytest.raises(SettingsError, match="liste des hôtes autorisés incorrecte"):
        HttpClient(hotes)


# Pace -------------------------------------------------------------------------------------------------------


def test_requests_keep_to_the_pace(serveur: Server, ouvrir: Ouvrir, temps: Temps) -> None:
    serveur.play("/p", Reply(corps=b"ok"))
    client = ouvrir(cadences={"127.0.0.1": Cadence(requetes=3, fenetre_s=60.0)})
    for _ in range(7):
        client.read(serveur.url("/p"))
    assert temps.attentes == [60.0, 60.0]


def test_pace_is_per_host(serveur: Server, ouvrir: Ouvrir, temps: Temps) -> None:
    serveur.play("/p", Reply(corps=b"ok"))
    client = ouvrir(hotes={"127.0.0.1", "localhost"}, cadences={"localhost": Cadence(delai_s=2.0)})
    for hote in ("127.0.0.1", "localhost", "127.0.0.1", "127.0.0.1", "localhost"):
        client.read(serveur.url("/p", hote))
    assert temps.attentes == [2.0]


def test_a_connector_never_loosens_a_pace() -> None:
    operateur = Cadence(requetes=10, fenetre_s=60.0, delai_s=1.0)
    assert operateur.slowest(Cadence(requetes=30, fenetre_s=60.0)) == operateur
    assert Cadence().slowest(Cadence(requetes=30)) == Cadence(requetes=30)
    assert Cadence(delai_s=9.0).slowest(Cadence(requetes=5, fenetre_s=1.0)).delai_s == 9.0


def test_pacer_slides() -> None:
    rythme, cadence = Pacer(), Cadence(requetes=2, fenetre_s=10.0)
    for instant in (0.0, 4.0):
        assert rythme.wait_s(cadence, instant) == 0.0
        rythme.started(cadence, instant)
    assert rythme.wait_s(cadence, 5.0) == 5.0
    assert rythme.wait_s(cadence, 10.0) == 0.0


def test_one_connection_per_host(serveur: Server, ouvrir: Ouvrir) -> None:
    serveur.play("/p", Reply(corps=b"ok", delai_s=0.02))
    client = ouvrir()
    fils = [threading.Thread(target=client.read, args=(serveur.url("/p"),)) for _ in range(4)]
    for fil in fils:
        fil.start()
    for fil in fils:
        fil.join()
    assert (len(serveur.requetes), serveur.simultanees_max) == (4, 1)


def test_spent_quota_is_waited_for(serveur: Server, ouvrir: Ouvrir, temps: Temps) -> None:
    fin = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(DEPART.timestamp()) + 40)}
    serveur.play("/p", Reply(corps=b"1", en_tetes=fin), Reply(corps=b"2"))
    client = ouvrir()
    client.read(serveur.url("/p"))
    client.read(serveur.url("/p"))
    assert temps.attentes == [40.0]


def test_quota_spent_for_long_stops_at_once(serveur: Server, ouvrir: Ouvrir, temps: Temps) -> None:
    fin = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2031-05-07T00:00:00+00:00"}
    serveur.play("/p", Reply(corps=b"1", en_tetes=fin))
    client = ouvrir()
    client.read(serveur.url("/p"))
    with pytest.raises(AccesImpossible, match="épuisé jusqu'au 2031-05-07 00:00 UTC"):
        client.read(serveur.url("/p"))
    assert (len(serveur.requetes), temps.attentes) == (1, [])


def test_quota_headers() -> None:
    def reset(valeur: str) -> float | None:
        return quota_reset({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": valeur}, DEPART)

    assert reset("30") == 30.0
    assert reset(str(int(DEPART.timestamp() * 1000) + 5000)) == 5.0
    assert reset("2031-05-06 07:08:39") == 30.0
    assert reset("demain") is None
    assert quota_reset({"X-RateLimit-Remaining": "9", "X-RateLimit-Reset": "30"}, DEPART) is None


def test_backoff_stays_within_its_bounds() -> None:
    assert [backoff(n, 0.0, base_s=1, max_s=10) for n in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert backoff(5000, 1.0, base_s=1, max_s=10) == 10
    assert retry_after(None, DEPART) is None


# Secrets ----------------------------------------------------------------------------------------------------


def assert_nothing_said(texte: str) -> None:
    assert SECRET not in texte
    assert "S3CRET" not in texte


@pytest.mark.parametrize(
    "reponse",
    [
        Reply(403, f"la cle {SECRET} est inconnue".encode()),
        Reply(500),
        Reply(corps=CSV, coupe=3),
        Reply(302, en_tetes={"Location": f"https://exemple.org/?apikey={SECRET}"}),
        Reply(302, en_tetes={"Location": f"?apikey={SECRET}&boucle=1"}),
        Reply(corps=PAGE),
    ],
    ids=["echoed", "retried", "cut", "outside", "loop", "page"],
)
@pytest.mark.parametrize("mode", ["query", "header"])
def test_no_secret_is_said(
    serveur: Server,
    ouvrir: Ouvrir,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    reponse: Reply,
    mode: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    serveur.play("/f", reponse)
    url = serveur.url("/f?x=1") + (f"&apikey={SECRET}" if mode == "query" else "")
    en_tetes = {"Authorization": f"Bearer {SECRET}"} if mode == "header" else None
    with pytest.raises(ErreurAcces) as prise:
        ouvrir().fetch(url, tmp_path / "f", en_tetes=en_tetes)
    erreur = prise.value
    assert_nothing_said(" ".join((str(erreur), erreur.url, erreur.raison, erreur.corps)))
    assert_nothing_said("".join(traceback.format_exception(erreur)))
    # urllib3 did log the request.
    assert "GET /f" in caplog.text
    assert_nothing_said(caplog.text)


def test_final_address_is_masked(serveur: Server, ouvrir: Ouvrir) -> None:
    serveur.play("/p", Reply(corps=b"ok"))
    page = ouvrir().read(serveur.url(f"/p?apikey={SECRET}&a=1"))
    assert page.url_finale == serveur.url("/p?apikey=***&a=1")
    assert SECRET in serveur.requetes[0].chemin


def test_closed_port_says_no_secret(ouvrir: Ouvrir, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Server() as ferme:
        adresse = ferme.url(f"/p?token={SECRET}")
    with pytest.raises(AccesImpossible) as prise:
        ouvrir(limites=Limits(tentatives=2)).read(adresse)
    assert_nothing_said("".join(traceback.format_exception(prise.value)) + caplog.text)


@pytest.mark.parametrize(
    "texte",
    [
        "https://u:S3CRET42@exemple.fr/f",
        f"Authorization: Basic {SECRET}",
        f"url: /x?api_key={SECRET}&y=2",
        f"subscription-key={SECRET}",
        "apikey=S3CRET%2D42",
        f"bearer {SECRET}",
    ],
)
def test_mask_by_form(texte: str) -> None:
    assert_nothing_said(mask(texte))


def test_mask_leaves_ordinary_words() -> None:
    phrase = "https://www.insee.fr/f?monkey=1&clef_de_sol=2 : jeton attendu, mot clé : oui"
    assert mask(phrase) == phrase


def test_secrets_in_all_their_spellings() -> None:
    assert mask("a S3CRET-clef%2F42 b", secrets_of(f"https://x.fr/?apikey={SECRET}")) == "a *** b"


# Pieces -----------------------------------------------------------------------------------------------------


def test_gzip_of_several_members_split_anywhere() -> None:
    corps = gzip.compress(CSV) + gzip.compress(b"fin") + b"\0\0"
    decodeur = Gunzip()
    assert b"".join(b for i in range(len(corps)) for b in decodeur.feed(corps[i : i + 1])) == CSV + b"fin"
    decodeur.finish()


def test_gzip_is_inflated_by_small_pieces() -> None:
    morceaux = list(Gunzip().feed(gzip.compress(bytes(10 * BLOCK_BYTES))))
    assert sum(map(len, morceaux)) == 10 * BLOCK_BYTES
    assert max(map(len, morceaux)) <= BLOCK_BYTES


def test_gzip_cut_between_members() -> None:
    decodeur = Gunzip()
    list(decodeur.feed(gzip.compress(CSV) + gzip.compress(b"fin")[:-3]))
    with pytest.raises(DamagedBody, match="tronqué"):
        decodeur.finish()


def test_reception_is_laid_out_like_the_depot(tmp_path: Path) -> None:
    chemin = reception_path(tmp_path, "insee", "defm_qpv", "2024T4", "DEFM 2024 été.zip")
    assert chemin == tmp_path / "insee" / "defm_qpv" / "2024T4" / "DEFM 2024 été.zip"


@pytest.mark.parametrize(
    ("morceaux", "message"),
    [
        (("..", "j", "2020", "f.csv"), "dossier"),
        (("p", "j/k", "2020", "f.csv"), "dossier"),
        (("p", "j", "", "f.csv"), "dossier"),
        (("p", "j", "2020", "../f.csv"), "fichier"),
        (("p", "j", "2020", ".f.csv"), "fichier"),
        (("p", "j", "2020", "f\x00.csv"), "fichier"),
        (("p", "j", "2020", "f\u202e.csv"), "fichier"),
        (("p", "j", "2020", "é" * 101), "fichier"),
        (("p", "j", "2020", ""), "fichier"),
    ],
)
def test_names_that_cannot_be_received(
    tmp_path: Path, morceaux: tuple[str, str, str, str], message: str
) -> None:
    with pytest.raises(SettingsError, match=f"ne peut pas nommer un {message}"):
        reception_path(tmp_path, *morceaux)


def test_server_records_what_it_was_asked(serveur: Server, ouvrir: Ouvrir) -> None:
    recus: list[Recorded] = []

    def answer(requete: Recorded) -> Reply:
        recus.append(requete)
        return Reply(corps=b"ok")

    serveur.play("/p", answer)
    ouvrir().read(serveur.url("/p?a=1"), en_tetes={"X-Essai": "v"})
    assert (recus[0].chemin, recus[0].en_tetes["x-essai"]) == ("/p?a=1", "v")
    assert serveur.calls() == {"/p": 1}
