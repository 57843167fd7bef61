"""The measures on observations against a second computation, on many invented sets of figures.

Hypothesis draws statements (indicator, territory, period, breakdown, dataset, value or status) on the
geography of the fictional region; the SQL that dbt compiled is run on them as it is, from ``int_observation``
to the marts. The figures that must come out are computed here again, in Python, from the rules of DOMAIN and
not from the SQL. Deliberate faults in that SQL show that the comparison can fail.
"""

from __future__ import annotations

import math
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from chaine import Chaine, Remplacement
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Ligne = dict[str, Any]
Cle = tuple[Any, ...]

ABC, MEDIANE = "DE.NB.DEFM.ABC", "PAU.REVENU_MEDIAN_DISP.FILO.UC"
PAUVRETE, EMPLOI = "PAU.TX_PAUVRETE60.FILO.POP", "EMP.TX_EMPLOI.RP.15_64"
EFFECTIFS = {ABC}
SORTIES = ("mart_agregat_qpv", "mart_ecart_zone", "mart_trajectoire", "mart_disponibilite")
# Comparators that are published zones: what the neighbourhoods weigh together is judged apart.
ZONES = ("commune", "epci", "unite_urbaine", "zone_emploi", "departement", "region", "metropole")
MANQUANTS = {"CLASSE", "NS", "ND", "SECRET", "NC", "NA"}
PUBLIES = ("OK", "REV", "PROV", "PERT", "EST")

# type, first day, last day; the last two are close, or overlap, or nobody documents them.
PERIODES: dict[str, list[tuple[str, str, date | None, date | None]]] = {
    ABC: [
        ("INSTANT:2016-12-31", "INSTANT", date(2016, 12, 31), date(2016, 12, 31)),
        ("INSTANT:2020-12-31", "INSTANT", date(2020, 12, 31), date(2020, 12, 31)),
        # On the other side of the break of January 2025.
        ("INSTANT:2025-12-31", "INSTANT", date(2025, 12, 31), date(2025, 12, 31)),
        ("INSTANT:inconnue:x", "INSTANT", None, None),
    ],
    MEDIANE: [
        ("ANNEE:2013", "ANNEE", date(2013, 1, 1), date(2013, 12, 31)),
        # A school year: it overlaps the two civil years around it.
        ("ANNEE:2013-09", "ANNEE", date(2013, 9, 1), date(2014, 8, 31)),
        ("ANNEE:2014", "ANNEE", date(2014, 1, 1), date(2014, 12, 31)),
        ("ANNEE:2017", "ANNEE", date(2017, 1, 1), date(2017, 12, 31)),
    ],
    EMPLOI: [
        ("FEN5:2010", "FEN5", date(2008, 1, 1), date(2012, 12, 31)),
        ("FEN5:2013", "FEN5", date(2011, 1, 1), date(2015, 12, 31)),
        ("FEN5:2016", "FEN5", date(2014, 1, 1), date(2018, 12, 31)),
        ("FEN5:inconnue:x", "FEN5", None, None),
    ],
}
PERIODES[PAUVRETE] = PERIODES[MEDIANE]
# Pairs of periods that chance alone seldom meets: may be compared, overlap, or lie on both sides of a break.
_NOTABLES: dict[str, list[tuple[int, int]]] = {ABC: [(0, 1), (1, 2)], MEDIANE: [(0, 2), (0, 1), (2, 3)]}
_NOTABLES |= {PAUVRETE: _NOTABLES[MEDIANE], EMPLOI: [(0, 2), (0, 1)]}
PAIRES = {code: [[PERIODES[code][r] for r in rangs] for rangs in _NOTABLES[code]] for code in PERIODES}
UNITES = {ABC: "personnes", MEDIANE: "euros", PAUVRETE: "pourcent", EMPLOI: "pourcent"}


@dataclass
class Monde:
    """What does not change from one example to the next: territories, datasets, statuses, indicators."""

    chaine: Chaine
    qpv: list[str]
    zones: list[str]
    liens: dict[str, set[tuple[str, str]]]
    membres: dict[tuple[str, str], set[str]]
    jeux: list[tuple[str, str, str, str, str]]
    gravite: dict[str, int | None]
    sens: dict[str, int]
    ecart_min: dict[str, int | None]
    ruptures: dict[str, list[date]]
    attendus: dict[str, set[str | None]]
    generation: str = "2015"
    statut_de: dict[int, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def monde(candidat_fictif: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monde]:
    copie = tmp_path_factory.mktemp("propriete") / "entrepot.duckdb"
    shutil.copy(candidat_fictif[1] / "entrepot.duckdb", copie)
    manifeste = candidat_fictif[1] / "dbt" / "manifest.json"
    chaine = Chaine(copie, manifeste, ["int_observation"], SORTIES)
    yield _world(chaine)
    chaine.close()


def _world(chaine: Chaine) -> Monde:
    membres: dict[tuple[str, str], set[str]] = defaultdict(set)
    for territoire, qpv in chaine.lire(
        "select cle_territoire_contrat, cle_territoire_qpv from pont_qpv_contrat where generation = '2015'"
    ):
        membres[territoire, "2015"].add(qpv)
    for niveau in ("departement", "region"):
        for territoire, qpv in chaine.lire(
            f"select t.cle_territoire, q.cle_territoire from dim_qpv as q inner join dim_territoire as t "
            f"on t.type_territoire = '{niveau}' and t.code_territoire = q.code_{niveau} and t.est_courant "
            "where q.generation = '2015'"
        ):
            membres[territoire, "2015"].add(qpv)
    # The smallest contract of two neighbourhoods or more, so that its sums are often whole.
    contrats = sorted(
        (len(qpv), cle) for (cle, _), qpv in membres.items() if cle.startswith("contrat") and len(qpv) > 1
    )
    qpv = sorted(membres[contrats[0][1], "2015"])[:3]
    liens: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for cle, comparateur, zone in chaine.lire(
        "select cle_territoire_qpv, code_comparateur, cle_territoire_zone from pont_qpv_zone"
    ):
        if comparateur in ZONES:
            liens[cle].add((comparateur, zone))
    zones = sorted({zone for cle in qpv for _, zone in liens[cle]})
    gravite = dict(chaine.lire("select code, rang_gravite from seeds.statut"))
    ruptures: dict[str, list[date]] = defaultdict(list)
    for code, jour in chaine.lire("select code_indicateur, rupture_le from dim_rupture_serie"):
        ruptures[code].append(jour)
    attendus: dict[str, set[str | None]] = defaultdict(set)
    for code, generation in chaine.lire(
        "select code_indicateur, cast(generation as varchar) from seeds.indicateur_attendu "
        "where niveau = 'qpv'"
    ):
        attendus[code].add(generation)
    return Monde(
        chaine,
        qpv,
        zones,
        liens,
        membres,
        chaine.lire(
            "select cle_jeu_source, producteur, jeu, millesime, methode_secret from dim_jeu_source "
            "where jeu in ('insertion_professionnelle', 'revenus_qpv') order by all"
        )[:4],
        gravite,
        dict(chaine.lire("select code, sens_souhaite from seeds.indicateur")),
        dict(chaine.lire("select code, ecart_min_annees from seeds.indicateur")),
        ruptures,
        attendus,
        statut_de={rang: code for code, rang in gravite.items() if rang is not None},
    )


# --- what is drawn ----------------------------------------------------------------------------------------


@st.composite
def statements(draw: st.DrawFn, monde: Monde) -> list[Ligne]:
    """Statements with distinct keys, few enough keys for gaps, sums and trajectories to be frequent."""
    indicateurs = draw(st.lists(st.sampled_from(sorted(PERIODES)), min_size=1, max_size=2, unique=True))
    cles: st.SearchStrategy[Cle] = st.sampled_from(indicateurs).flatmap(
        lambda code: st.tuples(
            st.just(code),
            st.sampled_from([*monde.qpv, *monde.zones]),
            st.sampled_from(PERIODES[code]),
            st.sampled_from(["TOTAL", "TOTAL", "SEXE=F"]),
            st.sampled_from(monde.jeux[:2]),
        )
    )
    tirees = draw(st.lists(cles, min_size=1, max_size=24, unique=True))
    # Half of the time one dataset gives two periods of an indicator everywhere, as files do.
    if draw(st.booleans()):
        code, _, _, ventilation, jeu = tirees[0]
        deux = st.lists(st.sampled_from(PERIODES[code]), min_size=2, max_size=2, unique=True)
        periodes = draw(st.one_of(st.sampled_from(PAIRES[code]), st.sampled_from(PAIRES[code]), deux))
        jeux = [jeu, draw(st.sampled_from(monde.jeux[:2]))]
        partout = [
            (code, territoire, periode, ventilation, du_moment)
            for periode, du_moment in zip(periodes, jeux, strict=True)
            for territoire in (*monde.qpv, *monde.zones)
        ]
        tirees = list(dict.fromkeys([*partout, *tirees[:8]]))
    # Files are mostly whole; one in three is full of holes.
    statuts = draw(st.sampled_from([("OK",), PUBLIES, ("OK",) * 6 + PUBLIES + tuple(sorted(MANQUANTS))]))
    return [_statement(draw, statuts, *cle) for cle in tirees]


def _statement(
    draw: st.DrawFn, statuts: Cle, code: str, territoire: str, periode: Any, ventilation: str, jeu: Any
) -> Ligne:
    statut = draw(st.sampled_from(statuts))
    valeur = numerateur = denominateur = None
    if statut not in MANQUANTS:
        # Zeros and equal figures are where ratios and readings go wrong.
        valeur = float(draw(st.one_of(st.sampled_from([0, 100]), st.integers(0, 400))))
        if code not in EFFECTIFS:
            valeur /= 4
        if code in (PAUVRETE, EMPLOI) and draw(st.booleans()):
            denominateur = float(draw(st.integers(1, 300)))
            numerateur = float(draw(st.integers(0, int(denominateur))))
            valeur = 100 * numerateur / denominateur
    return statement(code, territoire, periode, ventilation, jeu, statut, valeur, numerateur, denominateur)


def statement(
    code: str,
    territoire: str,
    periode: Any,
    ventilation: str,
    jeu: Any,
    statut: str,
    valeur: float | None,
    numerateur: float | None = None,
    denominateur: float | None = None,
) -> Ligne:
    """A row of ``int_observation``."""
    cle_periode, type_periode, debut, fin = periode
    cle_jeu, producteur, nom, millesime, _ = jeu
    return {
        "cle_observation": "|".join((code, territoire, cle_periode, ventilation, cle_jeu)),
        "code_indicateur": code,
        "cle_territoire": territoire,
        "cle_periode": cle_periode,
        "cle_ventilation": ventilation,
        "cle_jeu_source": cle_jeu,
        "code_variable": "X",
        "valeur": valeur,
        "numerateur": numerateur,
        "denominateur": denominateur,
        "unite": UNITES[code],
        "code_statut": statut,
        "motif": None if statut not in MANQUANTS else f"motif de {statut}",
        "evidence_periode": "fait",
        "nature": "effectif" if code in EFFECTIFS else "taux",
        "type_periode": type_periode,
        "debut": debut,
        "fin": fin,
        "annee": fin.year if fin else None,
        "producteur": producteur,
        "jeu": nom,
        "millesime": millesime,
        "connu_du": date(2026, 1, 1),
    }


# --- the second computation -------------------------------------------------------------------------------


def known(ligne: Ligne) -> bool:
    return ligne["code_statut"] not in MANQUANTS


def worst(monde: Monde, *statuts: str) -> str:
    """The gravest status, those without object left out; NA when nothing is left."""
    rangs = [monde.gravite[statut] for statut in statuts if monde.gravite[statut] is not None]
    return monde.statut_de[max(rangs)] if rangs else "NA"  # type: ignore[type-var]


def retained(lignes: list[Ligne]) -> dict[Cle, Ligne]:
    """One statement per territory, indicator, breakdown and period: a value first, then the last vintage."""
    gardees: dict[Cle, Ligne] = {}
    for ligne in sorted(lignes, key=lambda x: x["cle_observation"], reverse=True):
        cle = tuple(ligne[c] for c in ("cle_territoire", "code_indicateur", "cle_ventilation", "cle_periode"))
        autre = gardees.get(cle)
        if autre is None or (known(ligne), ligne["millesime"]) >= (known(autre), autre["millesime"]):
            gardees[cle] = ligne
    return gardees


def same(obtenue: float | None, attendue: float | None) -> bool:
    if obtenue is None or attendue is None:
        return obtenue is attendue
    return math.isclose(obtenue, attendue, rel_tol=1e-9, abs_tol=1e-6)


def check_numbers(monde: Monde) -> None:
    """No figure that is none, whatever the mart."""
    for mart in SORTIES:
        for ligne in monde.chaine.lignes(mart):
            mauvais = {c: v for c, v in ligne.items() if isinstance(v, float) and not math.isfinite(v)}
            assert not mauvais, (mart, mauvais)


def check_gaps(monde: Monde, lignes: list[Ligne]) -> None:
    par_cle = {ligne["cle_observation"]: ligne for ligne in lignes}
    gardees = retained(lignes)
    mart = monde.chaine.lignes("mart_ecart_zone")
    obtenues: dict[Cle, Ligne] = {}
    for ligne in mart:
        contexte = (ligne["cle_trace"], ligne["motif"])
        if ligne["ecart_points"] is None:
            # A refusal is a row with its reason and a status that is not that of a value.
            assert ligne["rapport"] is None, contexte
            assert ligne["lecture"] is None, contexte
            assert ligne["motif"], contexte
            assert ligne["code_statut"] in MANQUANTS, contexte
            continue
        assert ligne["motif"] is None, contexte
        assert same(ligne["ecart_points"], ligne["valeur_qpv"] - ligne["valeur_zone"]), contexte
        rapport = None if ligne["valeur_zone"] == 0 else ligne["valeur_qpv"] / ligne["valeur_zone"]
        assert same(ligne["rapport"], rapport), contexte
        assert ligne["lecture"] == reading(monde.sens[ligne["code_indicateur"]], ligne["ecart_points"])
        assert ligne["code_statut"] in PUBLIES, contexte
        if ligne["cle_observation_qpv"] and ligne["code_comparateur"] in ZONES:
            obtenues[
                ligne["cle_observation_qpv"], ligne["code_comparateur"], ligne["cle_territoire_zone"]
            ] = ligne
        if ligne["code_comparateur"].startswith("reste_"):
            parents = _rest_parents(monde, gardees, ligne)
            assert all(parent["code_statut"] in ("OK", "REV", "PROV") for parent in parents), contexte
    attendues: dict[Cle, tuple[Ligne, Ligne]] = {}
    for (territoire, code, ventilation, periode), ligne in gardees.items():
        for comparateur, zone in monde.liens.get(territoire, ()) if code not in EFFECTIFS else ():
            autre = gardees.get((zone, code, ventilation, periode))
            if autre is not None and known(ligne) and known(autre):
                attendues[ligne["cle_observation"], comparateur, zone] = (ligne, autre)
    assert set(obtenues) == set(attendues)
    for cle, (ligne, autre) in attendues.items():
        obtenue = obtenues[cle]
        assert obtenue["cle_observation_zone"] == autre["cle_observation"]
        assert same(obtenue["valeur_qpv"], ligne["valeur"])
        assert same(obtenue["valeur_zone"], autre["valeur"])
        assert obtenue["code_statut"] == worst(monde, ligne["code_statut"], autre["code_statut"]), cle
        assert par_cle[obtenue["cle_observation_qpv"]] == ligne
    # Every neighbourhood and indicator that is held meets each of its comparators, if only to be refused.
    couvertes = {(x["cle_territoire"], x["code_indicateur"], x["code_comparateur"]) for x in mart}
    for territoire, code, _, _ in gardees:
        for comparateur, _ in monde.liens.get(territoire, ()):
            assert (territoire, code, comparateur) in couvertes


def _rest_parents(monde: Monde, gardees: dict[Cle, Ligne], ligne: Ligne) -> list[Ligne]:
    """What « zone minus QPV » was computed from: the zone and all its neighbourhoods."""
    zone, comparateur = ligne["cle_territoire_zone"], ligne["code_comparateur"].removeprefix("reste_")
    dedans = [cle for cle, liens in monde.liens.items() if (comparateur, zone) in liens]
    suite = (ligne["code_indicateur"], ligne["cle_ventilation"], ligne["cle_periode"])
    return [
        gardees[(territoire, *suite)] for territoire in (zone, *dedans) if (territoire, *suite) in gardees
    ]


def reading(sens: int | None, ecart: float) -> str:
    if not sens:
        return "sans sens"
    if abs(ecart) < 1e-9:
        return "égal"
    return "favorable" if sens * ecart > 0 else "défavorable"


def check_aggregates(monde: Monde, lignes: list[Ligne]) -> None:
    groupes: dict[Cle, dict[str, Ligne]] = defaultdict(dict)
    for ligne in lignes:
        for (territoire, generation), membres in monde.membres.items():
            if ligne["cle_territoire"] in membres:
                cle = (territoire, generation, *(ligne[c] for c in _CLE_AGREGAT))
                groupes[cle][ligne["cle_territoire"]] = ligne
    obtenues = {
        (x["cle_territoire"], x["generation"], *(x[c] for c in _CLE_AGREGAT)): x
        for x in monde.chaine.lignes("mart_agregat_qpv")
    }
    assert set(obtenues) == set(groupes)
    for cle, presents in groupes.items():
        obtenue, membres = obtenues[cle], monde.membres[cle[0], cle[1]]
        connues = [ligne for ligne in presents.values() if known(ligne)]
        retenues = [x for x in presents.values() if not known(x) and x["code_statut"] != "NA"]
        manquantes = len(retenues) + len(membres) - len(presents)
        assert (obtenue["nb_qpv"], obtenue["nb_qpv_connus"]) == (len(membres), len(connues))
        assert obtenue["nb_qpv_manquants"] == manquantes
        somme = sum(ligne["valeur"] for ligne in connues)
        fractions = [ligne for ligne in connues if ligne["denominateur"] is not None]
        attendue = None
        if cle[2] in EFFECTIFS:
            attendue = somme if connues and not manquantes else None
            # One withheld cell: its value would be the total learnt elsewhere minus this sum.
            basse = somme if connues and manquantes >= 2 else None
            assert same(obtenue["borne_basse"], basse), cle
        elif connues and len(fractions) == len(connues) and not manquantes:
            attendue = (
                100
                * sum(ligne["numerateur"] for ligne in fractions)
                / sum(ligne["denominateur"] for ligne in fractions)
            )
        assert same(obtenue["valeur"], attendue), cle
        if obtenue["valeur"] is None:
            assert obtenue["motif"], cle
            assert obtenue["code_statut"] in MANQUANTS, cle
        if cle[2] in EFFECTIFS or (connues and len(fractions) == len(connues)):
            statuts = [ligne["code_statut"] for ligne in presents.values()]
            if manquantes and not retenues:
                # A neighbourhood that the file leaves out has no status of its own.
                assert obtenue["code_statut"] == "ND", cle
            else:
                assert obtenue["code_statut"] == worst(monde, *statuts), cle
        else:
            assert (obtenue["valeur"], obtenue["code_statut"]) == (None, "NA"), cle


_CLE_AGREGAT = ("code_indicateur", "cle_ventilation", "cle_periode", "cle_jeu_source")


def check_trajectories(monde: Monde, lignes: list[Ligne]) -> None:
    series: dict[Cle, list[Ligne]] = defaultdict(list)
    for (territoire, code, ventilation, _), ligne in retained(lignes).items():
        if territoire in monde.qpv:
            series[territoire, code, ventilation].append(ligne)
    attendues: dict[Cle, tuple[Ligne, Ligne]] = {}
    for points in series.values():
        depart, *suite = sorted(points, key=_time_order)
        for ligne in suite:
            attendues[depart["cle_observation"], ligne["cle_observation"]] = (depart, ligne)
    mart = [x for x in monde.chaine.lignes("mart_trajectoire") if x["cle_observation_t"]]
    seules = {
        (x["cle_observation_t0"], x["cle_observation_t"]): x for x in mart if x["code_comparateur"] is None
    }
    assert set(seules) == set(attendues)
    for cle, (depart, ligne) in attendues.items():
        obtenue = seules[cle]
        permise = comparable(monde, depart, ligne)
        assert obtenue["comparable"] == permise, (cle, obtenue["motif_non_comparable"])
        assert (obtenue["motif_non_comparable"] is None) == permise
        ecart = ligne["valeur"] - depart["valeur"] if permise else None
        assert same(obtenue["trajectoire"], ecart), cle
        assert obtenue["part_ecart_resorbee"] is None
        if permise:
            assert obtenue["code_statut"] == worst(monde, depart["code_statut"], ligne["code_statut"])
        else:
            assert obtenue["code_statut"] in MANQUANTS, cle
    gardees = retained(lignes)
    for x in mart:
        if x["code_comparateur"] is not None:
            _check_relative(monde, gardees, x)


def _time_order(ligne: Ligne) -> Cle:
    # An undocumented period is placed after the others, by the year of its vintage.
    fin = ligne["fin"]
    return (fin is None, fin or date(int(ligne["millesime"][:4]), 1, 1), ligne["cle_periode"])


def comparable(monde: Monde, depart: Ligne, ligne: Ligne) -> bool:
    """The rules of a trajectory (DOMAIN, « Derived measures and their guards » and « Time »)."""
    if not known(depart) or not known(ligne) or "PERT" in (depart["code_statut"], ligne["code_statut"]):
        return False
    if depart["fin"] is None or ligne["fin"] is None or ligne["debut"] <= depart["fin"]:
        return False
    code = ligne["code_indicateur"]
    if ligne["fin"].year - depart["fin"].year < (monde.ecart_min[code] or 0):
        return False
    return not any(depart["fin"] < jour <= ligne["fin"] for jour in monde.ruptures[code])


def _check_relative(monde: Monde, gardees: dict[Cle, Ligne], x: Ligne) -> None:
    contexte = (x["cle_trace"], x["motif_non_comparable"])
    zones = [x["valeur_zone_t0"], x["valeur_zone_t"]]
    if x["trajectoire_relative"] is None:
        assert x["part_ecart_resorbee"] is None, contexte
        assert x["motif_non_comparable"], contexte
        return
    assert None not in (*zones, x["valeur_t0"], x["valeur_t"]), contexte
    assert same(x["variation_zone"], zones[1] - zones[0]), contexte
    assert same(x["trajectoire"], x["valeur_t"] - x["valeur_t0"]), contexte
    assert same(x["trajectoire_relative"], x["trajectoire"] - x["variation_zone"]), contexte
    if x["code_comparateur"] not in ZONES:
        return
    parents = []
    for territoire, moment in (
        (x["cle_territoire"], "t0"),
        (x["cle_territoire"], "t"),
        (x["cle_territoire_zone"], "t0"),
        (x["cle_territoire_zone"], "t"),
    ):
        cle = (territoire, x["code_indicateur"], x["cle_ventilation"], x[f"cle_periode_{moment}"])
        parents.append(gardees[cle])
    assert all(known(parent) for parent in parents), contexte
    assert x["code_statut"] == worst(monde, *(parent["code_statut"] for parent in parents)), contexte
    # The two ends of each term come from one publication, or no share of the gap is given.
    une_seule = all(len({p["cle_jeu_source"] for p in terme}) == 1 for terme in (parents[:2], parents[2:]))
    depart = x["valeur_t0"] - zones[0]
    part = None
    if une_seule and depart:
        part = 100 * (1 - (x["valeur_t"] - zones[1]) / depart)
    assert same(x["part_ecart_resorbee"], part), contexte


def check_availability(monde: Monde, lignes: list[Ligne]) -> None:
    cellules: dict[Cle, list[Ligne]] = defaultdict(list)
    for (territoire, code, _, _), ligne in retained(lignes).items():
        for (parent, generation), membres in monde.membres.items():
            if territoire in membres:
                cellules[parent, generation, code].append(ligne)
    mart = {
        (x["cle_territoire"], x["generation"], x["code_indicateur"]): x
        for x in monde.chaine.lignes("mart_disponibilite")
    }
    assert set(cellules) <= set(mart)
    for cle, tenues in cellules.items():
        obtenue = mart[cle]
        parent, generation, code = cle
        muets = monde.membres[parent, generation] - {ligne["cle_territoire"] for ligne in tenues}
        attendu = code in monde.attendus and bool({None, generation} & monde.attendus[code])
        connues = sum(known(ligne) for ligne in tenues)
        attendues = sum(ligne["code_statut"] != "NA" for ligne in tenues) + (len(muets) if attendu else 0)
        assert (obtenue["cellules_connues"], obtenue["cellules_attendues"]) == (connues, attendues), cle
        taux = 100 * connues / attendues if attendues else None
        assert same(obtenue["taux_renseignement"], taux), cle


def check(monde: Monde, lignes: list[Ligne], mutation: Remplacement | None = None) -> None:
    """Run the models on the statements and compare every measure; an AssertionError tells a difference."""
    monde.chaine.jouer({"int_observation": lignes}, mutation)
    check_numbers(monde)
    check_gaps(monde, lignes)
    check_aggregates(monde, lignes)
    check_trajectories(monde, lignes)
    check_availability(monde, lignes)


PROFIL = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def test_measures_are_those_of_a_second_computation(monde: Monde) -> None:
    """And the draw reaches what it must judge."""
    vus: set[str] = set()

    @PROFIL
    @given(lignes=statements(monde))
    def verify(lignes: list[Ligne]) -> None:
        check(monde, lignes)
        vus.update(_kinds(monde))

    verify()
    # The rarer kinds (a whole sum, a gap that one publication closes) are those of the witness.
    assert vus >= {"écart", "écart refusé", "somme refusée", "trajectoire", "trajectoire refusée"}


def _kinds(monde: Monde) -> set[str]:
    """What the marts hold now."""
    vus = set()
    for x in monde.chaine.lignes("mart_ecart_zone"):
        vus.add("écart" if x["ecart_points"] is not None else "écart refusé")
    for x in monde.chaine.lignes("mart_agregat_qpv"):
        vus.add("somme" if x["valeur"] is not None else "somme refusée")
        if x["nb_qpv_manquants"] == 1 and x["nb_qpv_connus"]:
            vus.add("une seule cellule retenue")
    for x in monde.chaine.lignes("mart_trajectoire"):
        vus.add("trajectoire" if x["trajectoire"] is not None else "trajectoire refusée")
        if x["part_ecart_resorbee"] is not None:
            vus.add("part d'écart")
    for x in monde.chaine.lignes("mart_disponibilite"):
        if 0 < (x["taux_renseignement"] or 0) < 100:
            vus.add("renseignement partiel")
    return vus


def test_nothing_held_still_says_what_is_expected(monde: Monde) -> None:
    check(monde, [])
    assert monde.chaine.lignes("mart_ecart_zone") == []


# A deliberate fault in the compiled SQL of a model: each one must be found.
FAUTES: dict[str, Remplacement] = {
    "écart retourné": (
        "then (comparaison.valeur_qpv - comparaison.valeur_zone)",
        "then (comparaison.valeur_zone - comparaison.valeur_qpv)",
    ),
    "rapport d'une zone qui vaut 0": ("nullif(comparaison.valeur_zone, 0)", "comparaison.valeur_zone"),
    "lecture sans le sens souhaité": ("indicateur.sens_souhaite * (comparaison", "1 * (comparaison"),
    "meilleur statut au lieu du pire": (
        "coalesce(rang_gravite_zone, -1) > coalesce(rang_gravite_qpv, -1)",
        "true",
    ),
    "comparaisons refusées perdues": ("where derniers.numero = 1", "where false"),
    "somme malgré une cellule retenue": (
        "when nb_manquantes > 0 or nb_connues = 0 then",
        "when nb_connues = 0 then",
    ),
    "borne qui livre la seule cellule retenue": (
        "when nb_manquantes >= 2 then somme_basse",
        "when nb_manquantes >= 1 then somme_basse",
    ),
    "quartier absent du fichier compté connu": (
        "sommes.nb_retenues + effectifs.nb_qpv - sommes.nb_lignes as",
        "sommes.nb_retenues as",
    ),
    "fenêtres qui se recouvrent comparées": ("when couples.debut_t <= couples.fin_t0", "when false"),
    "valeur perturbée soustraite": (
        "when couples.code_statut_t0 = 'PERT' or couples.code_statut_t = 'PERT'",
        "when false",
    ),
    "rupture de série franchie": ("fin_t0 < rupture.rupture_le", "fin_t0 > rupture.rupture_le"),
    "part d'écart de deux publications": (
        "lignes.motif_non_comparable is null and lignes.meme_publication",
        "lignes.motif_non_comparable is null",
    ),
    "sans objet compté comme attendu": ("observation.code_statut <> 'NA' as attendu", "true as attendu"),
}


@pytest.fixture(scope="module")
def temoin(monde: Monde) -> list[Ligne]:
    """Statements on which each fault shows; sound SQL passes them."""
    un, deux, trois = monde.qpv
    zone = next(zone for comparateur, zone in sorted(monde.liens[un]) if comparateur == "epci")
    premier, second = monde.jeux[:2]
    civile, scolaire, suivante = PERIODES[MEDIANE][:3]
    fin_16, fin_20, fin_25, _ = PERIODES[ABC]
    enonces: list[tuple[str, str, Any, Any, float | None, str]] = [
        # One neighbourhood of three is withheld, then only one is left, then a break of series.
        (ABC, un, fin_16, premier, 10, "OK"),
        (ABC, deux, fin_16, premier, None, "SECRET"),
        (ABC, trois, fin_16, premier, 30, "OK"),
        (ABC, un, fin_20, premier, 12, "PERT"),
        (ABC, trois, fin_20, premier, None, "NA"),
        (ABC, un, fin_25, premier, 20, "OK"),
        # A whole sum, and a gap that one publication closes.
        *((PAUVRETE, qpv, suite, premier, 30, "OK") for qpv in monde.qpv for suite in (scolaire, suivante)),
        *((ABC, qpv, PERIODES[ABC][3], second, 8, "OK") for qpv in monde.qpv),
        (PAUVRETE, zone, suivante, premier, 26, "OK"),
        # A gap that a second publication closes, a zone worth 0 over an overlapping year, an estimated zone.
        (MEDIANE, un, civile, premier, 100, "OK"),
        (MEDIANE, un, scolaire, premier, 110, "OK"),
        (MEDIANE, un, suivante, second, 120, "OK"),
        (MEDIANE, zone, civile, premier, 200, "OK"),
        (MEDIANE, zone, scolaire, premier, 0, "OK"),
        (MEDIANE, zone, suivante, second, 210, "EST"),
        # More poverty than the zone: unfavourable; a withheld zone would be the worst status.
        (PAUVRETE, un, civile, premier, 30, "PROV"),
        (PAUVRETE, zone, civile, premier, 20, "OK"),
    ]
    return [_row(*enonce) for enonce in enonces]


def _row(code: str, territoire: str, periode: Any, jeu: Any, valeur: float | None, statut: str) -> Ligne:
    return statement(code, territoire, periode, "TOTAL", jeu, statut, valeur)


def test_the_witness_is_sound(monde: Monde, temoin: list[Ligne]) -> None:
    """And it holds every kind of figure, made and refused."""
    check(monde, temoin)
    assert _kinds(monde) == {
        *("écart", "écart refusé", "somme", "somme refusée", "une seule cellule retenue"),
        *("trajectoire", "trajectoire refusée", "part d'écart", "renseignement partiel"),
    }


@pytest.mark.parametrize("faute", sorted(FAUTES))
def test_a_fault_in_the_sql_is_found(monde: Monde, temoin: list[Ligne], faute: str) -> None:
    with pytest.raises(AssertionError):
        check(monde, temoin, FAUTES[faute])
