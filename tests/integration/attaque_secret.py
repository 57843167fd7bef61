"""An attacker who reads the published tables and tries to compute what the producer withheld.

Unknowns are the cells without a value; what is published gives linear equations on them: a total is the sum
of its classes, a sum of neighbourhoods is a sum, a difference has two ends. A cell is found when the
equations, with the fact that a count is never negative, leave it one value only.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Requete = Callable[..., list[Any]]
# indicator, territory, breakdown, period, dataset x vintage
Cellule = tuple[str, str, str, str, str]

_ADDITIFS = "additif in ('oui', 'sous_conditions')"
_CELLULES = f"""
select o.code_indicateur, o.cle_territoire, o.cle_ventilation, o.cle_periode, o.cle_jeu_source, o.valeur
from fct_observation as o
inner join dim_indicateur as i using (code_indicateur)
inner join dim_statut as s using (code_statut)
where o.connu_au is null and i.{_ADDITIFS} and o.cle_territoire like 'qpv:%'
and o.code_statut not in ('NA', 'PERT')
"""
_AGREGATS = """
select code_indicateur, cle_territoire, generation, cle_ventilation, cle_periode, cle_jeu_source, valeur
from mart_agregat_qpv where valeur is not null and methode_agregation = 'somme' and code_statut <> 'PERT'
"""
MEMBRES = """
select cle_territoire_contrat, generation, cle_territoire_qpv from pont_qpv_contrat
union all
select t.cle_territoire, q.generation, q.cle_territoire from dim_qpv as q
inner join dim_territoire as t on t.type_territoire = 'departement' and t.code_territoire = q.code_departement
union all
select t.cle_territoire, q.generation, q.cle_territoire from dim_qpv as q
inner join dim_territoire as t on t.type_territoire = 'region' and t.code_territoire = q.code_region
"""
_ECARTS = f"""
select e.code_indicateur, e.cle_territoire, e.cle_ventilation, e.cle_periode, e.cle_jeu_source_qpv,
  coalesce(e.ecart_points + z.valeur, e.rapport * z.valeur) as valeur
from mart_ecart_zone as e
inner join dim_indicateur as i using (code_indicateur)
inner join fct_observation as z on e.cle_observation_zone = z.cle_observation
where i.{_ADDITIFS} and e.type_territoire = 'qpv' and (e.ecart_points is not null or e.rapport is not null)
"""
# Both ends of a published difference, one of which may be withheld.
_EVOLUTIONS = f"""
select t.code_indicateur, d.cle_territoire, t.cle_ventilation, d.cle_periode, d.cle_jeu_source,
  a.cle_territoire, a.cle_periode, a.cle_jeu_source, t.trajectoire
from mart_trajectoire as t
inner join dim_indicateur as i using (code_indicateur)
inner join fct_observation as d on t.cle_observation_t0 = d.cle_observation
inner join fct_observation as a on t.cle_observation_t = a.cle_observation
where i.{_ADDITIFS} and t.trajectoire is not null and t.type_territoire = 'qpv'
"""
# Residents that a scheme counts in a wider territory, and the cells of the neighbourhoods behind the sum.
_BENEFICIAIRES = """
select c.cle_ligne, o.code_indicateur, o.cle_territoire, o.cle_ventilation, o.cle_periode, o.cle_jeu_source,
  c.beneficiaires_qpv
from mart_ciblage_droit_commun as c
inner join mart_tracabilite as t on c.cle_ligne = t.cle_trace and t.role like 'beneficiaires qpv %'
inner join fct_observation as o on t.cle_observation = o.cle_observation
where c.origine = 'fichier' and c.beneficiaires_qpv is not null
order by all
"""


@dataclass
class Systeme:
    """Linear equations on the unknown cells: sum of coefficient x cell = constant."""

    connues: dict[Cellule, float] = field(default_factory=dict)
    inconnues: set[Cellule] = field(default_factory=set)
    equations: list[tuple[dict[Cellule, float], float]] = field(default_factory=list)

    def add(self, termes: Iterable[tuple[Cellule, float]], constante: float) -> None:
        """Add an equation. One that holds a cell nobody lists says nothing, and is left out."""
        libres: dict[Cellule, float] = defaultdict(float)
        for cellule, coefficient in termes:
            if cellule in self.connues:
                constante -= coefficient * self.connues[cellule]
            elif cellule in self.inconnues:
                libres[cellule] += coefficient
            else:
                return
        if libres:
            self.equations.append((dict(libres), constante))

    def found(self) -> set[Cellule]:
        """Cells that have one possible value only."""
        return self._by_elimination() | self._by_bounds()

    def _by_elimination(self) -> set[Cellule]:
        lignes: dict[Cellule, tuple[dict[Cellule, float], float]] = {}
        for termes, constante in self.equations:
            reste, total = dict(termes), constante
            for pivot in [c for c in termes if c in lignes]:
                facteur = reste.get(pivot, 0.0)
                if facteur:
                    _subtract(reste, facteur, lignes[pivot][0])
                    total -= facteur * lignes[pivot][1]
            # A pivot brought in by another one is taken out in its turn.
            while restants := [c for c in reste if c in lignes]:
                facteur = reste[restants[0]]
                total -= facteur * lignes[restants[0]][1]
                _subtract(reste, facteur, lignes[restants[0]][0])
            if not reste:
                continue
            pivot = min(reste)
            facteur = reste[pivot]
            ligne = {c: v / facteur for c, v in reste.items()}
            total /= facteur
            for autre, (termes_autre, total_autre) in list(lignes.items()):
                if facteur_autre := termes_autre.get(pivot, 0.0):
                    _subtract(termes_autre, facteur_autre, ligne)
                    lignes[autre] = (termes_autre, total_autre - facteur_autre * total)
            lignes[pivot] = (ligne, total)
        return {pivot for pivot, (ligne, _) in lignes.items() if len(ligne) == 1}

    def _by_bounds(self) -> set[Cellule]:
        bas: dict[Cellule, float] = dict.fromkeys(self.inconnues, 0.0)
        haut: dict[Cellule, float] = dict.fromkeys(self.inconnues, math.inf)
        sommes = [(t, k) for t, k in self.equations if all(v > 0 for v in t.values())]
        for _ in range(20):
            change = False
            for termes, constante in sommes:
                for cellule, coefficient in termes.items():
                    autres = [(c, v) for c, v in termes.items() if c != cellule]
                    plus = (constante - sum(v * bas[c] for c, v in autres)) / coefficient
                    moins = (constante - sum(v * haut[c] for c, v in autres)) / coefficient
                    if plus < haut[cellule] - 1e-9:
                        haut[cellule], change = plus, True
                    if moins > bas[cellule] + 1e-9:
                        bas[cellule], change = moins, True
            if not change:
                break
        return {c for c in self.inconnues if haut[c] - bas[c] < 1e-9}


def _subtract(termes: dict[Cellule, float], facteur: float, autres: dict[Cellule, float]) -> None:
    """termes -= facteur x autres, without the terms that vanish."""
    for cellule, coefficient in list(autres.items()):
        valeur = termes.get(cellule, 0.0) - facteur * coefficient
        if abs(valeur) < 1e-9:
            termes.pop(cellule, None)
        else:
            termes[cellule] = valeur


def _partitions(ventilations: set[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Candidate sums among the breakdowns of one indicator: a total and the classes of one axis."""
    classes: dict[tuple[str, str], list[str]] = defaultdict(list)
    for ventilation in ventilations - {"TOTAL"}:
        parts = ventilation.split("|")
        for i, part in enumerate(parts):
            reste = "|".join(p for j, p in enumerate(parts) if j != i) or "TOTAL"
            classes[reste, part.split("=")[0]].append(ventilation)
    return [
        (total, tuple(sorted(parties)))
        for (total, _), parties in sorted(classes.items())
        if total in ventilations and len(parties) > 1
    ]


def _complete(
    territoires: Iterable[dict[str, float | None]], total: str, parties: tuple[str, ...]
) -> list[tuple[float, float]]:
    """Total and sum of the classes, where all of them are known."""
    complets = []
    for ventilations in territoires:
        valeurs = [ventilations.get(nom) for nom in (total, *parties)]
        connues = [valeur for valeur in valeurs if valeur is not None]
        if len(connues) == len(valeurs):
            complets.append((connues[0], sum(connues[1:])))
    return complets


def published_cells(sql: Requete) -> Systeme:
    """What the producer publishes by itself: known cells, withheld cells, and the sums that always hold."""
    systeme = Systeme()
    groupes: dict[tuple[str, str, str], dict[str, dict[str, float | None]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for indicateur, territoire, ventilation, periode, jeu, valeur in sql(_CELLULES):
        cellule = (indicateur, territoire, ventilation, periode, jeu)
        if valeur is None:
            systeme.inconnues.add(cellule)
        else:
            systeme.connues[cellule] = valeur
        groupes[indicateur, periode, jeu][territoire][ventilation] = valeur
    for (indicateur, periode, jeu), territoires in groupes.items():
        noms = {v for ventilations in territoires.values() for v in ventilations}
        for total, parties in _partitions(noms):
            complets = _complete(territoires.values(), total, parties)
            # An attacker believes a sum that he sees hold everywhere.
            if len(complets) < 5 or any(abs(a - b) > 1e-6 for a, b in complets):
                continue
            for territoire in territoires:
                systeme.add(
                    [
                        ((indicateur, territoire, total, periode, jeu), 1.0),
                        *(((indicateur, territoire, p, periode, jeu), -1.0) for p in parties),
                    ],
                    0.0,
                )
    _add_repeated_statements(systeme)
    # « total - classes = 0 » as « classes = total », which the bounds can read.
    systeme.equations = [
        ({c: -v for c, v in t.items()}, -k) if all(v < 0 for v in t.values()) else (t, k)
        for t, k in systeme.equations
    ]
    return systeme


def _add_repeated_statements(systeme: Systeme) -> None:
    """Two files may publish one figure: what the one withholds, the other may give."""
    repetees: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for indicateur, territoire, ventilation, periode, jeu in sorted({*systeme.connues, *systeme.inconnues}):
        repetees[indicateur, territoire, ventilation, periode].append(jeu)
    ecarts: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    couples = [(cle, a, b) for cle, jeux in repetees.items() for a, b in itertools.pairwise(jeux)]
    for cle, a, b in couples:
        if (*cle, a) in systeme.connues and (*cle, b) in systeme.connues:
            ecarts[cle[0], a, b].append(abs(systeme.connues[*cle, a] - systeme.connues[*cle, b]))
    for cle, a, b in couples:
        constats = ecarts[cle[0], a, b]
        if len(constats) >= 5 and max(constats) < 1e-6:
            systeme.add([((*cle, a), 1.0), ((*cle, b), -1.0)], 0.0)


def add_derived_figures(systeme: Systeme, sql: Requete) -> Systeme:
    """What our own tables add: sums of neighbourhoods, differences with a zone or in time, beneficiaries."""
    membres: dict[tuple[str, str], list[str]] = defaultdict(list)
    for territoire, generation, quartier in sql(MEMBRES):
        membres[territoire, generation].append(quartier)
    for indicateur, territoire, generation, ventilation, periode, jeu, valeur in sql(_AGREGATS):
        # A cell without object, or in no file, is worth nothing in a sum.
        cellules = [(indicateur, q, ventilation, periode, jeu) for q in membres[territoire, generation]]
        listees = [c for c in cellules if c in systeme.connues or c in systeme.inconnues]
        systeme.add([(c, 1.0) for c in listees], valeur)
    for *cellule, valeur in sql(_ECARTS):
        indicateur, territoire, ventilation, periode, jeu = cellule
        systeme.add([((indicateur, territoire, ventilation, periode, jeu), 1.0)], valeur)
    for indicateur, qpv_0, ventilation, periode_0, jeu_0, qpv_t, periode_t, jeu_t, valeur in sql(_EVOLUTIONS):
        depart = (indicateur, qpv_0, ventilation, periode_0, jeu_0)
        arrivee = (indicateur, qpv_t, ventilation, periode_t, jeu_t)
        systeme.add([(arrivee, 1.0), (depart, -1.0)], valeur)
    for (_, valeur), lignes in itertools.groupby(sql(_BENEFICIAIRES), lambda ligne: (ligne[0], ligne[-1])):
        systeme.add([((i, q, v, p, j), 1.0) for _, i, q, v, p, j, _ in lignes], valeur)
    return systeme
