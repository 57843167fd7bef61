"""Gate 2: the built warehouse against the contract with its consumers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd

from qpv_emploi.catalogue.models import Secrecy
from qpv_emploi.errors import SettingsError
from qpv_emploi.qualite.demandes import evaluate, expand, failed_on_absence
from qpv_emploi.qualite.identites import with_identities
from qpv_emploi.qualite.suites import MartSuite, mart_suites
from qpv_emploi.qualite.tableau import Tableau, shown
from qpv_emploi.qualite.verdict import Controle

RELATION = "relation_presente"


def judge_warehouse(connection: duckdb.DuckDBPyConnection, expectations_dir: Path) -> tuple[Controle, ...]:
    """Judge the relations that have a suite in ``<expectations_dir>/marts``.

    Args:
        connection: open on the built warehouse; only read.

    Returns:
        The controls of all suites, in the order of their names. A missing relation or column is a failure:
        a consumer counts on it. Empty when no suite is written.

    Raises:
        SettingsError: a suite is faulty, or its query is not SQL.
    """
    controles: list[Controle] = []
    for suite in mart_suites(expectations_dir):
        controles += _judge(connection, suite)
    return tuple(controles)


def _judge(connection: duckdb.DuckDBPyConnection, suite: MartSuite) -> list[Controle]:
    trame = _fetch(connection, suite)
    if trame is None:
        message = f"la relation {suite.relation} n'existe pas dans l'entrepôt construit"
        return [Controle(RELATION, suite.relation, "critical", False, 0, (), message)]
    tableau = Tableau(trame, _place(trame, suite))
    colonnes = list(trame.columns)
    # Published figures carry their noise in columns of their own: an identity holds as its suite says.
    tableau, demandes, sans_objet = with_identities(tableau, suite.identites, Secrecy(methode="aucune"))
    expansees, sans_colonne = expand(suite.attentes, colonnes)
    juges = evaluate([*demandes, *expansees], tableau)
    controles = [failed_on_absence(c) for c in (*juges, *sans_objet, *sans_colonne)]
    return [replace(c, colonne=".".join(filter(None, (suite.relation, c.colonne)))) for c in controles]


def _fetch(connection: duckdb.DuckDBPyConnection, suite: MartSuite) -> pd.DataFrame | None:
    try:
        connection.execute(f"describe {suite.relation}").fetchall()
    except duckdb.CatalogException:
        return None
    requete = suite.requete or f"select * from {suite.relation}"
    try:
        trame = connection.execute(requete).df()
    except duckdb.Error as erreur:
        details = " ".join(str(erreur).split())
        raise SettingsError(f"suite {suite.suite} : requête refusée par DuckDB : {details}") from erreur
    manquantes = [colonne for colonne in suite.cle if colonne not in trame.columns]
    if manquantes:
        raise SettingsError(
            f"suite {suite.suite} : la clé nomme {', '.join(manquantes)}, absente(s) de {suite.relation} ;"
            f" colonnes lues : {', '.join(map(str, trame.columns))}"
        )
    return trame


def _place(trame: pd.DataFrame, suite: MartSuite) -> Callable[[int], str]:
    def lieu(rang: int) -> str:
        if not suite.cle:
            return f"rang {rang + 1} du résultat"
        return ", ".join(f"{colonne} = {shown(trame[colonne].loc[rang])}" for colonne in suite.cle)

    return lieu
