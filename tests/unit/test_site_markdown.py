"""Documents as pages of the site: nothing hostile, links inside, and queries answered by the release."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pytest
from tests.diffusion import HOSTILE

from qpv_emploi.publication.site.markdown import SHOWN_ROWS, queries, render, resolver, title_of


def nowhere(address: str) -> str | None:
    return None


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("create table t as select range as n, '<b>' || range as texte from range(20)")
        yield opened


def test_html_of_a_document_is_text() -> None:
    page = render("# A <b>x</b>\n\n<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>", nowhere)
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "../../etc/passwd", "inconnu.md", "#a"]
)
def test_an_unknown_address_is_no_link(address: str) -> None:
    page = render(f"[vers]({address}) et [`code` **gras**]({address})", nowhere)
    assert "<a" not in page
    assert "href" not in page
    assert "vers" in page


def test_links_lead_inside_or_to_the_web() -> None:
    resolve = resolver({"modele.md": "guides/modele.html"}, lambda path: f"../{path}")
    page = render("[a](modele.md#cles) [b](./modele.md) [c](https://www.insee.fr) [d](autre.md)", resolve)
    assert page.count('href="../guides/modele.html"') == 2
    assert '<a href="https://www.insee.fr" rel="noopener noreferrer external">c</a>' in page
    assert "<span>d</span>" in page


def test_what_the_policy_of_content_refuses_is_not_there() -> None:
    page = render("| a | b |\n|---|--:|\n| x | 1 |\n", nowhere)
    assert "style" not in page
    assert '<td class="n">1</td>' in page
    assert re.search(
        r'<div class="defile" role="region" aria-label="Tableau 1" tabindex="0">\s*<table>', page
    )
    assert page.count("<div") == page.count("</div") == 1


def test_a_query_is_answered(connection: duckdb.DuckDBPyConnection) -> None:
    page = render("```sql\nselect n, texte from t order by n\n```\n\nsuite", nowhere, connection)
    assert f"Réponse dans cette version : {SHOWN_ROWS} premières lignes sur 20" in page
    assert page.count("<tr>") == SHOWN_ROWS + 1
    assert "<td>&lt;b&gt;0</td>" in page
    assert page.index("</pre>") < page.index("<table") < page.index("suite")


def test_cells_are_written_for_a_french_reader(connection: duckdb.DuckDBPyConnection) -> None:
    sql = "select 1234.5, 12345, 2015, null, true, date '2020-12-31', 3.0"
    page = render(f"```sql\n{sql}\n```", nowhere, connection)
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", page)
    assert cells == ["1\u202f234,50", "12\u202f345", "2015", "–", "oui", "31/12/2020", "3"]


def test_a_query_that_the_release_cannot_answer_is_said(connection: duckdb.DuckDBPyConnection) -> None:
    page = render("```sql\nselect * from absente\n```", nowhere, connection)
    assert "ne sait pas répondre" in page
    none = render("```sql\nselect n from t where false\n```", nowhere, connection)
    assert "aucune ligne" in none


def test_a_written_answer_gives_way_to_that_of_the_release(connection: duckdb.DuckDBPyConnection) -> None:
    written = "<!-- résultat -->\n| cinq |\n|---|\n| 999 |\n<!-- fin du résultat -->"
    text = f"```sql\nselect 5 as cinq\n```\n\n{written}\n\nfin"
    page = render(text, nowhere, connection)
    assert "999" not in page
    assert '<td class="n">5</td>' in page
    assert "<!--" not in page
    assert "&lt;!--" not in page


def test_headings_have_distinct_anchors() -> None:
    page = render("# T\n\n## Les pièges\n\n## Les pièges\n", nowhere)
    anchors = re.findall(r'id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors)) == 2


def test_hostile_texts_stay_texts(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table h (texte varchar)")
    connection.executemany("insert into h values (?)", [[text] for text in HOSTILE])
    page = render("```sql\nselect texte from h limit 11\n```", nowhere, connection)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_queries_and_title_of_a_page() -> None:
    text = "# Le titre\n\n```sql\nselect 1\n```\n\n```bash\nls\n```\n"
    assert queries(text) == ["select 1\n"]
    assert title_of(text) == "Le titre"
