"""Rules that no suite repeats: they follow from the catalogue, the dictionary and the secrecy regime."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qpv_emploi.catalogue import Column, SourceVariable, Table
from qpv_emploi.catalogue.models import Secrecy
from qpv_emploi.lecture.resultat import ReadTable
from qpv_emploi.qualite.demandes import Demande, not_judged
from qpv_emploi.qualite.suites import BronzeSuite
from qpv_emploi.qualite.tableau import CODE_SOURCE, CODE_ZONE, shown, trimmed, unit_of
from qpv_emploi.qualite.verdict import MAX_EXEMPLES, Controle, Severite

TEXTE_ILLISIBLE = "texte_illisible"
EFFECTIF_SOUS_SEUIL = "effectif_sous_seuil"
FORME_DU_CODE = "forme_du_code"
CLE_UNIQUE = "cle_unique"
CODE_REPARE = "code_repare"
BORNES = "bornes"


def small_counts(
    variables: Sequence[SourceVariable], secret: Secrecy, suite: BronzeSuite, colonnes: Sequence[str]
) -> list[Demande]:
    """No count below the threshold in a masked base (DOMAIN 7.1: neither 0 nor 1-4 occurs).

    Which columns are counts is what the dictionary says; columns of the frame only.
    """
    if secret.methode != "masquage" or secret.seuil is None:
        return []
    reels = set(suite.zeros_reels.among(colonnes)) if suite.zeros_reels else set()
    effectifs = {v.code_variable for v in variables if v.nature == "effectif"} - reels
    return [
        Demande(
            nom=EFFECTIF_SOUS_SEUIL,
            type="expect_column_values_to_be_between",
            arguments={"column": colonne, "min_value": secret.seuil},
            libelle=colonne,
            requises=(colonne,),
            severite="critical",
            message=f"effectif inférieur à {secret.seuil} : vide lu comme zéro, ou régime de secret changé",
        )
        for colonne in colonnes
        if colonne in effectifs
    ]


def codes(table: Table) -> list[Demande]:
    """Each code has the form that the catalogue declares: « 02 » is not « 2 »."""
    demandes = []
    for declaree in table.colonnes:
        if declaree.motif and declaree.role in ("cle", "code", "attribut"):
            colonne = _column_of(declaree, table)
            demandes.append(
                Demande(
                    nom=FORME_DU_CODE,
                    type="expect_column_values_to_match_regex",
                    arguments={"column": colonne, "regex": rf"^(?:{declaree.motif})\Z"},
                    libelle=colonne,
                    requises=(colonne,),
                    severite=_severity(declaree),
                    message=f"attendu : forme {declaree.motif} (catalogue)",
                )
            )
    return demandes


def unique_key(table: Table) -> list[Demande]:
    """The key names one row, where the catalogue says so."""
    if not table.cle_unique:
        return []
    noms = tuple(_column_of(colonne, table) for colonne in table.cle)
    seule = len(noms) == 1
    arguments: dict[str, object] = {"column": noms[0]} if seule else {"column_list": list(noms)}
    return [
        Demande(
            nom=CLE_UNIQUE,
            type="expect_column_values_to_be_unique" if seule else "expect_compound_columns_to_be_unique",
            arguments=arguments,
            libelle=" + ".join(noms),
            requises=noms,
            severite="critical",
            message="attendu : une seule ligne par clé (catalogue)",
        )
    ]


def repaired(read: ReadTable) -> list[Controle]:
    """Rows whose codes got their leading zeros back: accepted because the catalogue declares it, and told.

    Returns:
        One warning, one control that holds, or nothing for a table that declares no repair.
    """
    table = read.table.table
    if not table.repare_codes:
        return []
    lignes = read.donnees.filter(read.donnees[CODE_REPARE])["ligne"]
    colonnes = [f"{c.nom} ({c.zeros})" for c in table.colonnes if c.zeros is not None]
    nombre = int(pc.count_distinct(lignes).as_py())
    exemples = tuple(f"{unit_of(read)} {ligne}" for ligne in pc.unique(lignes)[:MAX_EXEMPLES].to_pylist())
    message = (
        "zéros de tête rétablis comme le catalogue le déclare, codes et longueurs : " + ", ".join(colonnes)
        if nombre
        else "aucun zéro de tête à rétablir : " + ", ".join(colonnes)
    )
    return [Controle(CODE_REPARE, "", "warning", not nombre, nombre, exemples, message)]


def out_of_bounds(read: ReadTable, suite: BronzeSuite) -> list[Controle]:
    """Values of a « cellules » table outside the range that the suite gives to measures of such a name.

    Returns:
        One control per range of the suite; not judged when no measure has such a name.
    """
    controles = []
    for bornes in suite.bornes:
        cellules = read.donnees.filter(
            pc.and_(pc.equal(read.donnees["role"], "variable"), pc.invert(read.donnees["est_controle"]))
        )
        noms = [n for n in pc.unique(cellules["variable"]).to_pylist() if re.fullmatch(bornes.motif, n)]
        domaine = " et ".join(
            f"{signe} {shown(borne)}"
            for signe, borne in (("≥", bornes.minimum), ("≤", bornes.maximum))
            if borne is not None
        )
        libelle = f"mesures {bornes.motif}"
        if not noms:
            controles.append(not_judged(BORNES, libelle, bornes.severite, "aucune mesure n'a un tel nom"))
            continue
        valeurs = cellules["valeur"]
        fautif = pc.is_in(cellules["variable"], value_set=pa.array(noms, pa.string()))
        trop_bas = pc.less(valeurs, -np.inf if bornes.minimum is None else bornes.minimum)
        trop_haut = pc.greater(valeurs, np.inf if bornes.maximum is None else bornes.maximum)
        fautif = pc.and_(fautif, pc.fill_null(pc.or_(trop_bas, trop_haut), False))
        fautives = cellules.filter(fautif)
        mot = unit_of(read)
        exemples = tuple(
            f"{c['code_zone']}, {mot} {c['ligne']}, colonne {c['colonne']} ({c['variable']}) :"
            f" « {c['valeur_texte']} »"
            for c in fautives.slice(0, MAX_EXEMPLES).to_pylist()
        )
        message = f"attendu : {domaine} ; {bornes.note.strip()}"
        nombre = fautives.num_rows
        controles.append(Controle(BORNES, libelle, bornes.severite, not nombre, nombre, exemples, message))
    return controles


def unreadable(read: ReadTable, suite: BronzeSuite) -> list[Controle]:
    """Texts that are neither a number nor an admitted sign, where a number is due.

    Critical in the columns that the warehouse uses; a warning in an unknown column (it may hold text: a new
    column is data, and feeds nothing until the dictionary names it) and in a note.

    Returns:
        One control per faulty column, in file order; or a single one that holds.
    """
    trouver = _in_cells if read.table.table.forme == "cellules" else _in_rows
    controles = trouver(read, pa.array(suite.signes_admis, pa.string()))
    return controles or [Controle(TEXTE_ILLISIBLE, "", "critical", True, 0, (), _rule(suite.signes_admis))]


def _in_cells(read: ReadTable, signes: pa.Array) -> list[Controle]:
    donnees = read.donnees
    textes = trimmed(donnees["valeur_texte"])
    fautif = pc.and_(pc.is_valid(textes), pc.is_null(donnees["valeur"]))
    fautif = pc.and_(fautif, pc.invert(pc.is_in(textes, value_set=signes)))
    fautif = pc.and_(fautif, pc.is_in(donnees["role"], value_set=pa.array(["variable", "note"])))
    fautif = pc.and_(fautif, pc.invert(donnees["est_controle"]))
    fautives = donnees.filter(fautif)
    par_colonne: dict[str, list[dict[str, object]]] = {}
    for cellule in fautives.select(
        ["variable", "role", "code_zone", "ligne", "colonne", "valeur_texte"]
    ).to_pylist():
        par_colonne.setdefault(str(cellule["variable"]), []).append(cellule)
    mot = unit_of(read)
    controles = []
    for variable, cellules in par_colonne.items():
        lieux = [
            f"{c['code_zone']}, {mot} {c['ligne']}, colonne {c['colonne']} ({variable}) :"
            f" « {c['valeur_texte']} »"
            for c in cellules[:MAX_EXEMPLES]
        ]
        utile = cellules[0]["role"] == "variable" and variable not in read.colonnes_inconnues
        controles.append(
            _unreadable(variable, "critical" if utile else "warning", len(cellules), lieux, signes)
        )
    return controles


def _in_rows(read: ReadTable, signes: pa.Array) -> list[Controle]:
    donnees = read.donnees
    cles = [donnees[c.nom].to_pylist() for c in read.table.table.cle]
    mot = unit_of(read)
    controles = []
    for declaree in read.table.table.colonnes:
        if declaree.type != "nombre":
            continue
        textes = trimmed(donnees[declaree.nom])
        fautif = pc.and_(pc.is_valid(textes), pc.is_null(donnees[f"{declaree.nom}__valeur"]))
        fautif = pc.and_(fautif, pc.invert(pc.is_in(textes, value_set=signes)))
        rangs = pc.indices_nonzero(fautif).to_pylist()
        if rangs:
            lieux = [
                f"{' + '.join(cle[i] or '(vide)' for cle in cles)}, {mot} {donnees['ligne'][i].as_py()},"
                f" {declaree.nom} : « {textes[i].as_py()} »"
                for i in rangs[:MAX_EXEMPLES]
            ]
            controles.append(_unreadable(declaree.nom, _severity(declaree), len(rangs), lieux, signes))
    return controles


def _unreadable(
    colonne: str, severite: Severite, nombre: int, lieux: Sequence[str], signes: pa.Array
) -> Controle:
    return Controle(
        TEXTE_ILLISIBLE, colonne, severite, False, nombre, tuple(lieux), _rule(signes.to_pylist())
    )


def _rule(signes: Sequence[str]) -> str:
    connus = f" ou un signe admis ({', '.join(signes)})" if signes else ""
    return f"attendu : un nombre, un vide{connus}"


def _column_of(declaree: Column, table: Table) -> str:
    if table.forme == "lignes":
        return declaree.nom
    return {"cle": CODE_ZONE, "code": CODE_SOURCE}.get(declaree.role, declaree.nom)


def _severity(declaree: Column) -> Severite:
    # What a build cannot do without is required; the rest is reported.
    return "critical" if declaree.role == "cle" or declaree.presence == "requise" else "warning"
