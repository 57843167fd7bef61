"""What changes between two releases: counted by key, told by source, read on a page, never invented."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from tests.diffusion import write_release

from qpv_emploi.errors import QPVError
from qpv_emploi.publication.comparaison import Comparison, RelationChange, RowCounts, compare_releases
from qpv_emploi.publication.comparaison_fichiers import (
    comparison_lines,
    comparison_page,
    french_number,
    write_comparison,
)
from qpv_emploi.publication.dossier import publish_files

BEFORE, AFTER = "20250102T000000Z-aaaaaaaa", "20260102T000000Z-bbbbbbbb"
REVISED = "qpv:QP002001:2015"

CHANGES = (
    f"update fct_observation set valeur = 12.5 where cle_territoire = '{REVISED}'",
    "update fct_observation set valeur = null, code_statut = 'SECRET' where cle_observation = 'o2'",
    "delete from fct_observation where cle_observation = 'o5'",
    "insert into fct_observation values ('o9', 'DE.NB', 'qpv:QP002009:2015', 'p', 'TOTAL', "
    "'c2rp:fiches:2022', 1, 'OK', '2026-01-01', null)",
    "update mart_essai set texte = '<img src=x onerror=alert(1)>' where cle_ligne = 'l00'",
)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_release(tmp_path_factory.mktemp("avant"), identifiant=BEFORE)


@pytest.fixture(scope="module")
def comparison(before: Path, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    after = write_release(
        tmp_path_factory.mktemp("apres"), identifiant=AFTER, changes=CHANGES, empreinte="b" * 64
    )
    return compare_releases(before, after)


def compared(before: Path, tmp_path: Path, changes: Sequence[str], **options: object) -> Comparison:
    after = write_release(tmp_path, identifiant=AFTER, changes=changes, **options)  # type: ignore[arg-type]
    return compare_releases(before, after)


def relation(comparison: Comparison, nom: str) -> RelationChange:
    (found,) = (r for r in comparison.relations if r.nom == nom)
    return found


def test_the_same_release_twice_differs_in_nothing(before: Path, tmp_path: Path) -> None:
    same = compared(before, tmp_path, [])
    assert same.est_identique
    assert same.entrees == ()
    assert same.valeurs == ()
    assert comparison_lines(same)[-1] == "Aucune différence de schéma, de lignes ni de valeurs."
    assert "Aucune différence" in comparison_page(same)


def test_rows_are_matched_by_key(comparison: Comparison) -> None:
    observations = relation(comparison, "fct_observation")
    assert observations.lignes == RowCounts(ajoutees=1, retirees=1, changees=2)
    assert (observations.lignes_avant, observations.lignes_apres) == (7, 7)
    assert observations.colonnes_changees == {"valeur": 2, "code_statut": 1}
    # The day from which a value is known does not identify it.
    assert "connu_du" not in observations.cle
    assert relation(comparison, "mart_essai").lignes == RowCounts(changees=1)
    assert relation(comparison, "dim_statut").est_inchangee


def test_changes_are_told_by_source(comparison: Comparison) -> None:
    assert relation(comparison, "fct_observation").par_source == {
        "insee:base:2021": RowCounts(retirees=1, changees=2),
        "c2rp:fiches:2022": RowCounts(ajoutees=1),
    }
    assert relation(comparison, "mart_essai").par_source == {"insee:base:2021": RowCounts(changees=1)}


def test_values_before_and_after(comparison: Comparison) -> None:
    told = [
        (v.jeu, v.cle_territoire, v.valeur_avant, v.valeur_apres, v.statut_avant, v.statut_apres)
        for v in comparison.valeurs
    ]
    assert told == [
        ("base", REVISED, 10.0, 12.5, "OK", "OK"),
        ("base", "qpv:QP002002:2015", 20.0, None, "OK", "SECRET"),
    ]


def test_inputs_whose_bytes_differ(comparison: Comparison) -> None:
    assert [(e.producteur, e.jeu, e.millesime, e.etat) for e in comparison.entrees] == [
        ("insee", "base", "2021", "remplace")
    ]


def test_a_value_that_was_replaced_long_ago_is_no_change(before: Path, tmp_path: Path) -> None:
    changes = ["update fct_observation set valeur = 98 where cle_observation = 'ancienne'"]
    assert compared(before, tmp_path, changes).est_identique


def test_schema(before: Path, tmp_path: Path) -> None:
    changes = (
        "drop view vue_essai",
        "create view vue_essai as select cle_ligne, cast(nb_lignes as double) as valeur, "
        "false as est_fictif from mart_essai",
        "alter table mart_essai drop column valeur",
        "alter table mart_essai add column valeur integer",
        "alter table dim_statut add column ordre integer",
    )
    after = write_release(tmp_path, identifiant=AFTER, changes=changes)
    with duckdb.connect(str(after / "entrepot.duckdb")) as connection:
        connection.execute(
            "insert into audit.colonne values "
            "('dim_statut', 99, 'ordre', 'Ordre.', false, null, null, [], true)"
        )
        connection.execute("update audit.relation set est_publiee = false where nom = 'dim_perimetre'")
        connection.execute("update audit.colonne set est_publiee = false where relation = 'dim_perimetre'")
    found = compare_releases(before, after)
    assert relation(found, "dim_statut").colonnes_ajoutees == ("ordre",)
    assert relation(found, "mart_essai").types_changes == {"valeur": ("DOUBLE", "INTEGER")}
    gone = relation(found, "dim_perimetre")
    assert (gone.etat, gone.lignes_avant, gone.lignes_apres, gone.lignes) == ("retiree", 3, None, None)
    assert "table   dim_perimetre : retirée (3 lignes)" in comparison_lines(found)


def test_unmarked_columns_stay_out_of_the_comparison(before: Path, tmp_path: Path) -> None:
    changes = ["update mart_essai set note_interne = 'autre'", "update mart_interne set cle = 'autre'"]
    found = compared(before, tmp_path, changes)
    assert found.est_identique
    assert "note_interne" not in comparison_page(found)


def test_a_key_that_repeats_is_said_and_whole_rows_are_compared(before: Path, tmp_path: Path) -> None:
    changes = [
        "insert into mart_essai select * from mart_essai where cle_ligne = 'l03'",
        "update mart_essai set texte = 'autre' where cle_ligne = 'l01'",
    ]
    found = relation(compared(before, tmp_path, changes), "mart_essai")
    assert found.cle == ()
    assert found.motif_sans_cle == "clé répétée 1 fois dans la version d'après"
    assert found.lignes == RowCounts(ajoutees=2, retirees=1)


def test_a_release_older_than_the_dictionaries_is_compared(tmp_path: Path) -> None:
    old = write_release(tmp_path / "a", identifiant=BEFORE, avec_dictionnaire=False)
    found = compared(old, tmp_path / "b", CHANGES)
    assert relation(found, "fct_observation").lignes == RowCounts(1, 1, 2)
    assert relation(found, "mart_essai").colonnes_ajoutees == ()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"region": "11"}, r"région 32\).*région 11\).*ne se comparent pas"),
        ({"est_fictif": True}, "l'une est fictive"),
    ],
)
def test_releases_that_do_not_compare(
    before: Path, tmp_path: Path, options: dict[str, object], reason: str
) -> None:
    with pytest.raises(QPVError, match=reason):
        compared(before, tmp_path, [], **options)


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_and_the_data(comparison: Comparison, tmp_path: Path) -> None:
    write_comparison(comparison, tmp_path / "c")
    page = Page((tmp_path / "c" / "index.html").read_text(encoding="utf-8"))
    assert {"script", "img", "link", "iframe"}.isdisjoint(page.tags)
    assert not [a for a in page.attributes if a[0] in ("src", "onerror") or "http" in str(a[1])]
    assert ("lang", "fr") in page.attributes
    assert "12,5 (OK)" in page.text
    assert "– (SECRET)" in page.text
    assert "insee/base/2021" in page.text
    assert "fichier remplacé" in page.text
    links = {value for name, value in page.attributes if name == "href"}
    assert links == {"valeurs_changees.csv", "comparaison.json"}
    assert all((tmp_path / "c" / str(link)).is_file() for link in links)
    with (tmp_path / "c" / "valeurs_changees.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    assert [(r["valeur_avant"], r["valeur_apres"], r["est_fictif"]) for r in rows] == [
        ("10,0", "12,5", "non"),
        ("20,0", "", "non"),
    ]
    data = json.loads((tmp_path / "c" / "comparaison.json").read_text(encoding="utf-8"))
    assert (data["nb_valeurs_changees"], data["est_identique"]) == (2, False)


def test_names_of_the_data_are_escaped(before: Path, tmp_path: Path) -> None:
    hostile = "qpv:<script>alert(1)</script>:2015"
    changes = [
        "update fct_observation set cle_territoire = replace(cle_territoire, 'qpv:QP002000:2015', "
        f"'{hostile}')"
    ]
    old = write_release(tmp_path / "a", identifiant=BEFORE, changes=changes)
    found = compared(
        old,
        tmp_path / "b",
        [*changes, f"update fct_observation set valeur = 7 where cle_territoire = '{hostile}'"],
    )
    page = Page(comparison_page(found))
    assert "script" not in page.tags
    assert hostile in page.text


def test_a_fictional_comparison_carries_its_banner(tmp_path: Path) -> None:
    old = write_release(tmp_path / "a", identifiant=BEFORE, region="99", est_fictif=True)
    found = compared(old, tmp_path / "b", CHANGES, region="99", est_fictif=True)
    write_comparison(found, tmp_path / "c")
    assert "DONNÉES FICTIVES" in (tmp_path / "c" / "index.html").read_text(encoding="utf-8")
    for path in (tmp_path / "c").glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            assert {row["est_fictif"] for row in csv.DictReader(stream, delimiter=";")} == {"oui"}, path


def test_real_comparisons_have_no_banner(comparison: Comparison) -> None:
    assert "FICTIVES" not in comparison_page(comparison)


def test_the_comparison_goes_with_the_files(before: Path, tmp_path: Path) -> None:
    after = write_release(tmp_path / "a", identifiant=AFTER, changes=CHANGES)
    folder = publish_files(after, tmp_path / "f", previous=before).dossier
    assert (folder / "comparaison" / "index.html").is_file()
    assert f"depuis la version {BEFORE}" in (folder / "LISEZMOI.txt").read_text(encoding="utf-8")
    assert "comparaison/valeurs_changees.csv" in (folder / "SHA256SUMS").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (0, "0"), (1234567, "1\u202f234\u202f567"), (12.5, "12,5"), (-0.125, "-0,125"), (3.0, "3")],
)
def test_numbers_for_a_french_reader(value: float | None, said: str) -> None:
    assert french_number(value) == said
