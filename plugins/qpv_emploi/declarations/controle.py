"""A filled form against its rules: every fault at once, each with its cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from qpv_emploi.acquisition import refusal_for
from qpv_emploi.catalogue import Table
from qpv_emploi.catalogue.models import Column
from qpv_emploi.declarations.anomalie import Anomaly, Report, shown
from qpv_emploi.declarations.listes import Lists
from qpv_emploi.declarations.regles import Row, check_row
from qpv_emploi.declarations.valeurs import check_cell, parse_day
from qpv_emploi.lecture.formulaire import (
    IDENTITE,
    Form,
    FormSheet,
    heading_key,
    read_form,
    sheet_key,
    text_of,
)
from qpv_emploi.lecture.nombres import parse_number
from qpv_emploi.lecture.provenance import Provenance

# Beyond, the same mistake is repeated down a column: the count is enough.
MAX_ERREURS = 200
_IN_THE_REASON = 3


def check_form(
    chemin: Path, tables: Sequence[Table], listes: Lists, *, provenance: Provenance, aujourdhui: date
) -> Report:
    """Judge a filled form.

    Args:
        chemin: workbook, archive of CSV, or folder of CSV.
        tables: the tables of the form (catalogue).
        listes: the closed lists.
        provenance: the file, for the refusal of one that cannot be read.
        aujourdhui: day of the check; an entry dated after it is refused.

    Raises:
        RefusedFile: the file is not a form that can be opened; a form with faults is a report.
    """
    formulaire = read_form(chemin, tables, provenance)
    erreurs = list(_identity_faults(formulaire, tables[0], listes, aujourdhui))
    lignes: dict[str, int] = {}
    for table in tables:
        feuille = formulaire.sheet(str(table.lecture.feuille))
        lignes[str(table.lecture.feuille)] = len(feuille.lignes) if feuille else 0
        if feuille and feuille.lignes:
            erreurs += _sheet_faults(feuille, table, formulaire, listes, aujourdhui)
    if not any(lignes.values()):
        erreurs.append(
            Anomaly(
                ", ".join(lignes),
                "aucune ligne saisie",
                "une ligne au moins, sous les intitulés",
                "remplir une feuille ; une valeur inconnue se dit par un statut",
            )
        )
    return Report(
        erreurs=tuple(erreurs),
        remarques=tuple(_remarks(formulaire, tables)),
        lignes=lignes,
        identite={c.nom: formulaire.rubric(c)[1].texte.strip() for c in _rubrics(tables[0])},
    )


def require_sound(
    chemin: Path, tables: Sequence[Table], listes: Lists, *, provenance: Provenance, aujourdhui: date
) -> tuple[str, ...]:
    """Same, for the ingestion.

    Returns:
        The remarks.

    Raises:
        RefusedFile: with every fault in its details, ``MAX_ERREURS`` at most.
    """
    bilan = check_form(chemin, tables, listes, provenance=provenance, aujourdhui=aujourdhui)
    if not bilan.erreurs:
        return bilan.remarques
    p = provenance
    refuse = refusal_for(p.producteur, p.jeu, p.millesime, p.fichier)
    lignes = [erreur.ligne() for erreur in bilan.erreurs]
    premieres = " | ".join(f"{e.lieu} : {e.constat}" for e in bilan.erreurs[:_IN_THE_REASON])
    reste = len(lignes) - _IN_THE_REASON
    raise refuse(
        raison=f"{len(lignes)} erreur(s) de saisie : {premieres}"
        + (f" | et {reste} autre(s)" if reste > 0 else ""),
        attendu="un modèle rempli selon sa feuille Guide",
        action="corriger chaque case que cite le rapport, contrôler par `qpv verifier`, déposer de nouveau",
        details=capped(lignes),
    )


def day_in_france(instant: datetime) -> date:
    """Day that a calendar of mainland France shows at a moment (aware): an entry of today is not ahead."""
    return instant.astimezone(ZoneInfo("Europe/Paris")).date()


def capped(lignes: Sequence[str]) -> list[str]:
    """The first lines, and the count of the others."""
    reste = len(lignes) - MAX_ERREURS
    return [*lignes[:MAX_ERREURS], *([f"et {reste} autre(s) erreur(s)"] if reste > 0 else [])]


def _rubrics(table: Table) -> tuple[Column, ...]:
    return tuple(c for c in table.colonnes if c.saisie is not None and c.saisie.rubrique)


def _entries(table: Table) -> tuple[Column, ...]:
    return tuple(c for c in table.colonnes if c.saisie is not None and not c.saisie.rubrique)


def _identity_faults(formulaire: Form, table: Table, listes: Lists, aujourdhui: date) -> Iterator[Anomaly]:
    feuille = formulaire.sheet(IDENTITE)
    if feuille is None:
        yield Anomaly(
            IDENTITE,
            "feuille absente",
            "la feuille d'identité du modèle (identite.csv parmi les CSV)",
            "la reprendre du modèle d'origine : une déclaration est signée et datée",
        )
        return
    for colonne in _rubrics(table):
        ligne, case = formulaire.rubric(colonne)
        if ligne:
            anomalie = check_cell(colonne, case, feuille.place(ligne, 1), listes, aujourdhui)
            if anomalie:
                yield anomalie
        elif colonne.saisie is not None and colonne.saisie.obligatoire:
            yield Anomaly(
                feuille.nom,
                f"rubrique « {colonne.intitule} » absente",
                colonne.description,
                "reprendre la feuille du modèle d'origine",
            )


def _sheet_faults(
    feuille: FormSheet, table: Table, formulaire: Form, listes: Lists, aujourdhui: date
) -> Iterator[Anomaly]:
    if not feuille.ligne_entete:
        yield Anomaly(
            f"{feuille.nom}, ligne {feuille.lignes[0][0]}",
            "aucune ligne d'intitulés au-dessus des lignes saisies",
            ", ".join(c.intitule for c in _entries(table)),
            "recopier les lignes dans le modèle d'origine",
        )
        return
    yield from _heading_faults(feuille, table)
    rangs = {colonne.nom: feuille.rank(colonne) for colonne in _entries(table)}
    saisi_le, seuil = _day_and_threshold(formulaire, table)
    vus: dict[tuple[str, ...], int] = {}
    for ligne, cases in feuille.lignes:
        fautives = set()
        textes = {}
        for colonne in _entries(table):
            rang = rangs[colonne.nom]
            if rang is None:
                continue
            case = feuille.cell(cases, rang)
            textes[colonne.nom] = text_of(colonne, case).strip()
            anomalie = check_cell(colonne, case, feuille.place(ligne, rang), listes, aujourdhui)
            if anomalie:
                fautives.add(colonne.nom)
                yield anomalie

        def lieu(nom: str, ligne: int = ligne) -> str:
            return feuille.place(ligne, rangs[nom] or 0)

        if None not in (rangs[c.nom] for c in _entries(table) if c.presence == "requise"):
            yield from check_row(Row(str(table.table), textes, frozenset(fautives), lieu, saisi_le, seuil))
        cle = tuple(_key_text(c, textes.get(c.nom, "")) for c in table.cle)
        if fautives.isdisjoint(c.nom for c in table.cle):
            premiere = vus.setdefault(cle, ligne)
            if premiere != ligne:
                yield Anomaly(
                    lieu(table.cle[0].nom),
                    f"même énoncé que la ligne {premiere}",
                    "une seule ligne pour " + ", ".join(c.intitule.lower() for c in table.cle),
                    "garder une des deux lignes",
                )


def _heading_faults(feuille: FormSheet, table: Table) -> Iterator[Anomaly]:
    lieu = f"{feuille.nom}, ligne {feuille.ligne_entete}"
    for colonne in _entries(table):
        if colonne.presence == "requise" and feuille.rank(colonne) is None:
            yield Anomaly(
                lieu,
                f"colonne « {colonne.intitule} » absente",
                "tous les intitulés du modèle",
                "la rétablir, même vide",
            )
    comptes = Counter(heading_key(titre) for titre in feuille.entete if titre)
    for titre in dict.fromkeys(feuille.entete):
        if comptes[heading_key(titre)] > 1:
            yield Anomaly(
                lieu, f"deux colonnes « {titre} »", "un seul intitulé de ce nom", "retirer la copie"
            )


def _day_and_threshold(formulaire: Form, table: Table) -> tuple[date | None, float]:
    """Day of entry and threshold, as far as the identity says them well."""
    textes = {colonne.nom: formulaire.rubric(colonne)[1].texte for colonne in _rubrics(table)}
    return parse_day(textes["saisi_le"]), parse_number(textes["seuil_secret"]) or 0


def _key_text(colonne: Column, texte: str) -> str:
    assert colonne.saisie is not None
    if colonne.saisie.nature == "date":
        return str(parse_day(texte))
    return heading_key(texte) if colonne.saisie.nature == "texte" else texte


def _remarks(formulaire: Form, tables: Sequence[Table]) -> Iterator[str]:
    connues = {sheet_key(str(table.lecture.feuille)): table for table in tables}
    for cle, feuille in formulaire.feuilles.items():
        if cle == sheet_key(IDENTITE) or not feuille.lignes:
            continue
        if cle not in connues:
            yield f"feuille « {feuille.nom} » en plus : elle n'est pas lue"
        elif feuille.ligne_entete:
            yield from _unread_columns(feuille, connues[cle])


def _unread_columns(feuille: FormSheet, table: Table) -> Iterator[str]:
    lus = {feuille.rank(colonne) for colonne in _entries(table)}
    for rang, titre in enumerate(feuille.entete):
        if titre and rang not in lus:
            lieu = feuille.place(feuille.ligne_entete, rang)
            yield f"{lieu} : colonne {shown(titre)} en plus : elle n'est pas lue"
    for ligne, cases in feuille.lignes:
        for rang, case in enumerate(cases):
            if not case.vide and (rang >= len(feuille.entete) or not feuille.entete[rang]):
                yield f"{feuille.place(ligne, rang)} : contenu d'une colonne sans intitulé : il n'est pas lu"
                return
