"""Fictional files of the datasets whose real file is not held: they are read and judged like real ones."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from qpv_emploi.acquisition import survey
from qpv_emploi.catalogue import Catalogue, load_catalogue
from qpv_emploi.fictif.sans_depot import AMPLITUDE, ecrire_sans_depot, quartiers_2024
from qpv_emploi.fictif.territoire import Territoire, imaginer
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.qualite import Verdict
from qpv_emploi.qualite.gate import judge
from qpv_emploi.settings import Settings

DEFM, FILOSOFI, CNAF = "defm_qpv_2024", "filosofi_qpv_2024", "cnaf_qpv_2024"
RP, SIRENE = "rp_emploi_commune", "sirene_geolocalise"
Resultats = dict[str, tuple[ReadTable, Verdict]]


@pytest.fixture(scope="module")
def territoire() -> Territoire:
    return imaginer(7, 24)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(Settings().dbt_dir)


@pytest.fixture(scope="module")
def depot(territoire: Territoire, tmp_path_factory: pytest.TempPathFactory) -> Path:
    depot = tmp_path_factory.mktemp("depot")
    ecrire_sans_depot(depot, territoire)
    return depot


@pytest.fixture(scope="module")
def resultats(depot: Path, catalogue: Catalogue) -> Resultats:
    """Dataset -> what the survey finds in the dépôt, read and judged."""
    releve = survey(depot, catalogue)
    assert [d.refus for d in releve.deposits] == [()] * 5
    resultat = {}
    for deposit in releve.deposits:
        (fichier,) = deposit.fichiers
        bronze = next(b for b in catalogue.tables() if b.jeu.jeu == deposit.jeu)
        provenance = Provenance("insee", deposit.jeu, deposit.millesime, fichier.fichier, "a" * 64)
        (lue,) = read_file(fichier.chemin, [bronze], provenance, ())
        verdict = judge(lue, expectations_dir=Settings().expectations_dir, variables=(), zones_connues={})
        resultat[deposit.jeu] = (lue, verdict)
    return resultat


def _wide(lue: ReadTable) -> pd.DataFrame:
    cellules = lue.donnees.to_pandas()
    table: pd.DataFrame = cellules.pivot(index="code_zone", columns="variable", values="valeur")
    return table


def test_the_same_region_gives_the_same_bytes(depot: Path, tmp_path: Path, territoire: Territoire) -> None:
    copies = ecrire_sans_depot(tmp_path, imaginer(7, 24))
    assert len(copies) == 5
    for copie in copies:
        assert copie.read_bytes() == (depot / copie.relative_to(tmp_path)).read_bytes(), copie.name
    autres = ecrire_sans_depot(tmp_path / "autre", imaginer(8, 24))
    assert all(a.read_bytes() != c.read_bytes() for a, c in zip(autres, copies, strict=True))


def test_codes_of_2024_are_not_those_of_2015(territoire: Territoire) -> None:
    codes, origines = quartiers_2024(territoire)
    assert len(set(codes)) == len(codes) == len(set(origines.tolist())) == 24
    assert all(re.fullmatch(r"QN9\d{4}[MIN]", code) for code in codes)
    memes_rangs = [code[5:7] == territoire.qpv.codes[i][6:8] for code, i in zip(codes, origines, strict=True)]
    assert not all(memes_rangs)
    assert {code[2:5] for code in codes} == {departement.code for departement in territoire.departements}


def test_a_departement_has_no_more_than_99_codes() -> None:
    codes, origines = quartiers_2024(imaginer(1, 700))
    par_departement = pd.Series(codes).str[2:5].value_counts()
    assert par_departement.max() == 99
    assert len(codes) == len(set(codes)) == len(origines) < 700


def test_every_file_passes_the_gate(resultats: Resultats) -> None:
    assert set(resultats) == {DEFM, FILOSOFI, CNAF, RP, SIRENE}
    for jeu, (_, verdict) in resultats.items():
        assert verdict.accepte, (jeu, verdict.raison())


@pytest.mark.parametrize("jeu", [DEFM, FILOSOFI, CNAF])
def test_a_file_by_qpv_has_one_row_per_qpv_and_reports_its_measures(
    resultats: Resultats, territoire: Territoire, jeu: str
) -> None:
    lue, _ = resultats[jeu]
    assert sorted(set(lue.donnees["code_zone"].to_pylist())) == quartiers_2024(territoire)[0]
    # No dictionary knows them yet: they are data, and told.
    mesures = set(_wide(lue).columns) - {"LIBGEO"}
    assert set(lue.colonnes_inconnues) == mesures
    assert len(mesures) >= 2


def test_perturbed_counts_do_not_add_up_and_stay_close(resultats: Resultats) -> None:
    table = _wide(resultats[DEFM][0])
    ecarts = table["ABC"] - table["ABC_F"] - table["ABC_H"]
    assert (ecarts != 0).any()
    assert ecarts.abs().max() <= 3 * AMPLITUDE
    assert (table.drop(columns="LIBGEO") >= 0).all(axis=None)


def test_a_withheld_rate_is_blank(resultats: Resultats) -> None:
    table = _wide(resultats[FILOSOFI][0])
    assert 0 < table["DISP_TP60"].isna().sum() < len(table)
    assert table["DISP_MED"].between(9_000, 25_000).all()


def test_the_census_keeps_its_useful_columns_under_stable_names(
    resultats: Resultats, territoire: Territoire
) -> None:
    lue, _ = resultats[RP]
    table = _wide(lue)
    assert sorted(table.index) == sorted(commune.code for commune in territoire.communes)
    assert {"P_POP1564", "P_FACTOCC2554", "P_EMPLT", "P16_POP1564", "P11_CHOM1564"} <= set(table.columns)
    assert not any(nom.startswith("C") for nom in table.columns)
    assert lue.colonnes_inconnues == ()
    assert (table["P_POP1564"] > table["P_ACTOCC1564"] + table["P_CHOM1564"]).all()


def test_only_the_establishments_of_a_qpv_are_kept(resultats: Resultats, territoire: Territoire) -> None:
    etablissements = resultats[SIRENE][0].donnees.to_pandas()
    nombre = 30 * len(territoire.qpv)
    assert nombre / 5 < len(etablissements) < nombre / 2
    assert set(etablissements["plg_qp24"]) <= set(quartiers_2024(territoire)[0])
    assert "plg_iris" not in etablissements
    assert etablissements["ligne"].max() > len(etablissements)
    assert etablissements["siret"].str.startswith("0000").all()
