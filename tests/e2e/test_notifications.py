"""Messages to people: what they say, by which connection they leave, and that they never show a secret."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from test_dags_execution import play
from tests.serveur import Reply, Server
from tests.serveur.courriel import MailServer

from qpv_emploi.conservation import Issue, Ledger, Outcome
from qpv_emploi.entrepot.releases import switch
from qpv_emploi.errors import RefusedFile
from qpv_emploi.settings import Settings

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket]

PASSWORD = "motdepasse-courriel-3f9a"
PATH = "/services/T0/B0/jeton-secret-7c21"


@pytest.fixture
def notifications(airflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    from qpv_emploi.airflow import notifications

    monkeypatch.setenv("QPV_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("QPV_DEPOT", str(tmp_path / "depot"))
    monkeypatch.setenv("QPV_REGION", "32")
    return notifications


def connect(monkeypatch: pytest.MonkeyPatch, name: str, **fields: Any) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(fields))


def connect_mail(monkeypatch: pytest.MonkeyPatch, port: int, **extra: Any) -> None:
    fields = {"from_email": "qpv@exemple.fr", "to_emails": "equipe@exemple.fr", "disable_ssl": True}
    connect(
        monkeypatch,
        "qpv_smtp",
        conn_type="smtp",
        host="127.0.0.1",
        port=port,
        login="qpv",
        password=PASSWORD,
        extra={**fields, "disable_tls": True, **extra},
    )


REFUSAL = RefusedFile(
    producteur="insee",
    jeu="cog",
    millesime="2024",
    fichier="cog.zip",
    raison="page\nHTML",
    action="redéposer",
)


def context(exception: BaseException | None = REFUSAL, **op_kwargs: str) -> dict[str, Any]:
    ti = SimpleNamespace(
        dag_id="ingestion_insee", task_id="ingerer__cog", log_url="http://127.0.0.1:8080/dags/x/tasks/y"
    )
    task = SimpleNamespace(op_args=[], op_kwargs=op_kwargs)
    return {"ti": ti, "task": task, "exception": exception}


INGESTION = {"producteur": "insee", "jeu": "cog", "millesime": "2024"}


def test_a_failure_is_told_with_its_dataset_its_reason_and_the_link(
    notifications: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MailServer() as mail, Server() as http:
        http.play("/services/T0/B0/x", Reply(corps=b"ok"))
        connect_mail(monkeypatch, mail.port)
        connect(monkeypatch, "qpv_webhook", conn_type="slackwebhook", password=http.url("/services/T0/B0/x"))
        notifications.tell_failure(context(**INGESTION))
    (received,) = mail.courriels
    assert mail.identifiants == [("qpv", PASSWORD)]
    assert (received["Subject"], received["To"]) == ("échec : insee/cog/2024", "equipe@exemple.fr")
    text = received.get_content()
    assert text.splitlines() == [
        "insee/cog/2024 (tâche ingerer__cog de ingestion_insee)",
        "Raison : insee/cog/2024/cog.zip refusé : page HTML ; à faire : redéposer",
        "Journal : http://127.0.0.1:8080/dags/x/tasks/y",
    ]
    (posted,) = http.requetes
    assert json.loads(posted.corps) == {"text": "*échec : insee/cog/2024*\n" + "\n".join(text.splitlines())}


def test_the_end_of_an_address_follows_the_host_of_the_connection(
    notifications: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server() as http:
        http.play(PATH, Reply(corps=b"ok"))
        connect(
            monkeypatch,
            "qpv_webhook",
            conn_type="slackwebhook",
            host=http.url("/services"),
            password=PATH[10:],
        )
        notifications.tell_failure(context(**INGESTION))
    assert http.paths() == [PATH]


def test_fictional_data_are_said_to_be_so(notifications: ModuleType) -> None:
    message = notifications.failure_message(Settings(region="99"), context(None))
    assert message.titre == "[DONNÉES FICTIVES] échec : ingestion_insee/ingerer__cog"
    assert "raison inconnue" in message.texte


def test_without_a_connection_nothing_is_sent_nor_said(
    notifications: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger=notifications.__name__):
        notifications.tell_failure(context(**INGESTION))
        notifications.announce_release(context())
    assert caplog.messages == []


@pytest.mark.parametrize("case", ["mort", "refuse", "webhook", "incomplet", "sans version"])
def test_a_message_that_cannot_leave_is_one_line_without_secret(
    notifications: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    case: str,
) -> None:
    tell = notifications.tell_failure
    with MailServer(refuse=case == "refuse") as mail, Server() as http:
        if case == "mort":
            # Nothing listens on port 1.
            connect(
                monkeypatch, "qpv_webhook", conn_type="slackwebhook", password=f"http://127.0.0.1:1{PATH}"
            )
        elif case == "webhook":
            connect(monkeypatch, "qpv_webhook", conn_type="slackwebhook", password=http.url(PATH))
        elif case == "incomplet":
            connect(monkeypatch, "qpv_smtp", conn_type="smtp", password=PASSWORD)
        else:
            connect_mail(monkeypatch, mail.port)
            tell = notifications.announce_release if case == "sans version" else tell
        with caplog.at_level(logging.DEBUG, logger=notifications.__name__):
            tell(context(**INGESTION))
    (line,) = [record.getMessage() for record in caplog.records if record.name == notifications.__name__]
    assert (
        line
        == {
            "mort": "la notification par la connexion qpv_webhook n'est pas partie : ConnectionError",
            "refuse": "la notification par la connexion qpv_smtp n'est pas partie : SMTPRecipientsRefused",
            "webhook": "la notification par la connexion qpv_webhook n'est pas partie : "
            "le serveur répond 404",
            "incomplet": "la notification par la connexion qpv_smtp n'est pas partie : "
            "il lui faut un hôte, et dans extra from_email et to_emails",
            "sans version": "aucune notification : UnknownRelease",
        }[case]
    )


def release(settings: Settings, name: str, *inputs: tuple[str, str]) -> None:
    folder = settings.paths.versions / name
    folder.mkdir(parents=True)
    entries = [
        {
            "producteur": "insee",
            "jeu": "cog",
            "millesime": millesime,
            "fichiers": [{"empreinte_sha256": digest}],
        }
        for millesime, digest in inputs
    ]
    manifest = {
        "publie_le": "2026-01-01T00:00:00.000Z",
        "region": "32",
        "empreinte_construction": name,
        "comptes": {"dim_qpv": 199, "fct_observation": 7},
        "est_fictif": False,
        "entrees": entries,
    }
    (folder / "manifeste.json").write_text(json.dumps(manifest), encoding="utf-8")
    switch(settings.paths, folder)


def test_a_release_is_announced_with_what_it_brings_and_what_was_refused(
    notifications: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings()
    release(settings, "20260101T000000Z-aaaaaaaa", ("2022", "a"), ("2023", "b"))
    release(settings, "20260102T000000Z-bbbbbbbb", ("2023", "c"), ("2024", "d"))
    Ledger.of(settings.paths).append(
        Outcome(
            "2026-01-02T00:00:00.000Z",
            "insee",
            "epci",
            "2025",
            Issue.REFUSE,
            "vide",
            (),
            (),
            None,
            (),
            (),
            None,
            "",
        )
    )
    with MailServer() as mail:
        connect_mail(monkeypatch, mail.port)
        notifications.announce_release(context())
    (received,) = mail.courriels
    assert received["Subject"] == "version publiée : 20260102T000000Z-bbbbbbbb"
    assert received.get_content().splitlines() == [
        "Version 20260102T000000Z-bbbbbbbb, région 32 : 199 QPV, 7 observations",
        "Nouveau : insee/cog/2024",
        "Révisé : insee/cog/2023",
        "Retiré : insee/cog/2022",
        "Refusé : insee/epci/2025 : vide",
        "Journal : http://127.0.0.1:8080/dags/x/tasks/y",
    ]


def test_a_failing_task_tells_it_and_no_log_holds_a_secret(
    notifications: ModuleType,
    airflow_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A real run, whose messages leave by one connection and cannot by the other."""
    with MailServer() as mail:
        connect_mail(monkeypatch, mail.port)
        connect(monkeypatch, "qpv_webhook", conn_type="slackwebhook", password=f"http://127.0.0.1:1{PATH}")
        # The dépôt does not exist: the survey of the only dataset fails.
        with caplog.at_level(logging.DEBUG):
            played = play("ingestion_france_travail")
    assert played.state == "failed"
    (received,) = mail.courriels
    assert received["Subject"] == "échec : france_travail/clpe"
    assert "Raison : " in received.get_content()
    assert "dépôt" in received.get_content()
    assert "/dags/ingestion_france_travail/runs/" in received.get_content()
    # Before anything is masked on its way to a file.
    shown = caplog.text
    assert "notification envoyée par la connexion qpv_smtp" in shown
    assert "qpv_webhook n'est pas partie : ConnectionError" in shown
    logs = {path: path.read_bytes() for path in (airflow_home / "logs").rglob("*") if path.is_file()}
    for secret in (PASSWORD, PATH, "jeton-secret-7c21"):
        assert secret not in shown
        assert [path for path, text in logs.items() if secret.encode() in text] == []
    # Even the library that would write the path of the request.
    from airflow.sdk._shared.secrets_masker import redact

    assert "jeton-secret" not in str(redact(f'"POST {PATH} HTTP/1.1" 200'))
