"""docker-compose.yml, Dockerfile and .env: no default password, nothing open to the network, limits on all.

Read as text and YAML: no container is started here. ``tests/distribue`` runs what the file says as processes.
"""

from __future__ import annotations

import ast
import base64
import fnmatch
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.exigences import absent

from qpv_emploi.airflow import initialisation, pools, secrets_env
from qpv_emploi.errors import SettingsError
from qpv_emploi.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"

INIT = "airflow-init"
AIRFLOW = {"airflow-init", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}
STORES = {"postgres", "redis"}
SITE = "site"
# What each service published on this machine listens to.
PUBLISHED = {"api-server", "postgres", SITE}

# Given by people who need them: no value means none, and nothing opens with it.
OPTIONAL_SECRETS = {"QPV_STOCKAGE_OPTIONS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
# Those of the initialisation alone: an administrator, and the passwords of people.
SECRETS_OF_INIT = {
    "POSTGRES_PASSWORD",
    "LECTURE_DB_PASSWORD",
    "AIRFLOW_ADMIN_PASSWORD",
    "AIRFLOW_INGENIEUR_PASSWORD",
    "AIRFLOW_ANALYSTE_PASSWORD",
}

# ${NAME}, ${NAME:-default}, ${NAME:?message}; $$ is a dollar for the shell of the container.
INTERPOLATION = re.compile(r"(?<!\$)\$\{(\w+)([^}]*)\}")
SECRET_NAME = re.compile(r"PASSWORD|SECRET|_KEY|TOKEN")
ADDRESS_PASSWORD = re.compile(r"://[^/@:]*:([^@]*)@")
DSN_PASSWORD = re.compile(r"\bpassword=(.*)$")

# What the providers need, and celery itself: the provider allows versions that it cannot import.
SERVER_DISTRIBUTIONS = (
    "apache-airflow-providers-celery",
    "apache-airflow-providers-postgres",
    "asyncpg",
    "celery",
    "psycopg2-binary",
    "redis",
)


def read_compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return content


def environment(service: dict[str, Any]) -> dict[str, str]:
    """Variables that have a value; the others are passed on from ``.env`` when it has them."""
    declared = service.get("environment", {}).items()
    return {name: str(value) for name, value in declared if value is not None}


def texts(node: Any) -> Iterator[str]:
    """Every string of a YAML tree."""
    if isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield node


def literal_secrets(compose: dict[str, Any]) -> list[str]:
    """``service.VARIABLE`` whose secret is written in the file instead of asked of ``.env``."""
    found = []
    for name, service in compose["services"].items():
        for variable, value in environment(service).items():
            is_file = variable.endswith("_FILE")
            # Alone in its value, or as the password of an address.
            parts = ADDRESS_PASSWORD.findall(value) + DSN_PASSWORD.findall(value)
            if SECRET_NAME.search(variable) and not is_file:
                parts.append(value)
            if any(not re.fullmatch(r"\$\{\w+:\?[^}]+\}", part) for part in parts):
                found.append(f"{name}.{variable}")
    return found


def unguarded_secrets(compose: dict[str, Any]) -> list[str]:
    """Secrets that are read from ``.env`` with a default, or without saying what to do."""
    return [
        f"{name}{rest}"
        for text in texts(compose)
        for name, rest in INTERPOLATION.findall(text)
        if SECRET_NAME.search(name)
        and name not in OPTIONAL_SECRETS
        and not (rest.startswith(":?") and "make env" in rest)
    ]


def open_ports(compose: dict[str, Any]) -> list[str]:
    """Ports published elsewhere than on the loopback interface; the long form is not used here."""
    return [
        f"{name}:{port}"
        for name, service in compose["services"].items()
        for port in service.get("ports", [])
        if not str(port).startswith("127.0.0.1:")
    ]


def floating_images(images: list[str]) -> list[str]:
    """Images without a tag that names at least ``major.minor``."""
    return [image for image in images if not re.fullmatch(r"[\w./-]+:\d+\.\d+[\w.-]*", image)]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return read_compose()


@pytest.fixture
def spoiled(compose: dict[str, Any]) -> dict[str, Any]:
    # Not deepcopy, which keeps the mappings that services share through YAML anchors.
    plain: dict[str, Any] = json.loads(json.dumps(compose))
    return plain


def test_the_services_are_those_of_a_distributed_airflow(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == AIRFLOW | STORES | {SITE}
    for name in AIRFLOW:
        assert environment(compose["services"][name])["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"


def test_no_secret_is_written_in_the_file(compose: dict[str, Any]) -> None:
    assert literal_secrets(compose) == []
    assert unguarded_secrets(compose) == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("POSTGRES_PASSWORD", "airflow"),
        ("POSTGRES_PASSWORD", "${POSTGRES_PASSWORD:-airflow}"),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://airflow:airflow@postgres/airflow"),
        ("AIRFLOW__CELERY__BROKER_URL", "redis://:@redis:6379/0"),
        ("QPV_POSTGRES", "host=postgres user=entrepot password=entrepot"),
        ("AIRFLOW__API_AUTH__JWT_SECRET", "prefixe-${AIRFLOW_JWT_SECRET:?make env}"),
    ],
)
def test_a_secret_written_in_the_file_is_seen(spoiled: dict[str, Any], variable: str, value: str) -> None:
    spoiled["services"]["scheduler"]["environment"][variable] = value
    assert literal_secrets(spoiled) == [f"scheduler.{variable}"]


@pytest.mark.parametrize("rest", ["", ":-x", "-x", ":?absent"])
def test_a_secret_that_does_not_say_what_to_do_is_seen(spoiled: dict[str, Any], rest: str) -> None:
    spoiled["services"]["redis"]["command"] = ["--requirepass", f"${{REDIS_PASSWORD{rest}}}"]
    assert unguarded_secrets(spoiled) == [f"REDIS_PASSWORD{rest}"]


def test_make_env_gives_every_variable_that_is_required(compose: dict[str, Any], tmp_path: Path) -> None:
    required = {
        name for text in texts(compose) for name, rest in INTERPOLATION.findall(text) if rest[:2] != ":-"
    }
    assert required == {*secrets_env.draw(), "QPV_DEPOT_HOTE"}
    secrets_env.write_env(tmp_path / ".env")
    assert required <= set(variables(tmp_path / ".env"))


def test_ports_are_published_on_loopback_only(compose: dict[str, Any], spoiled: dict[str, Any]) -> None:
    assert open_ports(compose) == []
    assert {name for name, service in compose["services"].items() if "ports" in service} == PUBLISHED
    spoiled["services"]["redis"]["ports"] = ["6379:6379", "127.0.0.1:6380:6379"]
    assert open_ports(spoiled) == ["redis:6379:6379"]
    assert all("network_mode" not in service for service in compose["services"].values())


def test_the_stores_and_the_site_have_no_way_out(compose: dict[str, Any]) -> None:
    assert compose["networks"]["interne"]["internal"] is True
    options = compose["networks"]["lecture"]["driver_opts"]
    assert options["com.docker.network.bridge.enable_ip_masquerade"] == "false"
    for name in STORES | {SITE}:
        assert set(compose["services"][name]["networks"]) <= {"interne", "lecture"}
    assert compose["services"]["redis"]["networks"] == ["interne"]
    # What serves pages reaches neither the broker nor the database by their names.
    assert "interne" not in compose["services"][SITE]["networks"]


def test_the_login_is_asked_and_gives_a_role(compose: dict[str, Any]) -> None:
    for name in AIRFLOW:
        manager = environment(compose["services"][name])["AIRFLOW__CORE__AUTH_MANAGER"]
        assert manager.endswith("FabAuthManager")
    assert {person.role for person in initialisation.PEOPLE} == {"Admin", "Op", "Viewer"}
    drawn = secrets_env.draw()
    assert {person.secret for person in initialisation.PEOPLE} <= drawn.keys()


def test_secrets_of_the_initialisation_go_nowhere_else(compose: dict[str, Any]) -> None:
    for secret in SECRETS_OF_INIT:
        holders = {
            name
            for name, service in compose["services"].items()
            if any(f"${{{secret}:" in value for value in environment(service).values())
        }
        assert INIT in holders
        # The server itself is told the password of its administrator.
        assert holders - {INIT} == ({"postgres"} if secret == "POSTGRES_PASSWORD" else set())


def test_every_service_has_a_healthcheck_except_the_one_that_ends(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name == INIT:
            assert "healthcheck" not in service
            assert service["restart"] == "no"
        else:
            assert service["healthcheck"].keys() >= {"test", "interval", "timeout", "retries", "start_period"}
            assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
            assert service["restart"] == "unless-stopped"


def test_every_service_has_limits_and_rotated_logs(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        limits = service["deploy"]["resources"]["limits"]
        assert float(limits["cpus"]) > 0
        assert re.fullmatch(r"[1-9]\d*[MG]", limits["memory"])
        assert "max-size" in service["logging"]["options"]


def test_nothing_runs_as_root(compose: dict[str, Any]) -> None:
    users = re.findall(r"^USER\s+(\S+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert users
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])
    for name, service in compose["services"].items():
        if name in STORES:
            assert service["user"] == name
        elif name == SITE:
            # The account of the image of Airflow, which owns the files; it can write none.
            assert service["user"] == users[-1]
            assert service["read_only"] is True
        else:
            assert "user" not in service
        assert "privileged" not in service
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_images_are_pinned(compose: dict[str, Any]) -> None:
    images = [service["image"] for service in compose["services"].values()]
    images += re.findall(r"^FROM\s+(\S+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(images) == len(AIRFLOW | STORES | {SITE}) + 1
    assert floating_images(images) == []
    assert floating_images(["redis", "redis:latest", "redis:7", "a/b:1.2-slim"]) == [
        "redis",
        "redis:latest",
        "redis:7",
    ]


def test_every_airflow_service_shares_one_local_image(compose: dict[str, Any]) -> None:
    for name in AIRFLOW:
        service = compose["services"][name]
        assert service["image"] == compose["services"][INIT]["image"]
        assert service["build"] == {"context": "."}
        assert service["pull_policy"] == "build"


def test_init_migrates_then_creates_the_pool_of_the_warehouse(compose: dict[str, Any]) -> None:
    tree = ast.parse((ROOT / "dags" / "entrepot.py").read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    assert constants["ONE_AT_A_TIME"] == pools.WAREHOUSE_POOL
    lines = [shlex.split(line) for line in compose["services"][INIT]["command"][-1].splitlines()]
    module = ["python", "-m", initialisation.__name__]
    # The databases, then their tables, then what the tables hold.
    assert lines[-3:] == [[*module, "bases"], ["airflow", "db", "migrate"], [*module, "airflow"]]


def test_services_start_in_order(compose: dict[str, Any]) -> None:
    for name in AIRFLOW:
        awaited = {other: how["condition"] for other, how in compose["services"][name]["depends_on"].items()}
        assert {other for other, how in awaited.items() if how == "service_healthy"} >= STORES
        if name != INIT:
            assert awaited[INIT] == "service_completed_successfully"
    assert compose["services"]["worker"]["depends_on"]["api-server"]["condition"] == "service_healthy"


def test_tasks_reach_the_api_server_with_the_secret_it_knows(compose: dict[str, Any]) -> None:
    shared = (
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
        "AIRFLOW__API_AUTH__JWT_SECRET",
        "AIRFLOW__CORE__FERNET_KEY",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
        "AIRFLOW__CELERY__BROKER_URL",
    )
    for variable in shared:
        assert len({environment(compose["services"][name])[variable] for name in AIRFLOW}) == 1
    address = environment(compose["services"]["worker"])["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
    host, port = re.fullmatch(r"http://([\w-]+):(\d+)/execution/", address).groups()  # type: ignore[union-attr]
    assert compose["services"][host]["ports"][0].endswith(f":{port}")


def test_the_worker_can_be_multiplied_and_reads_the_depot_only(compose: dict[str, Any]) -> None:
    worker = compose["services"]["worker"]
    assert not worker.keys() & {"container_name", "hostname", "ports"}
    mounts = {mount["target"]: mount for mount in worker["volumes"] if isinstance(mount, dict)}
    assert mounts[environment(worker)["QPV_DEPOT"]]["read_only"] is True
    assert f"donnees:{environment(worker)['QPV_DATA_DIR']}" in worker["volumes"]


def test_logs_are_shared_and_not_served(compose: dict[str, Any]) -> None:
    for name in ("scheduler", "triggerer", "worker"):
        assert "--skip-serve-logs" in compose["services"][name]["command"]
    for name in AIRFLOW:
        folder = environment(compose["services"][name])["AIRFLOW__LOGGING__BASE_LOG_FOLDER"]
        assert f"journaux:{folder}" in compose["services"][name]["volumes"]


def test_object_storage_and_its_secrets_reach_every_airflow_service(compose: dict[str, Any]) -> None:
    for name in AIRFLOW:
        declared = compose["services"][name]["environment"]
        assert declared.keys() >= {"QPV_STOCKAGE", "QPV_STOCKAGE_OPTIONS"}
        for variable in (
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ENDPOINT_URL",
            "AWS_DEFAULT_REGION",
        ):
            # An empty address would be tried: without a value in .env, there is no variable.
            assert declared[variable] is None
        assert "${QPV_SANS_PROXY:-}" in declared["NO_PROXY"]
        assert declared["NO_PROXY"] == declared["no_proxy"]


def test_connections_are_given_to_the_initialisation_only(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        given = {v for v in service.get("environment", {}) if v.startswith("AIRFLOW_CONN_")}
        assert given == ({"AIRFLOW_CONN_QPV_SMTP", "AIRFLOW_CONN_QPV_WEBHOOK"} if name == INIT else set())


def test_the_site_reads_the_data_and_its_configuration_only(compose: dict[str, Any]) -> None:
    site = compose["services"][SITE]
    named = [mount for mount in site["volumes"] if isinstance(mount, str)]
    bound = [mount for mount in site["volumes"] if isinstance(mount, dict)]
    data = environment(compose["services"]["worker"])["QPV_DATA_DIR"]
    assert named == [f"donnees:{data}:ro"]
    assert [mount["read_only"] for mount in bound] == [True]
    configuration = (ROOT / bound[0]["source"]).read_text(encoding="utf-8")
    assert f"root {data}/publications/courante;" in configuration
    assert re.search(r"listen 8080;", configuration)


def test_compose_accepts_the_file_and_refuses_it_without_secrets(tmp_path: Path) -> None:
    """``docker-compose config``, the one of Debian: no engine is needed."""
    if (program := shutil.which("docker-compose")) is None:
        absent("docker-compose absent ; à faire : apt-get install docker-compose")
    secrets_env.write_env(tmp_path / ".env")
    (tmp_path / "vide").write_text("", encoding="utf-8")

    def config(env_file: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, "--env-file", str(env_file), "--file", str(COMPOSE), "config", "--quiet"],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    accepted = config(tmp_path / ".env")
    assert (accepted.returncode, accepted.stderr) == (0, "")
    refused = config(tmp_path / "vide")
    assert refused.returncode != 0
    assert "secret absent, lancer « make env »" in refused.stderr


def test_named_volumes_are_declared(compose: dict[str, Any]) -> None:
    used = {
        mount.split(":", 1)[0]
        for service in compose["services"].values()
        for mount in service.get("volumes", [])
        if isinstance(mount, str)
    }
    assert used == set(compose["volumes"])


def test_folders_of_the_image_are_those_of_the_services(compose: dict[str, Any]) -> None:
    dockerfile = DOCKERFILE.read_text(encoding="utf-8")
    workdir = re.findall(r"^WORKDIR\s+(\S+)", dockerfile, re.MULTILINE)[-1]
    copied = {m.split()[0] for m in re.findall(r"^COPY\s+(.+?)\s+\S+$", dockerfile, re.MULTILINE)}
    env = environment(compose["services"]["worker"])
    for variable, folder in (("DAGS_FOLDER", "dags"), ("PLUGINS_FOLDER", "plugins")):
        assert env[f"AIRFLOW__CORE__{variable}"] == f"{workdir}/{folder}"
    assert copied >= {"dags", "dbt_project", "expectations", "plugins", "requirements.txt"}
    assert "--require-hashes" in dockerfile
    for source in " ".join(re.findall(r"^COPY\s+(.+?)\s+\S+$", dockerfile, re.MULTILINE)).split():
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignore_lines(ROOT / ".dockerignore")


def test_settings_know_every_variable_of_the_project(compose: dict[str, Any]) -> None:
    known = {f"QPV_{name.upper()}" for name in Settings.model_fields}
    # With or without a value.
    used = {name for service in compose["services"].values() for name in service.get("environment", {})}
    used |= set(re.findall(r"\b(QPV_\w+)=", DOCKERFILE.read_text(encoding="utf-8")))
    ours = {name for name in used if name.startswith("QPV_")}
    # The catalogue of the image is that of the package, and no producer is on the machine itself.
    assert ours == known - {"QPV_CATALOGUE_DIR", "QPV_AUTORISER_HTTP_LOCAL"}


def ignore_lines(path: Path) -> list[str]:
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_the_file_of_secrets_enters_neither_git_nor_the_image() -> None:
    assert ".env" in ignore_lines(ROOT / ".gitignore")
    assert "!.env" not in ignore_lines(ROOT / ".gitignore")
    rules = ignore_lines(ROOT / ".dockerignore")
    assert rules[0] == "*"
    reincluded = [rule[1:] for rule in rules if rule.startswith("!")]
    assert [rule for rule in reincluded if fnmatch.fnmatch(".env", rule)] == []
    assert "**/.env*" in rules[len(reincluded) :]


def test_the_libraries_of_the_server_are_pinned() -> None:
    pinned = dict(
        re.findall(r"^([a-z0-9-]+)==(\d+\.\d+)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE)
    )
    assert [name for name in SERVER_DISTRIBUTIONS if name not in pinned] == []
    # The celery provider 3.26 imports what Celery 5.7 removed: neither scheduler nor worker would start.
    assert pinned["celery"] in {"5.5", "5.6"}


def variables(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in ignore_lines(path))


def test_secrets_are_drawn_anew_and_long_enough() -> None:
    one, other = secrets_env.draw(), secrets_env.draw()
    assert one.keys() == other.keys()
    assert all(one[name] != other[name] for name in one)
    assert len(set(one.values())) == len(one)
    # 24 hexadecimal digits hold 96 bits.
    assert all(len(value) >= 24 for value in one.values())
    # Neither the shell, Compose ($), an address (@ / :), nor airflow.cfg (%) may read anything into them.
    assert all(re.fullmatch(r"[0-9A-Za-z_=-]+", value) for value in one.values())
    assert re.fullmatch(r"[0-9a-f]+", one["POSTGRES_PASSWORD"] + one["REDIS_PASSWORD"])
    assert len(base64.urlsafe_b64decode(one["AIRFLOW_FERNET_KEY"])) == 32


def test_the_file_of_secrets_is_private_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    secrets_env.write_env(path)
    before = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(SettingsError, match=r"existe déjà.*à faire"):
        secrets_env.write_env(path)
    assert path.read_bytes() == before


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(tmp_path / "ailleurs")
    with pytest.raises(SettingsError, match="existe déjà"):
        secrets_env.write_env(tmp_path / ".env")
    assert not (tmp_path / "ailleurs").exists()


def test_a_file_that_could_not_be_written_whole_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets_env, "HEADER", "\udc80")
    with pytest.raises(UnicodeEncodeError):
        secrets_env.write_env(tmp_path / ".env")
    assert list(tmp_path.iterdir()) == []


def test_the_command_tells_what_to_do_and_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / ".env"
    assert secrets_env.main([str(path)]) == 0
    assert secrets_env.main([str(path)]) == 1
    assert secrets_env.main([str(tmp_path / "absent" / ".env")]) == 1
    assert secrets_env.main(["--aide"]) == 2
    said = capsys.readouterr()
    assert "QPV_DEPOT_HOTE" in said.out
    assert "n'est pas remplacé" in said.err
    assert "ne peut pas être créé" in said.err
    secret_values = [value for name, value in variables(path).items() if name in secrets_env.draw()]
    assert len(secret_values) == len(secrets_env.draw())
    assert not any(value in said.out + said.err for value in secret_values)


def test_by_default_the_file_lies_at_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QPV_PROJECT_DIR", str(tmp_path))
    assert secrets_env.main([]) == 0
    assert (tmp_path / ".env").is_file()
