"""Command line: exit codes, one line per message, nothing lost on a narrow terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from qpv_emploi import __version__, cli, pipeline
from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.conservation import Issue, Ledger, Lock, LockedFile, LockEntry, Outcome
from qpv_emploi.entrepot import Release, current_release, dbt
from qpv_emploi.entrepot.releases import switch
from qpv_emploi.errors import AuditError, BuildError, SettingsError
from qpv_emploi.settings import Paths, Settings

FIRST, SECOND = "20260101T000000Z-aaaaaaaa", "20260102T000000Z-bbbbbbbb"
OUTCOME = Outcome(
    le="2026-01-01T00:00:00.000Z",
    producteur="insee",
    jeu="insertion_professionnelle",
    millesime="2021",
    issue=Issue.NOUVEAU,
    raison="",
    fichiers=("IPRO_2021.csv",),
    empreintes=("a" * 64,),
    nb_lignes=10,
    colonnes_inconnues=(),
    colonnes_absentes=(),
    nb_cellules_revisees=None,
    rapport="",
)
REFUSAL = replace(
    OUTCOME,
    issue=Issue.REFUSE,
    raison="insee/insertion_professionnelle/2021/IPRO_2021.csv refusé : code mal formé ; attendu : la forme "
    "[a-z]{2}[0-9]{3} ; à faire : vérifier",
    rapport="quarantaine/insee/insertion_professionnelle/2021/aaaaaaaaaaaa",
)

Call = Callable[..., Result]


@pytest.fixture(params=[60, 80, 200])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data directory, and no setting of the person who runs the tests."""
    for name in ("QPV_DEPOT", "QPV_REGION", "QPV_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QPV_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    def run(*arguments: str, columns: int = 80) -> Result:
        monkeypatch.setattr(cli, "console", Console(highlight=False, width=columns))
        monkeypatch.setattr(cli, "errors", Console(stderr=True, highlight=False, width=columns))
        return CliRunner().invoke(cli.app, list(arguments))

    return run


def publish(data_dir: Path, name: str, *, population: int = 1508, est_fictif: bool = False) -> Path:
    """A release of one QPV, made current."""
    paths = Paths(data_dir)
    folder = paths.versions / name
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "entrepot.duckdb")) as connection:
        connection.execute(
            f"create table dim_qpv as select 'QP059001' as code_qpv, '02' as departement, {population} as "
            "population, null::integer as vide, '[bold]Épeule[/bold]' as libelle"
        )
    manifest = {
        "publie_le": "2026-01-01T10:20:30.000Z",
        "region": "99" if est_fictif else "32",
        "empreinte_construction": name,
        "comptes": {"dim_qpv": 1, "fct_observation": 123456},
        "est_fictif": est_fictif,
    }
    (folder / "manifeste.json").write_text(json.dumps(manifest), encoding="utf-8")
    switch(paths, folder)
    return folder


def error_of(result: Result) -> str:
    """The error of a command: one line, exit code 1, no traceback."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Erreur : ")
    return lines[0]


# ---------------------------------------------------------------------------------------------------- run


class Chain:
    """The pipeline behind ``qpv run``, which receives, builds and publishes what it is told."""

    def __init__(self, data_dir: Path) -> None:
        self.outcomes: list[Outcome] = []
        self.unknown: list[str] = []
        self.candidate: str | None = "candidat"
        self.warnings: list[str] = []
        self.settings: Settings | None = None
        self.forced: bool | None = None
        self.release = Release(
            SECOND, data_dir, "", "32", "e", {"dim_qpv": 199, "fct_observation": 654321}, False, True
        )

    def ingest_all(
        self, settings: Settings, progress: Callable[[Outcome], None]
    ) -> tuple[list[Outcome], list[str]]:
        self.settings = settings
        for outcome in self.outcomes:
            progress(outcome)
        return self.outcomes, self.unknown

    def build(self, settings: Settings, *, force: bool) -> str | None:
        self.forced = force
        return self.candidate

    def audit(self, settings: Settings, candidate: str) -> list[str]:
        assert candidate == "candidat"
        return self.warnings

    def publish(self, settings: Settings, candidate: str) -> Release:
        return self.release


@pytest.fixture
def chain(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Chain:
    made = Chain(data_dir)
    for name in ("ingest_all", "build", "audit", "publish"):
        monkeypatch.setattr(pipeline, name, getattr(made, name))
    return made


def test_run_says_what_it_published_on_one_line(call: Call, chain: Chain, width: int) -> None:
    chain.outcomes = [OUTCOME, replace(OUTCOME, millesime="2020", issue=Issue.INCHANGE)]
    result = call("run", "--region", "32", columns=width)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:3] == [
        "nouveau   insee/insertion_professionnelle/2021",
        "inchangé  1 jeu(x) × millésime(s)",
        f"publié    version {SECOND}, région 32 : 199 QPV, 654321 observations",
    ]


def test_run_passes_its_options(call: Call, chain: Chain, tmp_path: Path) -> None:
    call("run", "--region", "france", "--depot", "d", "--data-dir", str(tmp_path / "autre"), "--force")
    assert chain.settings is not None
    assert chain.settings.region == "france"
    assert chain.settings.depot == Path("d")
    assert chain.settings.paths.root == tmp_path / "autre"
    assert chain.forced is True


@pytest.mark.parametrize(("arguments", "engine"), [((), "duckdb"), (("--target", "postgres"), "postgres")])
def test_run_builds_on_the_engine_asked_for(
    call: Call, chain: Chain, arguments: tuple[str, ...], engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QPV_MOTEUR", raising=False)
    call("run", *arguments)
    assert chain.settings is not None
    assert chain.settings.moteur == engine


def test_an_unknown_engine_is_one_line(call: Call) -> None:
    message = error_of(call("run", "--target", "mysql"))
    assert "QPV_MOTEUR = « mysql »" in message
    assert "duckdb ou postgres" in message


def test_run_says_that_data_is_fictional(call: Call, chain: Chain) -> None:
    chain.release = replace(chain.release, est_fictif=True)
    assert "observations (données fictives)" in call("run").stdout


def test_run_with_a_refused_file_publishes_the_rest_and_exits_2(
    call: Call, chain: Chain, data_dir: Path, width: int
) -> None:
    chain.outcomes = [REFUSAL, replace(OUTCOME, jeu="cog")]
    result = call("run", columns=width)
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    # Whole, brackets included: a regular expression is not markup.
    assert lines[0] == f"refusé    {REFUSAL.raison}"
    assert lines[1] == f"          rapport : {data_dir / REFUSAL.rapport}"
    assert lines[2] == "nouveau   insee/cog/2021"
    assert lines[3].startswith("publié ")


def test_run_tells_revisions_new_variables_and_what_it_did_not_read(call: Call, chain: Chain) -> None:
    chain.outcomes = [
        replace(OUTCOME, issue=Issue.REVISE, raison="révision silencieuse", colonnes_inconnues=("ABC_X[a]",)),
        replace(OUTCOME, jeu="cog", millesime="", issue=Issue.ABSENT, raison="aucun millésime"),
    ]
    chain.unknown = ["insee/autre", "insee/cog/notes.csv"]
    chain.warnings = ["dim_qpv : 198 lignes, 199 dans la version R0"]
    lines = call("run").stdout.splitlines()
    assert lines[0] == "révisé    insee/insertion_professionnelle/2021  révision silencieuse"
    assert "variables non reliées : ABC_X[a] (une ligne dans" in lines[1]
    assert lines[2] == "absent    insee/cog  aucun millésime"
    assert lines[3].startswith("non lu ")
    assert lines[3].endswith(": insee/autre, insee/cog/notes.csv")
    assert lines[4] == "attention dim_qpv : 198 lignes, 199 dans la version R0"


def test_run_with_nothing_new_says_which_release_stays(call: Call, chain: Chain, data_dir: Path) -> None:
    publish(data_dir, FIRST)
    chain.candidate = None
    result = call("run")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Rien de nouveau à publier : une version gardée a ces entrées.",
        f"Version courante : {FIRST}, région 32",
    ]


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("ingest_all", SettingsError("le dépôt n'existe pas")),
        ("build", BuildError("construction dbt en échec (1 nœud(s)) : model dim_qpv : [boom]")),
        ("audit", AuditError("candidat non publié")),
    ],
)
def test_run_that_fails_exits_1(
    call: Call, chain: Chain, monkeypatch: pytest.MonkeyPatch, step: str, error: Exception
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(pipeline, step, fail)
    assert error_of(call("run")) == f"Erreur : {error}"


def test_run_without_depot_says_where_it_looked(call: Call, tmp_path: Path) -> None:
    message = error_of(call("run", "--depot", str(tmp_path / "rien")))
    assert f"le dépôt {tmp_path / 'rien'} n'existe pas" in message


@pytest.mark.parametrize("region", ["3", "hdf", "2A", ""])
def test_a_wrong_region_is_one_line(call: Call, region: str) -> None:
    message = error_of(call("run", "--region", region))
    assert f"QPV_REGION = « {region} »" in message
    assert "« france »" in message


# ------------------------------------------------------------------------------------ status and releases


def test_status_is_readable_at_80_columns(call: Call, data_dir: Path) -> None:
    fichier = LockedFile("IPRO_2017.csv", "a" * 64, 10, "2026-03-01T08:00:00.000Z", {}, {})
    paths = Paths(data_dir)
    Lock(paths.verrou).update(LockEntry("insee", "insertion_professionnelle", "2017", (fichier,)))
    Ledger(paths.journal).append(REFUSAL)
    publish(data_dir, FIRST, est_fictif=True)
    lines = call("status").stdout.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("insee/insertion_professionnelle "))
    assert lines[first].split() == ["insee/insertion_professionnelle", "2017"]
    assert lines[first + 1].startswith("  arrive par : ")
    assert lines[first + 2].startswith("  prochain : 2018, dû le 2018-11-27, en retard de ")
    assert lines[first + 3].startswith("  fraîcheur : en retard, ")
    assert lines[first + 3].endswith(" jours après le jour usuel")
    assert lines[first + 4] == f"  reçu le 2026-03-01 · refusé le 2026-01-01 : {REFUSAL.raison}"
    assert lines[first + 5].split(maxsplit=1) == ["insee/demographie_qpv", "aucun millésime"]
    assert lines[first + 6].startswith("  arrive par : ")
    assert lines[first + 7] == "  jamais accepté"
    assert lines[-2] == "Fraîcheur : 1 en retard, 40 jamais reçu."
    assert lines[-1] == f"Version courante : {FIRST}, région 99 (données fictives)"
    # Only a reason may be longer than the terminal: it is one line, to be copied whole.
    assert [line for line in lines if len(line) > 80] == [lines[first + 4]]
    names = [f"{producteur}/{jeu.jeu}" for producteur, jeu in load_catalogue(Settings().dbt_dir).datasets()]
    assert [line.split()[0] for line in lines[:-2] if not line.startswith(" ")] == names


def test_status_of_one_producer_or_of_one_dataset(call: Call) -> None:
    def names(*arguments: str) -> list[str]:
        lines = call("status", *arguments).stdout.splitlines()[:-2]
        return [line.split()[0] for line in lines if not line.startswith(" ")]

    assert names("insee/cog") == ["insee/cog"]
    assert {name.partition("/")[0] for name in names("geo")} == {"geo"}
    assert "« inse » n'est ni un producteur ni un jeu" in error_of(call("status", "inse"))


def test_status_of_nothing(call: Call) -> None:
    result = call("status")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "Aucune version publiée."


def test_releases_one_line_each(call: Call, data_dir: Path, width: int) -> None:
    assert call("releases").stdout == "Aucune version publiée.\n"
    publish(data_dir, FIRST)
    publish(data_dir, SECOND, est_fictif=True)
    assert call("releases", columns=width).stdout.splitlines() == [
        f"  {FIRST}  région 32  2026-01-01T10:20Z  123456 observations",
        f"● {SECOND}  région 99  2026-01-01T10:20Z  123456 observations (données fictives)",
    ]


def test_rollback(call: Call, data_dir: Path) -> None:
    for name in (FIRST, SECOND):
        publish(data_dir, name)
    assert call("rollback").stdout == f"Version courante : {FIRST}\n"
    current = current_release(Paths(data_dir))
    assert current is not None
    assert current.identifiant == FIRST
    assert "rien à quoi revenir" in error_of(call("rollback"))
    assert f"version R9 inconnue ; versions gardées : {FIRST}, {SECOND}" in error_of(call("rollback", "R9"))
    assert call("rollback", SECOND).exit_code == 0


# ---------------------------------------------------------------------------------------------------- sql


def test_sql_shows_a_table(call: Call, data_dir: Path) -> None:
    publish(data_dir, FIRST)
    result = call("sql", "select * from dim_qpv")
    assert result.exit_code == 0
    for text in ("code_qpv", "QP059001", "02", "1508", "[bold]Épeule[/bold]"):
        assert text in result.stdout
    assert "None" not in result.stdout


def test_sql_csv_is_whole_and_machine_readable(call: Call, data_dir: Path) -> None:
    publish(data_dir, FIRST)
    result = call("sql", "select '02' as dep, i as n from range(200) t(i)", "--csv", "--limite", "3")
    frame = pd.read_csv(io.StringIO(result.stdout), dtype=str)
    assert list(frame.columns) == ["dep", "n"]
    assert len(frame) == 200
    assert set(frame["dep"]) == {"02"}


def test_sql_says_that_it_shows_a_part(call: Call, data_dir: Path) -> None:
    publish(data_dir, FIRST)
    result = call("sql", "select i from range(60) t(i)", "--limite", "10")
    assert result.stdout.splitlines()[-1] == "… 10 lignes sur 60 (--limite, ou --csv pour tout)"


@pytest.mark.parametrize(
    "query",
    [
        "drop table dim_qpv",
        "delete from dim_qpv",
        "update dim_qpv set population = 0",
        "insert into dim_qpv select * from dim_qpv",
        "create table intrus as select 1",
    ],
)
def test_sql_does_not_write(call: Call, data_dir: Path, query: str) -> None:
    folder = publish(data_dir, FIRST)
    before = (folder / "entrepot.duckdb").read_bytes()
    message = error_of(call("sql", query))
    assert "requête refusée par DuckDB" in message
    assert "read-only" in message
    assert (folder / "entrepot.duckdb").read_bytes() == before
    assert [path.name for path in folder.iterdir() if path.suffix == ".wal"] == []


def test_sql_with_a_fault_names_it_on_one_line(call: Call, data_dir: Path) -> None:
    publish(data_dir, FIRST)
    assert 'syntax error at or near "selec"' in error_of(call("sql", "selec 1"))
    message = error_of(call("sql", "select *\nfrom dim_qvp"))
    assert "dim_qvp does not exist" in message
    assert "dim_qpv" in message


def test_sql_before_any_publication(call: Call) -> None:
    assert "aucune version publiée dans" in error_of(call("sql", "select 1"))


# ---------------------------------------------------------------------------------------------- catalogue


def test_catalogue_list_names_every_dataset(call: Call) -> None:
    result = call("catalogue", "list", columns=300)
    for producteur, jeu in load_catalogue(Settings().dbt_dir).datasets():
        assert f"{producteur}/{jeu.jeu}" in result.stdout


def test_catalogue_show(call: Call) -> None:
    result = call("catalogue", "show", "insee/insertion_professionnelle")
    assert result.exit_code == 0
    assert "CODGEO" in result.stdout
    # A regular expression, not markup.
    assert r"QP(\d{3}|02[AB])\d{3}" in result.stdout
    variables = load_catalogue(Settings().dbt_dir).variables_of("insee", "insertion_professionnelle")
    assert result.stdout.splitlines()[-1] == f"{len(variables)} variable(s) au dictionnaire."


@pytest.mark.parametrize("name", ["insee/inconnu", "inconnu", "insee/", ""])
def test_catalogue_show_lists_the_known_datasets(call: Call, name: str) -> None:
    message = error_of(call("catalogue", "show", name))
    assert "inconnu du catalogue ; jeux connus : " in message
    assert "insee/cog, " in message
    assert "insee/demographie_qpv, " in message


def test_catalogue_check(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = call("catalogue", "check")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("ok ")
    (tmp_path / "vide" / "dbt_project" / "seeds").mkdir(parents=True)
    seeds = Settings().dbt_dir / "seeds" / "variable_source.csv"
    (tmp_path / "vide" / "dbt_project" / "seeds" / seeds.name).write_bytes(seeds.read_bytes())
    monkeypatch.setenv("QPV_PROJECT_DIR", str(tmp_path / "vide"))
    assert "suites de contrôle : manquantes" in error_of(call("catalogue", "check"))


# ------------------------------------------------------------------------------------------ fictif, others


def test_fictif_writes_what_it_says(call: Call, tmp_path: Path) -> None:
    others = ("demographie_qpv", "revenus_qpv", "population_qpv", "epci", "zone_emploi", "qpv_2015")
    result = call("fictif", str(tmp_path / "depot"), "--qpv", "2", "--millesime", "cog=2024")
    assert result.exit_code == 0
    written = [path for path in (tmp_path / "depot").rglob("*") if path.is_file()]
    assert result.stdout == f"{len(written)} fichiers fictifs dans {tmp_path / 'depot'}\n"
    assert {path.parts[-3] for path in written if path.name != "FICTIF.json"} >= {"cog", *others}


def test_fictif_may_be_short(call: Call, tmp_path: Path) -> None:
    result = call("fictif", str(tmp_path / "depot"), "--qpv", "2", "--court", "--millesime", "poem=2025")
    assert result.exit_code == 0
    folders = [path.relative_to(tmp_path / "depot").parts for path in (tmp_path / "depot").glob("*/*/*")]
    assert {producer for producer, *_ in folders} == {"dares", "insee", "local", "sig_ville"}
    assert len([jeu for _, jeu, _ in folders if jeu == "revenus_qpv"]) == 2
    assert len([jeu for _, jeu, _ in folders if jeu == "adultes_relais"]) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--millesime", "inconnu=2020"), "jeux inconnus : inconnu"),
        (("--millesime", "cog=1999"), "millésime '1999' refusé"),
        (("--millesime", "demographie_qpv=20"), "une année sur quatre chiffres"),
        (("--graine", "-1"), "graine"),
    ],
)
def test_fictif_with_bad_values(call: Call, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    assert words in error_of(call("fictif", str(tmp_path / "depot"), *arguments))
    assert not (tmp_path / "depot").exists()


@pytest.mark.parametrize(
    "arguments", [("--qpv", "0"), ("--qpv", "dix"), ("--millesime", "cog"), ("--graine", "a")]
)
def test_fictif_with_bad_syntax_is_a_usage_error(
    call: Call, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    result = call("fictif", str(tmp_path / "depot"), *arguments)
    assert result.exit_code == 2
    assert not (tmp_path / "depot").exists()


def test_fictif_does_not_write_among_other_files(call: Call, tmp_path: Path) -> None:
    (tmp_path / "depot").mkdir()
    (tmp_path / "depot" / "rapport.docx").touch()
    assert "n'est pas vide" in error_of(call("fictif", str(tmp_path / "depot")))


# ------------------------------------------------------------------------------------------- dictionnaire


@pytest.fixture
def small_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt takes ten seconds to read the project: a manifest of one relation stands for it."""
    column = {"name": "code_qpv", "data_type": "varchar", "description": "Code.", "constraints": []}
    node = {
        "unique_id": "model.p.dim_qpv",
        "resource_type": "model",
        "name": "dim_qpv",
        "schema": "main",
        "description": "Les quartiers.",
        "config": {"materialized": "table", "meta": {"grain": "un [QPV]"}},
        "columns": {"code_qpv": column},
        "depends_on": {"nodes": []},
    }

    def parse(settings: Settings, work_dir: Path) -> Path:
        path = work_dir / "manifest.json"
        path.write_text(json.dumps({"nodes": {node["unique_id"]: node}, "sources": {}}), encoding="utf-8")
        return path

    monkeypatch.setattr(dbt, "parse_project", parse)


@pytest.mark.usefixtures("small_project")
def test_dictionnaire_lists_the_relations(call: Call) -> None:
    assert call("dictionnaire").stdout.splitlines() == [
        "dim_qpv  un [QPV]",
        "1 tables et vues, 1 colonnes",
    ]


@pytest.mark.usefixtures("small_project")
@pytest.mark.parametrize("suffix", ["csv", "md", "xlsx"])
def test_dictionnaire_writes_the_file_it_is_asked_for(call: Call, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"d.{suffix}"
    result = call("dictionnaire", "--vers", str(target))
    assert result.stdout == f"1 tables et vues, 1 colonnes dans {target}\n"
    assert target.stat().st_size > 100


@pytest.mark.usefixtures("small_project")
@pytest.mark.parametrize(
    ("name", "words"), [("d.docx", "format inconnu"), ("absent/d.csv", "pas un dossier")]
)
def test_dictionnaire_with_a_bad_target(call: Call, tmp_path: Path, name: str, words: str) -> None:
    assert words in error_of(call("dictionnaire", "--vers", str(tmp_path / name)))
    assert [path.name for path in tmp_path.iterdir()] == []


def test_doctor_exits_1_on_an_error(call: Call, data_dir: Path) -> None:
    result = call("doctor")
    assert result.exit_code == 0
    assert "attention dépôt depot absent" in result.stdout
    folder = publish(data_dir, FIRST)
    (folder / "manifeste.json").unlink()
    result = call("doctor")
    assert result.exit_code == 1
    assert f"erreur    {folder / 'manifeste.json'} : manifeste de version absent" in result.stdout


def test_version(call: Call) -> None:
    assert call("version").stdout == f"{__version__}\n"


def test_an_unknown_command_is_a_usage_error(call: Call) -> None:
    assert call("publier").exit_code == 2


# ------------------------------------------------------------------------------------------- reconstruire


def test_a_warehouse_as_known_wants_a_day(call: Call, data_dir: Path, tmp_path: Path) -> None:
    result = call("reconstruire", "--connu-le", "mars 2026", "--vers", str(tmp_path / "mars"))
    assert "« mars 2026 » n'est pas un jour" in error_of(result)
    assert not (tmp_path / "mars").exists()


def test_a_warehouse_as_known_says_what_it_holds(
    call: Call, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def rebuilt(settings: Settings, connu_le: date, target: Path) -> pipeline.Rebuilt:
        asked.append((settings.region, connu_le))
        counts = {"dim_qpv": 403, "fct_observation": 12}
        return pipeline.Rebuilt(target, connu_le, counts, ("ancien fichier laissé de côté",))

    monkeypatch.setattr(pipeline, "rebuild_as_known", rebuilt)
    result = call(
        "reconstruire", "--connu-le", "2026-03-01", "--vers", str(tmp_path / "mars"), "--region", "11"
    )
    assert result.exit_code == 0, result.output
    assert asked == [("11", date(2026, 3, 1))]
    assert "tel que connu le 2026-03-01 : 403 QPV, 12 observations" in result.stdout
    assert "attention ancien fichier laissé de côté" in result.stdout
    assert str(tmp_path / "mars") in result.stdout
