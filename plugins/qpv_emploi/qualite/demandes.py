"""From rules in words to expectations on a frame, and from findings to controls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from qpv_emploi.errors import SettingsError
from qpv_emploi.qualite.gx import Attendu, Constat, validate
from qpv_emploi.qualite.suites import Attente, Condition
from qpv_emploi.qualite.tableau import Tableau, shown
from qpv_emploi.qualite.verdict import MAX_EXEMPLES, Controle, Severite


@dataclass(frozen=True)
class Demande:
    """A rule to judge on a frame.

    Attributes:
        nom: name of the control.
        type, arguments: the expectation, ``column`` included where it has one.
        libelle: column or equality that the control shows.
        requises: columns without which the rule does not apply.
        severite: of the control.
        message: rule and reason, French.
        si: rows it speaks of; all when None.
        valeur: label of a row -> what an example shows there; None shows the values of ``requises``.
    """

    nom: str
    type: str
    arguments: dict[str, Any]
    libelle: str
    requises: tuple[str, ...]
    severite: Severite
    message: str
    si: Condition | None = None
    valeur: Callable[[int], str] | None = field(default=None, compare=False)

    def attendu(self) -> Attendu:
        return Attendu(self.type, self.arguments, self.severite)


def expand(attentes: Sequence[Attente], colonnes: Sequence[str]) -> tuple[list[Demande], list[Controle]]:
    """The requests of a suite, and the controls of the patterns that no column matches."""
    demandes: list[Demande] = []
    sans_objet: list[Controle] = []
    for attente in attentes:
        expansees = requests(attente, colonnes)
        demandes += expansees
        if attente.colonnes and not expansees:
            motif = f"motif {attente.colonnes.motif}"
            raison = "aucune colonne n'a un tel nom"
            sans_objet.append(not_judged(attente.type, motif, attente.severite, raison))
    return demandes, sans_objet


def requests(attente: Attente, colonnes: Sequence[str]) -> list[Demande]:
    """One request per column that the expectation selects.

    Args:
        colonnes: columns of the frame, for a selection by pattern.
    """
    message = f"attendu : {describe(attente.type, attente.arguments)}"
    if attente.si:
        message += f", là où {attente.si.colonne} vérifie {attente.si.motif}"
    message += f" ; {attente.note.strip()}"
    filtre = (attente.si.colonne,) if attente.si else ()
    if attente.colonnes is None:
        nommees = attente.named_columns()
        return [
            Demande(
                nom=attente.type,
                type=attente.type,
                arguments=dict(attente.arguments),
                libelle=", ".join(nommees),
                requises=(*nommees, *filtre),
                severite=attente.severite,
                message=message,
                si=attente.si,
            )
        ]
    return [
        Demande(
            nom=attente.type,
            type=attente.type,
            arguments={"column": colonne, **attente.arguments},
            libelle=colonne,
            requises=(colonne, *filtre),
            severite=attente.severite,
            message=message,
            si=attente.si,
        )
        for colonne in attente.colonnes.among(colonnes)
    ]


def describe(type_: str, arguments: dict[str, Any]) -> str:
    """What an expectation expects, in French; its own name where we have no words for it."""
    part = arguments.get("mostly")
    presque = f" pour au moins {float(part):.0%} des valeurs".replace("%", " %") if part else ""
    match type_:
        case "expect_column_values_to_be_between":
            return _bounds(arguments) + presque
        case "expect_table_row_count_to_be_between":
            return f"nombre de lignes : {_bounds(arguments)}"
        case "expect_column_values_to_match_regex":
            return f"forme {arguments.get('regex')}" + presque
        case "expect_column_values_to_not_match_regex":
            return f"jamais la forme {arguments.get('regex')}" + presque
        case "expect_column_values_to_be_in_set":
            return f"une valeur parmi {_listed(arguments.get('value_set', []))}" + presque
        case "expect_column_values_to_not_be_in_set":
            return f"aucune valeur parmi {_listed(arguments.get('value_set', []))}" + presque
        case "expect_column_values_to_not_be_null":
            return "jamais vide" + presque
        case "expect_column_values_to_be_null":
            return "toujours vide" + presque
        case "expect_column_values_to_be_unique" | "expect_compound_columns_to_be_unique":
            return "sans doublon" + presque
        case "expect_column_pair_values_to_be_equal":
            return f"{arguments.get('column_A')} = {arguments.get('column_B')}" + presque
        case "expect_column_pair_values_a_to_be_greater_than_b":
            signe = "≥" if arguments.get("or_equal") else ">"
            return f"{arguments.get('column_A')} {signe} {arguments.get('column_B')}" + presque
    details = ", ".join(f"{nom} = {valeur}" for nom, valeur in sorted(arguments.items()))
    return f"{type_} ({details})" if details else type_


def _bounds(arguments: dict[str, Any]) -> str:
    minimum, maximum = arguments.get("min_value"), arguments.get("max_value")
    bas = "" if minimum is None else f"{'>' if arguments.get('strict_min') else '≥'} {shown(minimum)}"
    haut = "" if maximum is None else f"{'<' if arguments.get('strict_max') else '≤'} {shown(maximum)}"
    return " et ".join(filter(None, (bas, haut))) or "une valeur"


def _listed(valeurs: Sequence[object]) -> str:
    return ", ".join(shown(valeur) for valeur in valeurs)


def evaluate(demandes: Sequence[Demande], tableau: Tableau) -> list[Controle]:
    """Judge requests on a frame, in one validation per set of rows.

    A request on a column that the frame lacks gives a control that is not judged.

    Returns:
        One control per request, in their order.

    Raises:
        SettingsError: an expectation is unknown or badly written.
    """
    presentes = set(tableau.donnees.columns)
    controles: dict[int, Controle] = {}
    par_condition: dict[Condition | None, list[int]] = defaultdict(list)
    for rang, demande in enumerate(demandes):
        absentes = [c for c in demande.requises if c not in presentes]
        if absentes:
            pluriel = "s" if len(absentes) > 1 else ""
            raison = f"colonne{pluriel} {', '.join(absentes)} absente{pluriel} du fichier"
            controles[rang] = not_judged(demande.nom, demande.libelle, demande.severite, raison)
        else:
            par_condition[demande.si].append(rang)
    for condition, rangs in par_condition.items():
        trame = _rows_where(condition, tableau.donnees)
        constats = validate(trame, [demandes[rang].attendu() for rang in rangs])
        for rang, constat in zip(rangs, constats, strict=True):
            controles[rang] = _control(demandes[rang], constat, tableau)
    return [controles[rang] for rang in range(len(demandes))]


def _rows_where(condition: Condition | None, trame: pd.DataFrame) -> pd.DataFrame:
    if condition is None:
        return trame
    colonne = trame[condition.colonne]
    if not pd.api.types.is_string_dtype(colonne):
        raise SettingsError(f"« si » filtre sur {condition.colonne}, qui n'est pas une colonne de texte")
    return trame[colonne.str.fullmatch(condition.motif, na=False)]


def not_judged(nom: str, libelle: str, severite: Severite, raison: str) -> Controle:
    """A control that could not apply."""
    return Controle(nom, libelle, severite, None, 0, (), f"non évaluée : {raison}")


def failed_on_absence(controle: Controle) -> Controle:
    """The same control, failed where it was not judged: a published column must be there."""
    if controle.reussi is not None:
        return controle
    return replace(controle, reussi=False, message=controle.message.removeprefix("non évaluée : "))


def _control(demande: Demande, constat: Constat, tableau: Tableau) -> Controle:
    message = demande.message
    if constat.erreur:
        message = f"la règle n'a pas pu être évaluée : {constat.erreur} ; {message}"
    elif not constat.reussi and constat.observe:
        message = f"{message} ; observé : {constat.observe}"
    return Controle(
        nom=demande.nom,
        colonne=demande.libelle,
        severite=demande.severite,
        reussi=constat.reussi,
        nb_ecarts=constat.nb_ecarts,
        exemples=tuple(_example(demande, rang, tableau) for rang in constat.index[:MAX_EXEMPLES]),
        message=message,
    )


def _example(demande: Demande, rang: int, tableau: Tableau) -> str:
    if demande.valeur:
        return f"{tableau.lieu(rang)}, {demande.libelle} : {demande.valeur(rang)}"
    ligne = tableau.donnees.loc[rang]
    if len(demande.requises) == 1 or "column" in demande.arguments:
        return tableau.exemple(rang, demande.libelle, shown(ligne[demande.libelle]))
    valeurs = ", ".join(f"{colonne} = {shown(ligne[colonne])}" for colonne in demande.requises)
    return f"{tableau.lieu(rang)} : {valeurs}"
