"""Parquet by projection and filter: what is kept, what is never read, what it costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qpv_emploi.catalogue import BronzeTable, load_catalogue
from qpv_emploi.errors import RefusedFile
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.lecture.vide import empty_table
from qpv_emploi.qualite.gate import judge
from qpv_emploi.settings import Settings

SIRENE = "insee__sirene_geolocalise"
NB_LIGNES = 2_000_000
UNE_SUR = 50


@pytest.fixture(scope="module")
def bronze() -> BronzeTable:
    return next(b for b in load_catalogue(Settings().dbt_dir).tables() if b.nom == SIRENE)


def _read(chemin: Path, bronze: BronzeTable) -> ReadTable:
    provenance = Provenance("insee", "sirene_geolocalise", "2026-09", "sirene.parquet", "a" * 64)
    (lue,) = read_file(chemin, [bronze], provenance, ())
    return lue


def _table(**colonnes: Any) -> pa.Table:
    base = {
        "siret": [f"{i:014}" for i in range(1, 6)],
        "x": [650_000.0] * 5,
        "plg_qp24": ["QN05901M", "HZ", None, " QN05902N", "QP059001"],
        "qualite_qp24": [11, 11, None, 21, 11],
        "plg_code_commune": ["59350", "59350", "59009", "59009", "59350"],
        "x_longitude": [3.0, 3.1, np.nan, None, 3.25],
        "y_latitude": [50.0, 50.5, 1e-7, 50.25, 50.0],
    }
    return pa.table({**base, **colonnes})


def _write(tmp_path: Path, table: pa.Table, **options: Any) -> Path:
    chemin = tmp_path / "brut"
    pq.write_table(table, chemin, **options)
    return chemin


def test_declared_columns_of_the_rows_kept(tmp_path: Path, bronze: BronzeTable) -> None:
    # Two row groups: the number of a row is that of the whole file.
    lue = _read(_write(tmp_path, _table(), row_group_size=3), bronze)
    assert lue.donnees.drop_columns(
        ["producteur", "jeu", "millesime", "fichier", "empreinte_sha256"]
    ).to_pylist() == [
        {
            "ligne": 1,
            "siret": "00000000000001",
            "plg_qp24": "QN05901M",
            "qualite_qp24": "11",
            "plg_code_commune": "59350",
            "qualite_xy": None,
            "x_longitude": "3",
            "x_longitude__valeur": 3.0,
            "y_latitude": "50",
            "y_latitude__valeur": 50.0,
        },
        {
            "ligne": 4,
            "siret": "00000000000004",
            "plg_qp24": " QN05902N",
            "qualite_qp24": "21",
            "plg_code_commune": "59009",
            "qualite_xy": None,
            "x_longitude": None,
            "x_longitude__valeur": None,
            "y_latitude": "50.25",
            "y_latitude__valeur": 50.25,
        },
    ]
    assert (lue.nb_lignes, lue.colonnes_inconnues, lue.colonnes_absentes) == (2, (), ("qualite_xy",))
    assert lue.donnees.schema.equals(empty_table(bronze).schema)


def test_numbers_are_texts_that_parse_back(tmp_path: Path, bronze: BronzeTable) -> None:
    nombres = [1e-7, -61.5, 1 / 3, np.nan, 179.999999]
    table = _table(plg_qp24=["QN97101M"] * 5, x_longitude=nombres)
    lue = _read(_write(tmp_path, table), bronze)
    assert lue.donnees["x_longitude"].to_pylist()[:2] == ["0.0000001", "-61.5"]
    assert lue.donnees["x_longitude__valeur"].to_pylist() == [1e-7, -61.5, 1 / 3, None, 179.999999]


def test_an_alias_may_name_the_filtered_column(tmp_path: Path, bronze: BronzeTable) -> None:
    table = _table()
    renommee = table.rename_columns([{"plg_qp24": "PLG_QP24"}.get(n, n) for n in table.column_names])
    assert _read(_write(tmp_path, renommee), bronze).donnees["plg_qp24"].to_pylist() == [
        "QN05901M",
        " QN05902N",
    ]


@pytest.mark.parametrize(
    ("fabrique", "raison"),
    [
        (
            lambda: _table().drop_columns(["plg_qp24"]),
            "colonne plg_qp24, sur laquelle porte le filtre, est absente",
        ),
        (lambda: _table().drop_columns(["siret"]), r"colonne\(s\) requise\(s\) absente\(s\) : siret"),
        (lambda: _table(plg_qp24=["HZ"] * 5), "aucune des 5 lignes ne passe le filtre plg_qp24 : QN…"),
        (lambda: _table().slice(0, 0), "aucune des 0 lignes"),
        (lambda: _table(siret=["00000000000001"] * 5), "clé en double dans siret : ligne 1 .*, ligne 4"),
        # A number has lost its zeros.
        (lambda: _table(siret=[5_520_135_000_123] * 5), r"code mal formé \(siret\)"),
    ],
)
def test_refused_files(tmp_path: Path, bronze: BronzeTable, fabrique: Any, raison: str) -> None:
    with pytest.raises(RefusedFile, match=raison):
        _read(_write(tmp_path, fabrique()), bronze)


def test_not_a_parquet_or_a_part_of_one(tmp_path: Path, bronze: BronzeTable) -> None:
    chemin = _write(tmp_path, _table())
    octets = chemin.read_bytes()
    for mauvais in (b"", b"PAR1", b"siret;x\n", octets[: len(octets) // 2]):
        chemin.write_bytes(mauvais)
        with pytest.raises(RefusedFile, match="Parquet illisible"):
            _read(chemin, bronze)


@pytest.mark.parametrize("statistiques", [True, False])
def test_row_groups_without_any_prefix_are_not_opened(
    tmp_path: Path, bronze: BronzeTable, statistiques: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    zones = ["HZ"] * 4 + ["CSZ", "QN05901M", "QN99999M", "ZZ"] + ["R"] * 4
    n = len(zones)
    table = pa.table(
        {
            "siret": [f"{i:014}" for i in range(n)],
            "plg_qp24": zones,
            "plg_code_commune": ["59350"] * n,
        }
    )
    chemin = _write(tmp_path, table, row_group_size=4, write_statistics=statistiques)
    ouverts: list[int] = []
    lire = pq.ParquetFile.iter_batches

    def spied(self: pq.ParquetFile, *args: Any, row_groups: list[int], **kwargs: Any) -> Any:
        ouverts.extend(row_groups)
        return lire(self, *args, row_groups=row_groups, **kwargs)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", spied)
    lue = _read(chemin, bronze)
    assert lue.donnees["ligne"].to_pylist() == [6, 7]
    assert ouverts == ([1] if statistiques else [0, 1, 2])


@pytest.fixture(scope="module")
def grand_parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two million establishments of 12 columns, one in fifty in a QPV, as the national file is written."""
    chemin = tmp_path_factory.mktemp("sirene") / "grand.parquet"
    alea = np.random.default_rng(2024)
    lot = 250_000
    ecrivain: pq.ParquetWriter | None = None
    for debut in range(0, NB_LIGNES, lot):
        rangs = np.arange(debut, debut + lot)
        colonnes: dict[str, Any] = {
            "siret": [f"{i:014}" for i in rangs],
            "plg_qp24": np.where(rangs % UNE_SUR == 0, [f"QN059{i % 90 + 10}M" for i in rangs], "HZ"),
            "qualite_qp24": np.full(lot, "11"),
            "plg_code_commune": np.full(lot, "59350"),
            "x_longitude": alea.uniform(1.4, 4.2, lot),
            "y_latitude": alea.uniform(48.9, 51.0, lot),
        }
        # Columns that are not declared, and weigh most of the file.
        colonnes |= {f"inutile_{k}": alea.uniform(0, 1, lot) for k in range(6)}
        table = pa.table(colonnes)
        ecrivain = ecrivain or pq.ParquetWriter(chemin, table.schema)
        ecrivain.write_table(table)
    assert ecrivain is not None
    ecrivain.close()
    return chemin


# A process of its own, whose memory holds nothing of the other tests.
_MESURE = """
import sys
from pathlib import Path
import pyarrow as pa
from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.lecture import Provenance, read_file
from qpv_emploi.settings import Settings

bronze = next(b for b in load_catalogue(Settings().dbt_dir).tables() if b.nom == sys.argv[2])
(lue,) = read_file(Path(sys.argv[1]), [bronze], Provenance("insee", "s", "2026-09", "f", "a" * 64), ())
print(lue.nb_lignes, pa.default_memory_pool().max_memory() >> 20)
"""


def test_memory_stays_far_below_the_file(grand_parquet: Path, bronze: BronzeTable) -> None:
    metadonnees = pq.ParquetFile(grand_parquet).metadata
    groupes = [metadonnees.row_group(g) for g in range(metadonnees.num_row_groups)]
    entier = sum(groupe.total_byte_size for groupe in groupes) >> 20
    fait = subprocess.run(
        [sys.executable, "-c", _MESURE, str(grand_parquet), bronze.nom],
        capture_output=True,
        text=True,
        check=False,
    )
    assert fait.returncode == 0, fait.stderr
    lignes, sommet = map(int, fait.stdout.split())
    assert lignes == NB_LIGNES // UNE_SUR
    # Read whole, the file takes its 174 MiB in Arrow memory and more; 28 were measured.
    assert entier > 150
    assert sommet < 60, f"{sommet} Mio"


def test_two_million_rows_reach_the_gate(grand_parquet: Path, bronze: BronzeTable) -> None:
    lue = _read(grand_parquet, bronze)
    codes = lue.donnees["plg_qp24"].to_pylist()
    assert all(re.fullmatch(r"QN059\d\dM", code) for code in codes)
    assert lue.donnees["ligne"].to_pylist() == list(range(1, NB_LIGNES + 1, UNE_SUR))
    assert not any(nom.startswith("inutile") for nom in lue.donnees.column_names)
    verdict = judge(lue, expectations_dir=Settings().expectations_dir, variables=(), zones_connues={})
    assert verdict.accepte, verdict.raison()
    assert verdict.avertissements == ()
