"""Templates for one contract, several, or the whole region of a release."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qpv_emploi.catalogue import Table
from qpv_emploi.declarations.listes import Lists, Query, closed_lists, territory_lists
from qpv_emploi.declarations.modele import write_folder, write_workbook
from qpv_emploi.errors import SettingsError


@dataclass(frozen=True)
class Prepared:
    """Templates written.

    Attributes:
        classeurs: workbooks, one per contract, or a single one for the region.
        dossiers: the folders of CSV beside them.
        avertissements: what the templates lack, one line each, French.
    """

    classeurs: tuple[Path, ...]
    dossiers: tuple[Path, ...]
    avertissements: tuple[str, ...]


def prepare(
    dossier: Path,
    tables: Sequence[Table],
    dbt_dir: Path,
    *,
    contrats: Sequence[str],
    lire: Query | None,
    fictif: bool,
) -> Prepared:
    """Write blank templates, as a workbook and as a folder of CSV.

    Args:
        dossier: folder of the templates, created if needed.
        tables: tables of the form (catalogue).
        dbt_dir: the dbt project, whose seeds give the closed lists.
        contrats: one template for each; a single one for all contracts when empty.
        lire: runs a query on the current release; None without release.
        fictif: templates of the fictional region.

    Raises:
        SettingsError: a contract is badly written or unknown, or a template is already there.
    """
    motif = next(str(c.motif) for c in tables[0].colonnes if c.nom == "code_contrat")
    mal_ecrits = [code for code in contrats if not re.fullmatch(motif, code)]
    if mal_ecrits:
        raise SettingsError(
            f"« {', '.join(mal_ecrits)} » n'est pas un code de contrat de ville ; attendu : par exemple"
            " CN05911M (2024) ou CV192 (2015)"
        )
    fermees = closed_lists(dbt_dir)
    avertissements: list[str] = []
    # Every list before the first file: an unknown contract leaves nothing half-written.
    modeles: dict[str, Lists] = {}
    territoires: dict[str, dict[str, str]]
    for code in dict.fromkeys(contrats) or [""]:
        choisis = [code] if code else []
        territoires = {"contrat": dict.fromkeys(choisis, ""), "qpv": {}}
        if lire:
            territoires = territory_lists(lire, choisis)
            if code and not territoires["qpv"]:
                avertissements.append(
                    f"{code} : la version courante ne lui rattache aucun quartier, liste vide"
                )
        modeles["_".join(filter(None, ("declaration", code)))] = {**territoires, **fermees}
    if lire is None:
        avertissements.append(
            "aucune version publiée : les listes de contrats et de quartiers sont vides, saisir les codes à"
            " la main ; ou lancer `qpv run`, puis écrire de nouveau le modèle"
        )
    try:
        dossier.mkdir(parents=True, exist_ok=True)
        classeurs = [
            write_workbook(dossier / f"{nom}.xlsx", tables, listes, fictif=fictif)
            for nom, listes in modeles.items()
        ]
        for nom, listes in modeles.items():
            write_folder(dossier / f"{nom}_csv", tables, listes, fictif=fictif)
    except FileExistsError as erreur:
        raise SettingsError(str(erreur)) from erreur
    return Prepared(tuple(classeurs), tuple(dossier / f"{nom}_csv" for nom in modeles), tuple(avertissements))
