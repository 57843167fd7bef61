"""Other bytes under a known vintage: kept, counted, and the former ones are still there."""

from __future__ import annotations

import hashlib

from reenregistrement import edited, native  # type: ignore[import-not-found]
from region_fictive import Region  # type: ignore[import-not-found]

from qpv_emploi.conservation import Issue, RawStore

IPRO = ("insee", "insertion_professionnelle", "2018")


def test_one_value_changed(region: Region) -> None:
    path = region.file(*IPRO)
    before = path.read_bytes()
    digest = hashlib.sha256(before).hexdigest()
    path.write_bytes(
        edited(before, "QP991001", lambda row: {**row, "ABC_E": str(int(row["ABC_E"] or "7") + 1)})
    )
    outcome = region.ingest()[IPRO]

    assert outcome.issue is Issue.REVISE
    assert outcome.nb_cellules_revisees == 1
    assert "révision silencieuse" in outcome.raison
    assert "1 cellule(s) changée(s)" in outcome.raison
    entry = region.lock()[IPRO]
    assert entry.precedentes == ((digest,),)
    assert entry.empreintes == (hashlib.sha256(path.read_bytes()).hexdigest(),)
    assert RawStore(region.settings.paths).path(digest).read_bytes() == before
    assert region.ingest()[IPRO].issue is Issue.INCHANGE


def test_saved_again_in_the_other_dialect(region: Region) -> None:
    path = region.file(*IPRO)
    before = path.read_bytes()
    path.write_bytes(native(before))
    outcome = region.ingest()[IPRO]
    assert outcome.issue is Issue.REVISE
    assert outcome.nb_cellules_revisees == 0
    assert "0 cellule(s) changée(s)" in outcome.raison
    assert region.lock()[IPRO].precedentes == ((hashlib.sha256(before).hexdigest(),),)


def test_a_file_put_back_is_a_revision_too(region: Region) -> None:
    path = region.file(*IPRO)
    before = path.read_bytes()
    path.write_bytes(native(before))
    region.ingest()
    path.write_bytes(before)
    assert region.ingest()[IPRO].issue is Issue.REVISE
    first = hashlib.sha256(before).hexdigest()
    second = hashlib.sha256(native(before)).hexdigest()
    assert region.lock()[IPRO].precedentes == ((first,), (second,))
