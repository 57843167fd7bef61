"""Each query given to the analysts runs, answers, and its key is a key."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "requetes"
QUERIES = sorted(FOLDER.glob("*.sql"))
HEADERS = ("Question", "Grain", "Clé", "Réserve")

Requete = Callable[..., list[Any]]


def key_of(sql: str) -> str:
    found = re.search(r"^-- Clé : ([a-z0-9_, ]+)$", sql, re.MULTILINE)
    assert found, "pas de ligne « -- Clé : … »"
    return found[1]


def check_key(lire: Requete, sql: str) -> int:
    """Number of rows; fails when two of them have the same key."""
    query, key = sql.rstrip().rstrip(";"), key_of(sql)
    ((rows, distinct),) = lire(
        f"select count(*), count(distinct cle) from (select row({key}) as cle from ({query}) as r) as c"
    )
    assert rows == distinct, f"{rows - distinct} clé(s) répétée(s)"
    return int(rows)


def test_there_are_a_dozen_and_the_page_lists_them_all() -> None:
    assert len(QUERIES) >= 12
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert sorted(set(re.findall(r"\((\w+\.sql)\)", page))) == [path.name for path in QUERIES]


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_query_says_what_it_is(path: Path) -> None:
    sql = path.read_text(encoding="utf-8")
    found = re.findall(r"^-- (\w+) : .+", sql, re.MULTILINE)
    assert tuple(found) == HEADERS
    body = re.sub(r"^--.*$", "", sql, flags=re.MULTILINE)
    assert "order by" in body
    assert "*" not in body.replace("count(*)", "").replace("100.0 *", "")


def test_a_repeated_key_is_seen(sql_fictif: Requete) -> None:
    with pytest.raises(AssertionError, match=r"1 clé\(s\) répétée\(s\)"):
        check_key(sql_fictif, "-- Clé : a\nselect a from (values (1), (1), (2)) as t(a)")


@pytest.mark.depot
@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_it_answers_on_the_real_region(sql_32: Requete, path: Path) -> None:
    assert check_key(sql_32, path.read_text(encoding="utf-8")) > 0


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_it_runs_on_the_fictional_region(sql_fictif: Requete, path: Path) -> None:
    check_key(sql_fictif, path.read_text(encoding="utf-8"))


@pytest.mark.postgres
@pytest.mark.enable_socket
def test_they_run_on_postgresql_too(postgres_fictif: tuple[str, Any], sql_fictif: Requete) -> None:
    with psycopg.connect(postgres_fictif[0], options="-csearch_path=qpv") as connection:
        for path in QUERIES:
            sql = path.read_text(encoding="utf-8").rstrip().rstrip(";")
            count = f"select count(*) from ({sql}) as r"
            assert connection.execute(count).fetchall() == sql_fictif(count), path.stem  # type: ignore[call-overload]
