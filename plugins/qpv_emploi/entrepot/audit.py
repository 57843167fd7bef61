"""Gate 2: the contract with the consumers, checked on a built candidate before anyone sees it."""

from __future__ import annotations

import json
from datetime import date

import duckdb

from qpv_emploi.entrepot.candidate import Candidate
from qpv_emploi.entrepot.dbt import manifest_of
from qpv_emploi.entrepot.dictionnaire import record_dictionary
from qpv_emploi.entrepot.drift import (
    Drift,
    count_rows,
    coverage_drifts,
    magnitude_drifts,
    photograph,
    row_drifts,
)
from qpv_emploi.entrepot.releases import Release
from qpv_emploi.entrepot.waivers import judge, read_waivers
from qpv_emploi.errors import AuditError
from qpv_emploi.publication import DATABASE
from qpv_emploi.qualite import Controle
from qpv_emploi.qualite.marts import judge_warehouse
from qpv_emploi.settings import Settings

_AUDIT_FILE = "audit.json"


def audit_candidate(settings: Settings, candidate: Candidate, previous: Release | None) -> list[str]:
    """Judge a candidate and leave the verdict in its work folder.

    Args:
        previous: the release it would replace, None the first time.

    Returns:
        Warnings, one line each: suites, dbt tests of severity « warn », small losses against the last
        release, losses that a person has accepted.

    Raises:
        AuditError: a critical expectation fails; or a table lost more than a quarter of its rows, an
            indicator its known cells, or a median its order of magnitude, and nobody has accepted it.
        SettingsError: a suite or the file of accepted losses is faulty.
    """
    with duckdb.connect(str(candidate.base), read_only=True) as connection:
        controls = judge_warehouse(connection, settings.expectations_dir)
        drifts, notes = _drifts(connection, candidate, previous)
    warnings = [*candidate.avertissements, *notes]
    warnings += [control.ligne() for control in controls if control.est_avertissement]
    warnings += [
        f"test dbt {node.nom} : {node.nb_ecarts} écart(s)"
        for node in candidate.noeuds
        if node.statut == "warn"
    ]
    errors = [control.ligne() for control in controls if control.est_bloquant]
    told, lost = judge(
        drifts,
        read_waivers(settings.expectations_dir),
        region=candidate.region,
        today=date.fromisoformat(candidate.construit_le[:10]),
    )
    warnings += told
    errors += lost
    verdict = {"controles": [_as_row(c) for c in controls], "erreurs": errors, "avertissements": warnings}
    (candidate.dossier / _AUDIT_FILE).write_text(
        json.dumps(verdict, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    if errors:
        more = f" (et {len(errors) - 1} autre(s))" if len(errors) > 1 else ""
        raise AuditError(
            f"candidat {candidate.identifiant} non publié : {errors[0]}{more} ; la version courante ne "
            f"change pas ; détail : {candidate.dossier / _AUDIT_FILE}"
        )
    return warnings


def record_audit(candidate: Candidate) -> None:
    """Write what the build and the audit found into schema ``audit`` of the work database.

    Tables: ``audit.noeud`` (one row per dbt node), ``audit.controle`` (one row per expectation of gate 2),
    ``audit.variable_non_reliee`` (variables of the files that the dictionary does not know),
    ``audit.relation`` and ``audit.colonne`` (what is published, with its description).

    Raises:
        AuditError: the candidate has not been audited, or dbt left no manifest.
    """
    path = candidate.dossier / _AUDIT_FILE
    if not path.exists():
        raise AuditError(f"candidat {candidate.identifiant} sans audit : il ne peut pas être publié")
    verdict = json.loads(path.read_text(encoding="utf-8"))
    if verdict["erreurs"]:
        raise AuditError(f"candidat {candidate.identifiant} refusé par son audit : {verdict['erreurs'][0]}")
    with duckdb.connect(str(candidate.base)) as connection:
        connection.execute("create schema if not exists audit")
        connection.execute(
            "create or replace table audit.noeud (nom varchar, nature varchar, statut varchar, "
            "secondes double, nb_ecarts integer, message varchar)"
        )
        connection.executemany(
            "insert into audit.noeud values (?, ?, ?, ?, ?, ?)",
            [[n.nom, n.nature, n.statut, n.secondes, n.nb_ecarts, n.message] for n in candidate.noeuds],
        )
        connection.execute(
            "create or replace table audit.controle (nom varchar, colonne varchar, severite varchar, "
            "reussi boolean, nb_ecarts integer, message varchar)"
        )
        if verdict["controles"]:
            connection.executemany(
                "insert into audit.controle values (?, ?, ?, ?, ?, ?)", verdict["controles"]
            )
        connection.execute(
            "create or replace table audit.variable_non_reliee as "
            "select producteur, jeu, millesime, code_variable, colonne_numero, nb_cellules, nb_valeurs "
            "from intermediate.int_variable_non_reliee order by producteur, jeu, millesime, code_variable"
        )
        record_dictionary(connection, manifest_of(candidate.dossier))


def _as_row(control: Controle) -> list[object]:
    return [
        control.nom,
        control.colonne,
        control.severite,
        control.reussi,
        control.nb_ecarts,
        control.ligne(),
    ]


def _drifts(
    connection: duckdb.DuckDBPyConnection, candidate: Candidate, previous: Release | None
) -> tuple[list[Drift], list[str]]:
    """Differences with the last release of the same region, and what could not be compared."""
    if previous is None or previous.region != candidate.region:
        return [], []
    name = previous.identifiant
    found = list(row_drifts(previous.comptes, count_rows(connection), name))
    try:
        with duckdb.connect(str(previous.dossier / DATABASE), read_only=True) as other:
            before = photograph(other)
    except duckdb.Error:
        # Published before the observations had their present form, or its database is gone.
        return found, [f"observations de la version {name} illisibles : seules ses lignes sont comparées"]
    after = photograph(connection)
    return [*found, *coverage_drifts(before, after, name), *magnitude_drifts(before, after, name)], []
