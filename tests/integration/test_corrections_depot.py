"""The corrections of the package against the real files: each error is there, mended as its source says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from qpv_emploi import pipeline
from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.conservation import Issue, Lock, Outcome
from qpv_emploi.settings import Settings

pytestmark = pytest.mark.depot

Requete = Callable[..., list[Any]]

CONTRATS = ("sig_ville", "contrats_ville")
# Contract -> département written by the 2024 edition for the same SIREN (CV…), or by its own code (CN073…).
PERDUS = {
    "2015": {"CV366": "2A", "CV367": "2A", "CV368": "2B"},
    "2024": {"CN07303M": "73"},
}


def _features(depot: Path, millesime: str) -> list[dict[str, Any]]:
    (chemin,) = depot.joinpath(*CONTRATS, millesime).glob("*.json")
    contenu = json.loads(chemin.read_text(encoding="utf-8"))
    return [entite["properties"] for entite in contenu["features"]]


def test_the_right_values_are_those_of_the_producer_itself(depot_reel: Path) -> None:
    par_siren = {p["codgeo"]: p["insee_dep"] for p in _features(depot_reel, "2024")}
    fautifs = {p["code_cv"]: p for p in _features(depot_reel, "2015") if not p.get("insee_dep")}
    assert {code: par_siren[p["codgeo"]] for code, p in fautifs.items()} == PERDUS["2015"]
    assert all(p["lib_cv"].startswith("NA - ") for p in fautifs.values())


@pytest.mark.parametrize("millesime", ["2015", "2024"])
def test_every_lost_departement_is_found_again(depot_reel: Path, tmp_path: Path, millesime: str) -> None:
    reglages = Settings(data_dir=tmp_path, depot=depot_reel)
    assert pipeline.ingest_vintage(reglages, *CONTRATS, millesime).issue is Issue.NOUVEAU
    (fichier,) = Lock(reglages.paths.verrou).read()[*CONTRATS, millesime].fichiers
    (chemin,) = fichier.bronze.values()
    rangs = pq.read_table(tmp_path / chemin).to_pylist()
    corriges = {r["code_cv"]: r for r in rangs if r["correction"]}
    assert {code: r["insee_dep"] for code, r in corriges.items()} == PERDUS[millesime]
    for code, rang in corriges.items():
        numero = code.lower()
        assert rang["correction"] == f"departement_perdu_{numero}|libelle_na_{numero}"
        assert rang["insee_dep__publie"] is None
        assert rang["lib_cv__publie"] == "NA - " + rang["lib_cv"].removeprefix(f"{rang['insee_dep']} - ")
    assert all(r["insee_dep"] for r in rangs)
    assert not [r["lib_cv"] for r in rangs if r["lib_cv"].startswith("NA - ")]


def test_the_day_the_producer_mends_its_file(depot_reel: Path, tmp_path: Path) -> None:
    (original,) = depot_reel.joinpath(*CONTRATS, "2024").glob("*.json")
    texte = original.read_text(encoding="utf-8")
    assert texte.count("NA - CA Grand Lac") == 1
    dossier = tmp_path.joinpath("depot", *CONTRATS, "2024")
    dossier.mkdir(parents=True)
    repare = texte.replace("NA - CA Grand Lac", "73 - CA Grand Lac")
    (dossier / original.name).write_text(repare, encoding="utf-8")
    reglages = Settings(data_dir=tmp_path / "data", depot=tmp_path / "depot")
    issue: Outcome = pipeline.ingest_vintage(reglages, *CONTRATS, "2024")
    assert issue.issue is Issue.REFUSE
    assert (
        "lib_cv vaut « 73 - CA Grand Lac », la valeur juste : le producteur a réparé son erreur"
        in issue.raison
    )
    assert "retirer l'entrée libelle_na_cn07303m de catalogue/corrections/sig_ville.yml" in issue.raison


def test_a_release_lists_what_it_corrects(sql_32: Requete) -> None:
    attendues = {
        (found.correction.code, millesime)
        for found in load_catalogue(Settings().dbt_dir).corrections
        for millesime in found.correction.millesimes
    }
    lignes = sql_32(
        "select code_correction, millesime, repere_source, valeur_publiee, valeur_corrigee, "
        "motif_correction, decide_le is not null from dim_correction"
    )
    assert {(code, millesime) for code, millesime, *_ in lignes} == attendues
    (ajaccio,) = [ligne for ligne in lignes if ligne[0] == "libelle_na_cv366"]
    assert ajaccio[2:5] == ("code_cv = CV366", "NA - CA du Pays Ajaccien", "2A - CA du Pays Ajaccien")
    assert all(ligne[5] and ligne[6] for ligne in lignes)
