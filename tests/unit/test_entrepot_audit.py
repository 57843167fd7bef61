"""Gate 2 before a publication: losses refused, drifts told, and nothing published without a verdict."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from qpv_emploi.entrepot import Candidate, NodeResult, Release
from qpv_emploi.entrepot.audit import audit_candidate, record_audit
from qpv_emploi.errors import AuditError
from qpv_emploi.settings import Settings

SUITE = """
suite: dim_qpv
description: essai
relation: dim_qpv
cle: [code_qpv]
attentes:
  - type: expect_column_values_to_be_between
    colonnes: {{noms: [population]}}
    arguments: {{min_value: 5}}
    severite: {severite}
    note: trop petit pour un quartier
"""
NODES = (
    NodeResult("dim_qpv", "model", "success", 1.5, None, "OK"),
    NodeResult("taux_entre_0_et_100", "test", "warn", 0.1, 2, "Got 2 results"),
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "expectations" / "marts").mkdir(parents=True)
    return Settings(project_dir=tmp_path, data_dir=tmp_path / "data")


def suite(settings: Settings, severite: str) -> None:
    path = settings.expectations_dir / "marts" / "dim_qpv.yml"
    path.write_text(SUITE.format(severite=severite), encoding="utf-8")


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    """Ten QPV of populations 1 to 10."""
    folder = tmp_path / "travail"
    (folder / "dbt").mkdir(parents=True)
    (folder / "dbt" / "manifest.json").write_text('{"nodes": {}}', encoding="utf-8")
    with duckdb.connect(str(folder / "entrepot.duckdb")) as connection:
        connection.execute(
            "create table dim_qpv as select 'QP' || i as code_qpv, i as population from range(1, 11) t(i)"
        )
        connection.execute("create schema intermediate")
        connection.execute(
            "create table intermediate.int_variable_non_reliee as select 'insee' as producteur, 'base' as"
            " jeu, '2020' as millesime, code_variable, 4 as colonne_numero, 3 as nb_cellules, "
            "2 as nb_valeurs from (values ('Z'), ('B')) t(code_variable)"
        )
    return Candidate("C1", folder, "e", "32", "2026-01-01T00:00:00.000Z", (), NODES)


def release(region: str = "32", **comptes: int) -> Release:
    return Release("R0", Path(), "2025-01-01T00:00:00.000Z", region, "e0", comptes, False, True)


def test_first_release_has_nothing_to_compare_with(settings: Settings, candidate: Candidate) -> None:
    warnings = audit_candidate(settings, candidate, None)
    assert warnings == ["test dbt taux_entre_0_et_100 : 2 écart(s)"]


@pytest.mark.parametrize(
    ("before", "told"),
    [(9, None), (10, None), (11, "warning"), (13, "warning"), (14, "error"), (100, "error")],
)
def test_a_table_that_shrinks(
    settings: Settings, candidate: Candidate, before: int, told: str | None
) -> None:
    line = f"dim_qpv : 10 lignes, {before} dans la version R0"
    previous = release(dim_qpv=before)
    if told == "error":
        with pytest.raises(AuditError) as caught:
            audit_candidate(settings, candidate, previous)
        message = str(caught.value)
        assert message.startswith(f"candidat C1 non publié : {line} ; à faire : retrouver la cause")
        assert "(controle : lignes, attendu : 10) ; la version courante ne change pas" in message
        assert "\n" not in message
    else:
        assert (line in audit_candidate(settings, candidate, previous)) is (told == "warning")


def test_a_table_that_disappears_is_a_loss(settings: Settings, candidate: Candidate) -> None:
    previous = release(dim_qpv=10, dim_contrat_ville=4, mart_diagnostic_qpv=10)
    with pytest.raises(AuditError, match=r"dim_contrat_ville : 0 lignes, 4 .*\(et 1 autre\(s\)\)"):
        audit_candidate(settings, candidate, previous)


def test_another_region_is_not_compared(settings: Settings, candidate: Candidate) -> None:
    assert "dim_qpv" not in " ".join(audit_candidate(settings, candidate, release("11", dim_qpv=500)))


def test_a_critical_expectation_stops_the_publication(settings: Settings, candidate: Candidate) -> None:
    suite(settings, "critical")
    with pytest.raises(
        AuditError, match=r"dim_qpv.population : .*trop petit pour un quartier.*code_qpv = « QP1 »"
    ):
        audit_candidate(settings, candidate, None)
    with pytest.raises(AuditError, match=r"candidat C1 refusé par son audit : dim_qpv\.population"):
        record_audit(candidate)


def test_a_warning_is_told_and_recorded(settings: Settings, candidate: Candidate) -> None:
    suite(settings, "warning")
    warnings = audit_candidate(settings, candidate, None)
    assert len(warnings) == 2
    assert "4 écarts" in warnings[0]
    record_audit(candidate)
    with duckdb.connect(str(candidate.base), read_only=True) as connection:
        query = "select colonne, severite, reussi, nb_ecarts, message from audit.controle"
        assert connection.execute(query).fetchall() == [
            ("dim_qpv.population", "warning", False, 4, warnings[0])
        ]
        assert connection.execute("select * from audit.noeud").fetchall() == [
            ("dim_qpv", "model", "success", 1.5, None, "OK"),
            ("taux_entre_0_et_100", "test", "warn", 0.1, 2, "Got 2 results"),
        ]
        variables = connection.execute("select code_variable, nb_valeurs from audit.variable_non_reliee")
        assert variables.fetchall() == [("B", 2), ("Z", 2)]


def test_recording_twice_changes_nothing(settings: Settings, candidate: Candidate) -> None:
    audit_candidate(settings, candidate, None)
    record_audit(candidate)
    record_audit(candidate)
    with duckdb.connect(str(candidate.base), read_only=True) as connection:
        assert connection.execute("select count(*) from audit.noeud").fetchall() == [(2,)]


def test_no_publication_without_audit(candidate: Candidate) -> None:
    with pytest.raises(AuditError, match="candidat C1 sans audit : il ne peut pas être publié"):
        record_audit(candidate)


def test_the_verdict_is_kept_whole(settings: Settings, candidate: Candidate) -> None:
    previous = release(dim_qpv=100, disparue=4)
    with pytest.raises(AuditError):
        audit_candidate(settings, candidate, previous)
    verdict = json.loads((candidate.dossier / "audit.json").read_text(encoding="utf-8"))
    assert [line.split(" : ")[0] for line in verdict["erreurs"]] == ["dim_qpv", "disparue"]
