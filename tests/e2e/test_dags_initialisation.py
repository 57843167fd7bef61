"""What the initialisation of docker-compose.yml writes into the metadata, and what it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qpv_emploi.airflow import initialisation
from qpv_emploi.airflow.pools import WAREHOUSE_POOL, host_pools
from qpv_emploi.catalogue import load_producer
from qpv_emploi.errors import SettingsError
from qpv_emploi.settings import Settings

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket]

# Names of our own: the other tests share these metadata.
OURS = Settings(connexion_smtp="essai_smtp", connexion_webhook="essai_webhook")
WEBHOOK = "https://hooks.exemple.fr/services/T0/B0/jeton-secret"


def stored(model: Any, **criteria: str) -> list[Any]:
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return list(session.scalars(select(model).filter_by(**criteria)))


def test_each_host_and_the_warehouse_have_a_pool_of_one_slot(airflow_home: Path) -> None:
    from airflow.models.pool import Pool

    settings = Settings()
    for _ in range(2):
        made = initialisation.create_pools(settings)
    hosts = host_pools(map(load_producer, settings.catalogue_dir.glob("*.yml")))
    assert made == [WAREHOUSE_POOL, *hosts]
    assert {pool.pool: pool.slots for pool in stored(Pool) if pool.pool in made} == dict.fromkeys(made, 1)


def test_a_connection_of_the_environment_is_written_and_another_is_left(airflow_home: Path) -> None:
    from airflow.models.connection import Connection

    settings = OURS
    given = {"AIRFLOW_CONN_ESSAI_WEBHOOK": json.dumps({"conn_type": "slackwebhook", "password": WEBHOOK})}
    assert initialisation.create_connections(settings, given) == ["essai_webhook"]
    # Given as an address, with another value: it takes the place of the first.
    uri = {
        "AIRFLOW_CONN_ESSAI_WEBHOOK": "slackwebhook://:autre@hooks.exemple.fr",
        "AIRFLOW_CONN_ESSAI_SMTP": " ",
    }
    assert initialisation.create_connections(settings, uri) == ["essai_webhook"]
    (webhook,) = stored(Connection, conn_id="essai_webhook")
    assert (webhook.conn_type, webhook.host, webhook.password) == (
        "slackwebhook",
        "hooks.exemple.fr",
        "autre",
    )
    # What a person made, and the environment does not give, stays.
    assert initialisation.create_connections(settings, {}) == []
    assert len(stored(Connection, conn_id="essai_webhook")) == 1
    assert stored(Connection, conn_id="essai_smtp") == []


def test_a_connection_that_cannot_be_read_is_not_shown(airflow_home: Path) -> None:
    with pytest.raises(SettingsError, match="AIRFLOW_CONN_ESSAI_WEBHOOK illisible") as refusal:
        initialisation.create_connections(
            OURS, {"AIRFLOW_CONN_ESSAI_WEBHOOK": '{"password": "' + WEBHOOK + '"'}
        )
    assert "jeton-secret" not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_a_missing_secret_is_named_and_nothing_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for person in initialisation.PEOPLE:
        with pytest.raises(SettingsError, match=rf"{person.secret} absent.*make env"):
            initialisation.secret(person.secret, {person.secret: ""})
    with pytest.raises(SettingsError, match="AIRFLOW_DB_PASSWORD absent"):
        initialisation.create_databases("host=127.0.0.1 port=1", {})
    monkeypatch.delenv("POSTGRES_ADMIN", raising=False)
    assert initialisation.main(["bases"]) == 1
    assert initialisation.main(["tout"]) == 2
    said = capsys.readouterr().err
    assert "POSTGRES_ADMIN absent" in said
    assert "usage" in said


def test_a_server_that_does_not_answer_is_one_line_without_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AIRFLOW", "ENTREPOT", "LECTURE"):
        monkeypatch.setenv(f"{name}_DB_PASSWORD", "x")
    monkeypatch.setenv("POSTGRES_ADMIN", "host=127.0.0.1 port=1 user=postgres password=tres-secret")
    assert initialisation.main(["bases"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("PostgreSQL : ")
    assert len(said.splitlines()) == 1
    assert "tres-secret" not in said
