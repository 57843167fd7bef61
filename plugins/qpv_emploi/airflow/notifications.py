"""Messages to people: a task failed for good, a release was published.

Sent by mail and to a webhook that speaks like Slack's, through two connections of Airflow whose names are
settings (``QPV_CONNEXION_SMTP``, ``QPV_CONNEXION_WEBHOOK``). A connection that does not exist sends nothing.
A message that cannot leave is one line of the task's log, never a failure, and never shows a secret: the
texts of the libraries below hold the address of the webhook, so only the kind of error is said.

Only the standard library and ``requests``: the embedded installation notifies without a provider of Airflow.
The fields of the connections are those of the providers ``smtp`` and ``slack``, whose forms can fill them.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import requests
from airflow.sdk.log import mask_secret

from qpv_emploi.airflow.taches import one_line
from qpv_emploi.errors import QPVError, SettingsError
from qpv_emploi.settings import Settings, load_settings

log = logging.getLogger(__name__)

# Seconds. A mail server that does not answer must not hold the slot of a task.
TIMEOUT = 10
SLACK = "https://hooks.slack.com/services"
FICTIONAL = "[DONNÉES FICTIVES] "


@dataclass(frozen=True)
class Message:
    """What is sent: a title, and lines."""

    titre: str
    lignes: tuple[str, ...]

    @property
    def texte(self) -> str:
        """The lines, one below the other."""
        return "\n".join(self.lignes)


def tell_failure(context: Any) -> None:
    """Callback of a task that failed for good: dataset, reason on one line, link to the log."""
    _quietly(lambda settings: failure_message(settings, context))


def announce_release(context: Any) -> None:
    """Callback of the task that published: version, what is new, what was refused, link to the log."""
    _quietly(lambda settings: release_message(settings, context))


def failure_message(settings: Settings, context: Any) -> Message:
    """The message of a failed task.

    Args:
        context: that of the task: ``ti``, ``task`` and ``exception``.
    """
    ti = context["ti"]
    told = _asked_of(context)
    subject = "/".join(filter(None, told)) or f"{ti.dag_id}/{ti.task_id}"
    reason = one_line(context.get("exception") or "raison inconnue : voir le journal")
    return Message(
        f"{_origin(settings)}échec : {subject}",
        (f"{subject} (tâche {ti.task_id} de {ti.dag_id})", f"Raison : {reason}", f"Journal : {ti.log_url}"),
    )


def release_message(settings: Settings, context: Any) -> Message:
    """The message of a published release.

    Args:
        context: that of the task, of which ``ti`` gives the link.
    """
    from qpv_emploi.annonce import announcement

    said = announcement(settings)
    return Message(
        f"{_origin(settings)}version publiée : {said.version}",
        (*said.lignes, f"Journal : {context['ti'].log_url}"),
    )


def _origin(settings: Settings) -> str:
    return FICTIONAL if settings.is_fictional else ""


def _asked_of(context: Any) -> tuple[str, ...]:
    """Producer, dataset and vintage of a task of ingestion, as far as it has them."""
    task = context.get("task")
    arguments = list(getattr(task, "op_args", ()) or ())
    named = dict(getattr(task, "op_kwargs", None) or {})
    values = [
        named.get(name) or (arguments[place] if place < len(arguments) else "")
        for place, name in enumerate(("producteur", "jeu", "millesime"))
    ]
    # Only an ingestion has a dataset: the first argument of another task is something else.
    return tuple(str(value) for value in values if value) if values[1] else ()


def _quietly(compose: Any) -> None:
    """Compose a message and send it to each connection that exists; what goes wrong stops nothing."""
    try:
        settings = load_settings()
        targets = [
            (name, send, connection)
            for name, send in ((settings.connexion_smtp, _mail), (settings.connexion_webhook, _post))
            if (connection := _connection(name)) is not None
        ]
        if not targets:
            return
        message = compose(settings)
    except Exception as error:
        log.warning("aucune notification : %s", type(error).__name__)
        return
    for name, send, connection in targets:
        try:
            send(connection, message)
            log.info("notification envoyée par la connexion %s", name)
        except QPVError as error:
            log.warning("la notification par la connexion %s n'est pas partie : %s", name, error)
        except Exception as error:
            log.warning(
                "la notification par la connexion %s n'est pas partie : %s", name, type(error).__name__
            )


def _connection(name: str) -> Any:
    """A connection of Airflow, None when there is none of this name."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(name)
    except AirflowNotFoundException:
        return None


def _mail(connection: Any, message: Message) -> None:
    """Send by SMTP: TLS from the first byte, STARTTLS, or none of them, as the connection says.

    Raises:
        SettingsError: the connection lacks a host, a sender or a recipient.
        OSError, smtplib.SMTPException: the server.
    """
    extra = connection.extra_dejson
    sender = extra.get("from_email") or connection.login
    to = extra.get("to_emails") or ""
    recipients = [to] if isinstance(to, str) else list(to)
    if not (connection.host and sender and any(recipients)):
        raise SettingsError("il lui faut un hôte, et dans extra from_email et to_emails")
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.titre, sender, ", ".join(recipients)
    mail.set_content(message.texte)
    plain, no_starttls = (_yes(extra.get(name)) for name in ("disable_ssl", "disable_tls"))
    safe = ssl.create_default_context()
    if plain:
        server = smtplib.SMTP(connection.host, connection.port or 25, timeout=TIMEOUT)
    else:
        server = smtplib.SMTP_SSL(connection.host, connection.port or 465, timeout=TIMEOUT, context=safe)
    with server:
        if plain and not no_starttls:
            server.starttls(context=safe)
        if connection.login and connection.password:
            server.login(connection.login, connection.password)
        server.send_message(mail)


def _yes(value: object) -> bool:
    return str(value).lower() in ("1", "true", "yes", "oui")


def _post(connection: Any, message: Message) -> None:
    """Post to a webhook; its whole address, or the end of it, is the password of the connection.

    Raises:
        SettingsError: the connection has no address, or the server refuses.
        requests.RequestException: the server does not answer.
    """
    secret = (connection.password or "").strip()
    if not secret:
        raise SettingsError("son mot de passe doit être l'adresse du webhook")
    address = secret if "://" in secret else f"{_base(connection)}/{secret.lstrip('/')}"
    # The library below may write the path alone, which Airflow does not know for a part of the password.
    mask_secret(urlsplit(address).path)
    answer = requests.post(
        address, json={"text": f"*{message.titre}*\n{message.texte}"}, timeout=TIMEOUT, allow_redirects=False
    )
    if not 200 <= answer.status_code < 300:
        raise SettingsError(f"le serveur répond {answer.status_code}")


def _base(connection: Any) -> str:
    host = (connection.host or SLACK).rstrip("/")
    return host if "://" in host else f"{connection.schema or 'https'}://{host}"
