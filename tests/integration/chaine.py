"""The dbt models between two points, run again and again on invented rows: dbt compiles them once.

The SQL that dbt compiled names its tables ``"entrepot"."schema"."table"``: it runs as it is on a copy of the
built database that keeps its file name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

Ligne = Mapping[str, Any]
Remplacement = tuple[str, str]


class Chaine:
    """Models downstream of some tables whose rows are given, up to the marts that are read.

    Args:
        base: copy of a built database, named ``entrepot.duckdb``; it is written to.
        manifeste: ``manifest.json`` of its build.
        entrees: names of the models whose rows are given.
        sorties: names of the models that are read.
    """

    def __init__(self, base: Path, manifeste: Path, entrees: Sequence[str], sorties: Sequence[str]) -> None:
        contenu = json.loads(manifeste.read_text(encoding="utf-8"))
        self._noeuds = {n["name"]: n for n in contenu["nodes"].values() if n["resource_type"] == "model"}
        noms = {n["unique_id"]: n["name"] for n in self._noeuds.values()}
        self._parents = {
            nom: [noms[p] for p in noeud["depends_on"]["nodes"] if p in noms]
            for nom, noeud in self._noeuds.items()
        }
        self._entrees = tuple(entrees)
        self.modeles = self._between(sorties)
        self.connexion = duckdb.connect(str(base))
        # Tiny tables: threads cost more than they give.
        self.connexion.execute("set threads = 1")
        self._colonnes = {
            entree: [nom for (nom, *_) in self.lire(f"describe {self._relation(entree)}")]
            for entree in entrees
        }

    def close(self) -> None:
        self.connexion.close()

    def lire(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connexion.execute(sql).fetchall()

    def lignes(self, modele: str) -> list[dict[str, Any]]:
        """Rows of a model, by column name."""
        curseur = self.connexion.execute(f"select * from {self._relation(modele)}")
        noms = [colonne[0] for colonne in curseur.description or ()]
        return [dict(zip(noms, ligne, strict=True)) for ligne in curseur.fetchall()]

    def jouer(
        self,
        entrees: Mapping[str, Iterable[Ligne]],
        mutation: Remplacement | None = None,
    ) -> None:
        """Build the models again on the given rows.

        Args:
            entrees: model -> its rows; a column that a row does not give is null.
            mutation: a text of the compiled SQL, in whatever model it stands, and what takes its place.

        Raises:
            ValueError: the text to replace is nowhere.
        """
        compiles = {modele: self._noeuds[modele]["compiled_code"] for modele in self.modeles}
        if mutation and not any(mutation[0] in sql for sql in compiles.values()):
            raise ValueError(f"« {mutation[0]} » n'est dans aucun modèle de la chaîne")
        for entree in self._entrees:
            relation, colonnes = self._relation(entree), self._colonnes[entree]
            # A copy has no constraint: a row gives the columns that its example is about.
            self.connexion.execute(f"create or replace table {relation} as from {relation} limit 0")
            valeurs = [[ligne.get(colonne) for colonne in colonnes] for ligne in entrees[entree]]
            if valeurs:
                places = ", ".join("?" * len(colonnes))
                self.connexion.executemany(f"insert into {relation} values ({places})", valeurs)
        for modele, sql in compiles.items():
            if mutation:
                sql = sql.replace(*mutation)
            nature = "view" if self._noeuds[modele]["config"]["materialized"] == "view" else "table"
            self.connexion.execute(f"create or replace {nature} {self._relation(modele)} as {sql}")

    def _relation(self, modele: str) -> str:
        return str(self._noeuds[modele]["relation_name"])

    def _between(self, sorties: Sequence[str]) -> list[str]:
        """Models that depend on an input and that an output depends on, parents first."""
        dependants: dict[str, bool] = dict.fromkeys(self._entrees, True)

        def depends(nom: str) -> bool:
            if nom not in dependants:
                dependants[nom] = any(depends(parent) for parent in self._parents[nom])
            return dependants[nom]

        ordre: list[str] = []

        def visit(nom: str) -> None:
            if nom in self._entrees or nom in ordre or not depends(nom):
                return
            for parent in self._parents[nom]:
                visit(parent)
            ordre.append(nom)

        for sortie in sorties:
            visit(sortie)
        assert set(sorties) <= set(ordre), "une sortie ne dépend d'aucune entrée"
        return ordre
