"""The dbt project as text: documented, portable from one engine to another, and in layers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.settings import Settings

DBT = Settings().dbt_dir
MODELES = sorted((DBT / "models").rglob("*.sql"))
TESTS = sorted((DBT / "tests").glob("*.sql"))
NOM = re.compile(r"[a-z][a-z0-9_]*")
PREFIXES = {
    "staging": ("stg_",),
    "intermediate": ("int_",),
    "core": ("dim_", "fct_", "pont_"),
    "marts": ("mart_", "vue_"),
}
# Counterfactual and ranking words (DESIGN, « Rules that hold everywhere »).
MOTS_INTERDITS = ("effet", "impact", "score", "rang_", "classement")
# What DuckDB takes and PostgreSQL does not, or not alike: it belongs to a dispatched macro.
PROPRE_A_UN_MOTEUR = re.compile(
    r"\b(?:regexp_full_match|regexp_matches|string_split|unnest|strip_accents|list_\w+|struct_\w+|epoch\w*"
    r"|strftime|strptime|read_parquet|read_csv|arg_max|arg_min|any_value|datediff|try_cast|ifnull)\s*\("
    r"|\bqualify\b|::|\bgroup\s+by\s+all\b|\border\s+by\s+all\b|\bexclude\s*\(|\bunion\s+all\s+by\s+name\b"
    r"|\basof\s+join\b",
    re.IGNORECASE,
)
TOUTES_LES_COLONNES = re.compile(r"\bselect\s+(?:distinct\s+)?\*|\b[a-z_]\w*\.\*|,\s*\*", re.IGNORECASE)


def without_comments(sql: str) -> str:
    """SQL and Jinja without comments nor text literals."""
    sql = re.sub(r"\{#.*?#\}", " ", sql, flags=re.DOTALL)
    sql = re.sub(r"--[^\n]*", " ", sql)
    return re.sub(r"'(?:[^']|'')*'", "''", sql)


@cache
def declarations() -> dict[str, dict[str, Any]]:
    """Model -> its declaration in a YAML file, with the folder of the layer under ``couche``."""
    trouvees: dict[str, dict[str, Any]] = {}
    for chemin in (DBT / "models").rglob("*.yml"):
        for modele in yaml.safe_load(chemin.read_text(encoding="utf-8")).get("models", []):
            assert modele["name"] not in trouvees
            couche = chemin.relative_to(DBT / "models").parts[0]
            trouvees[modele["name"]] = {**modele, "couche": couche}
    return trouvees


def declared_columns() -> Iterator[tuple[str, dict[str, Any]]]:
    for nom, modele in declarations().items():
        for colonne in modele["columns"]:
            yield nom, colonne


def layer(chemin: Path) -> str:
    return chemin.relative_to(DBT / "models").parts[0]


def references(sql: str) -> set[str]:
    return set(re.findall(r"ref\('(\w+)'\)", sql))


def test_every_model_is_declared_in_its_layer() -> None:
    assert {chemin.stem for chemin in MODELES} == set(declarations())
    for chemin in MODELES:
        assert declarations()[chemin.stem]["couche"] == layer(chemin), chemin
        assert chemin.stem.startswith(PREFIXES[layer(chemin)]), chemin


@pytest.mark.parametrize("nom", sorted(chemin.stem for chemin in MODELES))
def test_a_model_says_what_it_holds(nom: str) -> None:
    modele = declarations()[nom]
    assert modele["description"].strip()
    assert modele["config"]["meta"]["grain"].strip()
    noms = [colonne["name"] for colonne in modele["columns"]]
    assert len(noms) == len(set(noms))
    assert [c["name"] for c in modele["columns"] if not str(c.get("description", "")).strip()] == []


def test_shared_descriptions_exist_and_are_used() -> None:
    texte = (DBT / "models" / "colonnes.md").read_text(encoding="utf-8")
    ecrites = re.findall(r"\{% docs (\w+) %\}\s*(.*?)\s*\{% enddocs %\}", texte, flags=re.DOTALL)
    assert all(corps for _, corps in ecrites)
    citees = {
        nom
        for _, colonne in declared_columns()
        for nom in re.findall(r"doc\('(\w+)'\)", str(colonne["description"]))
    }
    assert {nom for nom, _ in ecrites} == citees


@pytest.mark.parametrize("couche", ["core", "marts"])
def test_published_layers_enforce_their_contract(couche: str) -> None:
    projet = yaml.safe_load((DBT / "dbt_project.yml").read_text(encoding="utf-8"))
    reglages = projet["models"]["qpv_emploi"][couche]
    assert reglages["+contract"] == {"enforced": True}
    assert reglages["+persist_docs"] == {"relation": True, "columns": True}
    for chemin in MODELES:
        if layer(chemin) != couche:
            continue
        modele = declarations()[chemin.stem]
        assert modele["config"].get("contract", {"enforced": True}) == {"enforced": True}, chemin
        assert not re.search(r"contract\s*=", chemin.read_text(encoding="utf-8")), chemin
        assert [c["name"] for c in modele["columns"] if not c.get("data_type")] == [], chemin


@pytest.mark.parametrize("chemin", MODELES, ids=lambda chemin: chemin.stem)
def test_a_model_names_its_columns(chemin: Path) -> None:
    assert not TOUTES_LES_COLONNES.search(without_comments(chemin.read_text(encoding="utf-8")))


def test_names_are_unaccented_lower_case() -> None:
    graines = yaml.safe_load((DBT / "seeds" / "_seeds.yml").read_text(encoding="utf-8"))["seeds"]
    noms = [*declarations(), *(colonne["name"] for _, colonne in declared_columns())]
    noms += [chemin.stem for chemin in TESTS]
    noms += [graine["name"] for graine in graines]
    noms += [colonne["name"] for graine in graines for colonne in graine["columns"]]
    assert [nom for nom in noms if not NOM.fullmatch(nom)] == []


def test_marts_promise_neither_a_cause_nor_a_ranking() -> None:
    noms = [nom for nom, modele in declarations().items() if modele["couche"] == "marts"]
    noms += [c["name"] for nom, c in declared_columns() if declarations()[nom]["couche"] == "marts"]
    assert len(noms) > 50
    assert [nom for nom in noms if any(mot in nom for mot in MOTS_INTERDITS)] == []


@pytest.mark.parametrize("chemin", [*MODELES, *TESTS], ids=lambda chemin: chemin.stem)
def test_sql_of_one_engine_stays_in_the_macros(chemin: Path) -> None:
    trouve = PROPRE_A_UN_MOTEUR.search(without_comments(chemin.read_text(encoding="utf-8")))
    assert trouve is None, trouve


@pytest.mark.parametrize(
    ("sql", "propre"),
    [
        ("select regexp_full_match(a, 'x') from t", True),
        ("select string_split(a, ',') from t", True),
        ("select unnest(a) from t", True),
        ("select strip_accents(a) from t", True),
        ("select list_aggregate(a, 'sum') from t", True),
        ("select struct_pack(a := 1)", True),
        ("select epoch(d), epoch_ms(d) from t", True),
        ("select strftime(d, '%Y') from t", True),
        ("select a from t qualify row_number() over () = 1", True),
        ("select a::integer from t", True),
        ("select a, count(*) from t group by all", True),
        ("select cast(a as integer), '::' as b from t -- a::int, qualify", False),
        ("select liste.nom, structure from t where epoque > 1 group by a", False),
    ],
)
def test_the_scan_for_engine_sql_sees_it(sql: str, propre: bool) -> None:
    assert bool(PROPRE_A_UN_MOTEUR.search(without_comments(sql))) is propre


@pytest.mark.parametrize(
    ("sql", "toutes"),
    [
        ("select * from t", True),
        ("select distinct * from t", True),
        ("select a, t.* from t", True),
        ("select count(*) as nb, t.* from t", True),
        ("select a, * from t", True),
        ("select count(*) as nb, a from t", False),
        ("select a * b as c, -- *\n d from t", False),
    ],
)
def test_the_scan_for_stars_sees_them(sql: str, toutes: bool) -> None:
    assert bool(TOUTES_LES_COLONNES.search(without_comments(sql))) is toutes


def test_a_dispatched_macro_serves_both_engines() -> None:
    texte = (DBT / "macros" / "moteur.sql").read_text(encoding="utf-8")
    appels = set(re.findall(r"adapter\.dispatch\('(\w+)'", texte))
    assert appels
    macros = set(re.findall(r"\{% macro (\w+)\(", texte))
    for appel in appels:
        assert {f"default__{appel}", f"postgres__{appel}"} <= macros


def test_bronze_sources_are_those_of_the_catalogue() -> None:
    (source,) = yaml.safe_load((DBT / "models" / "staging" / "_sources.yml").read_text(encoding="utf-8"))[
        "sources"
    ]
    noms = [table["name"] for table in source["tables"]]
    assert len(noms) == len(set(noms))
    assert set(noms) == {table.nom for table in load_catalogue(DBT).tables()} | {
        "entrepot__jeu_source",
        "entrepot__correction",
    }
    assert all(table["description"].strip() for table in source["tables"])


@pytest.mark.parametrize("chemin", MODELES, ids=lambda chemin: chemin.stem)
def test_layers_point_one_way(chemin: Path) -> None:
    sql = chemin.read_text(encoding="utf-8")
    graines = {graine.stem for graine in (DBT / "seeds").glob("*.csv")}
    permises = {
        "staging": set(),
        "intermediate": {"staging", "intermediate"},
        "core": {"staging", "intermediate", "core"},
        "marts": {"core", "marts"},
    }[layer(chemin)]
    citees = references(sql)
    if layer(chemin) == "staging":
        assert "source('bronze'" in sql
        assert not re.search(r"\bjoin\b", sql)
        assert citees == set()
    else:
        assert "source(" not in sql
    assert {declarations()[nom]["couche"] for nom in citees - graines} <= permises


def test_every_generic_test_of_ours_is_used() -> None:
    texte = (DBT / "macros" / "tests_generiques.sql").read_text(encoding="utf-8")
    definis = set(re.findall(r"\{% test (\w+)\(", texte))
    utilises: set[str] = set()
    for chemin in DBT.rglob("*.yml"):
        utilises |= {nom for nom in definis if re.search(rf"- {nom}\b", chemin.read_text(encoding="utf-8"))}
    assert definis
    assert utilises == definis
