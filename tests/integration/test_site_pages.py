"""The reference pages of the site, on whole releases: complete, answered, harmless."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from qpv_emploi.entrepot import Release
from qpv_emploi.pipeline import RunReport
from qpv_emploi.publication.documentation import DOCUMENTATION
from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.contexte import SiteContext, open_context
from qpv_emploi.publication.site.markdown import queries
from qpv_emploi.publication.site.modele import Page
from qpv_emploi.publication.site.pages import guides
from qpv_emploi.publication.site.pages.indicateurs import example
from qpv_emploi.publication.site.registre import kinds
from qpv_emploi.publication.version import marked_relations
from qpv_emploi.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
KINDS = (
    "changements",
    "cibles",
    "contradictions",
    "controles",
    "dictionnaire",
    "disponibilite",
    "dispositifs",
    "guides",
    "indicateurs",
    "sources",
)

Requete = Callable[..., list[Any]]


def render_all(release: Path) -> tuple[SiteContext, dict[str, Page]]:
    first = open_context(release)
    plan = {kind.nom: list(kind.plan(first)) for kind in kinds()}
    first.connection.close()
    context = open_context(release, frozenset(path for paths in plan.values() for path in paths))
    pages = {
        page.chemin: page
        for kind in kinds()
        if kind.nom in KINDS
        for page in kind.render(context, plan[kind.nom])
    }
    assert set(pages) == {path for kind in KINDS for path in plan[kind]}
    return context, pages


@pytest.fixture(scope="module")
def fictif(version_fictive: tuple[Release, list[str]]) -> Iterator[tuple[SiteContext, dict[str, Page]]]:
    """The pages of the fictional release."""
    made = render_all(version_fictive[0].dossier)
    yield made
    made[0].connection.close()


@pytest.fixture(scope="module")
def reel(entrepot_32: tuple[Settings, RunReport]) -> Iterator[tuple[SiteContext, dict[str, Page]]]:
    """The pages of the release of region 32."""
    assert entrepot_32[1].release is not None
    made = render_all(entrepot_32[1].release.dossier)
    yield made
    made[0].connection.close()


def anchors(page: Page) -> set[str]:
    return set(re.findall(r' id="([^"]+)"', page.html))


def answers(html: str) -> int:
    return html.count("Réponse dans cette version")


def test_every_page_is_light_harmless_and_carries_the_banner(
    fictif: tuple[SiteContext, Mapping[str, Page]],
) -> None:
    for page in fictif[1].values():
        assert len(page.html.encode()) < 500_000, page.chemin
        assert "DONNÉES FICTIVES" in page.html, page.chemin
        assert not re.search(r"<[^>]+ (style|on[a-z]+)=", page.html), page.chemin
        assert not re.search(r"<script(?! src=)", page.html), page.chemin
        # One heading of first level, and no anchor twice.
        assert page.html.count("<h1") == 1, page.chemin
        named = re.findall(r' id="([^"]+)"', page.html)
        assert len(named) == len(set(named)), page.chemin


def test_a_row_leads_to_each_indicator_and_each_dispositif(
    fictif: tuple[SiteContext, Mapping[str, Page]], sql_fictif: Requete
) -> None:
    _, pages = fictif
    for table, column, path in (
        ("dim_indicateur", "code_indicateur", chemins.indicateur),
        ("dim_dispositif", "code_dispositif", chemins.dispositif),
    ):
        codes = [code for (code,) in sql_fictif(f"select distinct {column} from {table} order by 1")]
        assert len(codes) > 100
        index = pages[path("x").rpartition("/")[0] + "/index.html"].html
        for code in codes:
            assert pages[path(code)].html
            assert f'href="{chemins.nom(code)}.html"' in index, code


def test_the_example_of_each_indicator_runs(
    fictif: tuple[SiteContext, Mapping[str, Page]], sql_fictif: Requete
) -> None:
    shown = 0
    for path, page in fictif[1].items():
        if path.startswith("indicateurs/") and path != chemins.INDICATEURS:
            (sql,) = re.findall(r"<pre><code>(.*?)</code></pre>", page.html, re.DOTALL)
            sql_fictif(sql.replace("&#39;", "'").replace("&gt;", ">"))
            shown += 1
    assert shown > 200


@pytest.mark.parametrize(
    "known", [(True, True, True), (False, True, True), (False, False, True), (False, False, False)]
)
def test_an_example_is_safe_for_any_code(sql_fictif: Requete, known: tuple[bool, bool, bool]) -> None:
    assert sql_fictif(example("l'inconnu'; drop table x; --", *known)) == []


def test_every_source_has_its_place_and_its_files(fictif: tuple[SiteContext, Mapping[str, Page]]) -> None:
    context, pages = fictif
    page = pages[chemins.SOURCES]
    places = anchors(page)
    for entry in context.release.entrees:
        key = ":".join(entry[name] for name in ("producteur", "jeu", "millesime"))
        assert chemins.source(key).partition("#")[2] in places, key
        for file in entry["fichiers"]:
            assert file["empreinte_sha256"] in page.html
            assert f"{file['fichier']}<br><code>{file['empreinte_sha256']}</code>" in page.html


def test_the_dictionary_describes_what_leaves_and_nothing_else(
    fictif: tuple[SiteContext, Mapping[str, Page]],
) -> None:
    context, pages = fictif
    page = pages[chemins.DICTIONNAIRE]
    relations = marked_relations(context.connection, context.release)
    assert {chemins.ancre(r.nom) for r in relations} <= anchors(page)
    columns = re.findall(r'<tr><th scope="row">([a-z0-9_]+)</th><td>[a-z(), 0-9]+</td>', page.html)
    assert len(columns) == sum(len(relation.colonnes) for relation in relations)


def test_targets_and_contradictions_are_all_there(
    fictif: tuple[SiteContext, Mapping[str, Page]], sql_fictif: Requete
) -> None:
    _, pages = fictif
    for path, sql in (
        (chemins.CIBLES, "select code_cible from fct_cible"),
        (chemins.CONTRADICTIONS, "select code_groupe from dim_groupe_contradiction"),
    ):
        codes = {chemins.ancre(code) for (code,) in sql_fictif(sql)}
        assert len(codes) >= 24
        assert codes <= anchors(pages[path])


def test_the_first_release_has_nothing_to_be_compared_with(
    fictif: tuple[SiteContext, Mapping[str, Page]],
) -> None:
    assert "rien à comparer" in fictif[1][chemins.CHANGEMENTS].html


@pytest.mark.parametrize("name", ["guide_evaluateur.md", "guide_analyste.md"])
def test_each_query_of_a_guide_is_answered(fictif: tuple[SiteContext, Mapping[str, Page]], name: str) -> None:
    page = fictif[1][guides.GUIDES[name][0]]
    asked = queries((DOCS / name).read_text(encoding="utf-8"))
    assert len(asked) >= 8
    assert answers(page.html) == len(asked)
    assert "ne sait pas répondre" not in page.html


@pytest.mark.depot
@pytest.mark.parametrize("name", ["guide_evaluateur.md", "guide_analyste.md", "questions.md"])
def test_each_query_of_a_guide_gives_rows_on_the_real_region(
    reel: tuple[SiteContext, Mapping[str, Page]], name: str
) -> None:
    page = reel[1][guides.GUIDES[name][0]]
    assert answers(page.html) == len(queries((DOCS / name).read_text(encoding="utf-8")))
    assert "ne sait pas répondre" not in page.html
    if name != "questions.md":
        assert "cette version : aucune ligne" not in page.html


def test_the_page_of_dbt_is_in_the_release_and_names_no_folder_of_this_machine(
    version_fictive: tuple[Release, list[str]], reglages_fictifs: Settings
) -> None:
    page = (version_fictive[0].dossier / DOCUMENTATION).read_text(encoding="utf-8")
    assert "mart_fiche_contrat_ville" in page
    assert "INLINE DATA" not in page
    assert str(reglages_fictifs.project_dir) not in page
    assert str(reglages_fictifs.data_dir) not in page


@pytest.mark.depot
def test_the_queries_of_the_analysts_are_shown(reel: tuple[SiteContext, Mapping[str, Page]]) -> None:
    page = reel[1][guides.REQUETES]
    for path in (DOCS / "requetes").glob("*.sql"):
        said, body = guides.header(path.read_text(encoding="utf-8"))
        assert set(said) == {"Question", "Grain", "Clé", "Réserve"}
        assert all(said.values())
        assert not body.strip().startswith("--")
        assert chemins.ancre(path.stem) in anchors(page)


@pytest.mark.depot
def test_the_page_of_an_indicator_on_the_real_region(
    reel: tuple[SiteContext, Mapping[str, Page]], sql_32: Requete
) -> None:
    _, pages = reel
    page = pages[chemins.indicateur("EMP.TX_EMPLOI.RP.15_64")].html
    assert page.count('href="../quartiers/QP') == 199
    # A map, a histogram, and the table of each.
    assert page.count('class="carte"') == 1
    assert page.count("<figure") == 2
    assert "Distribution des valeurs" in page
    # By code: the first line of the table is the first code, whatever its value.
    codes = re.findall(r"<td>(QP\d{6})</td>", page)
    assert codes == sorted(codes)
    ((value,),) = sql_32(
        "select valeur from mart_diagnostic_qpv where code_qpv = 'QP002001' and est_plus_recente "
        "and cle_ventilation = 'TOTAL' and code_indicateur = 'EMP.TX_EMPLOI.RP.15_64'"
    )
    assert f'data-v="{value}"' in page


@pytest.mark.depot
def test_the_pages_of_the_c2rp_are_linked_and_not_served(
    reel: tuple[SiteContext, Mapping[str, Page]],
) -> None:
    page = reel[1][chemins.dispositif("PEC")].html
    assert 'href="https://www.c2rp.fr/dispositifs" rel="noopener noreferrer external"' in page
    assert "ne pas rediffuser le texte" in page


@pytest.mark.depot
def test_what_documents_say_is_under_a_name_that_people_know(
    reel: tuple[SiteContext, Mapping[str, Page]],
) -> None:
    for path, page in reel[1].items():
        if not path.startswith("guides/") and path != chemins.DICTIONNAIRE:
            assert not re.search(r">[^<]*\d{3}_[0-9a-f]{16}\.txt", page.html), path


def test_hostile_text_stays_text(version_fictive: tuple[Release, list[str]], tmp_path: Path) -> None:
    """Labels of a release, were they those of a hostile page, end as text on every page that shows them."""
    release = tmp_path / "version"
    release.mkdir()
    for name in ("entrepot.duckdb", "manifeste.json"):
        shutil.copyfile(version_fictive[0].dossier / name, release / name)
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}"
    with duckdb.connect(str(release / "entrepot.duckdb")) as connection:
        for table, column in (
            ("dim_dispositif", "libelle_dispositif"),
            ("dim_dispositif", "public_vise"),
            ("dim_jeu_source", "titre"),
            ("dim_jeu_source", "licence"),
            ("dim_jeu_source", "page"),
            ("dim_indicateur", "definition"),
            ("fct_cible", "remarque"),
            ("mart_contradictions", "sujet"),
            ("mart_disponibilite", "libelle_territoire"),
        ):
            connection.execute(f"update {table} set {column} = ?", [hostile])
        connection.execute("update dim_jeu_source set page = 'javascript:alert(1)'")
    context, pages = render_all(release)
    context.connection.close()
    seen = 0
    for page in pages.values():
        assert "<script>" not in page.html, page.chemin
        assert "<img" not in page.html, page.chemin
        assert 'href="javascript:' not in page.html, page.chemin
        # The template is not run a second time over what it prints.
        assert "alert(1)&gt;49" not in page.html
        seen += "&lt;script&gt;alert(1)" in page.html
    assert seen > 300
