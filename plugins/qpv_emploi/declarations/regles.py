"""One row of a form: what its cells say together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from qpv_emploi.declarations.anomalie import Anomaly
from qpv_emploi.declarations.valeurs import first_day
from qpv_emploi.lecture.nombres import parse_number

# Column that holds what the row states, by table.
VALEURS = {"beneficiaires": "nombre", "actions": "valeur", "gouvernance": "constat", "clauses": "nombre"}


@dataclass(frozen=True)
class Row:
    """A row of a table, its cells already checked one by one.

    Attributes:
        table: name of its table.
        textes: column -> stripped text, codes without their label; ``''`` for a blank.
        fautives: columns whose cell is refused already; no rule speaks of them again.
        lieu: column -> where its cell is.
        saisi_le: day of entry, None when the identity does not say it well.
        seuil: smallest count that the organism gives, 0 without threshold.
    """

    table: str
    textes: Mapping[str, str]
    fautives: frozenset[str]
    lieu: Callable[[str], str]
    saisi_le: date | None
    seuil: float

    def __getitem__(self, colonne: str) -> str:
        return self.textes.get(colonne, "")

    def sound(self, *colonnes: str) -> bool:
        """None of these cells is refused already."""
        return self.fautives.isdisjoint(colonnes)


def check_row(rang: Row) -> Iterator[Anomaly]:
    """Every fault of a row."""
    yield from _stated_or_explained(rang)
    yield from _not_ahead_of_its_entry(rang)
    if rang.table == "beneficiaires":
        yield from _exits(rang)
    if rang.table in ("beneficiaires", "clauses"):
        yield from _quarter_means_residents(rang)
        yield from _under_the_threshold(rang)
    if rang.table == "clauses":
        yield from _whole_persons(rang)


def _stated_or_explained(rang: Row) -> Iterator[Anomaly]:
    """A value, or a status and its reason: absence is a value, a blank is never a zero (DESIGN)."""
    valeur = VALEURS[rang.table]
    if rang[valeur] and rang["statut"]:
        yield Anomaly(
            rang.lieu("statut"),
            f"une valeur (« {rang[valeur][:30]} ») et un statut ({rang['statut']}) sur la même ligne",
            "l'une ou l'autre",
            "effacer le statut si la valeur est connue, la valeur sinon",
        )
    elif not rang[valeur] and not rang["statut"]:
        yield Anomaly(
            rang.lieu(valeur),
            "ni valeur ni statut : une case vide n'est pas un zéro",
            "une valeur (0 compris), ou un statut qui dit pourquoi elle manque",
            "remplir la case, ou choisir un statut et l'expliquer",
        )
    if rang["statut"] and not rang["motif"]:
        yield Anomaly(
            rang.lieu("motif"),
            f"le statut {rang['statut']} n'est pas expliqué",
            "une phrase, imprimée à la place de la valeur",
            "dire pourquoi la valeur manque",
        )
    if rang["motif"] and not rang["statut"]:
        yield Anomaly(
            rang.lieu("motif"),
            "une explication sans statut",
            "une explication là où la valeur manque",
            "choisir le statut, ou déplacer le texte vers Remarque",
        )


def _not_ahead_of_its_entry(rang: Row) -> Iterator[Anomaly]:
    if rang.saisi_le is None or not rang["periode"] or not rang.sound("periode"):
        return
    if rang[VALEURS[rang.table]] and first_day(rang["periode"]) > rang.saisi_le:
        yield Anomaly(
            rang.lieu("periode"),
            f"la période {rang['periode']} commence après la date de saisie ({rang.saisi_le:%d/%m/%Y})",
            "une période commencée quand la valeur est saisie",
            "corriger la période ou la date de saisie",
        )


def _exits(rang: Row) -> Iterator[Anomaly]:
    if not rang.sound("motif_sortie", "type_flux"):
        return
    if rang["motif_sortie"] and rang["type_flux"] != "sorties":
        yield Anomaly(
            rang.lieu("motif_sortie"),
            f"un motif de sortie pour des {rang['type_flux']}",
            "un motif pour des sorties seulement",
            "effacer le motif, ou choisir « sorties »",
        )


def _quarter_means_residents(rang: Row) -> Iterator[Anomaly]:
    if rang["code_qpv"] and rang["population"] != "qpv" and rang.sound("code_qpv", "population"):
        yield Anomaly(
            rang.lieu("population"),
            f"la population « {rang['population']} » d'un quartier ({rang['code_qpv']})",
            "qpv quand la ligne nomme un quartier",
            "choisir « qpv », ou effacer le quartier",
        )


def _under_the_threshold(rang: Row) -> Iterator[Anomaly]:
    """Only persons are secret; a true zero tells nothing about anyone."""
    if rang["mesure"] == "heures":
        return
    nombre = parse_number(rang["nombre"])
    if nombre is not None and 0 < nombre < rang.seuil:
        # The count itself is not repeated: the message goes to logs and reports.
        yield Anomaly(
            rang.lieu("nombre"),
            f"un nombre sous le seuil de secret de l'organisme ({rang.seuil:g})",
            "aucun effectif sous ce seuil, zéro excepté",
            "effacer le nombre et choisir le statut SECRET",
        )


def _whole_persons(rang: Row) -> Iterator[Anomaly]:
    nombre = parse_number(rang["nombre"])
    if rang["mesure"] == "beneficiaires" and nombre is not None and nombre != int(nombre):
        yield Anomaly(
            rang.lieu("nombre"),
            "des personnes à virgule",
            "un nombre entier de personnes",
            "corriger le nombre",
        )
