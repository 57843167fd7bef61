"""How far a candidate is from the release that readers hold: rows lost, cells lost, magnitudes that moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import duckdb

from qpv_emploi.publication import published_relations

Control = Literal["lignes", "couverture", "grandeur"]

# A table that loses more rows than this against the last release of the same region has lost data.
MAX_SHRINK = 0.25
# Points of the share of known cells, on the vintages that both releases hold: said, then refused.
COVERAGE_SAID = 1.0
COVERAGE_REFUSED = 10.0
# A new vintage may be poorer than the one before it; this much, and a column may have been misread.
NEW_VINTAGE_SAID = 20.0
# Factor between two medians of one indicator: said, then refused. In the real dépôt no median moves by more
# than 2.2 from one vintage to the next; a rate read as a fraction moves by 100, thousands as units by 1000.
FACTOR_SAID = 3.0
FACTOR_REFUSED = 10.0
# Below this number of figures a median says nothing of the file.
_MIN_FIGURES = 5
_OBSERVATIONS = "fct_observation"

_COVERAGE = """
select
    o.code_indicateur,
    t.type_territoire,
    o.cle_jeu_source,
    count(*) as attendues,
    count(case when s.compte_comme_manquant = 'non' and o.valeur is not null then 1 end) as connues
from fct_observation as o
inner join dim_territoire as t on o.cle_territoire = t.cle_territoire
inner join dim_statut as s on o.code_statut = s.code_statut
where o.connu_au is null and o.code_statut <> 'NA'
group by o.code_indicateur, t.type_territoire, o.cle_jeu_source
"""
_MAGNITUDES = f"""
select
    o.code_indicateur,
    t.type_territoire,
    o.cle_jeu_source,
    median(abs(o.valeur)) as mediane
from fct_observation as o
inner join dim_territoire as t on o.cle_territoire = t.cle_territoire
where o.connu_au is null and o.cle_ventilation = 'TOTAL' and o.valeur <> 0
group by o.code_indicateur, t.type_territoire, o.cle_jeu_source
having count(*) >= {_MIN_FIGURES}
"""


class Subject(NamedTuple):
    """An indicator at one level of territory, in one vintage of one dataset."""

    indicator: str
    level: str
    vintage: str

    @property
    def dataset(self) -> str:
        return self.vintage.rpartition(":")[0]


@dataclass(frozen=True)
class Cells:
    """Cells that a file should fill, those without object left out, and those it fills."""

    expected: int
    known: int

    @property
    def share(self) -> float:
        """Known cells, in % of the expected ones."""
        return 100 * self.known / self.expected


@dataclass(frozen=True)
class Photograph:
    """What is compared from one release to the next.

    Attributes:
        rows: relation -> rows.
        cells: known and expected cells per indicator, level and vintage.
        medians: median of the absolute values other than 0, totals only.
    """

    rows: dict[str, int]
    cells: dict[Subject, Cells]
    medians: dict[Subject, float]


@dataclass(frozen=True)
class Drift:
    """One difference worth a line.

    Attributes:
        control: what was compared.
        relation: relation it was read in.
        indicator, level: empty for rows.
        before, after: rows, known cells, or medians.
        line: the difference on one line, in French.
        refused: it stops the publication unless someone has accepted it.
    """

    control: Control
    relation: str
    indicator: str
    level: str
    before: float
    after: float
    line: str
    refused: bool


def count_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of each published relation."""
    counts = {}
    for name in published_relations(connection):
        ((count,),) = connection.execute(f"select count(*) from {name}").fetchall()
        counts[name] = int(count)
    return counts


def photograph(connection: duckdb.DuckDBPyConnection) -> Photograph:
    """What the comparison needs of a warehouse.

    Raises:
        duckdb.Error: the warehouse has no observations of the present form.
    """
    return Photograph(
        count_rows(connection),
        {Subject(*key): Cells(expected, known) for *key, expected, known in _rows(connection, _COVERAGE)},
        {Subject(*key): float(median) for *key, median in _rows(connection, _MAGNITUDES)},
    )


def row_drifts(before: dict[str, int], after: dict[str, int], release: str) -> Iterator[Drift]:
    """Relations that have lost rows."""
    for name, former in sorted(before.items()):
        now = after.get(name, 0)
        if now < former:
            line = f"{name} : {now} lignes, {former} dans la version {release}"
            yield Drift("lignes", name, "", "", former, now, line, now < former * (1 - MAX_SHRINK))


def coverage_drifts(before: Photograph, after: Photograph, release: str) -> Iterator[Drift]:
    """Indicators whose known cells shrink, on the vintages that both releases hold; poor new vintages."""
    held = {subject.vintage for subject in before.cells} & {subject.vintage for subject in after.cells}
    formers, nows = _by_level(before.cells, held), _by_level(after.cells, held)
    for (indicator, level), former in sorted(formers.items()):
        now = nows.get((indicator, level), Cells(former.expected, 0))
        loss = former.share - now.share
        if loss > COVERAGE_SAID:
            line = (
                f"{_OBSERVATIONS}, {indicator} ({level}) : {_percent(now.share)} des cellules connues "
                f"({now.known}), {_percent(former.share)} ({former.known}) dans la version {release}, "
                "mêmes millésimes"
            )
            yield Drift(
                "couverture",
                _OBSERVATIONS,
                indicator,
                level,
                former.known,
                now.known,
                line,
                loss > COVERAGE_REFUSED,
            )
    for subject, cells in sorted(after.cells.items()):
        reference = _reference(subject, before.cells)
        if subject in before.cells or reference is None:
            continue
        former = before.cells[reference]
        if former.share - cells.share > NEW_VINTAGE_SAID:
            line = (
                f"{_OBSERVATIONS}, {subject.indicator} ({subject.level}) : {_percent(cells.share)} des "
                f"cellules connues dans le nouveau millésime {subject.vintage}, "
                f"{_percent(former.share)} dans {reference.vintage}"
            )
            yield Drift(
                "couverture",
                _OBSERVATIONS,
                subject.indicator,
                subject.level,
                former.known,
                cells.known,
                line,
                False,
            )


def magnitude_drifts(before: Photograph, after: Photograph, release: str) -> Iterator[Drift]:
    """Indicators whose median moves too much: same vintage, else the last one of the same dataset."""
    for subject, now in sorted(after.medians.items()):
        reference = subject if subject in before.medians else _reference(subject, before.medians)
        if reference is None:
            continue
        former = before.medians[reference]
        factor = max(now / former, former / now)
        if factor < FACTOR_SAID:
            continue
        line = (
            f"{_OBSERVATIONS}, {subject.indicator} ({subject.level}) : médiane de {_number(now)} dans "
            f"{subject.vintage}, {_number(former)} dans {reference.vintage} de la version {release}, "
            f"soit un facteur {_number(factor)}"
        )
        yield Drift(
            "grandeur",
            _OBSERVATIONS,
            subject.indicator,
            subject.level,
            former,
            now,
            line,
            factor >= FACTOR_REFUSED,
        )


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def _by_level(cells: dict[Subject, Cells], vintages: set[str]) -> dict[tuple[str, str], Cells]:
    sums: dict[tuple[str, str], Cells] = {}
    for subject, cell in cells.items():
        if subject.vintage in vintages:
            key = (subject.indicator, subject.level)
            former = sums.get(key, Cells(0, 0))
            sums[key] = Cells(former.expected + cell.expected, former.known + cell.known)
    return sums


def _reference(subject: Subject, held: dict[Subject, Cells] | dict[Subject, float]) -> Subject | None:
    """The last vintage of the same dataset that gave the same indicator at the same level."""
    same = [s for s in held if (s.indicator, s.level, s.dataset) == (subject[0], subject[1], subject.dataset)]
    return max(same, key=lambda s: s.vintage, default=None)


def _percent(share: float) -> str:
    return f"{share:.1f} %".replace(".", ",")


def _number(value: float) -> str:
    return f"{value:.4g}".replace(".", ",")
