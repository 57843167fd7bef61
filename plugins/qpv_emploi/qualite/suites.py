"""Suites of expectations: YAML of ours, reviewed like code.

Great Expectations' own files carry random ids and cannot say « every column that matches »; ours do, and are
turned into its objects at judgement time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from qpv_emploi.catalogue.models import Regex
from qpv_emploi.errors import SettingsError
from qpv_emploi.qualite.verdict import Severite

# Conventional signs of INSEE and DARES that stand for a number (SOURCES 1.3).
SIGNES_ADMIS = ("s", "S", "c", "nd", "ns", "n.s.", "...", "///")

# Beside the suites of the warehouse: losses that a person has accepted, read by gate 2.
EXCEPTIONS = "exceptions.yml"

# Given by ``colonnes`` and ``si``, so that an absent column and a filter are treated alike everywhere.
_ARGUMENTS_RESERVES = {"column", "row_condition", "condition_parser", "severity", "meta", "notes"}
_ARGUMENTS_DE_COLONNES = ("column_A", "column_B", "column_list")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Selection(_Model):
    """Columns named one by one, or all those whose name matches."""

    motif: Regex | None = None
    noms: tuple[str, ...] = ()
    sauf: tuple[str, ...] = Field(default=(), description="Colonnes que le motif prendrait à tort.")

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Selection:
        if (self.motif is None) == (not self.noms):
            raise ValueError("une sélection donne soit un motif, soit des noms")
        if self.sauf and self.noms:
            raise ValueError("« sauf » ne va qu'avec un motif")
        return self

    def among(self, colonnes: Iterable[str]) -> tuple[str, ...]:
        """The selected columns: all the names given, present or not; or the columns that match."""
        if self.motif is None:
            return self.noms
        motif = re.compile(self.motif)
        return tuple(c for c in colonnes if motif.search(c) and c not in self.sauf)


class Condition(_Model):
    """Rows that a rule speaks of: those where a text column matches from end to end."""

    colonne: str
    motif: Regex


class Attente(_Model):
    """An expectation of Great Expectations, once per selected column."""

    type: Annotated[str, Field(pattern=r"^expect_[a-z_]+$")]
    colonnes: Selection | None = Field(default=None, description="Vide quand l'attente parle de la table.")
    arguments: dict[str, Any] = Field(default_factory=dict)
    si: Condition | None = None
    severite: Severite
    note: str = Field(min_length=1, description="Pourquoi, avec la source de la règle.")
    france_entiere: bool = Field(
        default=False,
        description="Vraie de la France seulement (nombre de ses zones, cadre de ses coordonnées) : ne juge"
        " pas la région fictive.",
    )

    @field_validator("arguments")
    @classmethod
    def _is_free(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        reserves = sorted(_ARGUMENTS_RESERVES & set(arguments))
        if reserves:
            raise ValueError(
                f"argument(s) réservé(s) : {', '.join(reserves)} ; utiliser « colonnes » ou « si »"
            )
        return arguments

    def named_columns(self) -> tuple[str, ...]:
        """Columns that the arguments name, for a rule on a pair or a group of columns."""
        noms: list[str] = []
        for argument in _ARGUMENTS_DE_COLONNES:
            valeur = self.arguments.get(argument, [])
            noms += [valeur] if isinstance(valeur, str) else valeur
        return tuple(noms)


class Identite(_Model):
    """``total`` against the sum of ``parties``, on the rows where all are filled.

    ``mesure: effectif`` widens the tolerance by the noise or the rounding that the secrecy regime of the
    vintage puts on each count; ``part`` does not.
    """

    nom: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    total: str | float = Field(description="Colonne, ou constante.")
    parties: tuple[str, ...] = Field(min_length=1)
    relation: Literal["egal", "au_moins"] = "egal"
    tolerance: float = Field(default=0, ge=0)
    mesure: Literal["effectif", "part"] = "effectif"
    severite: Severite = "critical"
    note: str = ""

    @property
    def colonnes(self) -> tuple[str, ...]:
        return ((self.total,) if isinstance(self.total, str) else ()) + self.parties

    @property
    def libelle(self) -> str:
        total = self.total if isinstance(self.total, str) else f"{self.total:g}"
        return f"{total} {'=' if self.relation == 'egal' else '≥'} {' + '.join(self.parties)}"


class Bornes(_Model):
    """Range of every measure whose name matches, in a table whose measures are too many to be named.

    The 160 quarters of a series are not 160 expectations: the cells are judged at once.
    """

    motif: Regex = Field(description="Expression que le nom de la mesure respecte en entier.")
    minimum: float | None = None
    maximum: float | None = None
    severite: Severite
    note: str = Field(min_length=1, description="Pourquoi, avec la source de la règle.")

    @model_validator(mode="after")
    def _bounds_something(self) -> Bornes:
        if self.minimum is None and self.maximum is None:
            raise ValueError("des bornes donnent un minimum, un maximum ou les deux")
        return self


class _Suite(_Model):
    suite: str
    description: str = Field(min_length=1)
    identites: tuple[Identite, ...] = ()
    attentes: tuple[Attente, ...] = ()

    @model_validator(mode="after")
    def _names_are_distinct(self) -> _Suite:
        noms = [identite.nom for identite in self.identites]
        if len(noms) != len(set(noms)):
            raise ValueError("deux identités portent le même nom")
        return self


class BronzeSuite(_Suite):
    """Contract with the producer of one bronze table."""

    signes_admis: tuple[str, ...] = Field(
        default=SIGNES_ADMIS, description="Textes que le producteur écrit à la place d'un nombre."
    )
    bornes: tuple[Bornes, ...] = Field(
        default=(), description="Domaine des mesures d'une table « cellules », par forme de leur nom."
    )
    zeros_reels: Selection | None = Field(
        default=None, description="Effectifs que le seuil du secret ne borne pas."
    )


class MartSuite(_Suite):
    """Contract with the consumer of one relation of the warehouse."""

    relation: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")
    requete: str | None = Field(default=None, description="SQL à juger au lieu de la relation entière.")
    cle: tuple[str, ...] = Field(default=(), description="Colonnes qui nomment une ligne dans les exemples.")


_S = TypeVar("_S", bound=_Suite)


def read_suite(chemin: Path, modele: type[_S]) -> _S:
    """Read and validate one suite.

    Raises:
        SettingsError: naming the file and each faulty key.
    """
    try:
        suite = modele.model_validate(yaml.safe_load(chemin.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise SettingsError(
            f"la table {chemin.stem} n'a pas de suite d'attentes ; à faire : écrire {chemin}"
        ) from None
    except yaml.YAMLError as erreur:
        raise SettingsError(f"{chemin} n'est pas du YAML : {erreur}") from erreur
    except ValidationError as erreur:
        details = "; ".join(
            f"{'.'.join(str(m) for m in e['loc']) or 'racine'} : {e['msg']}" for e in erreur.errors()
        )
        raise SettingsError(f"{chemin} : {details}") from erreur
    if suite.suite != chemin.stem:
        raise SettingsError(f"{chemin} déclare la suite « {suite.suite} » ; attendu : {chemin.stem}")
    return suite


def bronze_suite(expectations_dir: Path, table: str) -> BronzeSuite:
    """Suite of a bronze table, ``<expectations_dir>/bronze/<table>.yml``.

    Raises:
        SettingsError: there is none, or it is faulty.
    """
    return read_suite(expectations_dir / "bronze" / f"{table}.yml", BronzeSuite)


def mart_suites(expectations_dir: Path) -> tuple[MartSuite, ...]:
    """Suites of the warehouse, in the order of their names; none when the folder is empty."""
    return tuple(
        read_suite(chemin, MartSuite)
        for chemin in sorted((expectations_dir / "marts").glob("*.yml"))
        if chemin.name != EXCEPTIONS
    )
