"""Pages of dispositifs: record and sections of made-up pages, hostile ones included, and their history."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qpv_emploi.acquisition import check_bytes, refusal_for, survey
from qpv_emploi.acquisition.pages import canonical_url
from qpv_emploi.catalogue import Catalogue, load_catalogue
from qpv_emploi.catalogue.models import Reading
from qpv_emploi.errors import RefusedFile
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.qualite import Verdict
from qpv_emploi.qualite.gate import judge
from qpv_emploi.settings import Settings

JOUR = "2026-01-05"
PAGE = """<!doctype html><html><head><title>Aide | C2RP</title>
<link rel="canonical" href="{url}"></head><body><h1>Aide d’essai&nbsp;</h1>
<div>Thèmes | Sous thèmes&nbsp;:</div><div>Formation | Insertion</div>
<p>Publics&#160;:<br/>Demandeur d’emploi, Salarié</p>
<p>Date de mise à jour&nbsp;: {date}</p><p>Mots clés : Aide | Aide d'État</p>
<p>Une aide&nbsp;de la Région.</p>
<h2>Objectifs</h2><p>Financer une formation.</p><p>Et &amp; encore.</p>
<h2>Public</h2><ul><li>Jeune</li></ul><h2>Contenu</h2><p>{contenu}</p></body></html>"""
URL = "https://www.c2rp.fr/dispositifs/aide"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(Settings().dbt_dir)


def page(*, url: str = URL, date: str = "décembre, 2020", contenu: str = "500 euros") -> str:
    return PAGE.format(url=url, date=date, contenu=contenu)


def read(catalogue: Catalogue, dossier: Path, html: str) -> tuple[ReadTable, ReadTable]:
    """The two bronze tables of a page: its record and its sections."""
    chemin = dossier / "aide.html"
    chemin.write_text(html, encoding="utf-8")
    tables = [table for table in catalogue.tables() if table.nom.startswith("c2rp__pages__")]
    provenance = Provenance("c2rp", "pages", JOUR, chemin.name, "a" * 64)
    fiche, sections = read_file(chemin, tables, provenance, ())
    return fiche, sections


def record(lue: ReadTable) -> dict[str, str]:
    (ligne,) = lue.donnees.to_pylist()
    return dict(ligne)


def verdict(lue: ReadTable) -> Verdict:
    return judge(lue, expectations_dir=Settings().expectations_dir, variables=(), zones_connues={})


def test_record_and_sections(catalogue: Catalogue, tmp_path: Path) -> None:
    fiche, sections = read(catalogue, tmp_path, page())
    ligne = record(fiche)
    assert {nom: ligne[nom] for nom in ("slug", "url", "hote", "slug_canonique")} == {
        "slug": "aide",
        "url": URL,
        "hote": "www.c2rp.fr",
        "slug_canonique": "aide",
    }
    assert (ligne["titre"], ligne["chapeau"]) == ("Aide d’essai", "Une aide de la Région.")
    assert ligne["themes"] == "Formation | Insertion"
    assert ligne["publics"] == "Demandeur d'emploi | Salarié"
    assert ligne["mots_cles"] == "Aide | Aide d'État"
    assert (ligne["mois_mise_a_jour"], ligne["mois_parution"], ligne["anomalies"]) == ("2020-12", "", "")
    assert [
        (s["slug"], s["ordre"], s["ordre__valeur"], s["titre_section"], s["texte"])
        for s in sections.donnees.to_pylist()
    ] == [
        ("aide", "1", 1.0, "Objectifs", "Financer une formation.\nEt & encore."),
        ("aide", "2", 2.0, "Public", "Jeune"),
        ("aide", "3", 3.0, "Contenu", "500 euros"),
    ]
    for lue in (fiche, sections):
        assert (lue.colonnes_inconnues, lue.colonnes_absentes) == ((), ())
        assert verdict(lue).accepte
        assert all(controle.reussi is not False for controle in verdict(lue).controles)


@pytest.mark.parametrize("date", ["décembre, 2020", "Décembre 2020", "15 d&eacute;c. 2020"])
def test_the_forms_of_a_date_are_one_month(catalogue: Catalogue, tmp_path: Path, date: str) -> None:
    assert record(read(catalogue, tmp_path, page(date=date))[0])["mois_mise_a_jour"] == "2020-12"


def test_an_unreadable_date_is_told_and_accepted(catalogue: Catalogue, tmp_path: Path) -> None:
    fiche, _ = read(catalogue, tmp_path, page(date="prochainement"))
    assert record(fiche)["anomalies"] == "date illisible : « prochainement » ; attendu : mois et année"
    jugement = verdict(fiche)
    assert jugement.accepte
    assert {c.colonne for c in jugement.controles if c.reussi is False} == {"anomalies", "mois_mise_a_jour"}


def test_the_same_words_are_the_same_content(catalogue: Catalogue, tmp_path: Path) -> None:
    """Markup, host, apostrophes, no-break spaces, order of a list: none is a change of the dispositif."""
    modele = record(read(catalogue, tmp_path, page())[0])
    autre = (
        page(url="http://c2rp.fr/dispositifs/aide", date="décembre 2020")
        .replace("’", "'")
        .replace("&nbsp;", " ")
        .replace("<h2>", '<h3 class="x">')
        .replace("</h2>", "</h3>")
        .replace("Formation | Insertion", "Insertion | Formation")
        .replace("<p>Une aide", "<script>let jeton = 7</script><p>Une aide")
    )
    ligne = record(read(catalogue, tmp_path, autre)[0])
    assert ligne["hote"] == "c2rp.fr"
    assert ligne["empreinte_contenu"] == modele["empreinte_contenu"]


@pytest.mark.parametrize(
    ("changement", "texte_change"),
    [
        ({"contenu": "250 euros"}, True),
        ({"date": "janvier, 2021"}, False),
    ],
)
def test_other_words_are_another_content(
    catalogue: Catalogue, tmp_path: Path, changement: dict[str, str], texte_change: bool
) -> None:
    avant = record(read(catalogue, tmp_path, page())[0])
    apres = record(read(catalogue, tmp_path, page(**changement))[0])
    assert avant["empreinte_contenu"] != apres["empreinte_contenu"]
    assert (avant["empreinte_texte"] != apres["empreinte_texte"]) is texte_change


HOSTILE = """<h1>Aide<script>document.title='<b>'</script></h1>
<p>Publics : <img src=x onerror="alert(1)">Tous &lt;script&gt;alert(2)&lt;/script&gt;</p>
<p>Mots clés : =1+1 | @SUM(A1) | -2 | &lt;b&gt;gras</p>
<h2>=HYPERLINK("https://exemple.invalid") <svg onload=alert(3)></svg></h2>
<p>+33 1 &lt;scr&lt;b&gt;ipt&gt;alert(4)</p><p>&amp;lt;i&amp;gt;</p><p>a\u202ecod.exe\x00</p>
<h2>Contenu</h2><p>si 2 < 3</p><!-- </p><h2>Caché</h2> --><iframe>cadre</iframe>"""


def test_markup_and_formulas_stay_harmless_text(catalogue: Catalogue, tmp_path: Path) -> None:
    fiche, sections = read(catalogue, tmp_path, HOSTILE)
    textes = [
        str(v) for lue in (fiche, sections) for ligne in lue.donnees.to_pylist() for v in ligne.values()
    ]
    assert not any(re.search(r"<[a-zA-Z/!?]", texte) for texte in textes)
    assert not any(re.search(r"[\x00-\x08\u202a-\u202e]", texte) for texte in textes)
    assert not any(
        mot in texte for texte in textes for mot in ("document.title", "onerror", "Caché", "cadre")
    )
    assert record(fiche)["mots_cles"] == "=1+1 | @SUM(A1) | -2 | gras"
    lignes = sections.donnees.to_pylist()
    assert [s["titre_section"] for s in lignes] == ['=HYPERLINK("https://exemple.invalid")', "Contenu"]
    assert lignes[1]["texte"] == "si 2 < 3"
    assert verdict(fiche).accepte
    assert verdict(sections).accepte


@pytest.mark.parametrize(
    ("href", "url"),
    [
        (URL, URL),
        ("HTTP://c2rp.fr:8080/a?b=1#c", "HTTP://c2rp.fr:8080/a?b=1#c"),
        ("javascript:alert(1)", ""),
        ("/dispositifs/aide", ""),
        ("https://c2rp.fr/a b", ""),
        ("https://c2rp.fr/'onload=alert(1)", ""),
        ("https://utilisateur:secret@c2rp.fr/", ""),
    ],
)
def test_canonical_address(href: str, url: str) -> None:
    assert (
        canonical_url(f'<head><link rel="Canonical nofollow" href="{href}"><link rel=canonical href=x>')
        == url
    )


def test_page_without_canonical_address(catalogue: Catalogue, tmp_path: Path) -> None:
    fiche, _ = read(catalogue, tmp_path, page(url=""))
    assert [record(fiche)[nom] for nom in ("url", "hote", "slug_canonique")] == ["", "", ""]
    assert verdict(fiche).accepte


def test_a_page_of_another_name_or_site_is_told(catalogue: Catalogue, tmp_path: Path) -> None:
    fiche, _ = read(catalogue, tmp_path, page(url="https://exemple.invalid/dispositifs/autre"))
    jugement = verdict(fiche)
    assert jugement.accepte
    fautifs = {c.nom for c in jugement.controles if c.reussi is False}
    assert fautifs == {"expect_column_values_to_match_regex", "expect_column_pair_values_to_be_equal"}


@pytest.mark.parametrize(
    ("html", "raison"),
    [
        (
            "<h1>Un instant…</h1><h2>Vérification</h2><p>Êtes-vous humain ?</p>",
            "aucune étiquette d'un dispositif",
        ),
        ("<h1>Aide</h1><p>Publics : Tous</p><p>Texte</p>", "aucune rubrique titrée"),
    ],
)
def test_another_page_is_refused(catalogue: Catalogue, tmp_path: Path, html: str, raison: str) -> None:
    with pytest.raises(RefusedFile, match=raison) as refus:
        read(catalogue, tmp_path, html)
    assert "c2rp/pages" in str(refus.value)
    assert "aide.html" in str(refus.value)


def test_a_page_without_title_fails_the_gate(catalogue: Catalogue, tmp_path: Path) -> None:
    fiche, _ = read(catalogue, tmp_path, "<p>Publics : Tous</p><h2>Contenu</h2><p>x</p>")
    assert not verdict(fiche).accepte


def test_a_section_without_text_is_told(catalogue: Catalogue, tmp_path: Path) -> None:
    _, sections = read(catalogue, tmp_path, page().replace("<p>500 euros</p>", "<h3>Durée</h3><p>x</p>"))
    jugement = verdict(sections)
    assert jugement.accepte
    assert [c.colonne for c in jugement.controles if c.reussi is False] == ["texte"]


@pytest.mark.parametrize(
    ("contenu", "raison"),
    [
        (b"slug;titre\r\na;b\r\n", "n'est pas une page HTML"),
        (b"PK\x03\x04", "n'est pas une page HTML"),
        (b"", "vide"),
        (b"<html>" + b" " * (9 << 20), "octets pour une page"),
    ],
)
def test_other_bytes_are_refused(tmp_path: Path, contenu: bytes, raison: str) -> None:
    chemin = tmp_path / "aide.html"
    chemin.write_bytes(contenu)
    with pytest.raises(RefusedFile, match=raison):
        check_bytes(chemin, "page_html", refuse=refusal_for("c2rp", "pages", JOUR, chemin.name))


def test_a_page_may_go_back_to_an_older_text(catalogue: Catalogue, tmp_path: Path) -> None:
    for jour, contenu in ((JOUR, "a"), ("2026-02-01", "b"), ("2026-03-01", "a")):
        dossier = tmp_path / "c2rp" / "pages" / jour
        dossier.mkdir(parents=True)
        (dossier / "aide.html").write_text(page(contenu=contenu), encoding="utf-8")
    # Any other dataset takes it for a file laid in the wrong folder.
    for millesime in ("2023", "2024"):
        dossier = tmp_path / "insee" / "unite_urbaine" / millesime
        dossier.mkdir(parents=True)
        (dossier / "communes.csv").write_text("commune,unite_urbaine\n", encoding="utf-8")
    refus = {(d.jeu, d.millesime): len(d.refus) for d in survey(tmp_path, catalogue).deposits}
    assert refus == {
        ("pages", JOUR): 0,
        ("pages", "2026-02-01"): 0,
        ("pages", "2026-03-01"): 0,
        ("unite_urbaine", "2023"): 1,
        ("unite_urbaine", "2024"): 1,
    }


@pytest.mark.parametrize("nom", ["Aide.html", "aide.htm", "aide.HTML", ".aide.html"])
def test_a_file_is_named_after_the_page(catalogue: Catalogue, tmp_path: Path, nom: str) -> None:
    dossier = tmp_path / "c2rp" / "pages" / JOUR
    dossier.mkdir(parents=True)
    (dossier / nom).write_text(page(), encoding="utf-8")
    (examen,) = survey(tmp_path, catalogue).deposits
    assert examen.refus


def test_only_a_page_has_a_part() -> None:
    with pytest.raises(ValueError, match="déclare sa partie"):
        Reading(famille="page_html")
    with pytest.raises(ValueError, match="déclare sa partie"):
        Reading(famille="csv", partie="fiche")
