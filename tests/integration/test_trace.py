"""Thirty published figures drawn at random are read again in the bytes of their sources, without our readers.

Nothing here imports the readers of the package: csv, json and openpyxl open the file that `mart_tracabilite`
names, at its line and column. XLS files have no reader in this list and are left out of the draw.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import openpyxl
import pytest

from qpv_emploi.pipeline import RunReport
from qpv_emploi.settings import Settings

pytestmark = pytest.mark.depot

GRAINE = 2026
SEED_FAITS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "fait_documentaire.csv"
SEED_CIBLES = SEED_FAITS.with_name("cible.csv")

# How many figures of each mart; its key, the key of its trace, the figure.
TIRAGES = {
    "mart_ecart_zone": (
        5,
        "select cle_trace, cle_trace, ecart_points from mart_ecart_zone where ecart_points is not null",
    ),
    "mart_trajectoire, quartiers": (
        4,
        "select cle_trace, cle_trace, trajectoire from mart_trajectoire "
        "where trajectoire is not null and type_territoire = 'qpv'",
    ),
    "mart_trajectoire, contrats": (
        2,
        "select cle_trace, cle_trace, trajectoire from mart_trajectoire "
        "where trajectoire is not null and type_territoire = 'contrat_ville'",
    ),
    "mart_diagnostic_qpv": (
        5,
        "select cle_trace, cle_trace, valeur from mart_diagnostic_qpv where valeur is not null",
    ),
    "mart_moyens_specifiques": (
        4,
        "select cle_ligne, cle_ligne, montant from mart_moyens_specifiques where montant is not null",
    ),
    "mart_ciblage_droit_commun": (
        4,
        "select cle_ligne, cle_ligne, beneficiaires_qpv from mart_ciblage_droit_commun "
        "where beneficiaires_qpv is not null",
    ),
    "mart_suivi_cibles": (
        2,
        "select cle_ligne, cle_ligne, valeur_observee from mart_suivi_cibles "
        "where valeur_observee is not null",
    ),
    "mart_fiche_contrat_ville": (
        4,
        "select cle_ligne, cle_trace, valeur from mart_fiche_contrat_ville "
        "where valeur is not null and bloc in (2, 3, 5)",
    ),
}


class Trace(NamedTuple):
    """One row of mart_tracabilite, with the column its fact names when the mart has none."""

    mart: str
    role: str
    nature_source: str
    cle_enregistrement: str
    producteur: str
    jeu: str
    millesime: str
    fichier: str
    section: str | None
    empreinte_sha256: str | None
    ligne_source: int | None
    colonne_source: str | None
    colonne_numero: int | None
    code_territoire: str | None


class Figure(NamedTuple):
    """One drawn figure: its mart and lot, its key there, the key that its trace bears, its value."""

    mart: str
    cle: str
    cle_trace: str
    valeur: float


TRACE = """
select t.mart, t.role, t.nature_source, t.cle_enregistrement, t.producteur, t.jeu, t.millesime, t.fichier,
    t.section, t.empreinte_sha256, t.ligne_source, coalesce(t.colonne_source, o.colonne_source),
    coalesce(t.colonne_numero, o.colonne_numero), d.code_territoire
from mart_tracabilite as t
left join fct_observation as o on t.cle_observation = o.cle_observation
left join dim_territoire as d on o.cle_territoire = d.cle_territoire
where t.cle_trace = ? order by t.role
"""


def draw(lire: Callable[..., list[Any]]) -> Iterator[Figure]:
    """The thirty figures, the same at each run on the same release."""
    for mart, (nombre, requete) in TIRAGES.items():
        lignes = sorted(lire(requete))
        for cle, cle_trace, valeur in random.Random(f"{GRAINE} {mart}").sample(lignes, nombre):
            yield Figure(mart, cle, cle_trace, float(valeur))


def traces_of(lire: Callable[..., list[Any]], figure: Figure) -> list[Trace]:
    """Where the figure comes from, by mart_tracabilite."""
    return [Trace(*ligne) for ligne in lire(TRACE, figure.cle_trace)]


def number(texte: str) -> float:
    """A printed number of the producers: decimal comma, thousands set apart by spaces."""
    return float(texte.translate({0x202F: None, 0xA0: None, 0x20: None}).replace(",", "."))


@cache
def _lines(chemin: Path) -> list[list[str]]:
    with chemin.open(encoding="utf-8-sig", newline="") as flux:
        return list(csv.reader(flux, delimiter=";"))


@cache
def _records(chemin: Path) -> list[dict[str, Any]]:
    contenu: list[dict[str, Any]] = json.loads(chemin.read_bytes().decode("utf-8-sig"))
    return contenu


@cache
def _sheets(chemin: Path) -> dict[str, list[tuple[Any, ...]]]:
    classeur = openpyxl.load_workbook(chemin, read_only=True, data_only=True)
    return {feuille.title: list(feuille.iter_rows(values_only=True)) for feuille in classeur.worksheets}


@cache
def _seed(chemin: Path) -> dict[str, dict[str, str]]:
    with chemin.open(encoding="utf-8", newline="") as flux:
        lignes = list(csv.DictReader(flux, delimiter=";"))
    return {ligne.get("id") or ligne["code"]: ligne for ligne in lignes}


def read_source(depot: Path, trace: Trace) -> tuple[str, float, str]:
    """Raw text, number, and identity of the row of one trace, from the bytes of its source.

    Raises:
        AssertionError: the file is not the one received, or its header or its row is not the one named.
    """
    if trace.nature_source == "document":
        fait = _seed(SEED_FAITS).get(trace.cle_enregistrement) or _seed(SEED_CIBLES)[trace.cle_enregistrement]
        brut = fait.get("valeur") or fait["valeur_cible"]
        return brut, float(brut), f"{fait['document']}, {fait['section']}"
    chemin = depot / trace.producteur / trace.jeu / trace.millesime / trace.fichier
    assert hashlib.sha256(chemin.read_bytes()).hexdigest() == trace.empreinte_sha256, trace
    assert trace.ligne_source is not None
    if chemin.suffix == ".json":
        fiche = _records(chemin)[trace.ligne_source - 1]
        return str(fiche["montant"]), float(fiche["montant"]), str(fiche["id_poste"])
    assert trace.colonne_numero is not None, trace
    rang, colonne = trace.ligne_source - 1, trace.colonne_numero - 1
    if chemin.suffix == ".csv":
        lignes = _lines(chemin)
        # Filosofi ends the name of a variable with its year (Q217), which the warehouse leaves out (Q2).
        noms = {trace.colonne_source, f"{trace.colonne_source}{trace.millesime[2:]}"}
        assert lignes[0][colonne].strip() in noms, trace
        brut, identite = lignes[rang][colonne], lignes[rang][0]
    else:
        assert chemin.suffix == ".xlsx", trace
        ((brut, identite),) = [
            (str(rangees[rang][colonne]), str(trace.code_territoire))
            for rangees in _sheets(chemin).values()
            if len(rangees) > rang and trace.code_territoire in rangees[rang]
        ]
    # The row is the one of the territory; the file of the métropole has one row, under a code of its own.
    code = str(trace.code_territoire)
    assert identite.zfill(len(code)) == code or trace.fichier.endswith("_METROPOLE.csv"), trace
    return brut, number(brut), identite


def recompute(figure: Figure, lues: list[tuple[Trace, float, str]]) -> float:
    """The published figure, from the values read in the sources."""
    mart = lues[0][0].mart

    def terme(*noms: str) -> float:
        return math.fsum(valeur for trace, valeur, _ in lues if trace.role.split(",")[0] in noms)

    if mart == "mart_trajectoire":
        return terme("valeur_t") - terme("valeur_t0")
    if mart == "mart_ecart_zone":
        return terme("valeur_qpv") - terme("valeur_zone")
    if mart == "mart_suivi_cibles":
        return terme("valeur_observee")
    if mart == "mart_moyens_specifiques" and "|contrat_ville:" not in figure.cle_trace:
        # Above the contract, a post written under two contracts counts once.
        return math.fsum(montant for _, montant in {(poste, valeur) for _, valeur, poste in lues})
    return math.fsum(valeur for _, valeur, _ in lues)


@pytest.fixture(scope="module")
def lire(entrepot_32: tuple[Settings, RunReport]) -> Iterator[Callable[..., list[Any]]]:
    assert entrepot_32[1].release is not None
    base = entrepot_32[1].release.dossier / "entrepot.duckdb"
    with duckdb.connect(str(base), read_only=True) as connexion:
        yield lambda requete, *parametres: connexion.execute(requete, list(parametres)).fetchall()


def test_thirty_figures_are_found_again_in_their_sources(
    lire: Callable[..., list[Any]], depot_reel: Path
) -> None:
    vus = 0
    for figure in draw(lire):
        traces = traces_of(lire, figure)
        assert traces, figure
        if any(trace.fichier.endswith(".xls") for trace in traces):
            continue
        lues = [(trace, *read_source(depot_reel, trace)[1:]) for trace in traces]
        assert math.isclose(recompute(figure, lues), figure.valeur, abs_tol=1e-6), (figure, lues[:5])
        vus += 1
    assert vus >= 28


def test_a_wrong_line_is_seen(lire: Callable[..., list[Any]], depot_reel: Path) -> None:
    figure = next(figure for figure in draw(lire) if figure.mart == "mart_diagnostic_qpv")
    (trace,) = traces_of(lire, figure)
    assert trace.ligne_source is not None
    with pytest.raises(AssertionError):
        read_source(depot_reel, trace._replace(ligne_source=trace.ligne_source + 1))
