"""One cell of a form against the rules of its column."""

from __future__ import annotations

import re
from datetime import date

from qpv_emploi.catalogue.models import Column
from qpv_emploi.declarations.anomalie import Anomaly, shown
from qpv_emploi.declarations.listes import Lists
from qpv_emploi.lecture.formulaire import Cell, text_of
from qpv_emploi.lecture.nombres import parse_number

# What a spreadsheet runs as a formula when the text is opened again from a CSV.
_FORMULE = ("=", "+", "-", "@", "\t", "\r")
_COURRIEL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_TELEPHONE = re.compile(r"(?<!\d)(?:\+33|0)[ .]?[1-9](?:[ .-]?\d{2}){4}(?!\d)")
_JOUR = re.compile(r"(\d{4})-(\d{2})-(\d{2})|(\d{2})/(\d{2})/(\d{4})")
_PREMIERE_ANNEE = 2000


def parse_day(texte: str) -> date | None:
    """A day written AAAA-MM-JJ or JJ/MM/AAAA; None when it is neither, or no day of the calendar."""
    trouve = _JOUR.fullmatch(texte.strip())
    if trouve is None:
        return None
    annee, mois, jour = trouve.group(1, 2, 3) if trouve[1] else trouve.group(6, 5, 4)
    try:
        return date(int(annee), int(mois), int(jour))
    except ValueError:
        return None


def first_day(periode: str) -> date:
    """First day of a well-formed period: AAAA, AAAA-MM or AAAA-Tn."""
    annee, _, reste = periode.partition("-")
    if not reste:
        return date(int(annee), 1, 1)
    return date(int(annee), 3 * int(reste[1]) - 2 if reste.startswith("T") else int(reste), 1)


def check_cell(colonne: Column, case: Cell, lieu: str, listes: Lists, aujourdhui: date) -> Anomaly | None:
    """The fault of a cell, None when there is none.

    Args:
        colonne: a column with its rules of entry.
        case: the cell.
        lieu: where it is, for the message.
        listes: the closed lists.
        aujourdhui: day of the check; a date may not be after it.
    """
    saisie = colonne.saisie
    assert saisie is not None
    if case.vide:
        if not saisie.obligatoire:
            return None
        return Anomaly(
            lieu,
            f"{colonne.intitule} : case vide",
            colonne.description,
            "remplir la case, ou retirer la ligne",
        )
    if case.nature == "formule":
        return Anomaly(
            lieu,
            f"{shown(case.texte)} est une formule",
            "la valeur elle-même, que l'on puisse suivre",
            "copier la case et la coller en valeur",
        )
    if case.nature == "autre":
        return Anomaly(
            lieu,
            f"{shown(case.texte)} n'est ni un texte ni un nombre",
            colonne.description,
            "corriger la case",
        )
    texte = text_of(colonne, case).strip()
    if saisie.nature in ("entier", "nombre"):
        return _number(colonne, case, texte, lieu)
    if saisie.nature == "date":
        return _day(case, texte, lieu, aujourdhui)
    if case.nature == "date":
        return Anomaly(
            lieu,
            f"le tableur a fait une date de {colonne.intitule.lower()} : {case.texte}",
            colonne.description,
            "mettre la case au format texte, puis saisir de nouveau",
        )
    if saisie.nature == "liste":
        return _listed(colonne, texte, lieu, listes)
    if saisie.nature in ("code", "periode"):
        return _form(colonne, texte, lieu)
    return _text(texte, lieu)


def _number(colonne: Column, case: Cell, texte: str, lieu: str) -> Anomaly | None:
    saisie = colonne.saisie
    assert saisie is not None
    quoi = "un nombre entier" if saisie.nature == "entier" else "un nombre"
    action = "écrire le nombre seul ; s'il n'est pas connu, laisser la case vide et choisir un statut"
    if case.nature == "pourcentage":
        return Anomaly(
            lieu,
            "la case est au format pourcentage, où 45 % vaut 0,45",
            "45, et « pourcent » dans l'unité",
            "mettre la case au format standard, puis saisir de nouveau",
        )
    valeur = None if case.nature == "date" else parse_number(texte)
    if valeur is None:
        attendu = "des chiffres seuls" if saisie.nature == "entier" else f"{quoi}, avec une virgule"
        return Anomaly(lieu, f"{shown(texte)} n'est pas {quoi}", attendu, action)
    if saisie.nature == "entier" and valeur != int(valeur):
        return Anomaly(lieu, f"{shown(texte)} n'est pas un nombre entier", "un nombre entier", action)
    if saisie.minimum is not None and valeur < saisie.minimum:
        return Anomaly(lieu, f"{shown(texte)} est trop petit", f"{saisie.minimum:g} au moins", action)
    return None


def _day(case: Cell, texte: str, lieu: str, aujourdhui: date) -> Anomaly | None:
    jour = None if case.nature == "nombre" else parse_day(texte)
    if jour is None:
        return Anomaly(
            lieu, f"{shown(texte)} n'est pas un jour", "une date, par exemple 31/12/2025", "corriger la date"
        )
    if jour > aujourdhui:
        return Anomaly(
            lieu,
            f"{jour:%d/%m/%Y} est dans le futur",
            f"le {aujourdhui:%d/%m/%Y} au plus tard",
            "corriger la date",
        )
    if jour.year < _PREMIERE_ANNEE:
        return Anomaly(lieu, f"{jour:%d/%m/%Y} est trop ancien", f"{_PREMIERE_ANNEE} au plus tôt", "corriger")
    return None


def _listed(colonne: Column, texte: str, lieu: str, listes: Lists) -> Anomaly | None:
    assert colonne.saisie is not None
    connus = listes[str(colonne.saisie.liste)]
    if texte in connus:
        return None
    proches = [code for code in connus if code.casefold() == texte.casefold()]
    montres = proches or list(connus)
    attendu = ", ".join(montres) if len(montres) <= 12 else "un code de la feuille Listes"
    return Anomaly(
        lieu,
        f"{shown(texte)} n'est pas dans la liste « {colonne.intitule} »",
        attendu,
        "choisir dans la liste déroulante",
    )


def _form(colonne: Column, texte: str, lieu: str) -> Anomaly | None:
    assert colonne.saisie is not None
    if not re.fullmatch(str(colonne.motif), texte):
        quoi = "une période" if colonne.saisie.nature == "periode" else "un code de cette colonne"
        return Anomaly(lieu, f"{shown(texte)} n'est pas {quoi}", colonne.description, "corriger la case")
    if colonne.saisie.nature == "periode" and int(texte[:4]) < _PREMIERE_ANNEE:
        return Anomaly(lieu, f"{shown(texte)} est trop ancien", f"{_PREMIERE_ANNEE} au plus tôt", "corriger")
    return None


def _text(texte: str, lieu: str) -> Anomaly | None:
    if texte.startswith(_FORMULE):
        return Anomaly(
            lieu,
            f"{shown(texte)} commence par un signe qu'un tableur lit comme une formule",
            "un texte qui commence par une lettre ou un chiffre",
            "retirer le signe du début",
        )
    if _COURRIEL.search(texte) or _TELEPHONE.search(texte):
        # Not quoted: the message goes to logs and reports.
        return Anomaly(
            lieu,
            "le texte porte un courriel ou un numéro de téléphone",
            "aucune donnée personnelle",
            "le remplacer par une fonction ou un service",
        )
    return None
