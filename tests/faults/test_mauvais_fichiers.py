"""A bad file is refused in one line, and nothing else moves: not the lock, not the release, not the rest."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from reenregistrement import edited, native  # type: ignore[import-not-found]
from region_fictive import NEWCOMER, Region  # type: ignore[import-not-found]

from qpv_emploi.conservation import Issue, Outcome
from qpv_emploi.conservation.lock import LockKey

IPRO: LockKey = ("insee", "insertion_professionnelle", "2020")
FIRST, SECOND = "QP991001", "QP991002"
HTML = b"<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head><body></body></html>\n"

Damage = Callable[[bytes], bytes]


def check_refusal(region: Region, key: LockKey, path: Path, *words: str) -> Outcome:
    """Receive everything, and check all that a refusal promises.

    Args:
        key: the vintage that must be refused, and the only one.
        path: the offending file in the dépôt.
        words: what the reason must say.
    """
    lock, release = region.lock(), region.release()
    outcomes = region.ingest()

    refused = [cle for cle, outcome in outcomes.items() if outcome.issue is Issue.REFUSE]
    assert refused == [key]
    assert outcomes[NEWCOMER].issue is Issue.NOUVEAU
    # Without vintage: a dataset that the fictional region does not have.
    others = {o.issue for cle, o in outcomes.items() if cle not in (key, NEWCOMER) and o.millesime}
    assert others == {Issue.INCHANGE}

    outcome: Outcome = outcomes[key]
    assert "\n" not in outcome.raison
    assert outcome.raison.startswith("/".join((*key, path.name)) + " refusé : ")
    for word in words:
        assert word in outcome.raison
    report = region.settings.paths.root / outcome.rapport
    page = (report / "rapport.md").read_text(encoding="utf-8")
    assert page.startswith("# Fichier refusé : ")
    assert "## À faire" in page
    facts = json.loads((report / "rapport.json").read_text(encoding="utf-8"))
    assert facts["fichier"] == path.name
    assert (report / path.name).read_bytes() == path.read_bytes()

    after = region.lock()
    assert {cle: entry for cle, entry in after.items() if cle != NEWCOMER} == lock
    assert region.release() == release
    return outcome


def halved(octets: bytes) -> bytes:
    lines = octets.splitlines(keepends=True)
    return b"".join(lines[: len(lines) // 2])


def cut_in_a_line(octets: bytes) -> bytes:
    # Inside the figures of a row, not in the empty columns at its end.
    return octets[: octets.index(b"QP992003") + 40]


def repeated(octets: bytes) -> bytes:
    (line,) = [line for line in octets.splitlines() if line.startswith(FIRST.encode())]
    return octets + b"\r\n" + line


def with_cell(column: str, value: Callable[[str], str]) -> Damage:
    return lambda octets: edited(octets, SECOND, lambda row: {**row, column: value(row[column])})


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        pytest.param(cut_in_a_line, ("ligne 10", "champs au lieu de", "tronquée"), id="cut in a line"),
        pytest.param(
            lambda octets: native(octets)[:-30], ("tronqué", "télécharger"), id="native cut in its last line"
        ),
        pytest.param(halved, ("5 zones, contre 12", "tronqué"), id="half of the rows"),
        pytest.param(lambda octets: HTML, ("page HTML", "navigateur"), id="HTML"),
        pytest.param(
            lambda octets: native(octets).decode().encode("cp1252"),
            ("ligne 3", "n'est pas du utf-8", "Cœur d'Imagine"),
            id="cp1252",
        ),
        pytest.param(
            lambda octets: octets.decode("utf-8-sig").encode("utf-16"), ("UTF-16",), id="UTF-16 with mark"
        ),
        pytest.param(
            lambda octets: octets.decode("utf-8-sig").encode("utf-16-le"),
            ("UTF-16", "ligne 1"),
            id="UTF-16 without mark",
        ),
        pytest.param(
            lambda octets: octets.replace(b"CODGEO", b"CODE", 1),
            ("requise", "absente", "CODGEO", "alias"),
            id="no key column",
        ),
        pytest.param(repeated, ("clé en double", FIRST, "ligne 14"), id="key twice"),
        pytest.param(lambda octets: b"", ("vide",), id="empty"),
        pytest.param(
            with_cell("ABC_E", lambda _: "douze"),
            ("ABC_E", SECOND, "ligne 3", "« douze »", "nombre"),
            id="text in figures",
        ),
        pytest.param(
            with_cell("ABC_E", lambda _: "0"),
            ("ABC_E", SECOND, "ligne 3", "inférieur à 5", "vide lu comme zéro"),
            id="zero in a masked base",
        ),
        pytest.param(
            with_cell("ABC_F", lambda before: str(int(before) + 7)),
            ("ABC = ABC_F + ABC_H", SECOND, "écart -7"),
            id="total and parts",
        ),
        pytest.param(
            lambda octets: octets.replace(FIRST.encode(), b"59350", 1),
            ("code mal formé", "CODGEO", "« 59350 »", "ligne 2"),
            id="not a QPV",
        ),
    ],
)
def test_bad_base(region: Region, damage: Damage, words: tuple[str, ...]) -> None:
    path = region.file(*IPRO)
    path.write_bytes(damage(path.read_bytes()))
    check_refusal(region, IPRO, path, *words)


def test_file_name_of_another_year(region: Region) -> None:
    path = region.file(*IPRO)
    path = path.rename(path.with_name("IPRO_2019.csv"))
    check_refusal(region, IPRO, path, "le nom porte 2019", "le dossier 2020")


def test_same_bytes_under_two_vintages(region: Region) -> None:
    twin = region.folder("insee", "insertion_professionnelle", "2022") / "base.csv"
    twin.parent.mkdir()
    shutil.copy(region.file(*IPRO), twin)
    check_refusal(region, (*IPRO[:2], "2022"), twin, "mêmes octets que sous 2020", "vrai fichier")


def test_another_vintage_under_the_right_name(region: Region) -> None:
    path = region.file(*IPRO)
    path.write_bytes(native(region.file(*IPRO[:2], "2021").read_bytes()))
    check_refusal(region, IPRO, path, "ce n'est pas le millésime 2020", "TX_TOT_EPREC")


def test_content_of_another_vintage_saved_again(region: Region) -> None:
    # No signature tells these two vintages apart: only their cells do.
    key = ("insee", "demographie_qpv", "2017")
    path = region.file(*key)
    path.write_bytes(native(region.file(*key[:2], "2018").read_bytes()))
    check_refusal(region, key, path, "cellule pour cellule", "du millésime 2018")


def test_workbook_under_the_name_of_a_csv(region: Region) -> None:
    path = region.file(*IPRO)
    shutil.copy(region.file("insee", "epci", "2023"), path)
    check_refusal(region, IPRO, path, "classeur XLSX", "sous un nom de CSV")


def test_archive_that_writes_outside_its_folder(region: Region) -> None:
    key = ("sig_ville", "qpv_2015", "2015")
    path = region.file(*key)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../cron.d/voisin", "x")
    check_refusal(region, key, path, "« ../cron.d/voisin »", "sort du dossier")
    assert not list(region.settings.paths.root.rglob("voisin"))


def test_two_files_for_one_place(region: Region) -> None:
    path = region.file(*IPRO)
    second = path.with_name("IPRO_2020 (1).csv")
    second.write_bytes(halved(path.read_bytes()))
    outcome = region.ingest()[IPRO]
    assert outcome.issue is Issue.REFUSE
    assert "2 fichiers pour une même place" in outcome.raison
    report = region.settings.paths.root / outcome.rapport
    assert {p.name: p.read_bytes() for p in report.glob("*.csv")} == {
        path.name: path.read_bytes(),
        second.name: second.read_bytes(),
    }


def test_a_mended_file_is_accepted(region: Region) -> None:
    path = region.file(*IPRO)
    good = path.read_bytes()
    path.write_bytes(halved(good))
    assert region.ingest()[IPRO].issue is Issue.REFUSE
    path.write_bytes(good)
    assert region.ingest()[IPRO].issue is Issue.INCHANGE


def test_a_refused_vintage_taken_away_is_no_more_refused(region: Region) -> None:
    twin = region.folder("insee", "insertion_professionnelle", "2022") / "base.csv"
    twin.parent.mkdir()
    twin.write_bytes(HTML)
    key = (*IPRO[:2], "2022")
    assert region.ingest()[key].issue is Issue.REFUSE
    shutil.rmtree(twin.parent)
    outcome = region.ingest()[key]
    assert (outcome.issue, outcome.raison) == (Issue.ABSENT, "plus dans le dépôt, où il avait été refusé")
    assert key not in region.ingest()
