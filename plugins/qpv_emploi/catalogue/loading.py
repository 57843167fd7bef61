"""Loading of the catalogue: one YAML file per producer, the corrections of its known errors, and the
dictionary of variables (a dbt seed)."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError

from qpv_emploi.catalogue.correction import Correction, ProducerCorrections, faults
from qpv_emploi.catalogue.models import Dataset, FileSpec, Producer, SourceVariable, Table
from qpv_emploi.errors import SettingsError

FOLDER = Path(__file__).parent
SCHEMA = FOLDER / "schema.json"
# Folder of the corrections, below that of the catalogue.
CORRECTIONS = "corrections"


_P = TypeVar("_P", Producer, ProducerCorrections)


@dataclass(frozen=True)
class BronzeTable:
    """A bronze table and where it is declared."""

    nom: str
    producteur: str
    jeu: Dataset
    fichier: FileSpec
    table: Table


@dataclass(frozen=True)
class TableCorrection:
    """A correction and the bronze table it speaks of."""

    table: BronzeTable
    correction: Correction


@dataclass(frozen=True)
class Catalogue:
    """All producers, their datasets, the dictionary of variables, and the corrections of known errors."""

    producteurs: tuple[Producer, ...]
    variables: tuple[SourceVariable, ...]
    corrections: tuple[TableCorrection, ...] = ()

    def datasets(self) -> Iterator[tuple[str, Dataset]]:
        """Pairs (producer, dataset), in the order of the files."""
        for producteur in self.producteurs:
            for jeu in producteur.jeux:
                yield producteur.producteur, jeu

    @cached_property
    def _index(self) -> dict[tuple[str, str], Dataset]:
        return {(producteur, jeu.jeu): jeu for producteur, jeu in self.datasets()}

    def dataset(self, producteur: str, jeu: str) -> Dataset:
        """The dataset, or an error that lists the known ones."""
        try:
            return self._index[producteur, jeu]
        except KeyError:
            connus = ", ".join(sorted("/".join(cle) for cle in self._index))
            raise SettingsError(
                f"jeu {producteur}/{jeu} inconnu du catalogue ; jeux connus : {connus}"
            ) from None

    def tables(self) -> Iterator[BronzeTable]:
        """Every bronze table the catalogue declares."""
        for producteur, jeu in self.datasets():
            for fichier in jeu.fichiers:
                for table in fichier.tables:
                    yield BronzeTable(bronze_name(producteur, jeu, table), producteur, jeu, fichier, table)

    def variables_of(self, producteur: str, jeu: str) -> tuple[SourceVariable, ...]:
        return tuple(v for v in self.variables if (v.producteur, v.jeu) == (producteur, jeu))

    def corrections_of(self, producteur: str, jeu: str) -> tuple[TableCorrection, ...]:
        """Corrections of a dataset, whatever the vintage, in the order of their file."""
        return tuple(
            c for c in self.corrections if (c.table.producteur, c.table.jeu.jeu) == (producteur, jeu)
        )


def bronze_name(producteur: str, jeu: Dataset, table: Table) -> str:
    """Name of a bronze table, equal to the name of the staging model without its prefix."""
    return "__".join(filter(None, (producteur, jeu.jeu, table.table)))


def _lignes(erreur: ValidationError, origine: str) -> str:
    details = "; ".join(
        f"{'.'.join(str(morceau) for morceau in e['loc']) or 'racine'} : {e['msg']}" for e in erreur.errors()
    )
    return f"{origine} : {details}"


def load_producer(chemin: Path) -> Producer:
    """Read and validate one YAML file.

    Raises:
        SettingsError: naming the file and each faulty key.
    """
    return _load(chemin, Producer, chemin.name)


def _load(chemin: Path, modele: type[_P], origine: str) -> _P:
    try:
        lu = modele.model_validate(yaml.safe_load(chemin.read_text(encoding="utf-8")))
    except yaml.YAMLError as erreur:
        raise SettingsError(f"{origine} n'est pas du YAML : {erreur}") from erreur
    except ValidationError as erreur:
        raise SettingsError(_lignes(erreur, origine)) from erreur
    if lu.producteur != chemin.stem:
        raise SettingsError(f"{origine} déclare le producteur « {lu.producteur} » ; attendu : {chemin.stem}")
    return lu


def load_corrections(dossier: Path, catalogue: Catalogue) -> tuple[TableCorrection, ...]:
    """Read and validate the corrections, one YAML file per producer; none without the folder.

    Args:
        dossier: folder of the files.
        catalogue: what they speak of.

    Raises:
        SettingsError: naming the file, the correction and what is wrong in it.
    """
    tables = {table.nom: table for table in catalogue.tables()}
    lues: dict[str, TableCorrection] = {}
    for chemin in sorted(dossier.glob("*.yml")):
        origine = f"{dossier.name}/{chemin.name}"
        fichier = _load(chemin, ProducerCorrections, origine)
        for correction in fichier.corrections:
            jeu = catalogue.dataset(fichier.producteur, correction.jeu)
            nom = "__".join(filter(None, (fichier.producteur, correction.jeu, correction.table)))
            constats = [f"table bronze {nom} inconnue du catalogue"]
            if nom in tables:
                constats = faults(correction, jeu, tables[nom].table)
            if correction.code in lues:
                constats.append("déclarée deux fois")
            if constats:
                raise SettingsError(f"{origine}, correction {correction.code} : {' ; '.join(constats)}")
            lues[correction.code] = TableCorrection(tables[nom], correction)
    return tuple(lues.values())


def load_variables(chemin: Path) -> tuple[SourceVariable, ...]:
    """Read and validate the dictionary of variables (CSV, ``;``, UTF-8).

    Raises:
        SettingsError: naming the file, the line and the faulty column.
    """
    with chemin.open(encoding="utf-8", newline="") as flux:
        lecteur = csv.DictReader(flux, delimiter=";")
        variables = []
        for ligne in lecteur:
            try:
                variables.append(SourceVariable.model_validate(ligne))
            except ValidationError as erreur:
                origine = f"{chemin.name}, ligne {lecteur.line_num}"
                raise SettingsError(_lignes(erreur, origine)) from erreur
    vues: set[tuple[str, str, str]] = set()
    for variable in variables:
        cle = (variable.producteur, variable.jeu, variable.code_variable)
        if cle in vues:
            raise SettingsError(f"{chemin.name} : la variable {'/'.join(cle)} est déclarée deux fois")
        vues.add(cle)
    return tuple(variables)


def load_catalogue(dbt_dir: Path, dossier: Path = FOLDER) -> Catalogue:
    """Load the whole catalogue.

    Args:
        dbt_dir: the dbt project, whose seed ``variable_source.csv`` is the dictionary of variables.
        dossier: folder of the YAML files, and of ``corrections/``.
    """
    producteurs = tuple(load_producer(chemin) for chemin in sorted(dossier.glob("*.yml")))
    if not producteurs:
        raise SettingsError(f"aucun fichier de catalogue dans {dossier}")
    catalogue = Catalogue(producteurs, load_variables(dbt_dir / "seeds" / "variable_source.csv"))
    for variable in catalogue.variables:
        catalogue.dataset(variable.producteur, variable.jeu)
    return replace(catalogue, corrections=load_corrections(dossier / CORRECTIONS, catalogue))


def json_schema() -> str:
    """JSON Schema of a producer's file, for editors (see the first line of each YAML file)."""
    schema = Producer.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
