"""The session of requests: honest, without memory, one connection per host."""

from __future__ import annotations

import logging
from http.cookiejar import DefaultCookiePolicy

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from qpv_emploi import __version__
from qpv_emploi.acquisition.acces import MaskingFilter

PURPOSE = "entrepot de donnees ouvertes sur l'emploi dans les quartiers prioritaires"

_MASKING = MaskingFilter()


def open_session(contact: str, *, trust_env: bool) -> requests.Session:
    """A session that says who asks, keeps no cookie, reads no ``~/.netrc`` and never tries again by itself.

    Args:
        contact: address or page a webmaster may write to, in ASCII; may be empty.
        trust_env: use the proxies and certificates of the environment.
    """
    session = requests.Session()
    session.trust_env = trust_env
    # Otherwise requests would look for a password in ~/.netrc.
    session.auth = _no_auth
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update(
        {
            "User-Agent": f"qpv-emploi/{__version__} ({PURPOSE}{f'; {contact}' if contact else ''})",
            "Accept": "*/*",
            "Accept-Encoding": "gzip",
            "Accept-Language": "fr",
        }
    )
    for schema in ("https://", "http://"):
        aucun = Retry(0, read=False)
        session.mount(schema, HTTPAdapter(pool_maxsize=1, pool_block=True, max_retries=aucun))
    # At level DEBUG urllib3 writes the whole query; adding the same filter twice does nothing.
    for nom in ("urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(nom).addFilter(_MASKING)
    return session


def _no_auth(requete: requests.PreparedRequest) -> requests.PreparedRequest:
    return requete
