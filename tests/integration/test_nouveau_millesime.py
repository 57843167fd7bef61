"""New vintages load without a change of code; one row of the dictionary makes a new variable an indicator."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from qpv_emploi import pipeline
from qpv_emploi.conservation import Issue, Lock, Outcome
from qpv_emploi.entrepot import Release
from qpv_emploi.pipeline import RunReport
from qpv_emploi.settings import Settings

Requete = Callable[..., list[Any]]

IPRO, DEMO, REVN = "insertion_professionnelle", "demographie_qpv", "revenus_qpv"
NOUVEAUX = [(jeu, millesime) for jeu in (IPRO, DEMO, REVN) for millesime in ("2019", "2022", "2031")]
# One row for a variable that the producer adds, one for a variable that it renames.
LIGNES = (
    "insee;insertion_professionnelle;ABC_INNOV;DC.NB_DE_CONCERNES.PIC.DE_ABC;TOTAL;defm;effectif;2022;;;infere;",
    "insee;insertion_professionnelle;ABC_RSA_V2;DE.NB.DEFM.ABC;RSA=BENEFICIAIRE;defm;effectif;2031;;;infere;",
)
# What the fictional dépôt makes the audit say: no zone publishes the periods of the QPV 2024, six outlines do
# not agree with the list of correspondences.
AVERTISSEMENTS = (
    "mart_ecart_zone.ecarts : attendu : ≥ 1 ; les comparateurs sont là et tout est refusé : des périodes ou "
    "des codes ne se rencontrent plus (1 écart : generation = « 2024 », ecarts : 0)",
    "test dbt discordance_nouvelle : 6 écart(s)",
)
# The same jobseekers are not counted before and after January 2025.
RUPTURE = "série rompue : inscription automatique des bénéficiaires du RSA, catégories F et G"


def _column(depot: Path, jeu: str, millesime: str, variable: str) -> dict[str, float | None]:
    """Zone -> value of one column of a base, read without any code of ours."""
    (fichier,) = (depot / "insee" / jeu / millesime).glob("*.csv")
    with fichier.open(encoding="utf-8-sig", newline="") as flux:
        lignes = list(csv.DictReader(flux, delimiter=";"))
    return {
        ligne["CODGEO"]: float(texte.replace("\u202f", "").replace(",", ".")) if texte else None
        for ligne in lignes
        if (texte := ligne[variable].strip()) is not None and ligne["CODGEO"] != "Ensemble"
    }


def _year(annee: int) -> tuple[date, date]:
    return date(annee, 1, 1), date(annee, 12, 31)


def _end_of(annee: int) -> tuple[date, date]:
    return date(annee, 12, 31), date(annee, 12, 31)


@pytest.fixture(scope="module")
def nb_qpv(sql_fictif: Requete) -> int:
    ((nombre,),) = sql_fictif("select count(*) from dim_qpv where generation = '2015'")
    assert nombre > 20
    return int(nombre)


@pytest.fixture(scope="module")
def relie(
    reglages_fictifs: Settings,
    version_fictive: tuple[Release, list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> RunReport:
    """The same files again, with a copy of the project where two rows were added to the dictionary."""
    assert version_fictive[0].est_courante
    racine = tmp_path_factory.mktemp("relie")
    origine = reglages_fictifs.project_dir
    shutil.copytree(reglages_fictifs.data_dir, racine / "data", symlinks=True)
    shutil.copytree(origine / "expectations", racine / "expectations")
    shutil.copytree(
        origine / "dbt_project", racine / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")
    )
    with (racine / "dbt_project" / "seeds" / "variable_source.csv").open("a", encoding="utf-8") as flux:
        flux.writelines(f"{ligne}\n" for ligne in LIGNES)
    return pipeline.run(
        reglages_fictifs.model_copy(update={"data_dir": racine / "data", "project_dir": racine})
    )


@pytest.fixture(scope="module")
def sql_relie(relie: RunReport) -> Iterator[Requete]:
    assert relie.release is not None
    base = relie.release.dossier / "entrepot.duckdb"
    with duckdb.connect(str(base), read_only=True) as connexion:
        yield lambda sql, *parametres: connexion.execute(sql, list(parametres)).fetchall()


# --- as it is -----------------------------------------------------------------------------------------------


def test_every_vintage_is_accepted(issues_fictives: list[Outcome]) -> None:
    # A dataset of the catalogue that the fictional dépôt does not hold is absent, without vintage.
    issues = {(i.jeu, i.millesime): i for i in issues_fictives if i.millesime}
    assert [i.raison for i in issues.values() if i.issue is not Issue.NOUVEAU] == []
    assert set(NOUVEAUX) <= set(issues)


@pytest.mark.parametrize(("jeu", "millesime"), NOUVEAUX)
def test_every_vintage_is_published(sql_fictif: Requete, nb_qpv: int, jeu: str, millesime: str) -> None:
    ((quartiers, valeurs),) = sql_fictif(
        "select count(distinct code_territoire), count(valeur) from vue_observation "
        "where jeu = ? and millesime = ?",
        jeu,
        millesime,
    )
    assert quartiers == nb_qpv
    assert valeurs > 10 * nb_qpv


@pytest.mark.parametrize(
    ("jeu", "millesime", "variable", "debut", "fin"),
    [
        *((IPRO, m, "ABC", *_end_of(int(m) - 1)) for m in ("2019", "2022", "2031")),
        *((DEMO, m, "A", *_end_of(int(m) - 1)) for m in ("2019", "2022", "2031")),
        *((REVN, m, "TP60", *_year(int(m) - 4)) for m in ("2019", "2022", "2031")),
        (DEMO, "2019", "POP_MUN", date(2011, 1, 1), date(2015, 12, 31)),
        *((DEMO, m, "POP_MUN", None, None) for m in ("2022", "2031")),
        *((IPRO, m, "TX_TOT_EMPL", None, None) for m in ("2019", "2022", "2031")),
    ],
)
def test_the_period_follows_the_rule_or_says_it_is_unknown(
    sql_fictif: Requete, jeu: str, millesime: str, variable: str, debut: date | None, fin: date | None
) -> None:
    (ligne,) = sql_fictif(
        "select distinct debut, fin, libelle_periode, evidence_periode from vue_observation "
        "where jeu = ? and millesime = ? and code_variable = ?",
        jeu,
        millesime,
        variable,
    )
    assert ligne[:2] == (debut, fin)
    if fin is None:
        assert ligne[2:] == (f"période non documentée ({jeu}, millésime {millesime})", "inconnu")
    else:
        assert ligne[3] in ("infere", "verifie")


@pytest.mark.parametrize(
    ("jeu", "millesime", "variable"),
    [
        (IPRO, "2019", "ABC"),
        (IPRO, "2022", "ABC"),
        (IPRO, "2031", "ABC_DUR4"),
        # Native dialect, double-quoted strings, neither LIBGEO nor LIB_COM.
        (DEMO, "2022", "A"),
        (DEMO, "2031", "TX_F"),
        (REVN, "2022", "TP60"),
        (REVN, "2031", "DISP_Q2"),
    ],
)
def test_figures_are_those_of_the_file(
    depot_fictif: Path, sql_fictif: Requete, jeu: str, millesime: str, variable: str
) -> None:
    lues = dict(
        sql_fictif(
            "select code_territoire, valeur from vue_observation "
            "where jeu = ? and millesime = ? and code_variable = ?",
            jeu,
            millesime,
            variable,
        )
    )
    attendues = _column(depot_fictif, jeu, millesime, variable)
    assert lues == attendues
    assert any(attendues.values())


def test_the_new_demography_is_quoted_indeed(depot_fictif: Path) -> None:
    (fichier,) = (depot_fictif / "insee" / DEMO / "2022").glob("*.csv")
    assert fichier.read_bytes().startswith(b'"CODGEO";')


@pytest.mark.parametrize("millesime", ["2022", "2031"])
def test_a_dropped_variable_is_said_to_be_absent(
    issues_fictives: list[Outcome], sql_fictif: Requete, nb_qpv: int, millesime: str
) -> None:
    assert sql_fictif(
        "select count(*), count(valeur), min(code_statut), max(code_statut), min(motif), max(motif), "
        "count(colonne_numero) from vue_observation "
        "where jeu = ? and millesime = ? and code_variable = 'ABC_DUR4_H'",
        IPRO,
        millesime,
    ) == [(nb_qpv, 0, "ND", "ND", *["variable ABC_DUR4_H absente du fichier de ce millésime"] * 2, 0)]
    (issue,) = (i for i in issues_fictives if (i.jeu, i.millesime) == (IPRO, millesime))
    assert "ABC_DUR4_H" in issue.colonnes_absentes


def test_a_new_variable_is_kept_and_reported(
    reglages_fictifs: Settings,
    issues_fictives: list[Outcome],
    version_fictive: tuple[Release, list[str]],
    sql_fictif: Requete,
    nb_qpv: int,
) -> None:
    inconnues = {(i.jeu, i.millesime): set(i.colonnes_inconnues) for i in issues_fictives}
    # The files of the QPV 2024 are linked to nothing yet: they are not what is looked at here.
    assert {cle: noms for cle, noms in inconnues.items() if noms and cle[0] == IPRO} == {
        (IPRO, "2022"): {"ABC_INNOV"},
        (IPRO, "2031"): {"ABC_INNOV", "ABC_RSA_V2"},
    }
    rapportees = sql_fictif(
        "select jeu, millesime, code_variable, nb_cellules from audit.variable_non_reliee"
    )
    assert sorted(rapportees) == [
        (IPRO, "2022", "ABC_INNOV", nb_qpv),
        (IPRO, "2031", "ABC_INNOV", nb_qpv),
        (IPRO, "2031", "ABC_RSA_V2", nb_qpv),
    ]
    assert version_fictive[1] == [
        *AVERTISSEMENTS,
        "test dbt variable_reliee_au_dictionnaire : 3 écart(s)",
    ]
    assert sql_fictif("select count(*) from vue_observation where code_variable = 'ABC_INNOV'") == [(0,)]
    (fichier,) = Lock(reglages_fictifs.paths.verrou).read()["insee", IPRO, "2022"].fichiers
    chemin = reglages_fictifs.paths.root / fichier.bronze["insee__insertion_professionnelle"]
    bronze = pq.read_table(chemin, filters=[("variable", "==", "ABC_INNOV")])
    gardees = dict(zip(bronze["code_zone"].to_pylist(), bronze["valeur"].to_pylist(), strict=True))
    assert gardees == _column(reglages_fictifs.depot, IPRO, "2022", "ABC_INNOV")


def test_a_renamed_variable_is_absent_until_the_dictionary_knows_its_new_name(
    sql_fictif: Requete, nb_qpv: int
) -> None:
    assert sql_fictif(
        "select code_variable, code_statut, count(*), count(valeur) from vue_observation "
        "where millesime = '2031' and code_indicateur = 'DE.NB.DEFM.ABC' "
        "and cle_ventilation = 'RSA=BENEFICIAIRE' group by all"
    ) == [("ABC_RSA", "ND", nb_qpv, 0)]


def test_distant_vintages_are_compared_by_their_periods(sql_fictif: Requete) -> None:
    """Five years apart, two stocks compare; across a break, or between two unknown years, they do not."""
    assert sql_fictif(
        "select count(*) > 0, bool_and(trajectoire = valeur_t - valeur_t0) from mart_trajectoire "
        "where code_indicateur = 'DE.NB.DEFM.ABC' and cle_ventilation = 'TOTAL' and comparable "
        "and cle_periode_t0 = 'INSTANT:2016-12-31' and cle_periode_t = 'INSTANT:2021-12-31'"
    ) == [(True, True)]
    assert sql_fictif(
        "select distinct comparable, trajectoire, motif_non_comparable from mart_trajectoire "
        "where code_indicateur = 'DE.NB.DEFM.ABC' and cle_ventilation = 'TOTAL' "
        "and valeur_t0 is not null and valeur_t is not null "
        "and cle_periode_t0 = 'INSTANT:2016-12-31' and cle_periode_t = 'INSTANT:2030-12-31'"
    ) == [(False, None, RUPTURE)]
    assert sql_fictif(
        "select distinct comparable, motif_non_comparable from mart_trajectoire "
        "where code_indicateur = 'EMP.TX_EMPLOI.RP.15_64' and cle_ventilation = 'TOTAL' "
        "and valeur_t0 is not null and valeur_t is not null "
        "and cle_periode_t = 'FEN5:inconnue:insee:insertion_professionnelle:recensement:2031'"
    ) == [(False, "période de l'une des deux mesures non documentée par le producteur")]


# --- with one row more in the dictionary --------------------------------------------------------------------


def test_the_row_is_all_it_takes(relie: RunReport, sql_relie: Requete) -> None:
    """The files are not received again, the release is a new one, and no variable is left to report."""
    assert {issue.issue for issue in relie.outcomes if issue.millesime} == {Issue.INCHANGE}
    assert relie.avertissements == AVERTISSEMENTS
    assert sql_relie("select * from audit.variable_non_reliee") == []


@pytest.mark.parametrize("millesime", ["2022", "2031"])
def test_the_new_variable_becomes_an_indicator(
    depot_fictif: Path, sql_relie: Requete, millesime: str
) -> None:
    lues = sql_relie(
        "select code_territoire, valeur, fin, libelle_indicateur from vue_observation "
        "where code_indicateur = 'DC.NB_DE_CONCERNES.PIC.DE_ABC' and millesime = ?",
        millesime,
    )
    assert {code: valeur for code, valeur, *_ in lues} == _column(depot_fictif, IPRO, millesime, "ABC_INNOV")
    assert {fin for _, _, fin, _ in lues} == {date(int(millesime) - 1, 12, 31)}
    assert all(libelle for *_, libelle in lues)


def test_the_renamed_variable_goes_on_with_its_series(
    depot_fictif: Path, sql_relie: Requete, nb_qpv: int
) -> None:
    """One statement per neighbourhood: the old name is no longer said to be absent."""
    lues = sql_relie(
        "select millesime, code_variable, code_territoire, valeur from vue_observation "
        "where code_indicateur = 'DE.NB.DEFM.ABC' and cle_ventilation = 'RSA=BENEFICIAIRE'"
    )
    variables = {(millesime, variable) for millesime, variable, *_ in lues}
    assert variables == {(m, "ABC_RSA") for m in ("2017", "2019", "2021", "2022")} | {("2031", "ABC_RSA_V2")}
    derniere = {code: valeur for millesime, _, code, valeur in lues if millesime == "2031"}
    assert derniere == _column(depot_fictif, IPRO, "2031", "ABC_RSA_V2")
    assert len(lues) == 5 * nb_qpv


def test_the_rest_of_the_warehouse_does_not_move(sql_fictif: Requete, sql_relie: Requete) -> None:
    autres = (
        "select cle_observation, valeur, code_statut, motif from fct_observation "
        "where code_indicateur <> 'DC.NB_DE_CONCERNES.PIC.DE_ABC' "
        "and not (code_variable like 'ABC_RSA%' and cle_jeu_source like '%:2031') order by 1"
    )
    assert sql_relie(autres) == sql_fictif(autres)
