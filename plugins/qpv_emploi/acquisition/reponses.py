"""Replies of the APIs: addresses with parameters, JSON, and the fields we count on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from qpv_emploi.acquisition.acces import AccesImpossible, AccesRefuse, secrets_of
from qpv_emploi.acquisition.http import HttpClient
from qpv_emploi.acquisition.nature import sniff_bytes

Params = Iterable[tuple[str, str]]


def with_params(url: str, params: Params) -> str:
    """An address with parameters added to its query, in the order given; a name may come several times."""
    ajout = urlencode(list(params), quote_via=quote, safe="")
    if not ajout:
        return url
    parties = urlsplit(url)
    return urlunsplit(parties._replace(query=f"{parties.query}&{ajout}" if parties.query else ajout))


def segment(texte: str) -> str:
    """A text as one segment of a path."""
    return quote(texte, safe="")


def read_json(
    client: HttpClient,
    url: str,
    *,
    en_tetes: Mapping[str, str] | None = None,
    nombres_en_texte: bool = False,
) -> Any:
    """The JSON reply of an API.

    Args:
        url: address, parameters included.
        en_tetes: headers to add; their values are secret.
        nombres_en_texte: give the numbers as the text the service wrote, so that no digit is lost.

    Raises:
        AccesRefuse, AccesImpossible: as ``HttpClient.read``; AccesImpossible also when the reply is a page
            or is not JSON.
    """
    page = client.read(url, en_tetes={"Accept": "application/json", **(en_tetes or {})})
    lecteur: Any = str if nombres_en_texte else None
    try:
        return json.loads(page.contenu, parse_float=lecteur, parse_int=lecteur)
    except (ValueError, RecursionError):
        quoi = "une page HTML" if sniff_bytes(page.contenu) == "html" else "autre chose que du JSON"
        raise AccesImpossible(
            url,
            f"le service a répondu {quoi}",
            action="relancer plus tard ; si cela dure, vérifier l'adresse du service",
            tentatives=page.tentatives,
            secrets=secrets_of(url, en_tetes),
        ) from None


def unexpected(url: str, raison: str) -> AccesRefuse:
    """The refusal of a reply whose shape is not the documented one; ``raison`` says what was expected."""
    return AccesRefuse(
        url,
        f"réponse de forme inattendue : {raison}",
        action="lire la documentation du service : son format a changé",
    )


def require(condition: bool, url: str, raison: str) -> None:
    """Same, when a condition fails.

    Raises:
        AccesRefuse: the condition is false.
    """
    if not condition:
        raise unexpected(url, raison)


def text(objet: Mapping[str, Any], cle: str) -> str:
    """A field as text; empty when it is absent or null."""
    valeur = objet.get(cle)
    return "" if valeur is None else str(valeur)
