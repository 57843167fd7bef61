"""What changes from one release to another: schema, rows, and values, told by source.

Only what may leave is compared. Rows are matched by the key that the dictionary of the later release gives; a
fact that keeps its former values (``connu_du``, ``connu_au``) is compared on the values known today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from qpv_emploi.errors import QPVError
from qpv_emploi.publication.avancement import Progress, Steps, silent
from qpv_emploi.publication.base import quoted
from qpv_emploi.publication.version import Relation, SourceRelease, marked_relations, read_release

# Days of knowledge: they say when a value came, not what it is.
_KNOWN_FROM, _KNOWN_TO = "connu_du", "connu_au"
_SOURCE_KEY = ("producteur", "jeu", "millesime")
OBSERVATIONS = "fct_observation"
_STATEMENT = ("code_indicateur", "cle_territoire", "cle_periode", "cle_ventilation", "cle_jeu_source")


@dataclass(frozen=True)
class RowCounts:
    """Rows that came, went, or changed."""

    ajoutees: int = 0
    retirees: int = 0
    changees: int = 0

    @property
    def total(self) -> int:
        return self.ajoutees + self.retirees + self.changees


@dataclass(frozen=True)
class RelationChange:
    """One relation in both releases.

    Attributes:
        nom: its name.
        etat: ``ajoutee``, ``retiree`` or ``presente``.
        lignes_avant, lignes_apres: rows, None where it does not exist.
        colonnes_ajoutees, colonnes_retirees: names.
        types_changes: column -> (type before, type after).
        lignes: rows that changed, None when a side is missing.
        cle: columns by which rows were matched; empty: whole rows were, and a changed row is one that went
            and one that came.
        motif_sans_cle: why rows were not matched by a key, in French.
        colonnes_changees: column -> matched rows in which it differs.
        par_source: ``producteur:jeu:millesime`` -> rows, for the relations that say their source.
    """

    nom: str
    etat: str
    lignes_avant: int | None
    lignes_apres: int | None
    colonnes_ajoutees: tuple[str, ...] = ()
    colonnes_retirees: tuple[str, ...] = ()
    types_changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    lignes: RowCounts | None = None
    cle: tuple[str, ...] = ()
    motif_sans_cle: str = ""
    colonnes_changees: Mapping[str, int] = field(default_factory=dict)
    par_source: Mapping[str, RowCounts] = field(default_factory=dict)

    @property
    def est_inchangee(self) -> bool:
        schema = self.colonnes_ajoutees or self.colonnes_retirees or self.types_changes
        return self.etat == "presente" and not schema and (self.lignes is None or not self.lignes.total)


@dataclass(frozen=True)
class InputChange:
    """A dataset × vintage whose files differ: ``ajoute``, ``retire`` or ``remplace``."""

    producteur: str
    jeu: str
    millesime: str
    etat: str


@dataclass(frozen=True)
class ValueChange:
    """An observation whose value or status differs, among those known today in both releases."""

    producteur: str
    jeu: str
    millesime: str
    code_indicateur: str
    cle_territoire: str
    cle_periode: str
    cle_ventilation: str
    valeur_avant: float | None
    valeur_apres: float | None
    statut_avant: str
    statut_apres: str


@dataclass(frozen=True)
class Comparison:
    """Everything that differs between two releases of one region.

    Attributes:
        avant, apres: the releases.
        entrees: inputs that differ, sorted.
        relations: one per relation of either, sorted by name.
        valeurs: observations that differ, sorted.
    """

    avant: SourceRelease
    apres: SourceRelease
    entrees: tuple[InputChange, ...]
    relations: tuple[RelationChange, ...]
    valeurs: tuple[ValueChange, ...]

    @property
    def est_identique(self) -> bool:
        """Neither schema nor rows differ."""
        return all(relation.est_inchangee for relation in self.relations)


def compare_releases(avant: Path, apres: Path, progress: Progress = silent) -> Comparison:
    """Compare two release directories.

    Args:
        avant, apres: the directories; only read.
        progress: told after each relation.

    Raises:
        QPVError: they are not of the same region, one is fictional and the other is not, or the later one has
            no dictionary.
    """
    before, after = read_release(avant), read_release(apres)
    _check_comparable(before, after)
    with duckdb.connect() as connection:
        connection.execute(f"attach {quoted(before.base)} as avant (read_only)")
        connection.execute(f"attach {quoted(after.base)} as apres (read_only)")
        connection.execute("use apres")
        later = {r.nom: r for r in marked_relations(connection, after) if not r.est_vue}
        connection.execute("use avant")
        former = {r.nom: r for r in _former_relations(connection, before, later)}
        connection.execute("use memory")
        names = sorted({*later, *former})
        steps = Steps(progress, len(names) + 1)
        relations = []
        for name in names:
            relations.append(_relation_change(connection, former.get(name), later.get(name)))
            steps.step(f"comparaison de {name}")
        values = _value_changes(connection, former, later)
        steps.step("valeurs changées")
    return Comparison(before, after, _input_changes(before, after), tuple(relations), values)


def _check_comparable(before: SourceRelease, after: SourceRelease) -> None:
    if before.est_fictif != after.est_fictif:
        raise QPVError(
            f"{before.identifiant} et {after.identifiant} ne se comparent pas : l'une est fictive, l'autre "
            "réelle"
        )
    if before.region != after.region:
        raise QPVError(
            f"{before.identifiant} (région {before.region}) et {after.identifiant} (région {after.region}) "
            "ne se comparent pas ; attendu : deux versions de la même région"
        )


def _former_relations(
    connection: duckdb.DuckDBPyConnection, before: SourceRelease, later: Mapping[str, Relation]
) -> Sequence[Relation]:
    """What the former release let out; of one older than the dictionaries, what the later one lets out."""
    held = connection.execute(
        "select count(*) from duckdb_tables() where database_name = 'avant' and schema_name = 'audit' "
        "and table_name = 'colonne'"
    ).fetchall()
    if held[0][0]:
        return [r for r in marked_relations(connection, before) if not r.est_vue]
    kinds = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() where database_name = 'avant' "
        "and schema_name = 'main' order by table_name, column_index"
    ).fetchall()
    relations = []
    for name, relation in later.items():
        types = {column: kind for table, column, kind in kinds if table == name}
        columns = tuple(c for c in relation.colonnes if c.nom in types)
        if columns:
            relations.append(Relation(name, relation.description, relation.grain, False, (), columns))
    return relations


def _physical(connection: duckdb.DuckDBPyConnection, side: str, name: str) -> dict[str, str]:
    rows = connection.execute(
        "select column_name, data_type from duckdb_columns() where database_name = ? "
        "and schema_name = 'main' and table_name = ? order by column_index",
        [side, name],
    ).fetchall()
    return dict(rows)


def _count(connection: duckdb.DuckDBPyConnection, side: str, name: str) -> int:
    ((count,),) = connection.execute(f"select count(*) from {side}.main.{name}").fetchall()
    return int(count)


def _relation_change(
    connection: duckdb.DuckDBPyConnection, former: Relation | None, later: Relation | None
) -> RelationChange:
    if former is None or later is None:
        known = former or later
        assert known is not None
        rows = _count(connection, "avant" if former else "apres", known.nom)
        return RelationChange(
            known.nom, "retiree" if former else "ajoutee", rows if former else None, rows if later else None
        )
    name = later.nom
    before, after = _physical(connection, "avant", name), _physical(connection, "apres", name)
    # The mark that a publication adds is in neither base.
    old = [c.nom for c in former.colonnes if c.nom in before]
    new = [c.nom for c in later.colonnes if c.nom in after]
    shared = [column for column in new if column in old]
    is_dated = {_KNOWN_FROM, _KNOWN_TO}.issubset(shared)
    key, reason = _usable_key(connection, later, shared, is_dated)
    scope = f" where {_KNOWN_TO} is null" if is_dated else ""
    source = _source_expression(shared)
    counts, by_source, by_column = (
        _matched(connection, name, key, [c for c in shared if c not in key], scope, source, is_dated)
        if key
        else _unmatched(connection, name, shared, scope, source)
    )
    return RelationChange(
        name,
        "presente",
        _count(connection, "avant", name),
        _count(connection, "apres", name),
        tuple(c for c in new if c not in old),
        tuple(c for c in old if c not in new),
        {c: (before[c], after[c]) for c in shared if before[c] != after[c]},
        counts,
        key,
        reason,
        by_column,
        by_source,
    )


def _usable_key(
    connection: duckdb.DuckDBPyConnection, later: Relation, shared: Sequence[str], is_dated: bool
) -> tuple[tuple[str, ...], str]:
    """The key by which rows of both releases match, or the reason why there is none."""
    key = tuple(c for c in later.cle if not (is_dated and c == _KNOWN_FROM))
    if not key:
        return (), "aucun test ne dit ce qui identifie une ligne"
    missing = [c for c in key if c not in shared]
    if missing:
        return (), f"clé absente d'une des deux versions : {', '.join(missing)}"
    scope = f" where {_KNOWN_TO} is null" if is_dated else ""
    for side in ("avant", "apres"):
        ((repeated,),) = connection.execute(
            f"select count(*) from (select 1 from {side}.main.{later.nom}{scope} "
            f"group by {', '.join(key)} having count(*) > 1)"
        ).fetchall()
        if repeated:
            return (), f"clé répétée {repeated} fois dans la version d'{side.replace('apres', 'après')}"
    return key, ""


def _source_expression(columns: Sequence[str]) -> str | None:
    if "cle_jeu_source" in columns:
        return "cle_jeu_source"
    if all(name in columns for name in _SOURCE_KEY):
        return " || ':' || ".join(_SOURCE_KEY)
    return None


def _matched(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    key: Sequence[str],
    others: Sequence[str],
    scope: str,
    source: str | None,
    is_dated: bool,
) -> tuple[RowCounts, dict[str, RowCounts], dict[str, int]]:
    compared = [c for c in others if not (is_dated and c in (_KNOWN_FROM, _KNOWN_TO))]
    origin = source or "null"
    sides = {
        side: f"(select true as est_la, {origin} as source, {', '.join([*key, *compared])} "
        f"from {side}.main.{name}{scope})"
        for side in ("avant", "apres")
    }
    joined = " and ".join(f"a.{c} is not distinct from b.{c}" for c in key)
    both = "(a.est_la and b.est_la)"
    differs = " or ".join(f"a.{c} is distinct from b.{c}" for c in compared) or "false"
    by_column = "".join(
        f", count(*) filter (where {both} and a.{c} is distinct from b.{c})" for c in compared
    )
    rows = connection.execute(
        "select coalesce(b.source, a.source) as source, count(*) filter (where a.est_la is null), "
        "count(*) filter (where b.est_la is null), "
        f"count(*) filter (where {both} and ({differs})){by_column} "
        f"from {sides['avant']} as a full join {sides['apres']} as b on {joined} "
        "group by all order by source"
    ).fetchall()
    total = RowCounts(*(sum(row[place] for row in rows) for place in (1, 2, 3)))
    columns = {c: sum(row[place] for row in rows) for place, c in enumerate(compared, 4)}
    return total, _told(rows), {c: n for c, n in columns.items() if n}


def _unmatched(
    connection: duckdb.DuckDBPyConnection, name: str, shared: Sequence[str], scope: str, source: str | None
) -> tuple[RowCounts, dict[str, RowCounts], dict[str, int]]:
    """Whole rows that one side has and the other has not, repeated rows counted as often as they repeat."""
    origin = source or "null"
    columns = ", ".join(shared)
    avant, apres = (
        f"select {columns} from {side}.main.{name}{scope}" if columns else "select 1 where false"
        for side in ("avant", "apres")
    )
    if not columns:
        return RowCounts(), {}, {}
    rows = connection.execute(
        f"select source, sum(ajoutee), sum(retiree), 0 from ("
        f"select {origin} as source, 1 as ajoutee, 0 as retiree from ({apres} except all {avant}) union all "
        f"select {origin} as source, 0 as ajoutee, 1 as retiree from ({avant} except all {apres})) "
        "group by source order by source"
    ).fetchall()
    total = RowCounts(int(sum(row[1] for row in rows)), int(sum(row[2] for row in rows)))
    return total, _told(rows), {}


def _told(rows: Sequence[tuple[object, ...]]) -> dict[str, RowCounts]:
    told = {}
    for source, added, removed, changed, *_ in rows:
        counts = RowCounts(int(str(added)), int(str(removed)), int(str(changed)))
        if source is not None and counts.total:
            told[str(source)] = counts
    return told


def _input_changes(before: SourceRelease, after: SourceRelease) -> tuple[InputChange, ...]:
    old, new = _digests(before), _digests(after)
    changes = []
    for key in sorted({*old, *new}):
        if key not in old:
            changes.append(InputChange(*key, "ajoute"))
        elif key not in new:
            changes.append(InputChange(*key, "retire"))
        elif old[key] != new[key]:
            changes.append(InputChange(*key, "remplace"))
    return tuple(changes)


def _digests(release: SourceRelease) -> dict[tuple[str, str, str], frozenset[str]]:
    return {
        (e["producteur"], e["jeu"], e["millesime"]): frozenset(f["empreinte_sha256"] for f in e["fichiers"])
        for e in release.entrees
    }


def _value_changes(
    connection: duckdb.DuckDBPyConnection, former: Mapping[str, Relation], later: Mapping[str, Relation]
) -> tuple[ValueChange, ...]:
    needed = {*_STATEMENT, "valeur", "code_statut"}
    sides = (former.get(OBSERVATIONS), later.get(OBSERVATIONS))
    if any(side is None or not needed.issubset(c.nom for c in side.colonnes) for side in sides):
        return ()
    scopes = [
        f" where {_KNOWN_TO} is null" if side is not None and side.column(_KNOWN_TO) else "" for side in sides
    ]
    columns = ", ".join([*_STATEMENT, "valeur", "code_statut"])
    joined = " and ".join(f"a.{c} is not distinct from b.{c}" for c in _STATEMENT)
    rows = connection.execute(
        f"select b.cle_jeu_source, b.code_indicateur, b.cle_territoire, b.cle_periode, b.cle_ventilation, "
        "a.valeur, b.valeur, a.code_statut, b.code_statut "
        f"from (select {columns} from avant.main.{OBSERVATIONS}{scopes[0]}) as a "
        f"inner join (select {columns} from apres.main.{OBSERVATIONS}{scopes[1]}) as b on {joined} "
        "where a.valeur is distinct from b.valeur or a.code_statut is distinct from b.code_statut "
        "order by 1, 2, 3, 4, 5, 6, 7"
    ).fetchall()
    return tuple(ValueChange(*_source_parts(row[0]), *row[1:]) for row in rows)


def _source_parts(key: str) -> tuple[str, str, str]:
    producteur, jeu, millesime = key.split(":", 2)
    return producteur, jeu, millesime
