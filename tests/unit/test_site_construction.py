"""The site of a small release: hostile texts stay texts, links lead somewhere, the same bytes each time."""

from __future__ import annotations

import json
import multiprocessing
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest
import shapely
from tests.diffusion.version import HOSTILE, write_release

from qpv_emploi.errors import QPVError
from qpv_emploi.publication.site import build_site, construction
from qpv_emploi.publication.site.carte import Mark, draw
from qpv_emploi.publication.site.contexte import SiteContext, open_context
from qpv_emploi.publication.site.fiche import Notes
from qpv_emploi.publication.site.graphiques import Series, bars, lines
from qpv_emploi.publication.site.liens import broken_links
from qpv_emploi.publication.site.modele import Kind, Page, SearchEntry
from qpv_emploi.publication.site.registre import kinds
from qpv_emploi.publication.site.traces import ranges, role_said, trace_groups

SCRIPT = "<script>alert('xss')</script>"
ATTRIBUTE = '" onmouseover="alert(1)'


@dataclass
class _Pages:
    """A kind of page for the tests: the given pages, from the template of the home page."""

    paths: Sequence[str]
    titre: str = "Essai"
    entries: Sequence[SearchEntry] = field(default=())

    def plan(self, context: SiteContext) -> Sequence[str]:
        return self.paths

    def render(self, context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
        for path in paths:
            yield context.page(path, "base.html.j2", titre=self.titre, recherche=self.entries)


def _with(monkeypatch: pytest.MonkeyPatch, *extra: Kind) -> None:
    monkeypatch.setattr(construction, "kinds", lambda: (*kinds(), *extra))


def _kind(pages: _Pages, nom: str = "essai", tables: tuple[str, ...] = ()) -> Kind:
    return Kind(nom, None, tables, pages.plan, pages.render)


def _attributes(html: str) -> set[str]:
    """Names of the attributes of a document, as a browser reads it."""
    found: set[str] = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.update(name for name, _ in attrs)  # type: ignore[method-assign]
    parser.feed(html)
    return found


def test_texts_of_the_data_stay_texts(tmp_path: Path) -> None:
    title = SCRIPT.replace("'", "''")
    release = write_release(
        tmp_path,
        changes=[
            f"update dim_jeu_source set titre = '{title}' where jeu = 'base'",
            f"update dim_statut set definition = '{ATTRIBUTE}', libelle_statut = '{title}'",
        ],
    )
    report = build_site(release, tmp_path / "site")
    home = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert report.comptes["accueil"] == 1
    assert "alert(" in home
    assert "onmouseover" in _attributes(f'<p title="{ATTRIBUTE}">')
    assert "<script>alert" not in home
    assert "onmouseover" not in _attributes(home)
    assert "&lt;script&gt;alert(&#39;xss&#39;)&lt;/script&gt;" in home


def test_hostile_titles_and_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [SearchEntry(text, text, "essai", "a/x.html") for text in (*HOSTILE, "</script>")]
    _with(monkeypatch, _kind(_Pages(["a/x.html"], SCRIPT, entries)))
    build_site(write_release(tmp_path), tmp_path / "site")
    page = (tmp_path / "site" / "a" / "x.html").read_text(encoding="utf-8")
    assert SCRIPT not in page
    index = (tmp_path / "site" / "statique" / "recherche-index.js").read_text(encoding="utf-8")
    # One line of ASCII that is a list, whatever it holds.
    assert index.isascii()
    assert index.count("\n") == 1
    read = json.loads(index.removeprefix("window.INDEX_RECHERCHE=").removesuffix(";\n"))
    assert {row[0] for row in read if row[3] == "a/x.html"} == {*HOSTILE, "</script>"}


def test_a_fictional_release_is_marked_and_a_real_one_is_not(tmp_path: Path) -> None:
    for fictional in (True, False):
        folder = tmp_path / str(fictional)
        release = write_release(folder, est_fictif=fictional, region="99" if fictional else "32")
        build_site(release, folder / "site")
        home = (folder / "site" / "index.html").read_text(encoding="utf-8")
        assert ("DONNÉES FICTIVES" in home) is fictional


def test_the_same_release_gives_the_same_bytes(tmp_path: Path) -> None:
    release = write_release(tmp_path)
    found = []
    for name in ("un", "deux"):
        build_site(release, tmp_path / name / "site")
        site = tmp_path / name / "site"
        found.append(
            {path.relative_to(site): path.read_bytes() for path in sorted(site.rglob("*")) if path.is_file()}
        )
    assert found[0] == found[1]
    assert len(found[0]) >= 4


def test_processes_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = write_release(tmp_path)
    build_site(release, tmp_path / "un", processes=1)
    monkeypatch.setattr(construction, "FEW_PAGES", 0)
    build_site(release, tmp_path / "deux", processes=2)
    for path in (tmp_path / "un").rglob("*.html"):
        other = tmp_path / "deux" / path.relative_to(tmp_path / "un")
        assert path.read_bytes() == other.read_bytes()


def _build_many(release: Path, folder: Path) -> None:
    construction.FEW_PAGES = 0
    build_site(release, folder, processes=2)


def test_a_daemonic_process_builds_it_alone(tmp_path: Path) -> None:
    """As in a Celery worker, whose tasks may not start processes."""
    release = write_release(tmp_path)
    daemon = multiprocessing.get_context("spawn").Process(
        target=_build_many, args=(release, tmp_path / "site"), daemon=True
    )
    daemon.start()
    daemon.join()
    assert daemon.exitcode == 0
    assert (tmp_path / "site" / "index.html").is_file()


def test_a_page_without_its_tables_is_not_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _with(
        monkeypatch,
        _kind(_Pages(["a/x.html"]), "sans_table", ("table_d_apres",)),
        _kind(_Pages(["b/x.html"]), "avec_table", ("mart_essai",)),
    )
    report = build_site(write_release(tmp_path), tmp_path / "site")
    assert report.comptes["sans_table"] == 0
    assert report.comptes["avec_table"] == 1
    assert not (tmp_path / "site" / "a").exists()


def test_a_page_planned_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _with(monkeypatch, _kind(_Pages(["a/x.html"]), "un"), _kind(_Pages(["a/x.html"]), "deux"))
    with pytest.raises(QPVError, match=r"a/x\.html est prévue deux fois \(un, deux\)"):
        build_site(write_release(tmp_path), tmp_path / "site")


def test_a_page_that_is_not_rendered_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = _Pages(["a/x.html", "a/y.html"])
    lazy = Kind("essai", None, (), pages.plan, lambda context, paths: pages.render(context, paths[:1]))
    _with(monkeypatch, lazy)
    with pytest.raises(QPVError, match=r"n'a pas rendu a/y\.html"):
        build_site(write_release(tmp_path), tmp_path / "site")


def test_a_broken_link_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
        yield Page("a/x.html", "x", '<a href="../nulle/part.html">x</a>')

    _with(monkeypatch, Kind("essai", None, (), lambda context: ["a/x.html"], render))
    with pytest.raises(
        QPVError, match=r"1 lien\(s\) internes rompus, dont a/x\.html → \.\./nulle/part\.html"
    ):
        build_site(write_release(tmp_path), tmp_path / "site")


def test_link_checker(tmp_path: Path) -> None:
    (tmp_path / "site" / "b").mkdir(parents=True)
    (tmp_path / "fichiers").mkdir()
    (tmp_path / "fichiers" / "a.csv").write_text("x")
    (tmp_path / "site" / "index.html").write_text(
        '<p id="ici"></p><a href="#ici">1</a><a href="#la">2</a><a class="x" href="b/x.html#d&#39;or">3</a>'
        '<a href="b/x.html#rien">4</a><a href="b/y.html">5</a><a href="https://exemple.test/z">6</a>'
        '<a href="../fichiers/a.csv">7</a><a href="../fichiers/b.csv">8</a><script src="rien.js"></script>'
        '<p>href="dans/le/texte.html"</p>'
    )
    (tmp_path / "site" / "b" / "x.html").write_text('<p id="d&#39;or"></p><a href="../index.html#ici">1</a>')
    assert broken_links(tmp_path / "site") == [
        ("index.html", "#la"),
        ("index.html", "../fichiers/b.csv"),
        ("index.html", "b/x.html#rien"),
        ("index.html", "b/y.html"),
        ("index.html", "rien.js"),
    ]


def test_no_template_lets_raw_text_or_inline_code_in() -> None:
    # What the policy of content refuses, and what would let a text of the data in as markup.
    templates = resources.files("qpv_emploi.publication.site") / "gabarits"
    names = [one.name for one in templates.iterdir() if one.name.endswith(".j2")]
    assert len(names) >= 8
    for name in names:
        text = (templates / name).read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape", text), name
        assert not re.search(r"<[^>{]*\s(?:style|on\w+)\s*=", text), name
        assert not re.search(r"""(?:src|action)\s*=\s*["']?\s*(?:https?:)?//""", text), name


def test_the_policy_of_content_lets_nothing_in_from_elsewhere(tmp_path: Path) -> None:
    context = open_context(write_release(tmp_path))
    try:
        page = context.page("a/x.html", "base.html.j2", titre="Essai").html
    finally:
        context.connection.close()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert "http" not in policy
    assert 'href="../statique/site.css"' in page


def test_a_link_to_a_page_that_is_not_planned_is_plain_text(tmp_path: Path) -> None:
    context = open_context(write_release(tmp_path), frozenset({"a/x.html", "sources/index.html"}))
    try:
        assert context.is_planned("a/x.html#ici")
        assert not context.is_planned("a/y.html")
        assert context.is_planned("sources/index.html#a-insee-base-2021")
        assert not context.is_planned("sources/index.html#a-insee-base-1900")
        template = context.environment.from_string(
            '{% import "composants.html.j2" as c with context %}'
            '{{ c.lien("a/x.html", t) }} {{ c.lien("a/y.html", t) }} {{ c.lien_externe(j, t) }}'
        )
        shown = template.render(
            href=lambda path: path,
            est_page=context.is_planned,
            t="<b>x</b>",
            j="javascript:alert(1)",
        )
    finally:
        context.connection.close()
    assert shown == ('<a href="a/x.html">&lt;b&gt;x&lt;/b&gt;</a> &lt;b&gt;x&lt;/b&gt; &lt;b&gt;x&lt;/b&gt;')


def _row(role: str = "valeur", line: int | None = 1, **other: object) -> dict[str, object]:
    return {
        "role": role,
        "producteur": "insee",
        "jeu": "base",
        "millesime": "2021",
        "titre": "Base",
        "fichier": "b.csv",
        "ligne_source": line,
        "colonne_source": "POP",
        "valeur_texte_source": "12",
        "code_correction": None,
        **other,
    }


def test_cells_of_a_sum_are_said_together() -> None:
    rows = [_row(f"quartier qpv:QP00{n}:2015", line) for n, line in enumerate((7, 3, 4, 5))]
    (group,) = trace_groups(rows)
    assert (group.role, group.lieu, group.lu) == ("quartiers", "4 lignes : 3-5, 7, colonne POP", "")
    assert group.cle_jeu_source == "insee:base:2021"


def test_a_lone_cell_says_what_was_read_and_what_was_corrected() -> None:
    (group,) = trace_groups([_row(code_correction="C1")])
    assert (group.role, group.source, group.fichier) == ("", "Base, millésime 2021", "b.csv")
    assert (group.lieu, group.lu, group.correction) == ("ligne 1, colonne POP", "12", "C1")
    (unknown,) = trace_groups([_row(line=None, colonne_source=None)])
    assert unknown.lieu == "ligne non notée"


def test_a_document_is_cited_with_its_place() -> None:
    (group,) = trace_groups([_row("fait", None, nature_source="document", section="fiche 5, l. 856")])
    assert (group.cle_jeu_source, group.source, group.lieu) == ("", "document", "fiche 5, l. 856")


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("valeur", ""),
        ("valeur_t, quartier qpv:QP059066:2015", "à l'arrivée, quartiers"),
        ("beneficiaires qpv CAE|qpv:QP1:2015|x", "bénéficiaires en QPV"),
        ("inconnu_d_ici", "inconnu d ici"),
    ],
)
def test_roles_in_words(role: str, said: str) -> None:
    assert role_said(role) == said


def test_ranges() -> None:
    assert ranges([]) == []
    assert ranges([4]) == ["4"]
    assert ranges([1, 2, 3, 7, 9, 10]) == ["1-3", "7", "9-10"]


def test_a_sentence_that_comes_back_becomes_a_note() -> None:
    notes = Notes([["a.", "b"], ["A", None], ["c"]], "n")
    assert notes.items == [(1, "A")]
    assert notes.of("a", "b", "A.", None) == [(1, "A"), (None, "B")]


def test_charts_hold_shapes_and_texts_only() -> None:
    hostile = f"Taux {SCRIPT} {ATTRIBUTE}"
    for chart in (
        lines([Series(((2016, 158.0), (2020, 124.0))), Series(((2016, 1.0),), "zone")], hostile),
        bars(["a<b", SCRIPT], [3, 4], hostile),
    ):
        tags = set(re.findall(r"<([a-z]+)", chart))
        assert tags <= {"svg", "g", "path", "rect", "circle", "text"}
        assert not re.search(r"\s(?:style|on\w+|href|id)=", re.sub(r'aria-label="[^"]*"', "", chart))
        assert chart.count('role="img"') == 1
        assert SCRIPT not in chart
    assert lines([Series(((2016, 5.0),))], "x") == lines([Series(((2016, 5.0),))], "x")


def test_a_line_is_drawn_where_it_should() -> None:
    drawn = lines([Series(((2016, 0.0), (2018, 10.0)))], "x")
    first, second = ((float(x), float(y)) for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', drawn))
    # Later is to the right, more is above.
    assert first[0] < second[0]
    assert first[1] > second[1]
    assert ">2016<" in drawn
    assert ">2018<" in drawn


def test_maps_escape_names_and_keep_the_north_above() -> None:
    north, south = shapely.box(3, 50.5, 3.1, 50.6), shapely.Point(3.05, 50.0)
    drawn = draw([Mark(north, "zone", SCRIPT, "1"), Mark(south, "quartier", "b", ATTRIBUTE)], ATTRIBUTE)
    assert drawn is not None
    assert SCRIPT not in drawn
    assert "onmouseover" not in _attributes(drawn)
    labels = [float(y) for y in re.findall(r'<text x="[\d.]+" y="([\d.]+)"', drawn)]
    assert labels[0] < labels[1]
    # A point has no outline: it is a dot.
    assert drawn.count("<circle") == 1
    assert draw([], "x") is None


def test_the_report_tells_the_heaviest_page(tmp_path: Path) -> None:
    report = build_site(write_release(tmp_path), tmp_path / "site")
    name, size = report.plus_lourde
    assert size == (tmp_path / "site" / name).stat().st_size
    assert report.nb_pages == len(list((tmp_path / "site").rglob("*.html")))
    assert report.octets == sum(p.stat().st_size for p in (tmp_path / "site").rglob("*") if p.is_file())
