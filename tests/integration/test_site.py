"""The site of whole releases, real and fictional: how many pages, how heavy, how fast, and what they say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from qpv_emploi.publication.site.liens import broken_links
from qpv_emploi.publication.version import BANNER

Requete = Callable[..., list[Any]]

# Seconds, bytes.
MAX_TIME = 60
MAX_WEIGHT = 500_000
NINE_BLOCKS = [
    "1. Identité",
    "2. Diagnostic",
    "3. Trajectoire",
    "4. Droit commun",
    "5. Moyens spécifiques",
    "6. Couverture",
    "7. Actions et gouvernance",
    "8. Réserves",
    "9. Disponibilité",
]


class _Page(HTMLParser):
    """What a page holds: headings, rows of each table, texts, and whatever could run or be fetched."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.headings: list[str] = []
        self.rows: Counter[str] = Counter()
        self.traced: Counter[str] = Counter()
        self.images = 0
        self.dangerous: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self._table = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._open.append(tag)
        if tag == "h2":
            self.headings.append("")
        if tag == "table":
            self._table = given.get("id") or ""
        if tag == "tr" and "tbody" in self._open:
            self.rows[self._table] += 1
        if tag == "details" and given.get("class") == "trace":
            self.traced[self._table] += 1
        if tag == "svg":
            self.images += 1
            named = given.get("role") == "img" and given.get("aria-label")
            if not named and given.get("aria-hidden") != "true":
                self.dangerous.append("svg sans nom")
        fetched = given.get("src") or (given.get("href") if tag == "link" else None) or ""
        if re.match(r"(?!data:)[a-z]+:|//", fetched):
            self.dangerous.append(fetched)
        if tag in {"iframe", "object", "embed", "base", "form"} and given.get("role") != "search":
            self.dangerous.append(tag)
        if tag == "script" and not fetched:
            self.dangerous.append("script dans la page")
        self.dangerous += [name for name in given if name.startswith("on") or name == "style"]
        if (given.get("href") or "").strip().lower().startswith(("javascript:", "vbscript:")):
            self.dangerous.append(given["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass
        if tag == "table":
            self._table = ""

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if "h2" in self._open and self.headings:
            self.headings[-1] += data

    @property
    def text(self) -> str:
        """All texts, every kind of space as a plain one."""
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def site_32(publication_32: tuple[Path, float]) -> Path:
    return publication_32[0] / "site"


@pytest.fixture(scope="module")
def site_99(publication_fictive: Path) -> Path:
    return publication_fictive / "site"


def _codes(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.html") if path.stem != "index")


@pytest.mark.depot
def test_one_page_per_contract_and_per_neighbourhood(site_32: Path, sql_32: Requete) -> None:
    contracts, quarters = _codes(site_32 / "contrats"), _codes(site_32 / "quartiers")
    assert Counter(code[:2] for code in contracts) == {"CV": 43, "CN": 39}
    assert Counter(code[:2] for code in quarters) == {"QP": 199, "QN": 204}
    assert contracts == [c for (c,) in sql_32("select code_contrat from dim_contrat_ville order by 1")]
    assert quarters == [q for (q,) in sql_32("select distinct code_qpv from dim_qpv order by 1")]


@pytest.mark.depot
def test_built_in_time(publication_32: tuple[Path, float]) -> None:
    assert 0 < publication_32[1] < MAX_TIME


@pytest.mark.depot
def test_no_page_is_heavy_and_no_link_is_broken(site_32: Path) -> None:
    # A page with its style and its script is what a reader downloads.
    shared = sum(path.stat().st_size for path in (site_32 / "statique").iterdir())
    sizes = {path: path.stat().st_size for path in site_32.rglob("*.html")}
    assert len(sizes) > 480
    assert max(sizes.values()) + shared < MAX_WEIGHT
    assert broken_links(site_32) == []


@pytest.mark.depot
def test_nothing_of_a_page_runs_or_comes_from_elsewhere(site_32: Path, site_99: Path) -> None:
    for site in (site_32, site_99):
        for path in sorted(site.rglob("*.html")):
            assert _Page(path).dangerous == [], path


@pytest.mark.depot
def test_every_fiche_has_its_nine_blocks_and_all_its_lines(site_32: Path, sql_32: Requete) -> None:
    lines = {
        (code, block): (count, shown)
        for code, block, count, shown in sql_32(
            "select code_contrat, bloc, count(*), count(valeur) from mart_fiche_contrat_ville "
            "where niveau = 'contrat' group by all"
        )
    }
    members = dict(sql_32("select code_contrat, count(*) from pont_qpv_contrat group by 1"))
    for code in _codes(site_32 / "contrats"):
        page = _Page(site_32 / "contrats" / f"{code}.html")
        assert page.headings[:9] == NINE_BLOCKS, code
        assert page.rows["quartiers"] == members[code], code
        assert page.rows["diagnostic"] == lines[code, 2][0] <= 12, code
        assert page.rows["trajectoire"] == lines[code, 3][0], code
        # What is not known of a dispositif stays, with its reason.
        assert page.rows["droit-commun"] == lines[code, 4][0] >= 30, code
        assert page.rows["actions"] == lines[code, 7][0] > 0, code
        assert page.rows["disponibilite"] == lines[code, 9][0] > 0, code
        # Each figure opens its trace.
        assert page.traced["diagnostic"] >= lines[code, 2][1], code
        assert page.traced["trajectoire"] >= lines[code, 3][1], code
        assert page.traced["droit-commun"] >= lines[code, 4][1], code
        assert page.traced["couverture"] == lines[code, 6][1], code
        assert page.rows["couverture"] == (members[code] + 1 if lines[code, 6][1] else 0), code
        assert page.traced["moyens"] == lines[code, 5][1], code
        assert page.traced["disponibilite"] == lines[code, 9][1], code


@pytest.mark.depot
def test_figures_of_a_known_contract(site_32: Path) -> None:
    page = _Page(site_32 / "contrats" / "CV192.html")
    # Census 2018 of its 26 neighbourhoods, after T0; evolution since 2013.
    assert "207 382 habitants" in page.text
    assert "−245 habitants" in page.text
    assert "après T0" in page.text
    # Outline of the holder and charts of the comparable evolutions.
    assert page.images >= 5
    assert "millésime 2021, DEMO_2021.csv, 26 lignes" in page.text.replace(" ,", ",")


@pytest.mark.depot
def test_every_figure_of_a_neighbourhood_opens_its_trace(site_32: Path, sql_32: Requete) -> None:
    known = dict(
        sql_32(
            "select code_qpv, count(*) from mart_diagnostic_qpv where est_plus_recente group by 1 order by 1"
        )
    )
    assert len(known) == 199
    for code, count in known.items():
        page = _Page(site_32 / "quartiers" / f"{code}.html")
        assert page.rows["t-indicateurs"] == page.traced["t-indicateurs"] == count, code


@pytest.mark.depot
def test_a_neighbourhood_without_figures_says_why(site_32: Path, sql_32: Requete) -> None:
    for code in _codes(site_32 / "quartiers"):
        if code.startswith("QN"):
            page = _Page(site_32 / "quartiers" / f"{code}.html")
            assert page.rows["t-diagnostic"] == 12, code
            assert "Aucun fichier reçu ne donne de valeur pour ce quartier" in page.text, code


@pytest.mark.depot
def test_a_real_site_has_no_banner(site_32: Path) -> None:
    for path in site_32.rglob("*.html"):
        assert BANNER not in path.read_text(encoding="utf-8"), path


def test_each_fictional_page_carries_its_banner(site_99: Path, sql_fictif: Requete) -> None:
    pages = sorted(site_99.rglob("*.html"))
    ((contracts,),) = sql_fictif("select count(*) from dim_contrat_ville")
    assert len(_codes(site_99 / "contrats")) == contracts > 0
    for path in pages:
        text = path.read_text(encoding="utf-8")
        # At the top, and at the end of what prints.
        assert text.count(BANNER) >= 2, path
        assert text.index(BANNER) < text.index("<header"), path


def test_the_site_knows_its_files(publication_fictive: Path) -> None:
    home = (publication_fictive / "site" / "index.html").read_text(encoding="utf-8")
    assert 'href="../fichiers/LISEZMOI.txt"' in home
    assert broken_links(publication_fictive / "site") == []


def test_local_declarations_say_who_declared_them(site_99: Path, sql_fictif: Requete) -> None:
    declared = sql_fictif(
        "select code_contrat, count(*), any_value(auteur) from fct_saisie_locale "
        "where rubrique in ('action', 'gouvernance') and connu_au is null group by 1 order by 1"
    )
    assert declared
    for code, count, author in declared:
        page = _Page(site_99 / "contrats" / f"{code}.html")
        # And the share of the actions that are filled in.
        assert page.traced["actions"] >= count, code
        assert page.text.count(f"saisie locale : {author}") == count, code
