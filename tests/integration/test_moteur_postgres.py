"""PostgreSQL as a place to work in: values come back as they went, and nothing is left behind."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr
from tests.postgres import PostgresServer

from qpv_emploi.doctor import examine
from qpv_emploi.entrepot.candidate import discard_work
from qpv_emploi.entrepot.moteur_postgres import (
    MARK,
    PostgresEngine,
    _check_texts,
    _drop,
    _fetch,
    _load_bronze,
    _relations,
    base_schema,
)
from qpv_emploi.errors import BuildError, SettingsError
from qpv_emploi.settings import Settings
from qpv_emploi.veille.menage import apply_cleanup, plan_cleanup

pytestmark = [pytest.mark.postgres, pytest.mark.enable_socket]

CANDIDAT = "20261120T101112Z-0a1b2c3d"
TYPES = "n integer, texte varchar, reel double, jour date, oui boolean, octets blob, GRAND bigint"
VALEURS: list[tuple[Any, ...]] = [
    (1, "02", 0.1, date(2024, 2, 29), True, b"\x00\x01\xff", 2**40),
    (2, "", -0.0, date(1900, 1, 1), False, b"", -1),
    (3, None, None, None, None, None, None),
    (4, "\\N", 1e-300, date(9999, 12, 31), True, b"\\x", 0),
    (5, 'guillemet " ; virgule, fin\r\nde ligne\ttab \\', 1 / 3, None, None, b'"', None),
    (6, "Œuvré – l’été", 12345678901234.567, None, False, b"\n", 7),
]


@pytest.fixture
def reglages(tmp_path: Path, base_postgres: str) -> Settings:
    return Settings(
        data_dir=tmp_path / "data", region="99", moteur="postgres", moteur_dsn=SecretStr(base_postgres)
    )


@pytest.fixture
def entrees(tmp_path: Path) -> Path:
    """Inputs of a build: one bronze table of difficult values, one without rows."""
    base = tmp_path / "entrees.duckdb"
    with duckdb.connect(str(base)) as connexion:
        connexion.execute("create schema bronze")
        for nom in ("valeurs", "vide"):
            connexion.execute(f"create table bronze.{nom} ({TYPES})")
        connexion.executemany("insert into bronze.valeurs values (?, ?, ?, ?, ?, ?, ?)", VALEURS)
    return base


@pytest.fixture
def dossier(reglages: Settings) -> Path:
    travail = reglages.paths.travail / CANDIDAT
    travail.mkdir(parents=True)
    return travail


def schemas(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connexion:
        lignes = connexion.execute("select nspname from pg_namespace where starts_with(nspname, 'qpv_')")
        return {nom for (nom,) in lignes.fetchall()}


def test_values_come_back_as_they_went(entrees: Path, base_postgres: str, tmp_path: Path) -> None:
    with (
        psycopg.connect(base_postgres, autocommit=True) as serveur,
        duckdb.connect(str(entrees), read_only=True) as source,
        duckdb.connect() as retour,
    ):
        _load_bronze(source, serveur, "essai_bronze", tmp_path / "lignes.csv")
        for relation in _relations(serveur, "essai_bronze"):
            _fetch(serveur, retour, "essai_bronze", "main", relation, tmp_path / "lignes.csv")
        assert retour.execute("from valeurs").fetchall() == VALEURS
        assert retour.execute("from vide").fetchall() == []
        for nom in ("valeurs", "vide"):
            types = [kind for _, kind, *_ in retour.execute(f"describe {nom}").fetchall()]
            assert types == ["INTEGER", "VARCHAR", "DOUBLE", "DATE", "BOOLEAN", "BLOB", "BIGINT"]


def test_a_type_without_equivalent_is_refused(entrees: Path, base_postgres: str, tmp_path: Path) -> None:
    with duckdb.connect(str(entrees)) as source:
        source.execute("create table bronze.liste (codes varchar[])")
        with (
            psycopg.connect(base_postgres, autocommit=True) as serveur,
            pytest.raises(BuildError, match=r"liste : type sans équivalent.*codes"),
        ):
            _load_bronze(source, serveur, "essai_bronze", tmp_path / "lignes.csv")
    with psycopg.connect(base_postgres, autocommit=True) as serveur:
        serveur.execute("create table somme as select sum(x) as total from generate_series(1, 3) as t (x)")
        serveur.execute("alter table somme alter column total type numeric")
        with pytest.raises(BuildError, match=r"somme\.total : type numeric"):
            _relations(serveur, "public")


@pytest.mark.parametrize("locale", ["locale 'C'", "locale 'C.UTF-8' locale_provider icu icu_locale 'fr'"])
def test_a_database_that_sorts_otherwise_is_refused(serveur_postgres: PostgresServer, locale: str) -> None:
    nom = "autre_langue"
    with psycopg.connect(serveur_postgres.dsn(), autocommit=True) as serveur:
        serveur.execute(f"create database {nom} template template0 encoding 'UTF8' {locale}")  # type: ignore[call-overload]
    try:
        with (
            psycopg.connect(serveur_postgres.dsn(nom)) as serveur,
            pytest.raises(SettingsError, match="range les textes"),
        ):
            _check_texts(serveur)
    finally:
        with psycopg.connect(serveur_postgres.dsn(), autocommit=True) as serveur:
            serveur.execute(f"drop database {nom}")  # type: ignore[call-overload]


def test_the_doctor_asks_the_server(reglages: Settings, base_postgres: str) -> None:
    def dit(essaye: Settings) -> tuple[str, str]:
        (trouve,) = [
            t for t in examine(essaye) if "PostgreSQL" in t.message or "créer de schéma" in t.message
        ]
        return trouve.niveau, trouve.message

    assert dit(reglages)[0] == "ok"
    assert conninfo_to_dict(base_postgres)["password"] not in dit(reglages)[1]
    muet = reglages.model_copy(update={"moteur_dsn": SecretStr("host=127.0.0.1 port=1 dbname=x")})
    assert dit(muet)[0] == "erreur"
    assert not [t for t in examine(reglages.model_copy(update={"moteur": "duckdb"})) if "moteur" in t.message]
    with psycopg.connect(base_postgres, autocommit=True) as serveur:
        serveur.execute("create role lecteur_seul login password 'lecture'")
        try:
            lecteur = make_conninfo(base_postgres, user="lecteur_seul", password="lecture")
            sans_droit = reglages.model_copy(update={"moteur_dsn": SecretStr(lecteur)})
            niveau, message = dit(sans_droit)
            assert niveau == "erreur"
            assert "grant create on database" in message
        finally:
            serveur.execute("drop role lecteur_seul")


def test_a_candidate_works_in_schemas_of_its_own(
    reglages: Settings, entrees: Path, dossier: Path, base_postgres: str
) -> None:
    autre = dossier.with_name(CANDIDAT.replace("0a", "0b"))
    autre.mkdir()
    moteur = PostgresEngine(reglages)
    for travail in (dossier, autre):
        moteur.lay(entrees, travail)
    assert schemas(base_postgres) == {f"{base_schema(travail)}_bronze" for travail in (dossier, autre)}
    # The rest of a killed build of the same name is no obstacle.
    moteur.lay(entrees, dossier)
    discard_work(reglages, CANDIDAT)
    assert schemas(base_postgres) == {f"{base_schema(autre)}_bronze"}
    assert [travail.name for travail in reglages.paths.travail.iterdir()] == [autre.name]


def test_the_cleanup_drops_the_schemas_of_a_dead_build(
    reglages: Settings, entrees: Path, dossier: Path, base_postgres: str
) -> None:
    PostgresEngine(reglages).lay(entrees, dossier)
    maintenant = datetime.now(UTC)
    assert apply_cleanup(reglages, plan_cleanup(reglages, garder=1, now=maintenant)) == []
    plus_tard = plan_cleanup(reglages, garder=1, now=maintenant + timedelta(days=2))
    sans_serveur = reglages.model_copy(update={"moteur_dsn": SecretStr("host=127.0.0.1 port=1 dbname=x")})
    assert [retrait.chemin for retrait in apply_cleanup(sans_serveur, plus_tard)] == []
    assert (dossier / MARK).is_file()
    assert [retrait.chemin for retrait in apply_cleanup(reglages, plus_tard)] == [dossier]
    assert schemas(base_postgres) == set()


def test_more_tables_than_one_transaction_may_lock(base_postgres: str) -> None:
    with psycopg.connect(base_postgres, autocommit=True) as serveur:
        serveur.execute("create schema qpv_x_echecs")
        serveur.execute(
            "do $$ begin for i in 1..450 loop "
            "execute format('create table qpv_x_echecs.t%s (n integer)', i); "
            "if i % 100 = 0 then commit; end if; end loop; end $$"
        )
        serveur.execute("create schema qpv_xy")
        _drop(serveur, "qpv_x")
    assert schemas(base_postgres) == {"qpv_xy"}


def test_dbt_is_led_to_the_candidate_and_to_no_secret_in_clear(
    reglages: Settings, dossier: Path, base_postgres: str
) -> None:
    mot_de_passe = base_postgres.rpartition("password=")[2]
    variables = PostgresEngine(reglages).environment(dossier)
    assert variables["QPV_PG_SCHEMA"] == base_schema(dossier)
    # dbt hides the value of every variable of this prefix.
    assert [nom for nom, valeur in variables.items() if mot_de_passe in valeur] == [
        "DBT_ENV_SECRET_QPV_PG_PASSWORD"
    ]


def test_a_server_that_does_not_answer_is_named_without_its_password(
    reglages: Settings, dossier: Path
) -> None:
    ferme = reglages.model_copy(
        update={"moteur_dsn": SecretStr("host=127.0.0.1 port=1 dbname=x user=y password=tres-secret")}
    )
    with pytest.raises(BuildError, match="PostgreSQL, moteur de la construction") as echec:
        PostgresEngine(ferme).environment(dossier)
    assert "tres-secret" not in str(echec.value)


# --- one macro, two engines ---------------------------------------------------------------------------------

NOMBRES = [0.0, -0.0, 0.05, -0.05, 0.15, 0.25, 0.35, 0.5, 1.5, 2.5, -2.5, 1.005, 2.675, 16.15, 35.25, 99.95]
NOMBRES += [
    -0.04,
    0.449999999999,
    999.95,
    999999.5,
    1234567.891,
    -9876543210.5,
    1e12,
    123456789012345.0,
    1 / 3,
]
CODES = [
    "02",
    "2",
    "2A",
    "02A",
    "QP059001",
    "qp059001",
    "QN02A01C",
    "CN05911M",
    " 02",
    "02 ",
    "02\n",
    "",
    "é2",
]
MOTIFS = ["[0-9]{2,3}|2[AB]", "QP([0-9]{3}|02[AB])[0-9]{3}|QN([0-9]{3}|02[AB])[0-9]{2}[NMIC]", "[0-9].*"]
LISTES = ["a|b|c", "a", "", "|a||", None]


@pytest.fixture(scope="module")
def macros() -> Any:
    """The macros that differ from one engine to another, as Jinja reads them."""
    texte = (Settings().dbt_dir / "macros" / "moteur.sql").read_text(encoding="utf-8")
    return jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(texte).module


def both(dsn: str, sur_duckdb: str, sur_postgres: str) -> tuple[list[Any], list[Any]]:
    with duckdb.connect() as duck, psycopg.connect(dsn) as serveur:
        trouve = serveur.execute(sur_postgres).fetchall()  # type: ignore[call-overload]
        return duck.execute(sur_duckdb).fetchall(), trouve


def rows(valeurs: list[Any], nature: str) -> str:
    def litteral(valeur: Any) -> str:
        return "null" if valeur is None else "'" + str(valeur).replace("'", "''") + "'"

    lignes = ", ".join(f"({i}, cast({litteral(v)} as {nature}))" for i, v in enumerate(valeurs))
    return f"(values {lignes}) as t (i, v)"


@pytest.mark.parametrize("decimales", [0, 1, 2])
def test_a_number_is_written_alike(macros: Any, base_postgres: str, decimales: int) -> None:
    source = rows(NOMBRES, "double precision")
    duck, serveur = both(
        base_postgres,
        f"select v, {macros.default__nombre_affiche('v', decimales)} from {source} order by i",
        f"select v, {macros.postgres__nombre_affiche('v', decimales)} from {source} order by i",
    )
    assert serveur == duck
    assert len(duck) == len(NOMBRES)


@pytest.mark.parametrize("motif", MOTIFS)
def test_a_pattern_is_read_alike(macros: Any, base_postgres: str, motif: str) -> None:
    source = rows(CODES, "varchar")
    duck, serveur = both(
        base_postgres,
        f"select v, {macros.default__correspond('v', motif)} from {source} order by i",
        f"select v, {macros.postgres__correspond('v', motif)} from {source} order by i",
    )
    assert {vrai for _, vrai in duck} == {True, False}
    assert serveur == duck


def test_a_list_is_cut_alike(macros: Any, base_postgres: str) -> None:
    source = rows(LISTES, "varchar")
    duck, serveur = both(
        base_postgres,
        f"select i, e, rang from {source} cross join {macros.default__elements('v', '|', 'l', 'e')} "
        "order by i, rang",
        f"select i, e, rang from {source} cross join {macros.postgres__elements('v', '|', 'l', 'e')} "
        "order by i, rang",
    )
    assert serveur == duck
    assert [(i, e) for i, e, _ in duck if i in (2, 4)] == [(2, "")]
