"""What the pages of a contract and of a neighbourhood share: the lines of the fiche, with their traces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qpv_emploi.publication.site.contexte import Row, SiteContext
from qpv_emploi.publication.site.formats import capitaliser
from qpv_emploi.publication.site.graphiques import Series
from qpv_emploi.publication.site.traces import Trace, load_traces

DIAGNOSTIC, TRAJECTOIRE, DROIT_COMMUN, MOYENS, COUVERTURE, ACTIONS = 2, 3, 4, 5, 6, 7
POSITIONS = {
    "avant": "avant T0",
    "a_cheval": "à cheval sur T0",
    "apres": "après T0",
    "inconnue": "période non documentée",
}


def fiche_lines(context: SiteContext, codes: Iterable[str]) -> list[Row]:
    """The lines of the fiches of some contracts, in the order of the page."""
    return context.rows(
        "select * exclude (est_fictif) from mart_fiche_contrat_ville "
        "where code_contrat in (select unnest(?)) "
        "order by code_contrat, bloc, ordre, code_ligne, niveau, code_territoire_ligne, cle_ligne",
        sorted(set(codes)),
    )


def figure_traces(context: SiteContext, lines: Sequence[Row]) -> dict[str, Trace]:
    """The trace of each figure of these lines, by ``cle_trace``, that of its comparator included."""
    traces = load_traces(context, (line["cle_trace"] for line in lines))
    for line, key in _comparators(context, lines):
        own = traces.get(line["cle_trace"])
        zone = load_comparator(context, key)
        if zone:
            traces[line["cle_trace"] or line["cle_ligne"]] = Trace(
                own.formule if own else "", (*(own.groupes if own else ()), *zone.groupes)
            )
    return traces


def _comparators(context: SiteContext, lines: Sequence[Row]) -> list[tuple[Row, str]]:
    """The lines that show the value of a comparator, with the key of its trace."""
    shown = [
        line
        for line in lines
        if line["bloc"] == DIAGNOSTIC and line["valeur_comparateur"] is not None and line["code_indicateur"]
    ]
    if not shown:
        return []
    rows = context.rows(
        "select cle_territoire, code_indicateur, cle_ventilation, code_comparateur, libelle_periode, "
        "min(cle_trace) as cle_trace from mart_ecart_zone "
        "where cle_territoire in (select unnest(?)) and code_indicateur in (select unnest(?)) "
        "and valeur_zone is not null group by all order by cle_trace",
        sorted({line["cle_territoire_ligne"] for line in shown}),
        sorted({line["code_indicateur"] for line in shown}),
    )
    found = {
        (
            row["cle_territoire"],
            f"{row['code_indicateur']}|{row['cle_ventilation']}",
            row["code_comparateur"],
            row["libelle_periode"],
        ): row["cle_trace"]
        for row in rows
    }
    keyed = []
    for line in shown:
        key = found.get(
            (
                line["cle_territoire_ligne"],
                line["code_ligne"],
                line["code_comparateur"],
                line["libelle_periode"],
            )
        )
        if key:
            keyed.append((line, key))
    context.cache("comparateurs").update(load_traces(context, (key for _, key in keyed)))
    return keyed


def load_comparator(context: SiteContext, key: str) -> Trace | None:
    """The part of the trace of a gap that is the comparator's."""
    trace = context.cache("comparateurs").get(key)
    if trace is None:
        return None
    return Trace(trace.formule, tuple(group for group in trace.groupes if group.role != "quartier"))


class Notes:
    """Sentences of the rows of a table: those that come back are said once, below it, under a number.

    Args:
        rows: the sentences of each row.
        ancre: begins the anchors of the notes, one per table of a page.
    """

    def __init__(self, rows: Iterable[Iterable[str | None]], ancre: str) -> None:
        counts: dict[str, int] = {}
        for row in rows:
            for text in {capitaliser(one): None for one in row if one}:
                counts[text] = counts.get(text, 0) + 1
        self._numbers: dict[str, int] = {}
        for text, count in counts.items():
            if count > 1:
                self._numbers[text] = len(self._numbers) + 1
        self.ancre = ancre

    @property
    def items(self) -> list[tuple[int, str]]:
        """Number and text of each note."""
        return [(number, text) for text, number in self._numbers.items()]

    def of(self, *texts: str | None) -> list[tuple[int | None, str]]:
        """The sentences of a row, with the number of those that are notes."""
        said = {capitaliser(one): None for one in texts if one}
        return [(self._numbers.get(text), text) for text in said]


def line_notes(lines: Sequence[Row], ancre: str) -> Notes:
    """The notes of lines of the fiche."""
    return Notes(([line["motif"], line["motif_comparaison"], line["reserve"]] for line in lines), ancre)


def trajectory_series(
    context: SiteContext, keys: Iterable[str], lines: Sequence[Row]
) -> dict[str, dict[str, tuple[Series, ...]]]:
    """Comparable values since T0 of some territories, for the indicators of these lines.

    Args:
        keys: ``cle_territoire`` of contracts and neighbourhoods.
        lines: lines of the block Trajectoire.

    Returns:
        Territory -> line of the fiche -> its series, then that of its comparator when there is one. Nothing
        where no two periods compare: a line between points that do not compare would say they do.
    """
    wanted = {line["code_ligne"]: line["code_comparateur"] for line in lines if line["bloc"] == TRAJECTOIRE}
    rows = context.rows(
        "select t.cle_territoire, t.code_indicateur || '|' || t.cle_ventilation as code_ligne, "
        "t.code_comparateur, p0.annee_centrale as annee_t0, p1.annee_centrale as annee_t, "
        "t.valeur_t0, t.valeur_t, t.valeur_zone_t0, t.valeur_zone_t "
        "from mart_trajectoire as t inner join dim_periode as p0 on t.cle_periode_t0 = p0.cle_periode "
        "inner join dim_periode as p1 on t.cle_periode_t = p1.cle_periode "
        "where t.cle_territoire in (select unnest(?)) and t.comparable and t.trajectoire is not null "
        "and t.code_indicateur || '|' || t.cle_ventilation in (select unnest(?)) "
        "and p0.annee_centrale < p1.annee_centrale "
        "order by t.cle_territoire, code_ligne, t.code_comparateur nulls first, p1.annee_centrale, "
        "t.cle_trace",
        sorted(set(keys)),
        sorted(wanted),
    )
    own: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    zone: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for row in rows:
        place = (row["cle_territoire"], row["code_ligne"])
        if row["code_comparateur"] is None:
            own[place].setdefault(row["annee_t0"], row["valeur_t0"])
            own[place].setdefault(row["annee_t"], row["valeur_t"])
        elif row["code_comparateur"] == wanted[row["code_ligne"]] and row["valeur_zone_t"] is not None:
            zone[place].setdefault(row["annee_t0"], row["valeur_zone_t0"])
            zone[place].setdefault(row["annee_t"], row["valeur_zone_t"])
    found: dict[str, dict[str, tuple[Series, ...]]] = defaultdict(dict)
    for (territory, code), points in own.items():
        series = [Series(tuple(sorted(points.items())), "quartier")]
        if (territory, code) in zone:
            series.append(Series(tuple(sorted(zone[territory, code].items())), "zone"))
        found[territory][code] = tuple(series)
    return found


def grouped_by(rows: Iterable[Row], *names: str) -> dict[Any, list[Row]]:
    """Rows by the value of a column, or by those of several; their order is kept."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[names[0]] if len(names) == 1 else tuple(row[name] for name in names)].append(row)
    return found


def last_presences(rows: Iterable[Row]) -> dict[tuple[str, str], Row]:
    """The last known presence of each dispositif in each neighbourhood, else what is said of it last.

    Args:
        rows: rows of ``mart_couverture_dispositif``.

    Returns:
        (``cle_territoire``, ``code_dispositif``) -> row.
    """
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = (row["cle_territoire"], row["code_dispositif"])
        if key not in found or _presence_rank(row) >= _presence_rank(found[key]):
            found[key] = row
    return found


def _presence_rank(row: Row) -> tuple[bool, str]:
    return bool(row["present"]), str(row["fin"] or row["debut"] or "")


def neighbourhoods(context: SiteContext, keys: Iterable[str] | None = None) -> dict[str, Row]:
    """The neighbourhoods by ``cle_territoire``, with their communes and contracts, sorted by code."""
    rows = context.rows(
        "select q.* exclude (est_fictif), "
        "(select list({'code': p.code_commune, 'nom': coalesce(t.libelle_territoire, p.code_commune)} "
        "order by p.code_commune) from (select distinct code_commune, cle_territoire_commune "
        "from pont_qpv_commune as c where c.cle_territoire_qpv = q.cle_territoire "
        "and c.annee_geo = (select max(d.annee_geo) from pont_qpv_commune as d "
        "where d.cle_territoire_qpv = q.cle_territoire)) as p "
        "left join dim_territoire as t on p.cle_territoire_commune = t.cle_territoire) as communes, "
        "(select list(distinct c.code_contrat order by c.code_contrat) from pont_qpv_contrat as c "
        "where c.cle_territoire_qpv = q.cle_territoire) as contrats "
        "from dim_qpv as q order by q.code_qpv, q.cle_territoire"
    )
    chosen = None if keys is None else set(keys)
    return {
        row["cle_territoire"]: {**row, "communes": row["communes"] or [], "contrats": row["contrats"] or []}
        for row in rows
        if chosen is None or row["cle_territoire"] in chosen
    }


def contracts(context: SiteContext) -> Mapping[str, Row]:
    """The contracts by code, sorted."""
    return {
        row["code_contrat"]: row
        for row in context.rows(
            "select c.* exclude (est_fictif), "
            "coalesce(e.libelle_territoire, t.libelle_territoire) as porteur from dim_contrat_ville as c "
            "left join (select code_territoire, min(libelle_territoire) as libelle_territoire "
            "from dim_territoire where type_territoire = 'epci' group by code_territoire) as e "
            "on c.siren_courant = e.code_territoire "
            "left join (select code_territoire, min(libelle_territoire) as libelle_territoire "
            "from dim_territoire where type_territoire = 'commune' group by code_territoire) as t "
            "on c.code_commune_porteur = t.code_territoire order by c.code_contrat, c.cle_territoire"
        )
    }
