"""Models of the corrections: known errors of the producers, mended here and nowhere else.

One YAML file per producer in ``corrections/``, beside the catalogue and reviewed like it: what a producer got
wrong is a fact about its files, and its reasons are sentences that a CSV would hide.
"""

from __future__ import annotations

import datetime
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qpv_emploi.catalogue.models import Dataset, Identifiant, Table


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Correction(_Model):
    """One cell that a producer got wrong, the wrong text it published, and the right one.

    Texts are those of the file, its decimal mark included, without the spaces of their ends; an empty text is
    a blank cell or an absent key. The wrong text is a guard: once the file holds anything else, the
    correction has had its day and the vintage is refused until the entry is removed.
    """

    code: Identifiant = Field(
        description="Nom de la correction, unique ; c'est lui que porte la ligne corrigée."
    )
    jeu: Identifiant
    table: Identifiant | None = Field(
        default=None, description="Suffixe de la table bronze quand le jeu en donne plusieurs."
    )
    millesimes: tuple[str, ...] | Literal["tous"] = Field(
        min_length=1,
        description="Millésimes fautifs, ou « tous » : alors tout millésime doit porter l'erreur.",
    )
    ligne: dict[str, str] = Field(
        min_length=1, description="Colonne -> texte publié, qui désignent une seule ligne du fichier."
    )
    colonne: str = Field(
        min_length=1, description="Colonne, ou variable d'une table « cellules », à corriger."
    )
    valeur_attendue: str = Field(description="Texte faux, tel que publié ; vide pour une cellule vide.")
    valeur_corrigee: str = Field(description="Texte juste, écrit comme dans le fichier.")
    motif: str = Field(min_length=1, description="Pourquoi la valeur publiée est fausse.")
    source: str = Field(min_length=1, description="Ce qui établit la valeur juste.")
    decide_le: datetime.date
    auteur: str = Field(min_length=1)

    @model_validator(mode="after")
    def _corrects_something(self) -> Correction:
        if self.valeur_attendue.strip() == self.valeur_corrigee.strip():
            raise ValueError("« valeur_corrigee » est la valeur attendue : il n'y a rien à corriger")
        return self

    @property
    def repere(self) -> str:
        """The row in words: ``code_cv = CV366``."""
        return " et ".join(f"{colonne} = {texte}" for colonne, texte in self.ligne.items())

    def concerns(self, millesime: str) -> bool:
        return self.millesimes == "tous" or millesime in self.millesimes


class ProducerCorrections(_Model):
    """One YAML file: the corrections of one producer."""

    producteur: Identifiant
    corrections: tuple[Correction, ...] = Field(min_length=1)


def faults(correction: Correction, jeu: Dataset, table: Table) -> list[str]:
    """What is wrong in a correction against the declaration of its table, in French."""
    trouvees = []
    if correction.millesimes != "tous":
        etrangers = [m for m in correction.millesimes if not re.fullmatch(jeu.millesime.motif, m)]
        if etrangers:
            trouvees.append(f"millésime {', '.join(etrangers)}, attendu : {jeu.millesime.motif}")
    cles = [colonne.nom for colonne in table.cle]
    declarees = {colonne.nom: colonne for colonne in table.colonnes}
    if table.forme == "cellules":
        if list(correction.ligne) != cles:
            trouvees.append(f"ligne désignée par {', '.join(correction.ligne)}, attendu : {cles[0]} seul")
        if correction.colonne in [c.nom for c in table.columns_of("cle", "code")]:
            trouvees.append(f"{correction.colonne} est le code de la zone, qui ne se corrige pas")
    else:
        inconnues = [nom for nom in (*correction.ligne, correction.colonne) if nom not in declarees]
        if inconnues:
            trouvees.append(
                f"colonne {', '.join(inconnues)} absente de la table ; connues : {', '.join(declarees)}"
            )
    declaree = declarees.get(correction.colonne)
    juste = correction.valeur_corrigee
    if declaree and declaree.motif and juste and not re.fullmatch(declaree.motif, juste):
        trouvees.append(f"valeur corrigée « {juste} », attendu : {declaree.motif}")
    return trouvees
