"""Which bytes were in use when, and the superseded ones that can be read no more."""

from __future__ import annotations

from datetime import date

import pytest

from qpv_emploi.conservation import Issue, LockedFile, LockEntry, Outcome, Reception
from qpv_emploi.entrepot.candidate import _as_known, _readable
from qpv_emploi.entrepot.history import FileVersion, file_versions
from qpv_emploi.errors import RefusedFile

CLE = ("insee", "filosofi", "2018")


def at(day: str) -> str:
    return f"{day}T10:00:00.000Z"


def locked(name: str, digest: str, day: str) -> LockedFile:
    return LockedFile(name, digest, 1, at(day), {}, {"table": f"bronze/{digest}.parquet"})


def received(name: str, digest: str, day: str) -> Reception:
    return Reception(digest, 1, *CLE, name, "o", at(day), at(day), "0", True)


def accepted(issue: Issue, day: str, *digests: str) -> Outcome:
    return Outcome(at(day), *CLE, issue, "", (), digests, None, (), (), None, "")


def days(versions: list[FileVersion]) -> list[tuple[str, str, str | None, bool]]:
    return [(v.empreinte_sha256, v.connu_du, v.connu_au, v.est_premiere) for v in versions]


def test_bytes_that_were_never_replaced_have_one_version() -> None:
    entry = LockEntry(*CLE, (locked("a.csv", "a1", "2026-01-05"),))
    versions = file_versions([entry], [received("a.csv", "a1", "2026-01-05")], [])
    assert days(versions) == [("a1", "2026-01-05", None, True)]
    assert versions[0].bronze == {"table": "bronze/a1.parquet"}


def test_one_file_of_several_is_replaced() -> None:
    """The other file of the vintage has one version, although the set of bytes changed."""
    entry = LockEntry(
        *CLE,
        (locked("a.csv", "a2", "2026-02-01"), locked("b.csv", "b1", "2026-01-05")),
        precedentes=(("a1", "b1"),),
    )
    history = [
        received("a.csv", "a1", "2026-01-05"),
        received("b.csv", "b1", "2026-01-05"),
        received("a.csv", "a2", "2026-02-01"),
    ]
    versions = file_versions([entry], history, [])
    assert days(versions) == [
        ("a1", "2026-01-05", "2026-02-01", True),
        ("a2", "2026-02-01", None, False),
        ("b1", "2026-01-05", None, True),
    ]
    assert [v.fichier for v in versions] == ["a.csv", "a.csv", "b.csv"]
    # The superseded bytes are still to be read.
    assert [bool(v.bronze) for v in versions] == [False, True, True]


def test_bytes_put_back_are_in_use_since_the_ledger_says_so() -> None:
    entry = LockEntry(*CLE, (locked("a.csv", "a1", "2026-01-05"),), precedentes=(("a1",), ("a2",)))
    history = [received("a.csv", "a1", "2026-01-05"), received("a.csv", "a2", "2026-02-01")]
    outcomes = [
        accepted(Issue.NOUVEAU, "2026-01-05", "a1"),
        accepted(Issue.INCHANGE, "2026-01-06", "a1"),
        accepted(Issue.REVISE, "2026-02-01", "a2"),
        accepted(Issue.REFUSE, "2026-02-15", "a1"),
        accepted(Issue.REVISE, "2026-03-01", "a1"),
    ]
    assert days(file_versions([entry], history, outcomes)) == [
        ("a1", "2026-01-05", "2026-02-01", True),
        ("a2", "2026-02-01", "2026-03-01", False),
        ("a1", "2026-03-01", None, False),
    ]


def test_bytes_replaced_the_same_day_were_known_on_no_day() -> None:
    entry = LockEntry(*CLE, (locked("a.csv", "a3", "2026-02-01"),), precedentes=(("a1",), ("a2",)))
    history = [
        received("a.csv", "a1", "2026-01-05"),
        received("a.csv", "a2", "2026-02-01"),
        received("a.csv", "a3", "2026-02-01"),
    ]
    assert days(file_versions([entry], history, [])) == [
        ("a1", "2026-01-05", "2026-02-01", True),
        ("a3", "2026-02-01", None, False),
    ]


def test_a_set_that_nobody_received_cannot_be_dated() -> None:
    entry = LockEntry(*CLE, (locked("a.csv", "a2", "2026-02-01"),), precedentes=(("perdu",),))
    versions = file_versions([entry], [received("a.csv", "a2", "2026-02-01")], [])
    assert days(versions) == [("a2", "2026-02-01", None, True)]


@pytest.mark.parametrize(
    ("connu_le", "attendu"),
    [
        ("2026-01-04", []),
        ("2026-01-05", [("a1", "2026-01-05", None, True)]),
        ("2026-01-31", [("a1", "2026-01-05", None, True)]),
        # On the evening of the day they came, the new bytes are the ones in use.
        ("2026-02-01", [("a1", "2026-01-05", "2026-02-01", True), ("a2", "2026-02-01", None, False)]),
    ],
)
def test_what_was_known_on_a_past_day(
    connu_le: str, attendu: list[tuple[str, str, str | None, bool]]
) -> None:
    entry = LockEntry(*CLE, (locked("a.csv", "a2", "2026-02-01"),), precedentes=(("a1",),))
    history = [received("a.csv", "a1", "2026-01-05"), received("a.csv", "a2", "2026-02-01")]
    versions = file_versions([entry], history, [], connu_le=date.fromisoformat(connu_le))
    assert days(versions) == attendu
    # The lock of that day names the files then in use, and no vintage that had not come.
    then = _as_known([entry], versions)
    assert [e.empreintes for e in then] == [(d,) for d, _, au, _ in attendu if au is None]


def test_a_superseded_file_that_cannot_be_read_is_left_aside_and_told() -> None:
    entry = LockEntry(*CLE, (locked("a.csv", "a3", "2026-03-01"),), precedentes=(("a1",), ("a2",)))
    history = [
        received("a.csv", digest, day)
        for digest, day in (("a1", "2026-01-05"), ("a2", "2026-02-01"), ("a3", "2026-03-01"))
    ]
    versions = file_versions([entry], history, [])

    def read_again(version: FileVersion) -> dict[str, str]:
        if version.empreinte_sha256 == "a1":
            raise RefusedFile(
                producteur=CLE[0], jeu=CLE[1], millesime=CLE[2], fichier="a.csv", raison="colonne perdue"
            )
        return {"table": "bronze/relu.parquet"}

    readable, warnings = _readable(versions, read_again)
    assert [(v.empreinte_sha256, v.bronze) for v in readable] == [
        ("a2", {"table": "bronze/relu.parquet"}),
        ("a3", {"table": "bronze/a3.parquet"}),
    ]
    (line,) = warnings
    assert "en usage du 2026-01-05 au 2026-02-01" in line
    assert "insee/filosofi/2018/a.csv refusé : colonne perdue" in line
    assert _readable(versions, None) == ([versions[2]], [])
