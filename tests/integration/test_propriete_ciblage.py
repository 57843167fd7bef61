"""Targeting of the ordinary schemes and follow-up of targets against a second computation.

Counts of beneficiaries, quoted shares and targets are drawn; the SQL that dbt compiled runs on them as it is.
"""

from __future__ import annotations

import math
import shutil
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from chaine import Chaine, Remplacement
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

Ligne = dict[str, Any]

PROFIL = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
PERIODE = ("INSTANT:2019-12-31", date(2019, 12, 31), date(2019, 12, 31))


def _copy(candidat: tuple[str, Path], dossier: Path, entrees: list[str], sortie: str) -> Chaine:
    shutil.copy(candidat[1] / "entrepot.duckdb", dossier / "entrepot.duckdb")
    manifeste = candidat[1] / "dbt" / "manifest.json"
    return Chaine(dossier / "entrepot.duckdb", manifeste, entrees, [sortie])


def same(obtenue: float | None, attendue: float | None) -> bool:
    if obtenue is None or attendue is None:
        return obtenue is attendue
    return math.isclose(obtenue, attendue, rel_tol=1e-9, abs_tol=1e-9)


def finite(lignes: list[Ligne]) -> None:
    for ligne in lignes:
        assert not [c for c, v in ligne.items() if isinstance(v, float) and not math.isfinite(v)], ligne


def is_found(verify: Any, chaine: Chaine, strategie: st.SearchStrategy[Any], mutation: Any) -> bool:
    """Whether an example shows the fault."""

    def fails(tire: Any) -> bool:
        try:
            verify(chaine, tire, mutation)
        except AssertionError:
            return True
        return False

    try:
        find(strategie, fails, settings=settings(PROFIL, max_examples=200, phases=[Phase.generate]))
    except NoSuchExample:
        return False
    return True


# --- targeting ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ciblage(candidat_fictif: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chaine]:
    dossier = tmp_path_factory.mktemp("ciblage")
    chaine = _copy(
        candidat_fictif, dossier, ["fct_beneficiaires", "dim_part_parite"], "mart_ciblage_droit_commun"
    )
    yield chaine
    chaine.close()


def _scheme(chaine: Chaine) -> tuple[str, str]:
    """An ordinary scheme in force, and the public it is judged against."""
    ((code, base),) = chaine.lire(
        "select d.code_dispositif, c.code_base_parite from dim_dispositif as d "
        "inner join seeds.connaissance_dispositif as c on d.code_dispositif = c.code_dispositif "
        "where d.est_courant and d.type_dispositif in ('DC', 'DC_QPV') and c.code_base_parite is not null "
        "order by 1 limit 1"
    )
    return str(code), str(base)


def _contract(chaine: Chaine) -> tuple[str, list[str]]:
    membres: dict[str, list[str]] = defaultdict(list)
    for contrat, qpv in chaine.lire(
        "select cle_territoire_contrat, cle_territoire_qpv from pont_qpv_contrat where generation = '2015' "
        "order by all"
    ):
        membres[contrat].append(qpv)
    return min((x for x in membres.items() if len(x[1]) > 1), key=lambda x: (len(x[1]), x[0]))


@st.composite
def beneficiaries(draw: st.DrawFn, chaine: Chaine) -> dict[str, list[Ligne]]:
    code, base = _scheme(chaine)
    contrat, membres = _contract(chaine)
    ((region, code_region),) = chaine.lire(
        "select cle_territoire, code_territoire from dim_territoire where type_territoire = 'region' "
        "and est_courant"
    )
    lignes = []
    territoires = draw(st.lists(st.sampled_from([*membres, contrat, region]), unique=True, min_size=1))
    for territoire in [*territoires, *(membres if draw(st.booleans()) else [])]:
        for population in ("qpv", "total"):
            if draw(st.integers(0, 4)):
                nombre = draw(st.one_of(st.none(), st.integers(0, 400)))
                lignes.append(_count(code, territoire, population, nombre))
    uniques = {ligne["cle_beneficiaires"]: ligne for ligne in lignes}
    part = {
        "code_parite": "P1",
        "code_base_parite": base,
        "libelle_base_parite": "public",
        "type_territoire": "region",
        "code_territoire": code_region,
        "cle_territoire": draw(st.sampled_from([contrat, region, membres[0]])),
        "part_parite": draw(st.sampled_from([0.0, 13.0, 18.0, 20.0, 25.0])),
        "qualificatif": "exact",
        "debut": PERIODE[1],
        "fin": PERIODE[2],
        "est_datee": draw(st.integers(0, 3)) > 0,
        "code_fait": "F1",
        "publication": "p",
    }
    parites = [part] if draw(st.integers(0, 4)) else []
    return {"fct_beneficiaires": list(uniques.values()), "dim_part_parite": parites}


def _count(code: str, territoire: str, population: str, nombre: int | None) -> Ligne:
    return {
        "cle_beneficiaires": f"{code}|{territoire}|{population}",
        "code_dispositif": code,
        "cle_territoire": territoire,
        "cle_periode": PERIODE[0],
        "type_periode": "INSTANT",
        "debut": PERIODE[1],
        "fin": PERIODE[2],
        "population": population,
        "cle_ventilation": "TOTAL",
        "type_flux": "stock",
        "regle_localisation": "residence",
        "perimetre": "ensemble",
        "nombre": nombre,
        "unite": "personnes",
        "code_statut": "OK" if nombre is not None else "SECRET",
        "motif": None if nombre is not None else "cellule retenue",
        "cle_jeu_source": "insee:insertion_professionnelle:2021",
        "connu_du": date(2026, 1, 1),
    }


def verify_targeting(
    chaine: Chaine, tire: dict[str, list[Ligne]], mutation: Remplacement | None = None
) -> None:
    chaine.jouer(tire, mutation)
    mart = chaine.lignes("mart_ciblage_droit_commun")
    finite(mart)
    comptes = {(x["cle_territoire"], x["population"]): x["nombre"] for x in tire["fct_beneficiaires"]}
    contrat, membres = _contract(chaine)
    for x in mart:
        contexte = (x["cle_ligne"], x["motif"], x["motif_indice"])
        bq, bt, parite = x["beneficiaires_qpv"], x["beneficiaires_total"], x["part_parite"]
        if x["origine"] == "fichier" and x["type_flux"] == "stock" and x["cle_periode"] == PERIODE[0]:
            assert same(bq, _expected_residents(comptes, x["cle_territoire"], contrat, membres, bq)), contexte
            total = comptes.get((x["cle_territoire"], "total"))
            assert same(bt, None if total is None else float(total)), contexte
            assert same(x["part_qpv"], 100 * bq / bt if bq is not None and bt else None), contexte
        if x["part_qpv"] is None:
            assert x["motif"], contexte
            assert x["code_statut"] not in ("OK", "REV", "PROV"), contexte
        permis = x["motif_indice"] is None
        if permis:
            assert None not in (x["part_qpv"], parite), contexte
            assert all(p["est_datee"] for p in tire["dim_part_parite"]), contexte
        indice = x["part_qpv"] / parite if permis and parite else None
        assert same(x["indice_ciblage"], indice), contexte
        manque = bq - bt * parite / 100 if permis and None not in (bq, bt) else None
        assert same(x["ecart_a_la_parite"], manque), contexte
        public = x["public_qpv"]
        assert same(x["recours_pour_1000"], 1000 * bq / public if bq is not None and public else None)
        assert x["est_parite_atteinte"] == (x["part_qpv"] >= parite if permis else None), contexte


def _expected_residents(
    comptes: dict[tuple[str, str], int | None],
    territoire: str,
    contrat: str,
    membres: list[str],
    obtenu: float | None,
) -> float | None:
    """What the source counts itself, else the sum of the neighbourhoods it counts, all of them known."""
    if (territoire, "qpv") in comptes:
        direct = comptes[territoire, "qpv"]
        return None if direct is None else float(direct)
    if territoire != contrat:
        # Wider levels also hold neighbourhoods of other contracts, of which nothing is drawn.
        return obtenu
    dedans = [comptes[qpv, "qpv"] for qpv in membres if (qpv, "qpv") in comptes]
    return None if None in dedans else float(sum(nombre or 0 for nombre in dedans))


def test_targeting_is_that_of_a_second_computation(ciblage: Chaine) -> None:
    @PROFIL
    @given(tire=beneficiaries(ciblage))
    def verify(tire: dict[str, list[Ligne]]) -> None:
        verify_targeting(ciblage, tire)

    verify()


FAUTES_CIBLAGE: dict[str, Remplacement] = {
    "somme malgré un quartier retenu": (
        "case when sommes.nb_qpv = sommes.nb_qpv_connus then",
        "case when true then",
    ),
    "part sans facteur": ("then 100.0 * reunion.beneficiaires_qpv", "then 1.0 * reunion.beneficiaires_qpv"),
    "part de parité sans date": ("when not est_datee then 'part de parité non datée'", ""),
    "indice doublé": (
        "(cast(mesures.part_qpv as double precision) / nullif(",
        "(2 * cast(mesures.part_qpv as double precision) / nullif(",
    ),
}


@pytest.mark.parametrize("faute", sorted(FAUTES_CIBLAGE))
def test_a_fault_in_the_targeting_is_found(ciblage: Chaine, faute: str) -> None:
    assert is_found(verify_targeting, ciblage, beneficiaries(ciblage), FAUTES_CIBLAGE[faute])


# --- targets ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cibles(candidat_fictif: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chaine]:
    chaine = _copy(candidat_fictif, tmp_path_factory.mktemp("cibles"), ["fct_cible"], "mart_suivi_cibles")
    yield chaine
    chaine.close()


TYPES = ("niveau", "variation", "multiplication", "part", "reduction_ecart")


@st.composite
def targets(draw: st.DrawFn, lignes: list[Ligne]) -> list[Ligne]:
    """The targets of the documents, with other sizes, starting points, types and completeness."""
    nombres = st.sampled_from([None, 0.0, 1.0, 2.0, 13.0, 50.0, 1000.0])
    return [
        {
            **ligne,
            "valeur_cible": draw(nombres),
            "valeur_base": draw(nombres),
            "est_complete": draw(st.integers(0, 3)) > 0,
            "motif_incomplete": "cible incomplète",
            "type_cible": draw(st.sampled_from([ligne["type_cible"], *TYPES])),
            "en_vigueur_du": draw(st.sampled_from([ligne["en_vigueur_du"], *[date(2010, 1, 1)] * 3, None])),
            "en_vigueur_au": draw(st.sampled_from([ligne["en_vigueur_au"], *[None] * 3, date(2018, 6, 30)])),
        }
        for ligne in lignes
    ]


def achievement(x: Ligne) -> float | None:
    """Share of the target that is achieved, in % (DOMAIN, « Targets »)."""
    v, base, cible = x["valeur_observee"], x["valeur_base"], x["valeur_cible"]
    besoin = x["type_cible"] in ("variation", "multiplication", "reduction_ecart")
    if v is None or cible is None or (besoin and base is None):
        return None
    match x["type_cible"]:
        case "niveau" | "part":
            part, reste = v, cible
        case "variation" if x["unite"] == "pourcent":
            part, reste = (100 * (v / base - 1) if base else None), cible
        case "variation":
            part, reste = v - base, cible
        case "multiplication":
            part, reste = (v / base - 1 if base else None), cible - 1
        case "reduction_ecart":
            part, reste = (1 - v / base if base else None), cible / 100
        case _:
            return None
    return 100 * part / reste if part is not None and reste else None


def verify_targets(chaine: Chaine, tire: list[Ligne], mutation: Remplacement | None = None) -> None:
    chaine.jouer({"fct_cible": tire}, mutation)
    mart = chaine.lignes("mart_suivi_cibles")
    finite(mart)
    # A target that nothing observes keeps its row.
    assert {x["code_cible"] for x in mart} == {ligne["code_cible"] for ligne in tire}
    for x in mart:
        contexte = (x["cle_ligne"], x["type_cible"], x["motif_taux"])
        if x["motif_taux"] is not None:
            assert x["taux_atteinte"] is None, contexte
        else:
            assert x["est_complete"], contexte
            assert _position(x) == x["position_validite"] == "pendant", contexte
            assert same(x["taux_atteinte"], achievement(x)), contexte
        en_vigueur = {"inconnue": None, "pendant": True}.get(_position(x), False)
        assert x["en_vigueur"] is en_vigueur, contexte


def _position(x: Ligne) -> str:
    du, au = x["en_vigueur_du"], x["en_vigueur_au"]
    if x["fin"] is None or du is None:
        return "inconnue"
    if x["fin"] < du:
        return "avant"
    if au is not None and x["debut"] > au:
        return "apres"
    return "pendant" if x["debut"] >= du and (au is None or x["fin"] <= au) else "a_cheval"


class _Documents(list[Ligne]):
    """Rows that Hypothesis names by one word: written out they would fill pages."""

    def __repr__(self) -> str:
        return "documents"


@pytest.fixture(scope="module")
def documents(cibles: Chaine) -> list[Ligne]:
    """The targets as the documents state them, read before anything is drawn."""
    return _Documents(cibles.lignes("fct_cible"))


def test_achievement_is_that_of_a_second_computation(cibles: Chaine, documents: list[Ligne]) -> None:
    taux: list[float] = []

    @PROFIL
    @given(tire=targets(documents))
    def verify(tire: list[Ligne]) -> None:
        verify_targets(cibles, tire)
        taux.extend(
            x["taux_atteinte"] for x in cibles.lignes("mart_suivi_cibles") if x["taux_atteinte"] is not None
        )

    verify()
    assert len(taux) > 20


FAUTES_CIBLES: dict[str, Remplacement] = {
    "taux d'une cible incomplète": ("when not cible.est_complete then cible.motif_incomplete", ""),
    "taux hors de la validité": ("when situees.position_validite <> 'pendant'", "when false"),
    "multiplication lue comme un niveau": (
        "when 'multiplication'",
        "when 'multiplication' then 100.0 * jugees.valeur_observee / nullif(cible.valeur_cible, 0) "
        "when 'jamais'",
    ),
}


@pytest.mark.parametrize("faute", sorted(FAUTES_CIBLES))
def test_a_fault_in_the_targets_is_found(cibles: Chaine, documents: list[Ligne], faute: str) -> None:
    assert is_found(verify_targets, cibles, targets(documents), FAUTES_CIBLES[faute])
