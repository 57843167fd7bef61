"""Report of a refusal: one page for a person, the same facts for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from qpv_emploi.conservation.fichiers import replace_bytes
from qpv_emploi.conservation.horloge import iso_utc
from qpv_emploi.errors import RefusedFile
from qpv_emploi.lecture.provenance import Provenance
from qpv_emploi.qualite.verdict import Controle, Verdict

_SHA12 = 12
_ACTION = (
    "comparer le fichier à l'original du producteur ; si l'original porte l'écart, l'inscrire au fichier des"
    " corrections ou revoir la suite d'attentes ; sinon, redéposer l'original"
)


def report_folder(quarantaine: Path, provenance: Provenance) -> Path:
    """``<quarantaine>/<producteur>/<jeu>/<millesime>/<sha12>``."""
    return (
        quarantaine
        / provenance.producteur
        / provenance.jeu
        / provenance.millesime
        / provenance.empreinte_sha256[:_SHA12]
    )


def refusal_of(provenance: Provenance, verdicts: Sequence[Verdict]) -> RefusedFile:
    """The error that says in one line why the gate refuses a file.

    Args:
        verdicts: of the tables of the file, at least one of them refused.
    """
    raisons = " || ".join(v.raison() for v in verdicts if not v.accepte)
    return provenance.refuse(raisons, attendu="un fichier conforme à sa suite d'attentes", action=_ACTION)


def write_report(
    quarantaine: Path,
    provenance: Provenance,
    motif: RefusedFile | Sequence[Verdict],
    moment: datetime,
) -> Path:
    """Write ``rapport.md`` and ``rapport.json``, replacing those of an earlier attempt on the same bytes.

    Args:
        quarantaine: root of the reports.
        provenance: the refused file.
        motif: the refusal, or the verdicts on the tables of the file.
        moment: time of the judgement, aware; the only thing that two runs may write differently.

    Returns:
        The folder of the report.

    Raises:
        ValueError: ``moment`` has no time zone, or ``motif`` is a list of verdicts that refuses nothing.
    """
    verdicts = () if isinstance(motif, RefusedFile) else tuple(motif)
    if not isinstance(motif, RefusedFile) and all(v.accepte for v in verdicts):
        raise ValueError("aucun verdict de refus à rapporter")
    refus = motif if isinstance(motif, RefusedFile) else refusal_of(provenance, verdicts)
    contenu = _facts(provenance, refus, verdicts, iso_utc(moment))
    dossier = report_folder(quarantaine, provenance)
    texte_json = json.dumps(contenu, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    replace_bytes(dossier / "rapport.json", texte_json.encode())
    replace_bytes(dossier / "rapport.md", _page(provenance, refus, verdicts, iso_utc(moment)).encode())
    return dossier


def _facts(
    provenance: Provenance, refus: RefusedFile, verdicts: Sequence[Verdict], moment: str
) -> dict[str, Any]:
    return {
        **asdict(provenance),
        "moment": moment,
        "raison": refus.raison,
        "attendu": refus.attendu,
        "action": refus.action,
        "details": list(refus.details),
        "verdicts": [asdict(verdict) for verdict in verdicts],
    }


def _page(provenance: Provenance, refus: RefusedFile, verdicts: Sequence[Verdict], moment: str) -> str:
    p = provenance
    lignes = [
        f"# Fichier refusé : {_text(p.fichier)}",
        "",
        f"- Jeu : {p.producteur}/{p.jeu}, millésime {_text(p.millesime)}",
        f"- Empreinte SHA-256 : `{p.empreinte_sha256}`",
        f"- Jugé le : {moment}",
        "- Conséquence : ce fichier n'entre pas dans l'entrepôt ; ce qui était accepté auparavant reste en"
        " service.",
        "",
    ]
    if verdicts:
        for verdict in verdicts:
            lignes += _section(verdict)
    else:
        lignes += ["## Pourquoi", "", _text(refus.raison), ""]
    if refus.details:
        lignes += ["## Chaque erreur", "", *(f"- {_text(detail)}" for detail in refus.details), ""]
    if refus.attendu:
        lignes += ["## Ce qui était attendu", "", _text(refus.attendu), ""]
    if refus.action:
        lignes += ["## À faire", "", _text(refus.action), ""]
    return "\n".join(lignes).rstrip("\n") + "\n"


def _section(verdict: Verdict) -> list[str]:
    issue = "acceptée" if verdict.accepte else "refusée"
    lignes = [f"## Table {verdict.table} : {issue}", ""]
    for titre, controles in (
        ("Ce qui refuse le fichier", verdict.bloquants),
        ("Avertissements", verdict.avertissements),
    ):
        if controles:
            lignes += [f"### {titre}", ""]
            for controle in controles:
                lignes += _entry(controle)
            lignes.append("")
    reussis = sum(c.reussi is True for c in verdict.controles)
    sans_objet = [c for c in verdict.controles if c.reussi is None]
    lignes += [f"{reussis} contrôle(s) satisfait(s), {len(sans_objet)} sans objet pour ce fichier.", ""]
    return lignes


def _entry(controle: Controle) -> list[str]:
    nom = f"**{_text(controle.colonne)}** : " if controle.colonne else ""
    compte = f" ({controle.nb_ecarts} écart(s))" if controle.nb_ecarts else ""
    return [
        f"- {nom}{_text(controle.message)}{compte}",
        *(f"    - {_text(exemple)}" for exemple in controle.exemples),
    ]


def _text(texte: str) -> str:
    """Text of a source as plain Markdown: one line, nothing a reader's browser could take for a tag."""
    propre = " ".join(texte.split())
    for signe in "\\`*[]|":
        propre = propre.replace(signe, f"\\{signe}")
    return propre.replace("<", "&lt;").replace(">", "&gt;")
