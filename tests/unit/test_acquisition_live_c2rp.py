"""The C2RP: politeness, slugs, and pages of any markup, hostile ones included."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from tests.serveur import Reply, Server, Temps, conditional

from qpv_emploi.acquisition.acces import AccesImpossible, AccesRefuse
from qpv_emploi.acquisition.c2rp import C2rp, fiches_csv, read_page, slug_of, slugs
from qpv_emploi.acquisition.c2rp_fiche import Fiche, plain, read_fiche, year_month
from qpv_emploi.acquisition.http import HttpClient
from qpv_emploi.acquisition.pages import MAX_TAG, decode_page, defused, links

# The shape of SOURCES 7, in words of our own.
EN_LIGNES = """<html><head><title>Aide d’essai | C2RP</title><style>h1{color:red}</style></head>
<body><nav><h1>Menu</h1><a href="/">Accueil</a></nav>
<h1>Aide d’essai&nbsp;</h1>
<div>Thèmes | Sous thèmes&nbsp;:</div><div>Formation | Insertion</div>
<p>Publics&#160;:<br/>Demandeur d’emploi</p>
<p><strong>Date de mise à jour&nbsp;:</strong> décembre, 2020</p>
<p>Mots clés : Aide | Entreprise | Aide d'État |</p>
<h2>Objectifs</h2><p>Financer&nbsp;une   formation<script>alert('x')</script>.</p><p>Et &amp; encore.</p>
<h2>Public</h2><ul><li>Salarié à moins de <5 jours</li><li>Jeune</li></ul>
<h3>Contenu :</h3>Texte nu
<footer><p>Mentions légales</p></footer></body></html>"""

# The same, as a content management system might print it: labels without colon, values in blocks.
EN_CHAMPS = """<main><article><header><h1><span>Aide d'essai</span></h1></header>
<div class="field"><div class="field__label">Thèmes | Sous thèmes</div>
<div class="field__items"><div>Formation</div><div>Insertion</div></div></div>
<div><div class="label">Publics</div><div>Demandeur d'emploi</div></div>
<div><div>Date de mise à jour</div><div><time>D&eacute;cembre, 2020</time></div></div>
<div><div>Mots clés</div><div><a href="/m/1">Aide</a></div><div>Entreprise</div><div>Aide d’État</div></div>
<div><b>Objectifs</b><p>Financer une formation .</p><p>Et & encore.</p></div>
<div>PUBLIC<ul><li>Salarié à moins de &lt;5 jours<li>Jeune</ul></div>
<section><h4>Contenu</h4><div>Texte nu</div></section></article></main>"""


@pytest.mark.parametrize("html", [EN_LIGNES, EN_CHAMPS], ids=["lines", "fields"])
def test_record(html: str) -> None:
    fiche = read_fiche(html)
    assert fiche.titre.replace("’", "'") == "Aide d'essai"
    assert fiche.themes == ("Formation", "Insertion")
    assert fiche.publics == ("Demandeur d'emploi",)
    assert fiche.date_mise_a_jour == "2020-12"
    assert fiche.mots_cles == ("Aide", "Entreprise", "Aide d'État")
    assert [(titre.lower(), texte) for titre, texte in fiche.sections] == [
        ("objectifs", "Financer une formation .\nEt & encore."),
        ("public", "Salarié à moins de <5 jours\nJeune"),
        ("contenu", "Texte nu"),
    ]
    assert fiche.avertissements == ()


def test_publication() -> None:
    fiche = read_fiche(
        """<h1>Un rapport</h1><p>Fichier attaché : image.jpg</p><p>Type : Autres types</p>
        <p>Date de parution : juin 2022</p><p>Emploi/Formation, Dispositifs</p>
        <p>Producteur : Autres producteurs</p><p>Un résumé.</p>
        <h2>Pour aller plus loin</h2><p>Type : lien</p>"""
    )
    assert (fiche.date_parution, fiche.date_mise_a_jour) == ("2022-06", "")
    assert fiche.themes == ("Emploi/Formation", "Dispositifs")
    assert fiche.autres == (
        ("Fichier attaché", "image.jpg"),
        ("Type", "Autres types"),
        ("Producteur", "Autres producteurs"),
    )
    assert fiche.sections == (("", "Un résumé."), ("Pour aller plus loin", "Type : lien"))


@pytest.mark.parametrize(
    ("texte", "attendu"),
    [
        ("décembre, 2020", "2020-12"),
        ("juin 2022", "2022-06"),
        ("Août ,2020", "2020-08"),
        ("AOÛT 2020", "2020-08"),
        ("fe\u0301vrier\u00a02021", "2021-02"),
        ("le 1er mars 2021", "2021-03"),
        ("12 sept. 2021", "2021-09"),
        ("jui 2021", ""),
        ("juin", ""),
        ("13/2020", ""),
        ("brumaire 2020", ""),
    ],
)
def test_dates(texte: str, attendu: str) -> None:
    assert year_month(texte) == attendu


def test_unreadable_date_is_reported() -> None:
    fiche = read_fiche("<h1>T</h1><p>Date de mise à jour : bientôt</p>")
    assert fiche.date_mise_a_jour == ""
    assert fiche.avertissements == ("date illisible : « bientôt » ; attendu : mois et année",)


def test_page_without_heading_takes_the_title_of_the_document() -> None:
    assert read_fiche("<title>Aide | C2RP</title><p>Publics : Tous</p>") == Fiche("Aide", publics=("Tous",))
    assert read_fiche("").avertissements == ("page sans titre",)


# Hostile pages ----------------------------------------------------------------------------------------------

HOSTILE = """<h1>Aide<script>document.title='<b>'</script></h1>
<p>Publics : <img src=x onerror="alert(1)">Tous &lt;script&gt;alert(2)&lt;/script&gt;</p>
<h2>Objectifs <svg onload=alert(3)><text>svg</text></svg></h2>
<p>&lt;scr&lt;b&gt;ipt&gt;alert(4)</p><p>&amp;lt;i&amp;gt;double</p>
<p>&lt;img src=x onerror=alert(5) </p><iframe src=x>cadre</iframe><p title="<b>gras</b>">p</p>
<p>a\u202ecod.exe \u200bb\x00c</p><template><p>gabarit</p></template>
<p title="a > b" onclick='alert(6)'>si 2 < 3 et x<y</p>
<style>p{}</style><noscript>sans script</noscript>
<textarea><p>Zone</textarea><p>Fin<!-- commentaire <script> --></p><script>jamais ferme"""


def everything(fiche: Fiche) -> str:
    return json.dumps(asdict(fiche), ensure_ascii=False)


def test_no_tag_survives() -> None:
    fiche = read_fiche(HOSTILE)
    tout = everything(fiche)
    assert not re.search(r"<[a-zA-Z/!?]", tout)
    for banni in (
        'onerror=\\"',
        "document.title",
        "svg",
        "cadre",
        "gabarit",
        "sans script",
        "jamais",
        "commentaire",
    ):
        assert banni not in tout
    assert (fiche.titre, fiche.publics) == ("Aide", ("Tous alert(2)",))
    assert fiche.sections[0][0] == "Objectifs"
    lignes = fiche.sections[0][1].split("\n")
    # A comparison stays readable, and harmless.
    assert "si 2 < 3 et x< y" in lignes[-3]
    assert lignes[-1] == "Fin"
    assert "acod.exe bc" in lignes
    assert "&lt;i&gt;double" in lignes


def test_texts_put_together_make_no_tag() -> None:
    morceaux = [plain("<img src=x "), plain("onerror=alert(1)>")]
    assert not re.search(r"<[a-zA-Z/!?]", "".join(morceaux))


# html.parser alone takes minutes on several of these.
@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "motif", ["<", "<!--", "</", "<a ", '<a b="', "<script>", "<!", "<?", "<![CDATA[", "&#"]
)
def test_malformed_page_is_read_in_linear_time(motif: str) -> None:
    html = "<h1>T</h1>" + motif * (200_000 // len(motif))
    assert read_fiche(html).titre == "T"
    links(html, "https://www.c2rp.fr/")


@pytest.mark.timeout(20)
def test_nested_entities_are_read_in_linear_time() -> None:
    texte = read_fiche("<h1>T</h1><h2>S</h2>" + "&lt;a" * 30_000 + "&gt;" * 30_000).sections[0][1]
    assert not re.search(r"<[a-zA-Z/!?]", texte)


def test_endless_tag_is_dropped() -> None:
    assert defused(f"a<p {'x' * MAX_TAG}>b") == "a b"


def test_unclosed_head_does_not_hide_the_page() -> None:
    assert read_fiche("<head><title>x<body><h1>Aide</h1><p>Publics : Tous").publics == ("Tous",)


@pytest.mark.parametrize(
    ("contenu", "content_type"),
    [
        ("é’".encode(), ""),
        ("é’".encode("cp1252"), "text/html; charset=ISO-8859-1"),
        ("<meta charset=windows-1252>é’".encode("cp1252"), "text/html"),
        ("\ufeffé’".encode(), "text/html; charset=ascii"),
        ("é’".encode(), "text/html; charset=inconnu"),
    ],
)
def test_encodings(contenu: bytes, content_type: str) -> None:
    assert decode_page(contenu, content_type).endswith("é’")


# Addresses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://www.c2rp.fr/dispositifs/aide-essai",
        "http://c2rp.fr/dispositifs/aide-essai/",
        "https://c2rp.fr//dispositifs/Aide-Essai?retour=1#haut",
    ],
)
def test_one_slug_for_all_the_addresses(url: str) -> None:
    assert slug_of(url) == "aide-essai"


@pytest.mark.parametrize(
    "url", ["https://www.c2rp.fr/dispositifs", "https://www.c2rp.fr/publications/x", "mailto:a@b.fr", "/x"]
)
def test_other_pages_have_no_slug(url: str) -> None:
    assert slug_of(url) == ""


def test_slugs_of_a_listing() -> None:
    html = """<a href="/dispositifs/b">B</a><a href="http://c2rp.fr/dispositifs/b/">B</a>
    <a href="dispositifs/a?x=1">A</a><a href="https://exemple.org/dispositifs/c">C</a>
    <a href="/dispositifs/../admin">D</a><a href="/dispositifs/e/f">E</a>"""
    assert slugs(html, "https://www.c2rp.fr/dispositifs") == ("b", "a")


# The site ---------------------------------------------------------------------------------------------------


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


def play_site(serveur: Server, robots: str = "User-agent: *\nDisallow: /admin\n") -> None:
    serveur.play("/robots.txt", Reply(corps=robots.encode()))
    serveur.play(
        "/dispositifs",
        Reply(corps=b'<a href="/dispositifs/a">A</a> <a href="?page=1">2</a> <a href="?page=0">1</a>'),
    )
    serveur.play("/dispositifs?page=1", Reply(corps=b'<a href="/dispositifs/b">B</a><a href="?page=0">1</a>'))
    for slug in "ab":
        page = f"<h1>Aide {slug}</h1><p>Publics : Tous</p><h2>Contenu</h2><p>x</p>"
        serveur.play(f"/dispositifs/{slug}", conditional(page.encode(), etag=f'"{slug}"'))


def test_site_is_read_politely(serveur: Server, client: HttpClient, temps: Temps, tmp_path: Path) -> None:
    play_site(serveur)
    site = C2rp(client, serveur.url())
    assert site.listing() == ("a", "b")
    premieres = list(site.fetch(["a", "b"], tmp_path))
    assert [(p.slug, p.reception.statut) for p in premieres] == [("a", "nouveau"), ("b", "nouveau")]
    assert serveur.paths()[0] == "/robots.txt"
    assert temps.attentes == [5.0] * (len(serveur.requetes) - 1)

    connus = {p.slug: p.reception.validateurs for p in premieres}
    secondes = list(site.fetch(["a", "b"], tmp_path, connus=connus))
    assert [p.reception.statut for p in secondes] == ["non_modifie", "non_modifie"]

    ecrit = fiches_csv(
        ((p.slug, p.url, read_page(tmp_path / f"{p.slug}.html")) for p in premieres), tmp_path / "f.csv"
    )
    with ecrit.chemin.open(encoding="utf-8", newline="") as flux:
        lignes = list(csv.DictReader(flux, delimiter=";"))
    assert [(ligne["slug"], ligne["titre"], ligne["publics"]) for ligne in lignes] == [
        ("a", "Aide a", "Tous"),
        ("b", "Aide b", "Tous"),
    ]
    assert json.loads(lignes[0]["sections"]) == [["Contenu", "x"]]


@pytest.mark.parametrize(
    ("robots", "delai"),
    [
        ("User-agent: *\nCrawl-delay: 11\n", 11.0),
        ("User-agent: qpv-emploi\nCrawl-delay: 20\n\nUser-agent: *\nCrawl-delay: 7\n", 20.0),
        ("User-agent: *\nRequest-rate: 1/30\n", 30.0),
        ("User-agent: *\nCrawl-delay: 1\n", 5.0),
        ("User-agent: *\nCrawl-delay: 99999\n", 120.0),
        ("", 5.0),
        ("\ufeff<html>introuvable</html>", 5.0),
    ],
)
def test_asked_delay_is_kept(
    serveur: Server, client: HttpClient, temps: Temps, robots: str, delai: float
) -> None:
    play_site(serveur, robots)
    C2rp(client, serveur.url()).listing()
    assert temps.attentes[0] == delai


@pytest.mark.parametrize(
    "robots", ["User-agent: *\nDisallow: /\n", "\ufeffUser-agent: qpv-emploi\nDisallow: /disp"]
)
def test_forbidden_pages_are_not_asked(
    serveur: Server, client: HttpClient, tmp_path: Path, robots: str
) -> None:
    play_site(serveur, robots)
    site = C2rp(client, serveur.url())
    with pytest.raises(AccesRefuse, match=r"robots\.txt interdit cette page .*dépôt"):
        site.listing()
    with pytest.raises(AccesRefuse, match=r"robots\.txt interdit"):
        list(site.fetch(["a"], tmp_path))
    assert serveur.paths() == ["/robots.txt"]


def test_robots_absent_forbids_nothing(serveur: Server, client: HttpClient) -> None:
    play_site(serveur)
    serveur.play("/robots.txt", Reply(404))
    assert C2rp(client, serveur.url()).listing() == ("a", "b")


def test_robots_forbidden_closes_the_site(serveur: Server, client: HttpClient) -> None:
    serveur.play("/robots.txt", Reply(403))
    with pytest.raises(AccesRefuse, match="n'est pas accessible"):
        C2rp(client, serveur.url())


def test_robots_that_fail_leave_the_site_alone(serveur: Server, client: HttpClient) -> None:
    serveur.play("/robots.txt", Reply(500))
    with pytest.raises(AccesImpossible, match="a répondu 500"):
        C2rp(client, serveur.url())


def test_listing_without_dispositif(serveur: Server, client: HttpClient) -> None:
    play_site(serveur)
    serveur.play("/dispositifs", Reply(corps=b"<html>nouvelle forme</html>"))
    with pytest.raises(AccesRefuse, match="aucun lien /dispositifs/"):
        C2rp(client, serveur.url()).listing()
