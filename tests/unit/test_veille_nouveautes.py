"""What is new: in the dépôt, in the receptions, and at a producer that lists its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qpv_emploi.acquisition.acces import AccesImpossible
from qpv_emploi.acquisition.connecteurs import Remote
from qpv_emploi.catalogue import Catalogue, load_catalogue
from qpv_emploi.catalogue.acces import DataGouvAccess, DepositAccess
from qpv_emploi.conservation import (
    Issue,
    Ledger,
    Lock,
    LockedFile,
    LockEntry,
    Outcome,
    ReceivedFile,
    Receptions,
)
from qpv_emploi.errors import SettingsError
from qpv_emploi.settings import Settings
from qpv_emploi.veille import nouveautes
from qpv_emploi.veille.nouveautes import novelties

POP = ("insee", "population_qpv")
REAL = load_catalogue(Settings().dbt_dir)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", depot=tmp_path / "depot", region="32")


def drop(root: Path, millesime: str) -> Path:
    """A vintage of five bytes, its own."""
    folder = root.joinpath(*POP, millesime)
    folder.mkdir(parents=True)
    (folder / f"pop_qp_{millesime}.xls").write_bytes(f"{millesime}x".encode())
    return folder


def use(settings: Settings, millesime: str, octets: int = 5) -> None:
    file = LockedFile(f"pop_qp_{millesime}.xls", "a" * 64, octets, "2026-03-01T08:00:00.000Z", {}, {})
    Lock(settings.paths.verrou).update(LockEntry(*POP, millesime, (file,)))


def refuse(settings: Settings, millesime: str) -> None:
    outcome = Outcome(
        "2026-03-01T08:00:00.000Z", *POP, millesime, Issue.REFUSE, "vide", (), (), None, (), (), None, ""
    )
    Ledger(settings.paths.journal).append(outcome)


def test_only_what_no_run_has_read_is_new(settings: Settings) -> None:
    for millesime in ("2013", "2014", "2015", "2016"):
        drop(settings.depot, millesime)
    use(settings, "2013")
    use(settings, "2014", octets=4)
    refuse(settings, "2015")
    news = novelties(settings)
    assert [novelty.line() for novelty in news.nouveautes] == [
        "insee/population_qpv/2014 : fichiers changés depuis la dernière ingestion",
        "insee/population_qpv/2016 : arrivé, pas encore lu",
    ]
    assert news.non_consultes == ()


def test_what_was_fetched_is_new_until_it_is_read(settings: Settings) -> None:
    drop(settings.paths.recu, "2016")
    assert [n.millesime for n in novelties(settings).nouveautes] == ["2016"]
    use(settings, "2016")
    assert novelties(settings).nouveautes == ()


def test_without_any_folder_the_error_says_so(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="dépôt"):
        novelties(settings)


# ------------------------------------------------------------------------------------------- at a producer

ACCESS = DataGouvAccess.model_validate(
    {
        "mode": "datagouv",
        "base": "https://www.data.gouv.fr",
        "slug": "population",
        "millesimes": ["2016"],
        "fichiers": [{"titre": "population", "nom": "pop_qp_{millesime}.xls"}],
    }
)


def remote(millesime: str, marque: str = "", fichier: str = "") -> Remote:
    def take(*args: object) -> Any:
        pytest.fail("la veille ne télécharge rien")

    return Remote(
        millesime, fichier or f"pop_qp_{millesime}.xls", 0, "https://www.data.gouv.fr/r/1", marque, True, take
    )


@pytest.fixture
def online(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> tuple[Settings, list[Remote]]:
    """An installation online, whose only live dataset lists what the test puts in the list."""
    producers = []
    for producer in REAL.producteurs:
        datasets = [
            jeu.model_copy(
                update={
                    "acces": ACCESS if (producer.producteur, jeu.jeu) == POP else DepositAccess(mode="depot")
                }
            )
            for jeu in producer.jeux
        ]
        producers.append(producer.model_copy(update={"jeux": tuple(datasets)}))
    catalogue = Catalogue(tuple(producers), REAL.variables)
    listed: list[Remote] = []
    monkeypatch.setattr(nouveautes, "load_catalogue", lambda *args: catalogue)
    monkeypatch.setattr(nouveautes, "remotes", lambda context, acces: listed)
    settings.depot.mkdir()
    return settings.model_copy(update={"en_ligne": True}), listed


def fetched(settings: Settings, millesime: str, marque: str) -> None:
    folder = drop(settings.paths.recu, millesime)
    name = next(folder.iterdir()).name
    received = ReceivedFile(*POP, millesime, name, "a" * 64, 5, "", "", "", "", marque, "2026-03-01")
    Receptions(settings.paths).record(*POP, millesime, [received])
    use(settings, millesime)


def test_a_producer_that_lists_a_new_vintage_or_a_new_date(online: tuple[Settings, list[Remote]]) -> None:
    settings, listed = online
    fetched(settings, "2013", "2026-01-01")
    fetched(settings, "2014", "2026-01-01")
    # In use from the dépôt: never received, and not new.
    use(settings, "2015")
    listed += [
        remote("2013", "2026-01-01"),
        remote("2014", "2026-02-02"),
        remote("2015", "2026-02-02"),
        remote("2016", "2026-02-02"),
    ]
    # Declared in the catalogue, and not in the producer's list.
    listed.append(replace(remote("2017"), fichier=""))
    assert [novelty.line() for novelty in novelties(settings).nouveautes] == [
        "insee/population_qpv/2014 : pop_qp_2014.xls changé chez le producteur (2026-02-02)",
        "insee/population_qpv/2016 : pop_qp_2016.xls chez le producteur, pas encore reçu",
    ]


def test_a_file_without_date_is_left_to_the_reception(online: tuple[Settings, list[Remote]]) -> None:
    settings, listed = online
    fetched(settings, "2013", "")
    listed.append(remote("2013"))
    assert novelties(settings).nouveautes == ()


def test_a_silent_producer_is_told_and_stops_nothing(
    online: tuple[Settings, list[Remote]], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _ = online
    drop(settings.depot, "2016")

    def fail(context: object, acces: object) -> list[Remote]:
        raise AccesImpossible("https://www.data.gouv.fr", "délai dépassé", action="attendre", tentatives=3)

    monkeypatch.setattr(nouveautes, "remotes", fail)
    news = novelties(settings)
    assert [novelty.millesime for novelty in news.nouveautes] == ["2016"]
    (silent,) = news.non_consultes
    assert silent.line().startswith("insee/population_qpv : producteur non consulté : ")
    assert "délai dépassé" in silent.constat


@pytest.mark.parametrize("changes", [{"en_ligne": False}, {"region": "99"}])
def test_no_producer_is_asked_offline_nor_for_fictional_data(
    online: tuple[Settings, list[Remote]], changes: dict[str, Any]
) -> None:
    settings, listed = online
    listed.append(remote("2016"))
    assert novelties(settings.model_copy(update=changes)).nouveautes == ()
