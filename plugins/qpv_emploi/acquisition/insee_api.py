"""INSEE APIs: Melodi (JSON, by pages) and BDM (SDMX-ML), each written as a CSV.

Paths are official; the limits (30 requests per minute, 10,000 rows per page) and the paging (``page=1``, then
``paging.next`` and ``paging.isLast``) are third-party; the shape of an observation (``dimensions``,
``measures.<M>.value``, ``attributes``) was seen in several third-party clients; no call was made. Neither
service is known to hold a QPV geography (SOURCES 9.2).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from qpv_emploi.acquisition.acces import AccesRefuse
from qpv_emploi.acquisition.cadence import Cadence
from qpv_emploi.acquisition.http import HttpClient
from qpv_emploi.acquisition.lignes_csv import WrittenCsv, write_csv
from qpv_emploi.acquisition.reponses import Params, read_json, require, segment, unexpected, with_params
from qpv_emploi.acquisition.sdmx import BadSdmx, observations

# Both services answer 429 beyond (third-party).
CADENCE = Cadence(requetes=30, fenetre_s=60.0)
MAX_RESULT = 10_000
MAX_PAGES = 5_000


def melodi_csv(
    client: HttpClient,
    base: str,
    jeu: str,
    destination: Path,
    *,
    filtres: Params = (),
    par_page: int = MAX_RESULT,
    en_tetes: Mapping[str, str] | None = None,
) -> WrittenCsv:
    """A Melodi dataset as a CSV: one row per observation; dimensions, then measures, then attributes.

    Args:
        base: address of the service, for instance ``https://api.insee.fr/melodi``.
        jeu: identifier, for instance ``DS_RP_EMPLOI_LR_PRINC``.
        filtres: pairs such as ``("GEO", "DEP-59")``; a name may come several times.
        par_page: rows per page, 10,000 at most.
        en_tetes: optional key, as a header; its value is masked everywhere.

    Raises:
        AccesRefuse: no row, other shape, a paging that does not end; the service refuses.
        AccesImpossible: the service does not answer.
    """
    lignes = melodi_rows(client, base, jeu, filtres=filtres, par_page=par_page, en_tetes=en_tetes)
    return write_csv(_at_least_one(lignes, f"{base}/data/{jeu}"), destination)


def melodi_rows(
    client: HttpClient,
    base: str,
    jeu: str,
    *,
    filtres: Params = (),
    par_page: int = MAX_RESULT,
    en_tetes: Mapping[str, str] | None = None,
) -> Iterator[dict[str, str]]:
    """Rows of a Melodi dataset, numbers as written. An unpublished value is an empty text, never 0.

    Args, Raises: as ``melodi_csv``.
    """
    client.pace(_host(base), CADENCE)
    taille = min(par_page, MAX_RESULT)
    depart = with_params(f"{base.rstrip('/')}/data/{segment(jeu)}", [*filtres, ("maxResult", str(taille))])
    precedente: list[Any] = []
    for numero in range(1, MAX_PAGES + 1):
        url = with_params(depart, [("page", str(numero))])
        corps = read_json(client, url, en_tetes=en_tetes, nombres_en_texte=True)
        liste = corps.get("observations") if isinstance(corps, dict) else None
        if not isinstance(liste, list):
            raise unexpected(url, "liste observations attendue")
        require(not liste or liste != precedente, url, "deux pages de suite sont les mêmes")
        yield from (_row(observation, url) for observation in liste)
        if not _more(corps.get("paging"), len(liste), taille, url):
            return
        precedente = liste
    raise unexpected(depart, f"la pagination ne finit pas en {MAX_PAGES} pages")


def bdm_csv(
    client: HttpClient,
    base: str,
    jeu: str,
    destination: Path,
    *,
    cle: str = "",
    parametres: Params = (),
    en_tetes: Mapping[str, str] | None = None,
) -> WrittenCsv:
    """Series of the BDM as a CSV: one row per observation, the attributes of its series repeated.

    Args:
        base: address of the service, for instance ``https://api.insee.fr/series/BDM/V1``.
        jeu: dataset, for instance ``TAUX-CHOMAGE``.
        cle: SDMX key (``T.TAUX_CHOMAGE_LOCALISE.PROPORTION.D02.POURCENT.CVS``); empty for all the series.
        parametres: pairs such as ``("startPeriod", "2015-Q1")``.
        en_tetes: optional key, as a header; its value is masked everywhere.

    Raises:
        AccesRefuse: no row, dangerous or damaged XML; the service refuses.
        AccesImpossible: the service does not answer.
    """
    client.pace(_host(base), CADENCE)
    # In a key, « . » « + » separate dimensions and alternatives.
    chemin = f"{base.rstrip('/')}/data/{segment(jeu)}" + (f"/{quote(cle, safe='.+')}" if cle else "")
    url = with_params(chemin, parametres)
    with tempfile.TemporaryDirectory() as dossier:
        message = Path(dossier) / "message.xml"
        client.fetch(
            url, message, en_tetes={"Accept": "application/xml", **(en_tetes or {})}, page_attendue=True
        )
        try:
            return write_csv(_at_least_one(observations(message), url), destination)
        except BadSdmx as erreur:
            raise AccesRefuse(
                url,
                f"le message SDMX est refusé : {erreur}",
                action="ouvrir l'adresse dans un navigateur et vérifier que le service va bien",
            ) from None


def _host(base: str) -> str:
    return urlsplit(base).hostname or ""


def _row(observation: Any, url: str) -> dict[str, str]:
    parties = observation if isinstance(observation, dict) else {}
    dimensions, mesures = parties.get("dimensions"), parties.get("measures")
    attributs = parties.get("attributes") or {}
    if not (isinstance(dimensions, dict) and isinstance(mesures, dict) and isinstance(attributs, dict)):
        raise unexpected(url, "une observation a des dimensions, des measures et des attributes")
    ligne = {nom: _text(dimensions[nom]) for nom in sorted(dimensions)}
    ligne |= {nom: _text(_value(mesures[nom])) for nom in sorted(mesures)}
    ligne |= {nom: _text(attributs[nom]) for nom in sorted(attributs)}
    require(
        len(ligne) == len(dimensions) + len(mesures) + len(attributs), url, "deux colonnes ont le même nom"
    )
    return ligne


def _value(mesure: Any) -> Any:
    return mesure.get("value") if isinstance(mesure, dict) else mesure


def _text(valeur: Any) -> str:
    return "" if valeur is None else str(valeur)


def _more(pagination: Any, lues: int, taille: int, url: str) -> bool:
    """Whether a page follows. ``next`` only says so: its address may carry the scheme of a gateway."""
    infos = pagination if isinstance(pagination, dict) else {}
    derniere = infos.get("isLast")
    if isinstance(derniere, bool):
        # An empty page that is not the last would be asked for without end.
        require(derniere or lues > 0, url, "page vide qui n'est pas la dernière")
        return not derniere
    suite = bool(infos.get("next"))
    # Without any sign of the end, a full page may hide the rest.
    require(suite or lues < taille, url, "page pleine sans paging.next ni paging.isLast")
    return suite and lues > 0


def _at_least_one(lignes: Iterable[dict[str, str]], url: str) -> Iterator[dict[str, str]]:
    vide = True
    for ligne in lignes:
        vide = False
        yield ligne
    if vide:
        raise AccesRefuse(
            url,
            "aucune observation ne répond",
            action="vérifier l'identifiant du jeu et les filtres dans le catalogue",
        )
