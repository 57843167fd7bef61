"""A revised vintage, from reception to marts: both values kept, the past rebuilt as it was known."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from qpv_emploi import pipeline
from qpv_emploi.entrepot import Release
from qpv_emploi.errors import BuildError, SettingsError
from qpv_emploi.fictif import REGION_FICTIVE, generate
from qpv_emploi.settings import Settings

FIRST, REVISED = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
IPRO = "insertion_professionnelle"
QPV = "QP991001"
# A rate, outside every identity of the file: only one cell is revised.
INDICATEUR = "EMP.PART_EMPLOI_DUREE_LIMITEE.RP.EMPLOIS"
REVISEE = (
    f"code_indicateur = '{INDICATEUR}' and cle_ventilation = 'TOTAL' "
    f"and cle_territoire = 'qpv:{QPV}:2015' and cle_jeu_source = 'insee:{IPRO}:2021'"
)


@dataclass(frozen=True)
class Revised:
    """A fictional warehouse published after the revision of one cell."""

    settings: Settings
    release: Release
    avant: float
    apres: float


def cell_changed(path: Path, code: str, column: str) -> tuple[float, float]:
    """Put another number in one cell of a base; gives it before and after."""
    lines = path.read_bytes().decode("utf-8-sig").split("\r\n")
    rank = next(i for i, line in enumerate(lines) if line.startswith(f"{code};"))
    cells = lines[rank].split(";")
    position = lines[0].split(";").index(column)
    before = float(cells[position].replace(",", "."))
    cells[position] = "17,3"
    lines[rank] = ";".join(cells)
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    return before, 17.3


@pytest.fixture(scope="module")
def revision(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Revised]:
    """Received on 1 March, revised on 1 June, published after; the bronze of the first bytes is lost."""
    root = tmp_path_factory.mktemp("versions")
    generate(root / "depot", nb_qpv=12)
    settings = Settings(data_dir=root / "data", depot=root / "depot", region=REGION_FICTIVE)
    path = root / "depot" / "insee" / IPRO / "2021" / "IPRO_2021.csv"
    with pytest.MonkeyPatch.context() as clock:
        clock.setattr(pipeline, "now_utc", lambda: FIRST)
        pipeline.ingest_all(settings)
        clock.setattr(pipeline, "now_utc", lambda: REVISED)
        avant, apres = cell_changed(path, QPV, "TX_TOT_EDLIM")
        lus = settings.paths.bronze / "insee__insertion_professionnelle" / "2021"
        anciens = list(lus.iterdir())
        issues, _ = pipeline.ingest_all(settings)
        assert [o.nb_cellules_revisees for o in issues if o.issue.value == "revise"] == [1]
        for ancien in anciens:
            ancien.unlink()
        candidat = pipeline.build(settings)
        assert candidat is not None
        pipeline.audit(settings, candidat)
        yield Revised(settings, pipeline.publish(settings, candidat), avant, apres)
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def passe(revision: Revised, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pipeline.Rebuilt]:
    """The warehouse as known on 15 April, between the two receptions."""
    cible = tmp_path_factory.mktemp("passe") / "avril"
    return cible, pipeline.rebuild_as_known(revision.settings, date(2026, 4, 15), cible)


def ask(folder: Path, sql: str) -> list[Any]:
    with duckdb.connect(str(folder / "entrepot.duckdb"), read_only=True) as connexion:
        return connexion.execute(sql).fetchall()


def test_both_values_are_kept_with_their_days(revision: Revised) -> None:
    rows = ask(
        revision.release.dossier,
        "select valeur, code_statut, valeur_precedente, cast(connu_du as varchar), "
        f"cast(connu_au as varchar) from fct_observation where {REVISEE} order by connu_du",
    )
    assert rows == [
        (revision.avant, "OK", None, "2026-03-01", "2026-06-01"),
        (revision.apres, "REV", revision.avant, "2026-06-01", None),
    ]


def test_what_did_not_change_is_one_row_known_since_the_first_reception(revision: Revised) -> None:
    rows = ask(
        revision.release.dossier,
        "select cast(connu_du as varchar), cast(connu_au as varchar), count(*), "
        "count(distinct empreinte_sha256) from fct_observation "
        f"where cle_jeu_source = 'insee:{IPRO}:2021' group by 1, 2 order by 3",
    )
    # Two versions of the revised cell; every other cell is known since March, and traced to the present file.
    assert [row[:2] for row in rows[:2]] == [("2026-03-01", "2026-06-01"), ("2026-06-01", None)] or [
        row[:2] for row in rows[:2]
    ] == [("2026-06-01", None), ("2026-03-01", "2026-06-01")]
    assert [row[2] for row in rows[:2]] == [1, 1]
    assert rows[2][0] == "2026-03-01"
    assert rows[2][1] is None
    assert rows[2][2] > 500
    assert rows[2][3] == 1


def test_readers_of_the_present_see_the_present_value(revision: Revised) -> None:
    dossier = revision.release.dossier
    assert ask(
        dossier,
        f"select valeur, code_statut, reserve from vue_observation where {REVISEE}",
    ) == [(revision.apres, "REV", "remplace une autre valeur, reçue le 2026-03-01")]


def test_a_mart_comes_out_as_known_on_a_past_day(
    revision: Revised, passe: tuple[Path, pipeline.Rebuilt]
) -> None:
    cible, refait = passe
    question = (
        "select valeur, code_statut from mart_diagnostic_qpv where "
        f"code_indicateur = '{INDICATEUR}' and cle_ventilation = 'TOTAL' and code_qpv = '{QPV}'"
    )
    assert ask(cible, question) == [(revision.avant, "OK")]
    assert ask(revision.release.dossier, question) == [(revision.apres, "REV")]
    # Nothing of that day is revised yet: one version of everything, all of them received by then.
    assert ask(cible, "select count(*) from fct_observation where connu_au is not null") == [(0,)]
    assert ask(cible, "select distinct cast(connu_du as varchar) from fct_observation") == [("2026-03-01",)]
    assert refait.comptes["fct_observation"] == revision.release.comptes["fct_observation"] - 1


def test_a_rebuilt_warehouse_says_its_day_and_is_no_release(
    revision: Revised, passe: tuple[Path, pipeline.Rebuilt]
) -> None:
    cible, _ = passe
    manifeste = json.loads((cible / "manifeste.json").read_text(encoding="utf-8"))
    assert manifeste["connu_le"] == "2026-04-15"
    (ipro,) = [e for e in manifeste["entrees"] if (e["jeu"], e["millesime"]) == (IPRO, "2021")]
    (fichier,) = ipro["fichiers"]
    brut = revision.settings.paths.brut
    octets = (brut / fichier["empreinte_sha256"][:2] / fichier["empreinte_sha256"]).read_bytes()
    assert hashlib.sha256(octets).hexdigest() == fichier["empreinte_sha256"]
    assert (cible / "parquet" / "fct_observation.parquet").is_file()
    assert not (cible / "travail").exists()
    assert "connu_le" not in json.loads((revision.release.dossier / "manifeste.json").read_text("utf-8"))
    versions = list(revision.settings.paths.versions.iterdir())
    assert [v.name for v in versions] == [revision.release.identifiant]
    assert revision.settings.paths.courant.resolve() == revision.release.dossier.resolve()


def test_a_day_before_any_reception_is_refused(revision: Revised, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="reconstruction au 2026-02-28 impossible"):
        pipeline.rebuild_as_known(revision.settings, date(2026, 2, 28), tmp_path / "vide")
    assert not (tmp_path / "vide").exists()


@pytest.mark.parametrize("ou", ["existe", "versions", "futur"])
def test_a_target_that_would_do_harm_is_refused(revision: Revised, tmp_path: Path, ou: str) -> None:
    jour, cible = date(2026, 4, 15), tmp_path / "neuf"
    if ou == "existe":
        cible.mkdir()
    elif ou == "versions":
        cible = revision.settings.paths.versions / "neuf"
    else:
        jour = date(2026, 6, 2)
    with pytest.raises(SettingsError):
        pipeline.rebuild_as_known(revision.settings, jour, cible)


def test_counts_of_qpv_2024_are_perturbed_and_their_noise_unknown(revision: Revised) -> None:
    rows = ask(
        revision.release.dossier,
        "select code_statut, cle_periode, count(*), count(valeur), count(borne_basse), min(reserve), "
        "bool_and(cle_territoire like 'qpv:QN%:2024') from fct_observation "
        "where cle_jeu_source in ('insee:defm_qpv_2024:2024', 'insee:cnaf_qpv_2024:2024') group by 1, 2",
    )
    # Five measures of jobseekers and three of the Caf, in each of the eleven QPV of 2024.
    inconnue = "perturbée par clé aléatoire ; amplitude du bruit non établie : intervalle inconnu"
    assert rows == [("PERT", "INSTANT:2024-12-31", 88, 88, 0, inconnue, True)]
    revenus = ask(
        revision.release.dossier,
        "select code_indicateur, cle_periode, count(*) from fct_observation "
        "where cle_jeu_source = 'insee:filosofi_qpv_2024:2021' group by 1, 2 "
        "order by 1",
    )
    assert revenus == [
        ("PAU.REVENU_MEDIAN_DISP.FILO.UC", "ANNEE:2021", 11),
        ("PAU.TX_PAUVRETE60.FILO.POP", "ANNEE:2021", 11),
    ]


def test_an_employment_rate_of_a_commune_keeps_its_two_counts(revision: Revised) -> None:
    rows = ask(
        revision.release.dossier,
        "select cle_ventilation, type_territoire, bool_and(abs(valeur - 100 * numerateur / denominateur) "
        "< 1e-9), bool_and(colonne_numero > 0), count(*) = count(distinct cle_territoire) "
        "from fct_observation inner join dim_territoire using (cle_territoire) "
        "where code_indicateur = 'EMP.TX_EMPLOI.RP.15_64' and cle_periode = 'FEN5:2022' group by 1, 2 "
        "order by 1",
    )
    assert rows == [(sexe, "commune", True, True, True) for sexe in ("SEXE=F", "SEXE=H", "TOTAL")]
