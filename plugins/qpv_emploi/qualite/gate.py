"""Gate 1: a bronze table against the contract with its producer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.compute as pc

from qpv_emploi.catalogue import SourceVariable
from qpv_emploi.lecture.resultat import ReadTable
from qpv_emploi.qualite.couverture import comparable, judge_coverage
from qpv_emploi.qualite.demandes import evaluate, expand
from qpv_emploi.qualite.generiques import (
    codes,
    out_of_bounds,
    repaired,
    small_counts,
    unique_key,
    unreadable,
)
from qpv_emploi.qualite.identites import with_identities
from qpv_emploi.qualite.suites import bronze_suite
from qpv_emploi.qualite.tableau import of_read_table
from qpv_emploi.qualite.verdict import Controle, Verdict

VACUITE = "table_vide"


def count_zones(read: ReadTable) -> int:
    """Distinct zones of a « cellules » table, control row excluded; what ``zones_connues`` is made of."""
    cellules = read.donnees.filter(pc.invert(read.donnees["est_controle"]))
    return int(pc.count_distinct(cellules["code_zone"]).as_py())


def judge(
    read: ReadTable,
    *,
    expectations_dir: Path,
    variables: Sequence[SourceVariable],
    zones_connues: Mapping[str, int],
    est_fictif: bool = False,
) -> Verdict:
    """Judge one bronze table.

    Args:
        read: what the reader gave.
        expectations_dir: folder that holds ``bronze/<table>.yml``.
        variables: dictionary of variables; rows of other datasets are ignored.
        zones_connues: vintage -> number of zones (see ``count_zones``) of the versions already accepted of
            the same table; only used for « cellules ».
        est_fictif: the table is of the fictional region: a rule about the whole of France is left out.

    Returns:
        The verdict, with every rule of the suite and every generic rule. Rules on columns that the file lacks
        are not judged: presence is the reader's job.

    Raises:
        SettingsError: the table has no suite, or a suite that cannot run.
    """
    bronze = read.table
    suite = bronze_suite(expectations_dir, bronze.nom)
    cellules = bronze.table.forme == "cellules"
    if read.donnees.num_rows == 0 and bronze.table.vide_admise:
        return Verdict.of(bronze.nom, ())
    if read.donnees.num_rows == 0 or (cellules and count_zones(read) == 0):
        vide = Controle(VACUITE, "", "critical", False, 0, (), "le fichier ne porte aucune ligne de données")
        return Verdict.of(bronze.nom, (vide,))

    millesime = str(read.donnees["millesime"][0])
    secret = bronze.jeu.secrecy_of(millesime)
    du_jeu = [v for v in variables if (v.producteur, v.jeu) == (bronze.producteur, bronze.jeu.jeu)]
    tableau = of_read_table(read)
    colonnes = list(tableau.donnees.columns)
    tableau, identites, sans_objet = with_identities(tableau, suite.identites, secret)

    demandes = [*unique_key(bronze.table), *codes(bronze.table)]
    if cellules:
        demandes += small_counts(du_jeu, secret, suite, colonnes)
    attentes = [a for a in suite.attentes if not (est_fictif and a.france_entiere)]
    expansees, sans_colonne = expand(attentes, colonnes)
    demandes += [*identites, *expansees]

    controles = [
        *unreadable(read, suite),
        *repaired(read),
        *evaluate(demandes, tableau),
        *sans_objet,
        *sans_colonne,
    ]
    if cellules:
        controles += out_of_bounds(read, suite)
        connues = comparable(millesime, zones_connues, bronze.table.ruptures_zonage)
        controles.append(judge_coverage(count_zones(read), millesime, connues))
    return Verdict.of(bronze.nom, tuple(controles))
