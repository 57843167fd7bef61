"""Errors of the access to a producer, and the masking of secrets in everything that is written."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from qpv_emploi.errors import QPVError

MASK = "***"
MAX_URL = 300
# What an error keeps of the body of a reply: enough for the message of a service.
MAX_BODY = 2000

_NAMES = (
    r"(?:[a-z0-9-]+[-_])?"
    r"(?:api[-_]?key|key|cle|token|jwt|secret|password|passwd|pwd|signature|sig|credential)"
)
_NAME = re.compile(_NAMES, re.IGNORECASE)
_PARAMETER = re.compile(rf"(?<![\w%-])({_NAMES}=)[^&#\s\"'<>)]+", re.IGNORECASE)
_USER = re.compile(r"(?<=//)[^/@\s?#]+@")
_HEADER = re.compile(r"(authorization[\"']?\s*[:=]\s*)[^,;}\r\n]+", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE)


def secrets_of(url: str, en_tetes: Mapping[str, str] | None = None) -> frozenset[str]:
    """Values that must appear nowhere: keys in the query, password of the address, headers of the caller.

    Args:
        url: address asked for.
        en_tetes: headers given by the caller; their values are secret, whole and past the scheme
            (``Bearer``), except those that only say what is accepted.
    """
    trouves: set[str] = set()
    # An address nobody can read is refused elsewhere; its message is masked by the patterns alone.
    with suppress(ValueError):
        parties = urlsplit(url)
        trouves.update(valeur for nom, valeur in parse_qsl(parties.query) if _NAME.fullmatch(nom))
        trouves.update(filter(None, (parties.password,)))
    for nom, valeur in (en_tetes or {}).items():
        if not nom.lower().startswith("accept"):
            trouves.update((valeur, valeur.split(" ", 1)[-1]))
    encodes = {forme(valeur) for valeur in trouves for forme in (quote, quote_plus)}
    return frozenset(valeur for valeur in trouves | encodes if valeur)


def mask(texte: str, secrets: Iterable[str] = ()) -> str:
    """A text without the given secrets, nor anything that looks like a key, a password or a token."""
    # The longest first: a secret may hold another one.
    for secret in sorted(secrets, key=len, reverse=True):
        texte = texte.replace(secret, MASK)
    texte = _USER.sub(f"{MASK}@", texte)
    texte = _PARAMETER.sub(rf"\g<1>{MASK}", texte)
    texte = _HEADER.sub(rf"\g<1>{MASK}", texte)
    return _BEARER.sub(rf"\g<1> {MASK}", texte)


class MaskingFilter(logging.Filter):
    """Masks the addresses a library logs (urllib3 writes the whole query at level DEBUG)."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(mask(a) if isinstance(a, str) else a for a in record.args)
        if isinstance(record.msg, str):
            record.msg = mask(record.msg)
        return True


class ErreurAcces(QPVError):
    """A producer could not be read.

    Args:
        url: address asked for; its secrets are masked.
        raison: what happened, in French.
        action: what the reader of the message can do, in French.
        tentatives: requests made, the first included; 0 when none was.
        statut_http: status of the last reply, if any.
        corps: start of the body of the last reply, when it is text and not a page.
        secrets: values to mask besides those of ``url``.
    """

    def __init__(
        self,
        url: str,
        raison: str,
        *,
        action: str,
        tentatives: int = 0,
        statut_http: int | None = None,
        corps: str = "",
        secrets: Iterable[str] = (),
    ) -> None:
        a_masquer = secrets_of(url) | frozenset(secrets)
        self.url = mask(url, a_masquer)
        self.raison = mask(raison, a_masquer)
        self.action = action
        self.tentatives = tentatives
        self.statut_http = statut_http
        self.corps = mask(corps[:MAX_BODY], a_masquer)
        super().__init__(self.line())

    def line(self) -> str:
        """The whole error on one line."""
        url = self.url if len(self.url) <= MAX_URL else self.url[:MAX_URL] + "…"
        compte = (
            f" (après {self.tentatives} tentative{'s' if self.tentatives > 1 else ''})"
            if self.tentatives
            else ""
        )
        return " ".join(f"{url} : {self.raison}{compte} ; à faire : {self.action}".split())


class AccesRefuse(ErreurAcces):
    """A definitive no, of the producer or of our rules: trying again changes nothing."""


class AccesImpossible(ErreurAcces):
    """The producer does not answer as it should for now; the same request may succeed later."""
