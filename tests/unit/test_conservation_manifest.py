"""The manifest: one line per reception, once, and never fictional beside real."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from qpv_emploi.conservation import ConservationError, Manifest, Reception, iso_utc, modified_at, now_utc
from qpv_emploi.errors import SettingsError
from qpv_emploi.settings import Paths

RECEPTION = Reception(
    empreinte_sha256="ab" * 32,
    octets=1204,
    producteur="insee",
    jeu="emploi",
    millesime="2021",
    fichier="base é.csv",
    origine="insee/emploi/2021/base é.csv",
    modifie_le=iso_utc(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    recu_le=iso_utc(datetime(2026, 11, 20, 13, 56, tzinfo=UTC)),
    version_outil="0.1.0",
    est_fictif=False,
)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


def test_round_trip(paths: Paths) -> None:
    manifeste = Manifest(paths)
    assert manifeste.receptions() == ()
    assert manifeste.record(RECEPTION)
    assert Manifest(paths).receptions() == (RECEPTION,)
    ligne = paths.manifeste.read_text(encoding="utf-8")
    assert json.loads(ligne)["recu_le"] == "2026-11-20T13:56:00.000Z"
    assert "base é.csv" in ligne


def test_the_same_reception_is_written_once(paths: Paths) -> None:
    manifeste = Manifest(paths)
    manifeste.record(RECEPTION)
    avant = paths.manifeste.read_bytes()
    assert not manifeste.record(replace(RECEPTION, recu_le="2027-01-01T00:00:00.000Z", octets=0))
    assert paths.manifeste.read_bytes() == avant


@pytest.mark.parametrize(
    "autre",
    [
        {"empreinte_sha256": "cd" * 32},
        {"producteur": "anct"},
        {"jeu": "revenus"},
        {"millesime": "2020"},
        {"fichier": "base.csv"},
    ],
)
def test_another_reception_is_added_at_the_end(paths: Paths, autre: dict[str, str]) -> None:
    manifeste = Manifest(paths)
    seconde = replace(RECEPTION, **autre)  # type: ignore[arg-type]
    assert manifeste.record(RECEPTION)
    avant = paths.manifeste.read_bytes()
    assert manifeste.record(seconde)
    assert manifeste.receptions() == (RECEPTION, seconde)
    assert paths.manifeste.read_bytes().startswith(avant)


def test_the_same_reception_from_several_threads_is_written_once(paths: Paths) -> None:
    with ThreadPoolExecutor(8) as executeur:
        ecrites = list(executeur.map(lambda _: Manifest(paths).record(RECEPTION), range(8)))
    assert sorted(ecrites) == [False] * 7 + [True]
    assert Manifest(paths).receptions() == (RECEPTION,)


@pytest.mark.parametrize(
    ("present", "message"),
    [
        (False, "contient déjà des données réelles : des données fictives n'y entrent pas"),
        (True, "contient déjà des données fictives : des données réelles n'y entrent pas"),
    ],
)
def test_fictional_and_real_data_never_mix(paths: Paths, present: bool, message: str) -> None:
    manifeste = Manifest(paths)
    manifeste.check_origin(True)
    manifeste.check_origin(False)
    manifeste.record(replace(RECEPTION, est_fictif=present))
    manifeste.check_origin(present)
    with pytest.raises(SettingsError, match=f"{message} ; à faire : .*QPV_DATA_DIR"):
        manifeste.check_origin(not present)
    with pytest.raises(SettingsError, match=message):
        manifeste.record(replace(RECEPTION, est_fictif=not present, millesime="2020"))
    assert len(manifeste.receptions()) == 1


def test_a_damaged_line_is_told(paths: Paths) -> None:
    manifeste = Manifest(paths)
    manifeste.record(RECEPTION)
    paths.manifeste.write_bytes(b'{"empreinte_sha256": 3}\n' + paths.manifeste.read_bytes())
    with pytest.raises(ConservationError, match=r"manifeste\.jsonl, ligne 1 : ligne illisible .*sauvegarde"):
        manifeste.receptions()


def test_iso_utc_converts_and_sorts_as_text() -> None:
    paris = timezone(timedelta(hours=1))
    instants = [
        datetime(2026, 11, 20, 13, 56, 7, 1_999, tzinfo=UTC),
        datetime(2026, 11, 20, 15, 0, tzinfo=paris),
        datetime(2026, 11, 20, 14, 0, 0, 1_000, tzinfo=UTC),
    ]
    assert [iso_utc(instant) for instant in instants] == [
        "2026-11-20T13:56:07.001Z",
        "2026-11-20T14:00:00.000Z",
        "2026-11-20T14:00:00.001Z",
    ]


def test_iso_utc_refuses_a_moment_without_zone() -> None:
    with pytest.raises(ValueError, match="n'a pas de fuseau horaire"):
        iso_utc(datetime(2026, 11, 20))  # noqa: DTZ001


def test_now_is_aware_and_modified_at_reads_the_file(tmp_path: Path) -> None:
    assert now_utc().utcoffset() == timedelta(0)
    assert modified_at(tmp_path) == datetime.fromtimestamp(tmp_path.stat().st_mtime, UTC)
