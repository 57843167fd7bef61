"""Keys of a file: filled, well formed, unique."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qpv_emploi.catalogue import Table
from qpv_emploi.lecture.provenance import Provenance

_SHOWN = 3


def stripped(textes: pa.Array) -> pa.Array:
    """Texts without the spaces of their ends, ``''`` for null."""
    return pc.utf8_trim_whitespace(pc.fill_null(textes, ""))


def check_keys(
    cles: Sequence[pa.Array], lignes: NDArray[np.int32], table: Table, provenance: Provenance
) -> NDArray[np.bool_]:
    """Check the key of each row.

    A part of a composite key may be blank where the other parts are enough to identify the row (a contrat de
    ville without département); a blank simple key never is.

    Args:
        cles: one array of n stripped texts per key column, in the order of ``table.cle``.
        lignes: n line numbers, for messages.
        table: declaration of the key; with ``cle_unique`` false rows may repeat and one filled part is
            enough (an event that creates a commune has no commune before it).
        provenance: the file, for messages.

    Returns:
        n booleans, true for the control row.

    Raises:
        RefusedFile: naming up to three offending lines and keys.
    """
    controle = _control_rows(cles, table)
    noms = " + ".join(colonne.nom for colonne in table.cle)

    def refuse(quoi: str, fautives: Sequence[int], attendu: str, action: str) -> Exception:
        exemples = ", ".join(
            f"ligne {lignes[i]} « {_shown([cle[int(i)].as_py() for cle in cles])} »"
            for i in fautives[:_SHOWN]
        )
        suite = f" (et {len(fautives) - _SHOWN} autres)" if len(fautives) > _SHOWN else ""
        return provenance.refuse(f"{quoi} dans {noms} : {exemples}{suite}", attendu=attendu, action=action)

    _check_filled(cles, table, refuse)
    for colonne, cle in zip(table.cle, cles, strict=True):
        if colonne.motif:
            motif = re.compile(colonne.motif)
            codes = pc.dictionary_encode(cle)
            valides = [not texte or bool(motif.fullmatch(texte)) for texte in codes.dictionary.to_pylist()]
            conforme = np.array(valides, bool)[codes.indices.to_numpy()]
            fautives = np.flatnonzero(~conforme & ~controle)
            if fautives.size:
                raise refuse(
                    f"code mal formé ({colonne.nom})",
                    fautives.tolist(),
                    f"des codes de la forme {colonne.motif}",
                    "vérifier que c'est le bon fichier et que les zéros de tête n'ont pas été perdus",
                )
    if table.cle_unique:
        fautives = _repeated(cles)
        if fautives.size:
            raise refuse(
                "clé en double",
                fautives.tolist(),
                "une seule ligne par clé",
                "déposer le fichier d'origine ou revoir la clé déclarée au catalogue",
            )
    return controle


def _control_rows(cles: Sequence[pa.Array], table: Table) -> NDArray[np.bool_]:
    controle = np.zeros(len(cles[0]), bool)
    if table.ligne_controle:
        motif = re.compile(table.ligne_controle)
        for cle in cles:
            controle |= np.array([bool(motif.fullmatch(texte)) for texte in cle.to_pylist()], bool)
    return controle


def _repeated(cles: Sequence[pa.Array]) -> NDArray[np.int64]:
    """Rows whose key came before, in order, after the row where the first of these keys came."""
    # One pass over codes, not a dictionary of tuples: a Parquet may keep millions of rows.
    codes = premieres = np.zeros(len(cles[0]), np.int64)
    for cle in cles:
        encodee = pc.dictionary_encode(cle)
        codes = codes * len(encodee.dictionary) + encodee.indices.to_numpy()
        # Numbered again from 0 each time, so that many long columns do not overflow.
        _, premieres, codes = np.unique(codes, return_index=True, return_inverse=True)
    origines = premieres[codes]
    doublons = np.flatnonzero(origines != np.arange(len(codes)))
    return np.concatenate([origines[doublons[:1]], doublons])


def _check_filled(
    cles: Sequence[pa.Array],
    table: Table,
    refuse: Callable[[str, Sequence[int], str, str], Exception],
) -> None:
    vides = np.zeros(len(cles[0]), bool)
    for cle in cles:
        vides |= pc.equal(cle, "").to_numpy(zero_copy_only=False)
    incomplets = np.flatnonzero(vides).tolist()
    if not incomplets:
        return
    rangs = list(zip(*(cle.to_pylist() for cle in cles), strict=True))
    par_forme: dict[tuple[bool, ...], list[int]] = defaultdict(list)
    for i in incomplets:
        par_forme[tuple(bool(texte) for texte in rangs[i])].append(i)
    fautives: list[int] = []
    for forme, indices in par_forme.items():
        if not any(forme):
            fautives += indices
            continue
        if not table.cle_unique:
            continue
        remplies = [j for j, remplie in enumerate(forme) if remplie]
        fois: dict[tuple[str, ...], int] = defaultdict(int)
        for rang in rangs:
            fois[tuple(rang[j] for j in remplies)] += 1
        fautives += [i for i in indices if fois[tuple(rangs[i][j] for j in remplies)] > 1]
    if fautives:
        raise refuse(
            "clé vide",
            sorted(fautives),
            "une clé remplie sur chaque ligne",
            "retirer les lignes ajoutées sous le tableau, ou déposer le fichier d'origine",
        )


def _shown(rang: Sequence[str]) -> str:
    return " + ".join(texte or "(vide)" for texte in rang)
