"""Rows received from an API, written as a CSV that the ordinary reader reads: UTF-8, ``;``, CRLF."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from qpv_emploi.conservation.empreinte import file_digest
from qpv_emploi.conservation.fichiers import flush_to_disk, sync_folder, temporary_file


@dataclass(frozen=True)
class WrittenCsv:
    """A CSV in place: its path, rows without the header, columns in order, size and SHA-256."""

    chemin: Path
    lignes: int
    colonnes: tuple[str, ...]
    octets: int
    empreinte_sha256: str


def write_csv(lignes: Iterable[Mapping[str, str]], destination: Path) -> WrittenCsv:
    """Write rows whose columns may differ; a column absent from a row is left empty.

    The rows wait in a temporary file, because their columns are known only at the end: memory does not grow
    with their number. The destination changes only when every row has come.

    Args:
        lignes: rows; columns come in the order in which they are first met.
        destination: path of the file; its folder is made if need be.
    """
    colonnes: dict[str, None] = {}
    nombre = 0
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n") as attente:
        for ligne in lignes:
            colonnes.update(dict.fromkeys(ligne))
            attente.write(json.dumps(dict(ligne), ensure_ascii=True) + "\n")
            nombre += 1
        attente.seek(0)
        with temporary_file(destination.parent) as (flux, provisoire):
            texte = io.TextIOWrapper(flux, encoding="utf-8", errors="replace", newline="", write_through=True)
            sortie = csv.DictWriter(texte, list(colonnes), delimiter=";", restval="", lineterminator="\r\n")
            sortie.writeheader()
            sortie.writerows(json.loads(ligne) for ligne in attente)
            texte.flush()
            flush_to_disk(flux)
            texte.detach()
            provisoire.replace(destination)
    sync_folder(destination.parent)
    return WrittenCsv(
        chemin=destination,
        lignes=nombre,
        colonnes=tuple(colonnes),
        octets=destination.stat().st_size,
        empreinte_sha256=file_digest(destination),
    )
