"""The dbt project as text: documented, portable from one engine to another, and in layers."""

from __future__ import annotations

import csv
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
# Where nulls go in a descending order, each engine has its own idea.
DECROISSANT_SANS_NULLS = re.compile(r"\bdesc\b(?!\s+nulls\s+last\b)", re.IGNORECASE)
TOUTES_LES_COLONNES = re.compile(r"\bselect\s+(?:distinct\s+)?\*|\b[a-z_]\w*\.\*|,\s*\*", re.IGNORECASE)


# A join on names, and why it cannot be on codes.
JOINTURES_PAR_NOM = {
    "int_qpv_commune": "en 2015 les fichiers ne donnent que des noms ; ici seulement, ils mènent à un code",
}
CONDITION_DE_JOINTURE = re.compile(
    r"\bjoin\b.*?\bon\b(?P<condition>.*?)(?=\b(?:inner|left|right|full|cross)\s+(?:outer\s+)?join\b|\bwhere\b"
    r"|\bgroup\s+by\b|\border\s+by\b|\bunion\b|\bselect\b|\Z)",
    re.IGNORECASE | re.DOTALL,
)


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


@pytest.mark.parametrize("couche", ["core", "marts"])
def test_a_published_model_has_an_owner(couche: str) -> None:
    sans = [
        nom
        for nom, modele in declarations().items()
        if modele["couche"] == couche and modele["config"]["meta"].get("owner") != "entrepot"
    ]
    assert sans == []


def exposures() -> dict[str, set[str]]:
    """Exposure -> relations it depends on."""
    contenu = yaml.safe_load((DBT / "models" / "marts" / "_exposures.yml").read_text(encoding="utf-8"))
    return {
        exposition["name"]: set(re.findall(r"ref\('(\w+)'\)", str(exposition["depends_on"])))
        for exposition in contenu["exposures"]
    }


def test_every_mart_has_a_use() -> None:
    """The release holds them all; each one also answers a question, or feeds the fiche or the traces."""
    marts = {nom for nom, modele in declarations().items() if modele["couche"] == "marts"}
    expositions = exposures()
    assert expositions.pop("fichiers_publies") == marts
    assert marts - set().union(*expositions.values()) == set()


def test_every_evaluation_question_has_its_exposure() -> None:
    """What the seed says that answers a question, as far as it is built, and nothing else."""
    with (DBT / "seeds" / "question_evaluative.csv").open(encoding="utf-8", newline="") as flux:
        questions = {q["code"]: set(q["tables"].split("|")) for q in csv.DictReader(flux, delimiter=";")}
    assert len(questions) == 14
    tenues = {f"question_{code.lower()}": tables & set(declarations()) for code, tables in questions.items()}
    expositions = {nom: refs for nom, refs in exposures().items() if nom.startswith("question_")}
    assert {nom: refs for nom, refs in tenues.items() if refs} == expositions


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


@pytest.mark.parametrize("chemin", [*MODELES, *TESTS], ids=lambda chemin: chemin.stem)
def test_a_descending_order_says_where_nulls_go(chemin: Path) -> None:
    assert not DECROISSANT_SANS_NULLS.search(without_comments(chemin.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("sql", "muet"),
    [
        ("select a from t order by a desc", True),
        ("select row_number() over (order by a desc, b desc nulls last) as n from t", True),
        ("select row_number() over (order by a desc nulls last, b asc) as n from t -- desc", False),
        ("select description from t order by a asc", False),
    ],
)
def test_the_scan_for_descending_orders_sees_them(sql: str, muet: bool) -> None:
    assert bool(DECROISSANT_SANS_NULLS.search(without_comments(sql))) is muet


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


def joins_on_a_label(sql: str) -> bool:
    """Whether a join compares a name: the same name is borne by 36 neighbourhoods."""
    texte = re.sub(r"\{#.*?#\}|--[^\n]*", " ", sql, flags=re.DOTALL)
    conditions = [trouve["condition"] for trouve in CONDITION_DE_JOINTURE.finditer(texte)]
    conditions += re.findall(r"\busing\s*\(([^)]*)\)", texte, flags=re.IGNORECASE)
    return any(re.search(r"\blibelle", condition, flags=re.IGNORECASE) for condition in conditions)


@pytest.mark.parametrize("chemin", [*MODELES, *TESTS], ids=lambda chemin: chemin.stem)
def test_a_label_is_never_a_join_key(chemin: Path) -> None:
    assert joins_on_a_label(chemin.read_text(encoding="utf-8")) is (chemin.stem in JOINTURES_PAR_NOM)


@pytest.mark.parametrize(
    ("sql", "par_nom"),
    [
        ("select a.x from a inner join b on a.libelle_qpv = b.libelle_qpv", True),
        ("select a.x from a left join b on a.code = b.code and\n {{ f('a.libelle') }} = b.nom", True),
        ("select a.x from a left join b on a.code = b.code and upper(b.libelle) = a.nom where a.x = 1", True),
        ("select a.x from a join b using (libelle_commune)", True),
        ("select a.x from a inner join b on a.code = b.code where a.libelle = 'x'", False),
        ("select b.libelle from a inner join b on a.code = b.code inner join c on b.code = c.code", False),
        ("with b as (select c from d inner join e on d.c = e.c) select libelle from b", False),
    ],
)
def test_the_scan_for_joins_on_labels_sees_them(sql: str, par_nom: bool) -> None:
    assert joins_on_a_label(sql) is par_nom


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
    posees = {"entrepot__jeu_source", "entrepot__correction", "entrepot__recouvrement_qpv"}
    assert set(noms) == {table.nom for table in load_catalogue(DBT).tables()} | posees
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
    # The windows of the marts on observations: every mart reads the figures known on the same day, and shares
    # one computation of the measures.
    mesures = {m.stem for m in (DBT / "models" / "intermediate" / "mesure").glob("*.sql")}
    fenetre = {"int_observation_connue", *mesures} if layer(chemin) == "marts" else set()
    assert {declarations()[nom]["couche"] for nom in citees - graines - fenetre} <= permises


def test_every_generic_test_of_ours_is_used() -> None:
    texte = (DBT / "macros" / "tests_generiques.sql").read_text(encoding="utf-8")
    definis = set(re.findall(r"\{% test (\w+)\(", texte))
    utilises: set[str] = set()
    for chemin in DBT.rglob("*.yml"):
        utilises |= {nom for nom in definis if re.search(rf"- {nom}\b", chemin.read_text(encoding="utf-8"))}
    assert definis
    assert utilises == definis
