"""Names of measures that change with the vintage: read off a pattern, not listed one by one."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

from qpv_emploi.catalogue import Table
from qpv_emploi.catalogue.models import ANNEE
from qpv_emploi.lecture.provenance import Provenance

_YEAR = re.compile(r"\d{2}(\d{2})")


def without_year(nom: str, table: Table, connus: Container[str], provenance: Provenance) -> str:
    """The name that a measure keeps from one vintage to the next: ``Q217`` of 2017 is ``Q2``.

    Args:
        nom: stripped header.
        table: its option ``annee_retiree`` says where the year stands.
        connus: names of the catalogue and of the dictionary; one of them is never shortened.
        provenance: the file; its vintage gives the year.

    Raises:
        RefusedFile: the vintage carries no year.
    """
    if table.annee_retiree is None or nom in connus:
        return nom
    annee = _YEAR.search(provenance.millesime)
    if annee is None:
        raise provenance.refuse(
            f"le millésime {provenance.millesime} ne dit pas l'année que portent les noms des mesures",
            attendu="un millésime qui contient une année sur quatre chiffres",
            action="renommer le dossier du millésime",
        )
    # A name made of nothing but the year keeps it.
    return re.sub(table.annee_retiree.replace(ANNEE, annee.group(1)), "", nom) or nom


def check_measures(noms: Sequence[str], table: Table, provenance: Provenance) -> frozenset[str]:
    """The names that ``motif_variables`` recognises; none when the table declares no pattern.

    Raises:
        RefusedFile: no column is a measure, or the last period is not that of the vintage (a series revised
            at each release must not pass for another release: SOURCES 3.2).
    """
    if table.motif_variables is None:
        return frozenset()
    trouves = {nom: m for nom in noms if (m := re.fullmatch(table.motif_variables, nom))}
    if not trouves:
        raise provenance.refuse(
            "aucune colonne de mesure",
            attendu=f"des colonnes de la forme {table.motif_variables}",
            action="vérifier que c'est le bon fichier, ou corriger motif_variables au catalogue",
        )
    periodes = {_period(m): nom for nom, m in trouves.items() if "annee" in m.groupdict()}
    if periodes and max(periodes) != provenance.millesime:
        raise provenance.refuse(
            f"la dernière période du fichier est {periodes[max(periodes)]}",
            attendu=f"un fichier qui s'arrête à {provenance.millesime}",
            action="ranger le fichier dans le dossier de son millésime",
        )
    return frozenset(trouves)


def _period(trouve: re.Match[str]) -> str:
    groupes = trouve.groupdict()
    return groupes["annee"] + (f"T{groupes['trimestre']}" if groupes.get("trimestre") else "")
