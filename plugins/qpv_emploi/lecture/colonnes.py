"""Header of a file against the catalogue and the dictionary of variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qpv_emploi.catalogue import BronzeTable, Column, SourceVariable
from qpv_emploi.lecture.provenance import Provenance
from qpv_emploi.lecture.variables import check_measures, without_year

_SHOWN = 12


@dataclass(frozen=True)
class AlignedColumn:
    """A column of the file under the name of the warehouse.

    Attributes:
        nom: declared name, or the header when the catalogue does not know it.
        indice: its rank in the grid, from 0.
        position: its 1-based position in the file.
        declaree: its declaration, or None.
        role: cle, code, attribut, note or variable.
    """

    nom: str
    indice: int
    position: int
    declaree: Column | None
    role: str


@dataclass(frozen=True)
class Alignment:
    """The columns of a file, in file order, and what differs from what was expected.

    Columns that the table leaves in the raw file (``autres_colonnes: laissees``) are not here.
    """

    colonnes: tuple[AlignedColumn, ...]
    inconnues: tuple[str, ...]
    absentes: tuple[str, ...]

    def named(self, nom: str) -> AlignedColumn | None:
        """The column of that name, or None."""
        return next((colonne for colonne in self.colonnes if colonne.nom == nom), None)


def align(
    entete: Sequence[str],
    positions: Sequence[int],
    bronze: BronzeTable,
    provenance: Provenance,
    variables: Sequence[SourceVariable],
) -> Alignment:
    """Give each column its declared name and role.

    Args:
        entete: stripped header names.
        positions: their 1-based positions in the file.
        bronze: the table and its dataset.
        provenance: the file; its vintage selects the signature and the expected variables.
        variables: dictionary of variables; those of other datasets are ignored. Only « cellules » use it.

    Raises:
        RefusedFile: a required column is missing, two headers are the same column, no column is a measure, or
            the signature of the vintage (``colonnes_presentes``, ``colonnes_absentes``, last period of
            ``motif_variables``) betrays another file.
    """
    table = bronze.table
    dictionnaire = (
        [v for v in variables if (v.producteur, v.jeu) == (bronze.producteur, bronze.jeu.jeu)]
        if table.forme == "cellules"
        else []
    )
    connues = {v.code_variable for v in dictionnaire}
    par_nom = {nom: c for c in table.colonnes for nom in (c.nom, *c.alias)}
    defaut = "variable" if table.forme == "cellules" else "attribut"
    colonnes = []
    for indice, (nom, position) in enumerate(zip(entete, positions, strict=True)):
        stable = without_year(nom, table, par_nom.keys() | connues, provenance)
        declaree = par_nom.get(stable)
        colonnes.append(
            AlignedColumn(
                nom=declaree.nom if declaree else stable,
                indice=indice,
                position=position,
                declaree=declaree,
                role=declaree.role if declaree else defaut,
            )
        )
    noms = [colonne.nom for colonne in colonnes]
    _check_aliases(noms, entete, provenance)
    _check_required(noms, bronze, provenance)
    _check_signature(noms, bronze, provenance)
    connues |= check_measures(noms, table, provenance)
    if table.autres_colonnes == "laissees":
        colonnes = [c for c in colonnes if c.declaree or c.nom in connues]

    attendues = [c.nom for c in table.colonnes]
    attendues += [v.code_variable for v in dictionnaire if v.is_expected(provenance.millesime)]
    return Alignment(
        colonnes=tuple(colonnes),
        inconnues=tuple(c.nom for c in colonnes if c.declaree is None and c.nom not in connues),
        absentes=tuple(nom for nom in dict.fromkeys(attendues) if nom not in noms),
    )


def _check_aliases(noms: Sequence[str], entete: Sequence[str], provenance: Provenance) -> None:
    for nom in noms:
        memes = [origine for origine, declare in zip(entete, noms, strict=True) if declare == nom]
        if len(memes) > 1:
            raise provenance.refuse(
                f"les colonnes {', '.join(memes)} sont toutes la colonne {nom}",
                attendu=f"une seule colonne {nom}",
                action="déposer le fichier d'origine ou corriger les alias au catalogue",
            )


def _check_required(noms: Sequence[str], bronze: BronzeTable, provenance: Provenance) -> None:
    manquantes = [c for c in bronze.table.colonnes if c.presence == "requise" and c.nom not in noms]
    # A key identifies rows: without it nothing can be read, whatever its declared presence.
    manquantes += [c for c in bronze.table.cle if c.nom not in noms and c not in manquantes]
    if manquantes:
        suite = "…" if len(noms) > _SHOWN else ""
        raise provenance.refuse(
            f"colonne(s) requise(s) absente(s) : {', '.join(c.nom for c in manquantes)} ;"
            f" colonnes lues : {', '.join(noms[:_SHOWN])}{suite}",
            attendu=", ".join(" ou ".join((c.nom, *c.alias)) for c in manquantes),
            action="vérifier que c'est le bon fichier"
            + (
                f", et qu'il est du millésime {provenance.millesime} (ses mesures en portent l'année)"
                if bronze.table.annee_retiree
                else ""
            )
            + " ; si le producteur a renommé la colonne, ajouter un alias au catalogue",
        )


def _check_signature(noms: Sequence[str], bronze: BronzeTable, provenance: Provenance) -> None:
    note = bronze.jeu.millesimes.get(provenance.millesime)
    if note is None:
        return
    manquantes = [nom for nom in note.colonnes_presentes if nom not in noms]
    surnumeraires = [nom for nom in note.colonnes_absentes if nom in noms]
    constats = []
    if manquantes:
        constats.append(f"colonne(s) {', '.join(manquantes)} absente(s)")
    if surnumeraires:
        constats.append(f"colonne(s) {', '.join(surnumeraires)} présente(s)")
    if constats:
        raise provenance.refuse(
            f"ce n'est pas le millésime {provenance.millesime} : {', '.join(constats)}",
            attendu="les colonnes qui signent ce millésime au catalogue",
            action="déposer le fichier dans le dossier de son millésime",
        )
