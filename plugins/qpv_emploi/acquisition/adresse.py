"""Which addresses may be asked: HTTPS, to known hosts."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from qpv_emploi.acquisition.acces import mask, secrets_of

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost"})


class BadAddress(Exception):
    """The address is not one of ours; ``action`` says what to do."""

    def __init__(self, raison: str, action: str) -> None:
        super().__init__(raison)
        self.action = action


def allowed_host(url: str, hotes: Collection[str], *, http_local: bool = False) -> str:
    """The host of an address, in lower case, when it may be asked.

    Args:
        url: absolute address.
        hotes: names of the allowed hosts, in lower case.
        http_local: accept plain HTTP and any port for 127.0.0.1 and localhost (tests).

    Raises:
        BadAddress: another host, another scheme or port, a user name, or an address that two parsers read
            differently.
    """
    action = "vérifier l'adresse ; si l'hôte est bien celui du producteur, l'ajouter aux hôtes autorisés"
    try:
        parties = urlsplit(url)
        hote, port = (parties.hostname or "").lower(), parties.port
        # The parser of the library that will connect must see the same host.
        vu_par_urllib3 = (parse_url(url).host or "").lower()
    except (ValueError, LocationParseError):
        raise BadAddress("adresse illisible", action) from None
    if hote != vu_par_urllib3 or parties.username is not None or not url.isprintable() or " " in url:
        raise BadAddress("adresse trompeuse", action)
    if hote not in hotes:
        raise BadAddress(
            f"l'hôte « {hote} » n'est pas autorisé (attendu : {', '.join(sorted(hotes))})", action
        )
    if http_local and hote in LOCAL_HOSTS and parties.scheme in ("http", "https"):
        return hote
    if parties.scheme != "https" or port not in (None, 443):
        raise BadAddress(
            "seul HTTPS est accepté, sur son port ordinaire", "écrire l'adresse en https:// dans le catalogue"
        )
    return hote


def is_host_name(texte: str) -> bool:
    """Whether a text is a host name alone: no scheme, port, user or path."""
    return bool(texte) and urlsplit(f"//{texte}").hostname == texte.lower()


def shown(url: str) -> str:
    """The start of an address, fit for a message."""
    return mask(url[:200], secrets_of(url))
