"""From the form that a partner fills to the staging rows: author, date, statuses, place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from qpv_emploi.settings import Settings

JOUR = "2025-06-30"
TABLES = ("beneficiaires", "actions", "gouvernance", "clauses")


@pytest.fixture(scope="module")
def construit(candidat_fictif: tuple[str, Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The work database of the fictional candidate: staging is not published."""
    with duckdb.connect(str(candidat_fictif[1] / "entrepot.duckdb"), read_only=True) as connexion:
        yield connexion


@pytest.fixture(scope="module")
def classeur(reglages_fictifs: Settings) -> Any:
    (chemin,) = (reglages_fictifs.depot / "local" / "declarations" / JOUR).iterdir()
    return openpyxl.load_workbook(chemin)


@pytest.mark.parametrize("table", TABLES)
def test_each_statement_is_a_row_signed_and_dated(
    construit: duckdb.DuckDBPyConnection, classeur: Any, table: str
) -> None:
    lues = construit.execute(
        "select ligne_source, code_contrat, auteur, organisme, contact_fonction, saisi_le, seuil_secret"
        f" from staging.stg_local__declarations__{table} order by 1"
    ).fetchall()
    feuille = classeur[table.capitalize()]
    signature = ("service politique de la ville", "Intercommunalité imaginaire")
    identite = (*signature, "cheffe de projet du contrat de ville", date.fromisoformat(JOUR), 5)
    attendues = [
        (ligne, feuille.cell(ligne, 1).value, *identite)
        for ligne in range(4, feuille.max_row + 1)
        if feuille.cell(ligne, 1).value
    ]
    assert lues == attendues
    assert lues


def test_an_unknown_value_is_a_status_and_its_reason(construit: duckdb.DuckDBPyConnection) -> None:
    for table, valeur in (
        *(
            ("beneficiaires", "nombre"),
            ("actions", "valeur"),
            ("gouvernance", "constat"),
            ("clauses", "nombre"),
        ),
    ):
        ((connus, inconnus, incoherents),) = construit.execute(
            f"select count({valeur}), count(code_statut),"
            f" count(*) filter (where ({valeur} is null) = (code_statut is null)"
            " or (code_statut is null) <> (motif is null))"
            f" from staging.stg_local__declarations__{table}"
        ).fetchall()
        assert min(connus, inconnus) > 0, table
        assert incoherents == 0, table


def test_figures_are_those_of_the_form(construit: duckdb.DuckDBPyConnection, classeur: Any) -> None:
    feuille = classeur["Beneficiaires"]
    ecrits = {ligne: feuille.cell(ligne, 10).value for ligne in range(4, feuille.max_row + 1)}
    lus = dict(
        construit.execute(
            "select ligne_source, nombre from staging.stg_local__declarations__beneficiaires"
        ).fetchall()
    )
    assert lus == {ligne: valeur for ligne, valeur in ecrits.items() if ligne in lus}
    assert any(isinstance(valeur, int) for valeur in ecrits.values())


def test_declared_codes_are_those_of_the_warehouse(construit: duckdb.DuckDBPyConnection) -> None:
    """Contracts and dispositifs of the fictional form exist: a declaration joins the star schema."""
    orphelins = construit.execute(
        "select code_contrat from staging.stg_local__declarations__beneficiaires"
        " except select code_contrat from dim_contrat_ville"
    ).fetchall()
    orphelins += construit.execute(
        "select code_dispositif from staging.stg_local__declarations__beneficiaires"
        " except select code from seeds.dispositif"
    ).fetchall()
    orphelins += construit.execute(
        "select code_qpv from staging.stg_local__declarations__beneficiaires where code_qpv is not null"
        " except select code_qpv from dim_qpv"
    ).fetchall()
    assert orphelins == []


# --- from the form to the page of the contract --------------------------------------------------------------


def test_a_declared_share_reaches_the_page_of_the_contract(construit: duckdb.DuckDBPyConnection) -> None:
    """GJ in CV900: 70 of 281 entrants live in a QPV. The share, its author and its trace are on the page."""
    ((valeur, reserve, cle_trace),) = construit.execute(
        "select valeur, reserve, cle_trace from mart_fiche_contrat_ville "
        "where code_contrat = 'CV900' and bloc = 4 and code_ligne = 'GJ'"
    ).fetchall()
    ((qpv, total),) = construit.execute(
        "select max(nombre) filter (where population = 'qpv'), "
        "max(nombre) filter (where population = 'total') "
        "from staging.stg_local__declarations__beneficiaires where code_contrat = 'CV900' "
        "and code_qpv is null and sexe is null and code_dispositif = 'GJ'"
    ).fetchall()
    assert valeur == pytest.approx(100 * qpv / total)
    assert "Intercommunalité imaginaire" in reserve
    traces = construit.execute(
        "select fichier, ligne_source, valeur from mart_tracabilite where cle_trace = ? "
        "and nature_source = 'fichier' order by ligne_source",
        [cle_trace],
    ).fetchall()
    assert [valeur for _, _, valeur in traces] == [total, qpv]


def test_declared_neighbourhoods_are_not_summed(construit: duckdb.DuckDBPyConnection) -> None:
    """Somebody wrote three neighbourhoods of eight: no contract, département or region adds them."""
    assert (
        construit.execute(
            "select cle_territoire from fct_beneficiaires_territoire where organisme is not null "
            "and cle_territoire not in "
            "(select cle_territoire from fct_beneficiaires where organisme is not null)"
        ).fetchall()
        == []
    )
    assert construit.execute(
        "select present, origine, beneficiaires, code_statut from mart_couverture_dispositif "
        "where code_dispositif = 'GJ' and source like 'local:%' order by code_qpv"
    ).fetchall() == [
        (True, "declare", 12, "OK"),
        (None, "inconnue", None, "SECRET"),
        (None, "inconnue", 0, "ND"),
    ]


def test_actions_and_governance_are_on_the_page(construit: duckdb.DuckDBPyConnection) -> None:
    """One action of two has a value; the three indicators and the two findings are printed, filled or not."""
    lignes = construit.execute(
        "select code_ligne, valeur_affichee, valeur, motif from mart_fiche_contrat_ville "
        "where code_contrat = 'CN99101M' and bloc = 7 "
        "and (code_ligne like 'saisie:%' or code_ligne like 'GOUV%') "
        "order by ordre, code_ligne"
    ).fetchall()
    assert lignes[0][1:] == ("1 action(s) renseignée(s) sur 2", 50, None)
    assert [ligne[2] for ligne in lignes[1:4]] == [137, 37.5, None]
    assert lignes[3][3] == "aucun suivi à six mois n'a été tenu"
    assert [bool(ligne[3]) for ligne in lignes[4:]] == [False, True]
    assert len(lignes) == 6


def test_what_nobody_declared_says_so(construit: duckdb.DuckDBPyConnection) -> None:
    for famille, connues in (("actions", 2), ("gouvernance", 2)):
        sommes = dict(
            construit.execute(
                "select code_territoire, sum(cellules_connues) from mart_disponibilite "
                "where famille = ? and type_territoire = 'contrat_ville' group by 1",
                [famille],
            ).fetchall()
        )
        assert {code: n for code, n in sommes.items() if n} == {"CN99101M": connues}
    motifs = construit.execute(
        "select distinct code_statut, motif from mart_fiche_contrat_ville where code_contrat = 'CN99102I' "
        "and bloc = 7 and code_ligne like '%DECLARATIF%'"
    ).fetchall()
    assert len(motifs) == 2
    assert all(statut == "NC" and motif.startswith("non déclaré") for statut, motif in motifs)


def test_a_declared_fact_keeps_its_line(construit: duckdb.DuckDBPyConnection) -> None:
    """Every line of the three sheets is a row, with its file and its day."""
    for rubrique, feuille in (("action", "actions"), ("gouvernance", "gouvernance"), ("clause", "clauses")):
        assert (
            construit.execute(
                "select fichier, ligne_source, saisi_le, organisme from fct_saisie_locale "
                f"where rubrique = '{rubrique}' order by all"
            ).fetchall()
            == construit.execute(
                f"select fichier, ligne_source, saisi_le, organisme from "
                f"staging.stg_local__declarations__{feuille} "
                "order by all"
            ).fetchall()
        )


def test_a_page_of_the_directory_has_versions(construit: duckdb.DuckDBPyConnection) -> None:
    """Seven contents of four fictional pages: seven versions with their address, and the windows they ran."""
    versions = construit.execute(
        "select page_url, valide_du, valide_au, page_vue_le from dim_dispositif "
        "where type_dispositif = 'NON_QUALIFIE'"
    ).fetchall()
    assert versions
    assert sorted(versions, key=str) == sorted(
        construit.execute(
            "select url, valide_du, valide_au, dernier_releve_le "
            "from intermediate.int_dispositif_page_version"
        ).fetchall(),
        key=str,
    )
