"""A portal of Opendatasoft (DARES), by its Explore API v2.1.

Paths, parameters, limits and the two shapes of error are official (SOURCES 10); the quota headers, the
absence of validators on exports and the identifiers are third-party; no call was made. Inferred: ``modified``
and ``data_processed`` lie in ``metas.default`` or directly in ``metas``, whichever is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from qpv_emploi.acquisition.acces import AccesImpossible, AccesRefuse, ErreurAcces
from qpv_emploi.acquisition.http import Fetched, HttpClient
from qpv_emploi.acquisition.reponses import read_json, require, segment, text, unexpected, with_params
from qpv_emploi.errors import SettingsError

LISTING_LIMIT = 100
MAX_PAGED = 10_000
MAX_DATASETS = 10_000
SHOWN_IDS = 20
TOTAL = "Total"

_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class State:
    """The two dates that move when a dataset does, as the portal writes them; empty when it does not."""

    modified: str = ""
    data_processed: str = ""

    def same_as(self, autre: State) -> bool:
        """Whether nothing moved; two states that say nothing prove nothing."""
        return self == autre and bool(self.modified or self.data_processed)


@dataclass(frozen=True)
class OdsDataset:
    """A dataset: identifier, title, state, and the technical names of its columns with their labels."""

    jeu_id: str
    titre: str
    etat: State
    champs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Query:
    """What to keep of a dataset, in ODSQL.

    Attributes:
        select, where, order_by: clauses; empty for all.
        refine: pairs (facet, value).
    """

    select: str = ""
    where: str = ""
    order_by: str = ""
    refine: tuple[tuple[str, str], ...] = ()

    def params(self) -> list[tuple[str, str]]:
        clauses = [("select", self.select), ("where", self.where), ("order_by", self.order_by)]
        facettes = [("refine", f"{facette}:{valeur}") for facette, valeur in self.refine]
        return [(nom, valeur) for nom, valeur in clauses if valeur] + facettes


def une_dimension_hors_total(
    dimensions: Mapping[str, str] | Sequence[str], gardee: str, *, total: str = TOTAL
) -> str:
    """A ``where`` that keeps the members of one dimension and the total of all the others.

    Every dimension of a DEFM table has a total member, and the table is a union of overlapping margins: the
    stock is multiplied unless exactly one dimension is taken apart (SOURCES 9.5).

    Args:
        dimensions: columns, or columns with the label of their total (``{"code_region": "Total France"}``).
        gardee: the dimension taken apart.
        total: label of the total of the columns given without one.

    Raises:
        SettingsError: the kept dimension is not one of them, a column comes twice or is not a technical name.
    """
    paires = list(dimensions.items()) if isinstance(dimensions, Mapping) else [(d, total) for d in dimensions]
    noms = [nom for nom, _ in paires]
    if gardee not in noms or len(noms) != len(set(noms)) or isinstance(dimensions, str):
        raise SettingsError(
            f"la dimension gardée « {gardee} » doit être une et une seule fois parmi : {', '.join(noms)} ; "
            f"à faire : corriger les dimensions du jeu dans le catalogue"
        )
    for nom in noms:
        if not _COLUMN.fullmatch(nom):
            raise SettingsError(
                f"« {nom} » n'est pas un nom technique de colonne ; à faire : reprendre celui du portail "
                f"(sans accent ni espace) dans le catalogue"
            )
    clauses = ((nom, f"{nom} = {_literal(membre)}") for nom, membre in paires)
    return " and ".join(f"not ({clause})" if nom == gardee else clause for nom, clause in clauses)


def sans_tiret(texte: str) -> str:
    """An identifier with every run of ``_`` and ``-`` made one ``-``, in lower case, for comparisons."""
    return re.sub(r"[-_]+", "-", texte.lower())


class Opendatasoft:
    """One portal.

    Args:
        base: address of the portal, for instance ``https://data.dares.travail-emploi.gouv.fr``.
        cle_api: optional key, sent as the ``apikey`` parameter (official); it is masked everywhere.
    """

    def __init__(self, client: HttpClient, base: str, *, cle_api: str = "") -> None:
        self._client = client
        self._racine = f"{base.rstrip('/')}/api/explore/v2.1/catalog/datasets"
        self._cle = [("apikey", cle_api)] if cle_api else []

    def resolve(self, motif: str) -> str:
        """The identifier of the one dataset that answers to a pattern.

        Args:
            motif: identifier, with ``*`` and ``?`` if need be; ``_`` and ``-`` are the same sign, because
                the portal mixes them irregularly.

        Raises:
            AccesRefuse: none, or several; the message lists identifiers.
        """
        tous = self._identifiers()
        if motif in tous:
            return motif
        trouves = [jeu for jeu in tous if fnmatchcase(sans_tiret(jeu), sans_tiret(motif))]
        if len(trouves) == 1:
            return trouves[0]
        sujets = trouves or sorted(tous)
        liste = ", ".join(sujets[:SHOWN_IDS]) + (", …" if len(sujets) > SHOWN_IDS else "")
        combien = f"{len(trouves)} jeux répondent" if trouves else "aucun jeu ne répond"
        raise AccesRefuse(
            self._racine,
            f"{combien} au motif « {motif} » ; {'en cause' if trouves else 'jeux présents'} : {liste}",
            action="corriger l'identifiant du jeu dans le catalogue",
        )

    def describe(self, jeu_id: str) -> OdsDataset:
        """The description of a dataset; its ``etat`` is the first rung of a refresh.

        Raises:
            AccesRefuse, AccesImpossible: as for any request.
        """
        url = f"{self._racine}/{segment(jeu_id)}"
        corps = self._json(url, [])
        require(isinstance(corps, dict) and bool(corps.get("dataset_id")), url, "champ dataset_id attendu")
        metas = corps.get("metas")
        metas = metas if isinstance(metas, dict) else {}
        defaut = metas.get("default")
        metas = {**metas, **(defaut if isinstance(defaut, dict) else {})}
        champs = corps.get("fields")
        return OdsDataset(
            jeu_id=text(corps, "dataset_id"),
            titre=text(metas, "title"),
            etat=State(text(metas, "modified"), text(metas, "data_processed")),
            champs=tuple(
                (text(champ, "name"), text(champ, "label"))
                for champ in (champs if isinstance(champs, list) else [])
                if isinstance(champ, dict)
            ),
        )

    def latest(self, jeu_id: str, colonne: str, requete: Query | None = None) -> str:
        """The largest value of a column, as text; empty when no row answers.

        Args:
            colonne: technical name.
            requete: what to keep; its own ``select`` and ``order_by`` are not used.

        Raises:
            AccesRefuse, AccesImpossible: as for any request.
        """
        url = f"{self._racine}/{segment(jeu_id)}/records"
        demande = replace(requete or Query(), select=colonne, order_by=f"{colonne} desc")
        _, resultats = self._page(url, [*demande.params(), ("limit", "1")])
        return text(resultats[0], colonne) if resultats else ""

    def export_url(self, jeu_id: str, format_: str, requete: Query) -> str:
        """Address of an export, without the key."""
        url = f"{self._racine}/{segment(jeu_id)}/exports/{format_}"
        # Said rather than left to the defaults, so that a change of these does not change the files.
        forme = [("delimiter", ";"), ("use_labels", "false"), ("with_bom", "true")]
        return with_params(url, requete.params() + (forme if format_ == "csv" else []))

    def export(
        self,
        jeu_id: str,
        destination: Path,
        *,
        format_: Literal["csv", "parquet"] = "csv",
        requete: Query | None = None,
        octets_max: int | None = None,
    ) -> Fetched:
        """Export a dataset, whatever its number of rows. CSV: ``;``, UTF-8 with BOM, technical names.

        Exports carry no validator: compare ``describe(...).etat`` before asking for one.

        Raises:
            AccesRefuse: the portal refuses the query; its message is quoted.
            AccesImpossible: quota spent (with the time it is filled again) or no answer.
        """
        adresse = with_params(self.export_url(jeu_id, format_, requete or Query()), self._cle)
        try:
            return self._client.fetch(adresse, destination, octets_max=octets_max)
        except ErreurAcces as erreur:
            raise _explained(erreur) from None

    def records(self, jeu_id: str, requete: Query | None = None) -> list[dict[str, Any]]:
        """Rows of a small answer, by pages of 100. Beyond 10,000 rows the API stops: export instead.

        Raises:
            AccesRefuse: more than 10,000 rows, or the portal refuses the query.
            AccesImpossible: quota spent or no answer.
        """
        url = f"{self._racine}/{segment(jeu_id)}/records"
        clauses = (requete or Query()).params()
        lignes: list[dict[str, Any]] = []
        while True:
            page = [("limit", str(LISTING_LIMIT)), ("offset", str(len(lignes)))]
            total, resultats = self._page(url, clauses + page)
            if total > MAX_PAGED:
                raise AccesRefuse(
                    url,
                    f"{total} lignes répondent, et la lecture par pages s'arrête à {MAX_PAGED}",
                    action="exporter le jeu (exports/csv ou exports/parquet), ou restreindre la requête",
                )
            lignes += resultats
            if len(lignes) >= total:
                return lignes
            require(bool(resultats), url, f"page vide après {len(lignes)} lignes sur {total}")

    def _identifiers(self) -> list[str]:
        trouves: list[str] = []
        while True:
            page = [("limit", str(LISTING_LIMIT)), ("offset", str(len(trouves))), ("select", "dataset_id")]
            total, resultats = self._page(self._racine, page)
            require(total <= MAX_DATASETS, self._racine, f"{total} jeux annoncés")
            trouves += [text(jeu, "dataset_id") for jeu in resultats]
            if len(trouves) >= total:
                return trouves
            require(bool(resultats), self._racine, f"page vide après {len(trouves)} jeux sur {total}")

    def _page(self, url: str, params: list[tuple[str, str]]) -> tuple[int, list[dict[str, Any]]]:
        corps = self._json(url, params)
        total = corps.get("total_count") if isinstance(corps, dict) else None
        resultats = corps.get("results") if isinstance(corps, dict) else None
        if not isinstance(total, int) or not isinstance(resultats, list):
            raise unexpected(url, "total_count et results attendus")
        require(all(isinstance(ligne, dict) for ligne in resultats), url, "results : des objets attendus")
        return total, resultats

    def _json(self, url: str, params: list[tuple[str, str]]) -> Any:
        try:
            return read_json(self._client, with_params(url, params + self._cle))
        except ErreurAcces as erreur:
            raise _explained(erreur) from None


def _explained(erreur: ErreurAcces) -> ErreurAcces:
    """The same error, with what the portal said. Its two shapes differ: ``error_code`` (400), ``errorcode``
    and ``reset_time`` (429)."""
    try:
        corps = json.loads(erreur.corps)
    except ValueError:
        return erreur
    if not isinstance(corps, dict):
        return erreur
    if erreur.statut_http == 429:
        retour, plafond = text(corps, "reset_time"), text(corps, "call_limit")
        return AccesImpossible(
            erreur.url,
            f"quota du portail épuisé ({text(corps, 'errorcode')} {text(corps, 'error')}"
            + (f" ; {plafond} appels par {text(corps, 'limit_time_unit')}" if plafond else "")
            + ")",
            action=f"relancer après {retour or 'la remise à zéro du quota'}, ou donner une clé d'API",
            tentatives=erreur.tentatives,
            statut_http=429,
            corps=erreur.corps,
        )
    code, message = text(corps, "error_code"), text(corps, "message")
    if not (code or message):
        return erreur
    return type(erreur)(
        erreur.url,
        f"le portail refuse la requête : {code} {message}".strip(),
        action="corriger les colonnes et les filtres du jeu dans le catalogue",
        tentatives=erreur.tentatives,
        statut_http=erreur.statut_http,
        corps=erreur.corps,
    )


def _literal(valeur: str) -> str:
    """A text as a literal of ODSQL."""
    return '"' + valeur.replace("\\", "\\\\").replace('"', '\\"') + '"'
