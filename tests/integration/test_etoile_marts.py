"""Gaps, trajectories, sums, availability and the page of a contract, on the real files of Hauts-de-France.

Values come from SOURCES (section 13) or are computed here again from the published observations.
"""

from __future__ import annotations

import csv
import math
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

Requete = Callable[..., list[Any]]

pytestmark = pytest.mark.depot

MEDIANE = "PAU.REVENU_MEDIAN_DISP.FILO.UC"
ABC = "DE.NB.DEFM.ABC"
POPULATION = "DEM.POP_MUNICIPALE.RP.POP"
MEL = "epci:245900410:2015"
NIVEAUX = ("contrat_ville", "departement", "region")
BANNIS = ("effet", "impact", "score", "classement")


def _one(sql: Requete, requete: str, *parametres: object) -> Any:
    ((valeur,),) = sql(requete, *parametres)
    return valeur


def _gravites(sql: Requete) -> dict[str, int]:
    return dict(sql("select code_statut, rang_gravite from dim_statut where rang_gravite is not null"))


# --- gaps ---------------------------------------------------------------------------------------------------


def _median_2017(depot: Path, zone: str, code: str) -> float:
    """Q217 of one zone, read in the file itself."""
    chemin = depot / "insee" / "filosofi" / "2017" / f"FILO2017_DISP_{zone}.csv"
    with chemin.open(encoding="utf-8-sig", newline="") as flux:
        for ligne in csv.DictReader(flux, delimiter=";"):
            if ligne["CODGEO"] == code:
                return float(re.sub(r"[\u202f\u00a0 ]", "", ligne["Q217"]).replace(",", "."))
    raise AssertionError((zone, code))


def test_the_median_of_a_neighbourhood_beside_its_zones(sql_32: Requete, depot_reel: Path) -> None:
    """QP059001 (Hornaing), incomes of 2017: 15 550 euros, against each zone that publishes 2017."""
    attendues = {
        # Hornaing is in Coeur d'Ostrevent, not in the Métropole européenne de Lille.
        "epci": _median_2017(depot_reel, "EPCI", "245901152"),
        "departement": 19_490.0,
        "region": 19_520.0,
        "metropole": 21_110.0,
    }
    lignes = sql_32(
        "select code_comparateur, valeur_qpv, valeur_zone, ecart_points, unite_ecart, rapport, "
        "lecture, hors_qpv, "
        "code_statut, motif from mart_ecart_zone where code_qpv = 'QP059001' and code_indicateur = ? "
        "and cle_periode = 'ANNEE:2017' and portee = 'cellule' and ecart_points is not null",
        MEDIANE,
    )
    assert {ligne[0] for ligne in lignes} == set(attendues)
    for comparateur, valeur, zone, ecart, unite, rapport, lecture, hors_qpv, statut, motif in lignes:
        assert (valeur, zone) == (15_550.0, attendues[comparateur])
        assert ecart == 15_550.0 - attendues[comparateur]
        assert math.isclose(rapport, 15_550.0 / attendues[comparateur])
        assert (unite, lecture, hors_qpv, statut, motif) == ("euros", "défavorable", "non", "OK", None)


def test_the_metropole_of_lille_is_met_under_its_former_siren(sql_32: Requete) -> None:
    lignes = sql_32(
        "select valeur_qpv, valeur_zone, ecart_points, rapport from mart_ecart_zone where "
        "code_indicateur = ? "
        "and cle_territoire_zone = ? and cle_periode = 'ANNEE:2017' and type_territoire = 'qpv'",
        MEDIANE,
        MEL,
    )
    assert len(lignes) > 20
    for valeur, zone, ecart, rapport in lignes:
        assert zone == 20_140.0
        assert (ecart, rapport) == (valeur - 20_140.0, pytest.approx(valeur / 20_140.0))


def test_only_the_same_income_year_compares(sql_32: Requete) -> None:
    """REVN 2019 meets Filosofi 2015, REVN 2021 meets Filosofi 2017; incomes of 2013 have no comparator."""
    assert sql_32(
        "select e.cle_periode, q.millesime, z.millesime, count(*) > 500 from mart_ecart_zone as e "
        "inner join dim_jeu_source as q on e.cle_jeu_source_qpv = q.cle_jeu_source "
        "inner join dim_jeu_source as z on e.cle_jeu_source_zone = z.cle_jeu_source "
        "where e.ecart_points is not null group by all order by all"
    ) == [("ANNEE:2015", "2019", "2015", True), ("ANNEE:2017", "2021", "2017", True)]
    assert sql_32(
        "select distinct code_statut, motif from mart_ecart_zone where cle_periode = 'ANNEE:2013' "
        "and portee = 'cellule' and valeur_qpv is not null"
    ) == [("ND", "aucun fichier tenu ne donne ce comparateur pour la même période et la même ventilation")]


def test_every_gap_is_the_difference_of_its_two_values(sql_32: Requete) -> None:
    gravites = _gravites(sql_32)
    lignes = sql_32(
        "select e.valeur_qpv, e.valeur_zone, e.ecart_points, e.rapport, e.lecture, e.sens_souhaite, "
        "e.code_statut, "
        "q.valeur, z.valeur, q.code_statut, z.code_statut, q.cle_periode = z.cle_periode, "
        "q.cle_ventilation = z.cle_ventilation, q.code_indicateur = z.code_indicateur "
        "from mart_ecart_zone as e inner join fct_observation as q on e.cle_observation_qpv = "
        "q.cle_observation "
        "inner join fct_observation as z on e.cle_observation_zone = z.cle_observation "
        "where e.ecart_points is not null"
    )
    assert len(lignes) > 10_000
    for valeur, zone, ecart, rapport, lecture, sens, statut, q, z, statut_q, statut_z, *memes in lignes:
        assert all(memes)
        assert (valeur, zone) == (q, z)
        assert math.isclose(ecart, q - z, abs_tol=1e-9)
        assert math.isclose(rapport, q / z)
        signe = (sens or 0) * (q - z)
        attendue = (
            "sans sens" if not sens else ("égal", "favorable", "défavorable")[(signe > 0) - (signe < 0)]
        )
        assert lecture == attendue
        assert statut == max(statut_q, statut_z, key=gravites.__getitem__)


def test_every_comparator_of_a_figure_has_its_row(sql_32: Requete) -> None:
    """Made or refused: no neighbourhood, indicator and plausible comparator without a row."""
    manquants = sql_32(
        "with liens as ("
        " select distinct cle_territoire_qpv as cle_territoire, code_comparateur from pont_qpv_zone"
        " where code_comparateur in ('commune', 'epci', 'unite_urbaine', 'zone_emploi', "
        "'departement', 'region',"
        " 'metropole')"
        " union all select cle_territoire, c.code_comparateur from dim_qpv, (values ('reste_commune'),"
        " ('reste_epci'), ('qpv_contrat'), ('qpv_departement'), ('qpv_region')) as c(code_comparateur)"
        "), figures as ("
        " select distinct cle_territoire, code_indicateur from fct_observation"
        " where connu_au is null and cle_territoire like 'qpv:%') "
        "select cle_territoire, code_indicateur, code_comparateur from figures inner join liens "
        "using (cle_territoire) except "
        "select cle_territoire, code_indicateur, code_comparateur from mart_ecart_zone"
    )
    assert manquants == []
    assert _one(sql_32, "select count(*) from mart_ecart_zone") < 1_000_000


def test_every_refusal_says_why(sql_32: Requete) -> None:
    assert (
        _one(
            sql_32,
            "select count(*) from mart_ecart_zone where (ecart_points is null) <> (motif is not null) "
            "or (ecart_points is null) <> (rapport is null) or (ecart_points is null) <> (lecture is null)",
        )
        == 0
    )


def test_jobseekers_are_not_compared_with_those_of_the_commune(sql_32: Requete) -> None:
    """Another date, another rounding: the row says it instead of a share."""
    lignes = sql_32(
        "select count(distinct code_qpv), min(code_statut), min(motif), count(ecart_points) from "
        "mart_ecart_zone "
        "where code_indicateur = ? and code_comparateur = 'commune'",
        ABC,
    )
    ((quartiers, statut, motif, ecarts),) = lignes
    assert (quartiers, statut, ecarts) == (199, "ND", 0)
    assert "stock du 31 décembre" in motif
    assert "arrondie à 5" in motif


def test_unemployment_of_the_zone_is_a_context(sql_32: Requete) -> None:
    """One row a year and the last quarter; never a value of the neighbourhood, for both generations."""
    assert sql_32(
        "select generation, count(distinct code_qpv), count(valeur_qpv), count(ecart_points), "
        "min(code_statut), "
        "min(motif) from mart_ecart_zone where code_indicateur = 'EMP.TX_CHOMAGE.LOCALISE.ACTIFS' "
        "and code_comparateur = 'zone_emploi' group by generation order by generation"
    ) == [
        (
            g,
            n,
            0,
            0,
            "NC",
            "aucun taux de chômage n'existe par QPV : celui de la zone est donné comme contexte",
        )
        for g, n in (("2015", 199), ("2024", 204))
    ]


# --- neighbourhoods taken together --------------------------------------------------------------------------


def test_the_population_of_the_neighbourhoods(sql_32: Requete) -> None:
    assert sql_32(
        "select cle_periode, valeur, nb_qpv, nb_qpv_connus, code_statut from mart_agregat_qpv "
        "where type_territoire = 'region' and generation = '2015' and code_indicateur = ? and est_retenu "
        "order by cle_periode",
        POPULATION,
    ) == [("FEN5:2013", 667_970.0, 199, 199, "OK"), ("FEN5:2018", 653_409.0, 199, 199, "OK")]


def test_every_sum_is_computed_again(sql_32: Requete) -> None:
    """All cells known: the sum. One withheld: nothing. Two or more: the known part, as a lower bound."""
    gravites = _gravites(sql_32)
    membres: dict[tuple[str, str], set[str]] = defaultdict(set)
    for territoire, generation, quartier in sql_32(
        "select cle_territoire_contrat, generation, cle_territoire_qpv from pont_qpv_contrat union all "
        "select t.cle_territoire, q.generation, q.cle_territoire from dim_qpv as q inner join "
        "dim_territoire as t "
        "on (t.type_territoire = 'departement' and t.code_territoire = q.code_departement) "
        "or (t.type_territoire = 'region' and t.code_territoire = q.code_region)"
    ):
        membres[territoire, generation].add(quartier)
    cellules: dict[tuple[str, ...], dict[str, tuple[float | None, str]]] = defaultdict(dict)
    for territoire, valeur, statut, *cle in sql_32(
        "select cle_territoire, valeur, code_statut, code_indicateur, cle_ventilation, cle_periode, "
        "cle_jeu_source "
        "from fct_observation where connu_au is null and cle_territoire like 'qpv:%'"
    ):
        cellules[tuple(cle)][territoire] = (valeur, statut)
    additifs = {
        code for (code,) in sql_32("select code_indicateur from dim_indicateur where additif <> 'non'")
    }
    agregats = sql_32(
        "select cle_territoire, generation, valeur, borne_basse, code_statut, nb_qpv, nb_qpv_connus, "
        "code_indicateur, cle_ventilation, cle_periode, cle_jeu_source from mart_agregat_qpv"
    )
    assert len(agregats) > 20_000
    vus = {"somme": 0, "rien": 0, "borne": 0}
    for territoire, generation, valeur, borne, statut, nb_qpv, nb_connus, *cle in agregats:
        quartiers = membres[territoire, generation]
        presentes = [cellules[tuple(cle)].get(q, (None, "ND")) for q in sorted(quartiers)]
        comptees = [(v, s) for v, s in presentes if s != "NA"]
        connues = [v for v, _ in comptees if v is not None]
        assert (nb_qpv, nb_connus) == (len(quartiers), len(connues))
        if cle[0] not in additifs or not comptees:
            assert (valeur, borne, statut) == (None, None, "NA")
            continue
        assert statut == max((s for _, s in comptees), key=gravites.__getitem__)
        manquantes = len(comptees) - len(connues)
        if manquantes == 0:
            assert valeur == pytest.approx(math.fsum(connues))
            vus["somme"] += 1
        elif manquantes == 1 or not connues:
            assert (valeur, borne) == (None, None)
            vus["rien"] += 1
        else:
            assert (valeur, borne) == (None, pytest.approx(math.fsum(connues)))
            vus["borne"] += 1
    assert min(vus.values()) > 100, vus


def test_a_shared_neighbourhood_counts_in_its_two_contracts(sql_32: Requete) -> None:
    """Sum over contracts above sum over neighbourhoods, and the row says it."""
    par_contrat, marques = sql_32(
        "select sum(valeur), sum(nb_qpv_partages) from mart_agregat_qpv where type_territoire = "
        "'contrat_ville' "
        "and code_indicateur = ? and cle_periode = 'FEN5:2018' and est_retenu",
        POPULATION,
    )[0]
    assert par_contrat > 653_409.0
    assert marques == 20


# --- trajectories -------------------------------------------------------------------------------------------


def test_the_population_of_the_region_since_2013(sql_32: Requete) -> None:
    """Two censuses whose windows do not overlap, on one perimeter."""
    assert sql_32(
        "select valeur_t0, valeur_t, trajectoire, comparable from mart_trajectoire "
        "where type_territoire = 'region' and generation = '2015' and code_indicateur = ?",
        POPULATION,
    ) == [(667_970.0, 653_409.0, -14_561.0, True)]


def test_a_relative_trajectory_needs_both_periods_of_the_zone(sql_32: Requete) -> None:
    """Filosofi: the zones begin in 2014, and a break stands between 2015 and 2017. Nothing is computed."""
    assert sql_32(
        "select cle_periode_t0, cle_periode_t, motif_non_comparable, count(*) > 1000 from mart_trajectoire "
        "where code_comparateur is not null group by all order by all"
    ) == [
        ("ANNEE:2013", "ANNEE:2015", "aucun fichier tenu ne donne ce comparateur aux deux périodes", True),
        (
            *("ANNEE:2013", "ANNEE:2017"),
            *("série rompue : rupture de série Filosofi aux revenus de 2016", True),
        ),
    ]
    assert (
        _one(sql_32, "select count(trajectoire_relative) + count(part_ecart_resorbee) from mart_trajectoire")
        == 0
    )


def test_precarious_and_limited_jobs_are_not_chained(sql_32: Requete) -> None:
    periodes = sql_32(
        "select distinct t.code_indicateur, d.millesime >= '2021', a.millesime >= '2021' from "
        "mart_trajectoire as t "
        "inner join fct_observation as o0 on t.cle_observation_t0 = o0.cle_observation "
        "inner join dim_jeu_source as d on o0.cle_jeu_source = d.cle_jeu_source "
        "inner join fct_observation as o1 on t.cle_observation_t = o1.cle_observation "
        "inner join dim_jeu_source as a on o1.cle_jeu_source = a.cle_jeu_source "
        "where t.code_indicateur in ('EMP.PART_EMPLOI_PRECAIRE.RP.EMPLOIS', "
        "'EMP.PART_EMPLOI_DUREE_LIMITEE.RP.EMPLOIS')"
    )
    assert periodes
    assert all(depart == arrivee for _, depart, arrivee in periodes)


# --- diagnostic and availability ----------------------------------------------------------------------------


def test_the_noise_and_the_denominator_of_a_figure(sql_32: Requete) -> None:
    """No rate of a neighbourhood comes with its counts yet: small numbers are not known, nor guessed."""
    assert sql_32(
        "select count(petit_effectif), count(denominateur), count(distinct position_t0) from "
        "mart_diagnostic_qpv"
    ) == [(0, 0, 3)]


def test_the_share_of_known_cells_is_computed_again(sql_32: Requete) -> None:
    comptes: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for indicateur, generation, attendu, charge in sql_32(
        "select code_indicateur, generation, attendu, charge from fct_disponibilite where "
        "type_territoire = 'qpv'"
    ):
        comptes[indicateur, generation][0] += attendu
        comptes[indicateur, generation][1] += charge
    lignes = sql_32(
        "select code_indicateur, generation, cellules_attendues, cellules_connues, taux_renseignement "
        "from mart_disponibilite where type_territoire = 'region' and code_indicateur in "
        "(select code_indicateur from fct_disponibilite where type_territoire = 'qpv')"
    )
    assert len(lignes) == len(comptes)
    for indicateur, generation, attendues, connues, taux in lignes:
        assert [attendues, connues] == comptes[indicateur, generation]
        assert taux == pytest.approx(100 * connues / attendues)


def test_the_four_families_of_every_contract(sql_32: Requete) -> None:
    """What nothing feeds is a row at 0 %, with the reason; it is not an absence."""
    familles = sql_32(
        "select generation, famille, count(distinct code_territoire), sum(cellules_connues) > 0, "
        "count(*) filter (where cellules_connues < cellules_attendues and motif_principal is null) "
        "from mart_disponibilite where type_territoire = 'contrat_ville' group by all order by all"
    )
    assert familles == [
        ("2015", "actions", 43, False, 0),
        ("2015", "diagnostic", 43, True, 0),
        ("2015", "droit_commun", 43, True, 0),
        ("2015", "gouvernance", 43, False, 0),
        *(
            ("2024", famille, 39, False, 0)
            for famille in ("actions", "diagnostic", "droit_commun", "gouvernance")
        ),
    ]


def test_the_next_publication(sql_32: Requete) -> None:
    """Jobseekers at 31/12/2020: the next base measures 31/12/2021, 330 days later."""
    assert sql_32(
        "select distinct cast(prochaine_date as varchar), motif_prochaine_date from fct_disponibilite "
        "where code_indicateur = ? and generation = '2015'",
        ABC,
    ) == [(str(date(2021, 12, 31) + timedelta(days=330)), None)]
    assert sql_32(
        "select distinct cast(prochaine_date as varchar), motif_prochaine_date from fct_disponibilite "
        "where code_indicateur = ? and generation = '2024'",
        ABC,
    ) == [(None, "aucun fichier de cet indicateur n'est tenu : prochaine parution inconnue")]


# --- the page of a contract ---------------------------------------------------------------------------------


def test_every_contract_has_its_page(sql_32: Requete) -> None:
    """Nine blocks for the 43 contracts of 2015; those of 2024 have no figure yet to print a caveat for."""
    assert sql_32(
        "select generation, count(distinct code_contrat), "
        "count(distinct case when bloc <> 8 then bloc end) from mart_fiche_contrat_ville group by 1 "
        "order by 1"
    ) == [("2015", 43, 8), ("2024", 39, 8)]
    for generation, bloc in ((g, b) for g in ("2015", "2024") for b in (1, 2, 3, 4, 5, 6, 7, 9)):
        nombre = _one(
            sql_32,
            "select count(distinct code_contrat) from mart_fiche_contrat_ville where generation = ? "
            "and bloc = ?",
            generation,
            bloc,
        )
        assert nombre == (43 if generation == "2015" else 39), (generation, bloc)
    assert (
        _one(
            sql_32,
            "select count(distinct code_contrat) from mart_fiche_contrat_ville where bloc = 8 and "
            "generation = '2015'",
        )
        == 43
    )


def _written(valeur: float, unite: str) -> str:
    """A number as the page must write it, computed here without SQL."""
    decimales = {"pourcent": 1, "points": 1, "rapport": 2}.get(unite, 0)
    arrondi = math.floor(abs(valeur) * 10**decimales + 0.5 + 1e-9) / 10**decimales
    entier, _, fraction = f"{arrondi:.{decimales}f}".partition(".")
    groupes = f"{int(entier):,}".replace(",", "\u202f") + (f",{fraction}" if fraction else "")
    signe = "\u2212" if valeur < 0 and arrondi > 0 else ""
    suffixe = {"pourcent": "\u202f%", "points": " points", "rapport": "", "euros": "\u202f€"}.get(
        unite, " " + unite.replace("_", " ")
    )
    return signe + groupes + suffixe


def test_numbers_are_written_as_french_readers_write_them(sql_32: Requete) -> None:
    lignes = sql_32(
        "select valeur, unite, valeur_affichee from mart_fiche_contrat_ville "
        "where type_ligne = 'chiffre' and bloc in (2, 3, 9) and valeur is not null"
    )
    assert len(lignes) > 1000
    assert [(v, u, a) for v, u, a in lignes if a != _written(v, u)] == []
    assert sql_32(
        "select distinct valeur_affichee from mart_fiche_contrat_ville where code_contrat = 'CV191' "
        "and bloc = 2 "
        "and code_territoire_ligne = 'QP059001' and code_indicateur = ?",
        MEDIANE,
    ) == [("15\u202f550\u202f€",)]


def test_a_line_that_cannot_be_filled_stays(sql_32: Requete) -> None:
    """Ordinary schemes: every contract has the same ones, and an unknown share is printed with its reason."""
    lignes = sql_32(
        "select code_statut, valeur_affichee, count(*), count(motif) from mart_fiche_contrat_ville "
        "where bloc = 4 and valeur is null group by all"
    )
    assert {statut for statut, *_ in lignes} >= {"NC", "ND"}
    for statut, affichee, nombre, motifs in lignes:
        assert nombre == motifs
        if statut == "NC":
            assert affichee == "non collecté"


def test_a_figure_of_the_diagnostic_has_its_comparison_or_says_why(sql_32: Requete) -> None:
    assert (
        _one(
            sql_32,
            "select count(*) from mart_fiche_contrat_ville where bloc = 2 and valeur is not null "
            "and ecart_points is null and motif_comparaison is null",
        )
        == 0
    )
    assert sql_32(
        "select valeur, valeur_comparateur, ecart_points, lecture, position_t0, libelle_periode "
        "from mart_fiche_contrat_ville where code_contrat = 'CV191' and bloc = 2 "
        "and code_territoire_ligne = 'QP059001' and code_indicateur = ?",
        MEDIANE,
    ) == [(15_550.0, 18_260.0, -2_710.0, "défavorable", "apres", "année 2017")]


def test_a_shared_neighbourhood_is_on_both_pages(sql_32: Requete) -> None:
    partages = sql_32("select distinct code_qpv from pont_qpv_contrat where est_partage")
    assert len(partages) == 18
    assert (
        sql_32(
            "select count(distinct code_contrat) from mart_fiche_contrat_ville where bloc = 1 and "
            "niveau = 'qpv' "
            "and code_territoire_ligne in (select code_qpv from pont_qpv_contrat where est_partage) "
            "group by code_territoire_ligne having count(distinct code_contrat) <> 2"
        )
        == []
    )


def test_caveats_come_from_the_figures_shown(sql_32: Requete) -> None:
    """No contract of 2024 shows an evolution: none prints the caveat on mobility, all those of 2015 do."""
    assert sql_32(
        "select generation, count(distinct code_contrat) from mart_fiche_contrat_ville "
        "where bloc = 8 and code_ligne = 'mobilite' group by 1"
    ) == [("2015", 43)]


def test_every_figure_of_the_page_is_traced(sql_32: Requete) -> None:
    """Blocks 2 and 3: a neighbourhood leads to its cell, a contract to the cells of its neighbourhoods."""
    assert (
        sql_32(
            "select f.bloc, f.niveau, count(*) from mart_fiche_contrat_ville as f "
            "left join (select distinct cle_trace from mart_tracabilite) as t on f.cle_trace = t.cle_trace "
            "where f.bloc in (2, 3) and f.valeur is not null and t.cle_trace is null group by all"
        )
        == []
    )


@pytest.mark.parametrize(
    "relation", ["mart_ecart_zone", "mart_agregat_qpv", "mart_trajectoire", "mart_fiche_contrat_ville"]
)
def test_no_word_promises_a_cause_or_a_ranking(sql_32: Requete, relation: str) -> None:
    colonnes = [nom for (nom,) in sql_32(f"select column_name from (describe {relation})")]
    assert [nom for nom in colonnes if any(mot in nom for mot in (*BANNIS, "rang_"))] == []
    textes = [nom for nom in ("motif", "reserve", "lecture", "motif_comparaison") if nom in colonnes]
    for nom in textes:
        trouves = sql_32(
            f"select distinct {nom} from {relation} where "
            + " or ".join(f"lower({nom}) like '%{mot}%'" for mot in BANNIS)
        )
        assert trouves == []
