"""The survey of the dépôt: what is recognised, what is refused and what is left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qpv_emploi.acquisition import Deposit, datasets_absent, survey
from qpv_emploi.acquisition import depot as module_depot
from qpv_emploi.catalogue import Catalogue, Dataset, Producer
from qpv_emploi.errors import SettingsError

YEAR = r"(?<!\d)(20\d{2})(?!\d)"


def dataset(jeu: str, motifs: dict[str, bool], **options: object) -> Dataset:
    """A dataset of CSV files: pattern -> obligatory."""
    table = {"forme": "lignes", "lecture": {"famille": "csv"}, "colonnes": [{"nom": "code", "role": "cle"}]}
    fichiers = [
        {"motif": motif, "obligatoire": obligatoire, "tables": [{**table, "table": f"t{rang}"}]}
        for rang, (motif, obligatoire) in enumerate(motifs.items())
    ]
    declaration = {
        "jeu": jeu,
        "titre": jeu,
        "description": jeu,
        "licence": "Licence Ouverte",
        "acces": {"mode": "depot"},
        "cadence": "annuelle",
        "type_territoire": "qpv",
        "secret": {"methode": "aucune"},
        "millesime": {"motif": r"20\d{2}(T[1-4])?", "sens": "année de la base", "dans_nom_fichier": YEAR},
        "fichiers": fichiers,
    }
    return Dataset.model_validate({**declaration, **options})


NO_VINTAGE_IN_NAME = {"motif": r"20\d{2}", "sens": "année de la base"}
CATALOGUE = Catalogue(
    (
        Producer(
            producteur="insee",
            titre="Insee",
            jeux=(
                dataset("emploi", {r"(?i).+\.csv": True}),
                dataset("anonyme", {r"(?i).+\.csv": True}, millesime=NO_VINTAGE_IN_NAME),
                dataset("cog", {r"communes\.csv": True, r"departements\.csv": True, r"mvt\.csv": False}),
                dataset("liste", {r"communes.*\.csv": True, r"departements.*\.csv": True}, reference=True),
            ),
        ),
        Producer(producteur="anct", titre="ANCT", jeux=(dataset("contrats", {r".+\.csv": True}),)),
    ),
    (),
)


def put(depot: Path, chemin: str, contenu: str | None = None) -> Path:
    cible = depot / chemin
    cible.parent.mkdir(parents=True, exist_ok=True)
    # A content of its own by default: the same bytes under two vintages are a fault.
    cible.write_text(chemin if contenu is None else contenu, encoding="utf-8")
    return cible


def only(depot: Path) -> Deposit:
    (deposit,) = survey(depot, CATALOGUE).deposits
    return deposit


def by_vintage(depot: Path) -> dict[str, Deposit]:
    return {deposit.millesime: deposit for deposit in survey(depot, CATALOGUE).deposits}


def names(deposit: Deposit) -> list[str]:
    return [depose.fichier for depose in deposit.fichiers]


def test_missing_depot(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"n'existe pas .* à faire : .*QPV_DEPOT"):
        survey(tmp_path / "absent", CATALOGUE)


def test_depot_that_is_a_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="n'est pas un dossier"):
        survey(put(tmp_path, "fichier"), CATALOGUE)


def test_empty_depot(tmp_path: Path) -> None:
    releve = survey(tmp_path, CATALOGUE)
    assert (releve.deposits, releve.hors_catalogue, releve.egares, releve.est_fictif) == ((), (), (), False)
    assert datasets_absent(releve, CATALOGUE) == (
        ("insee", "emploi"),
        ("insee", "anonyme"),
        ("insee", "cog"),
        ("insee", "liste"),
        ("anct", "contrats"),
    )


def test_deposits_are_sorted_and_carry_their_specification(tmp_path: Path) -> None:
    for chemin in ("insee/emploi/2021/b.csv", "insee/emploi/2018/B_2018.csv", "anct/contrats/2024/c.csv"):
        put(tmp_path, chemin)
    releve = survey(tmp_path, CATALOGUE)
    assert [(d.producteur, d.jeu, d.millesime) for d in releve.deposits] == [
        ("anct", "contrats", "2024"),
        ("insee", "emploi", "2018"),
        ("insee", "emploi", "2021"),
    ]
    assert [d.refus for d in releve.deposits] == [(), (), ()]
    depose = releve.deposits[1].fichiers[0]
    assert depose.chemin == tmp_path / "insee/emploi/2018/B_2018.csv"
    assert depose.spec is CATALOGUE.dataset("insee", "emploi").fichiers[0]
    assert depose.famille == "csv"
    assert datasets_absent(releve, CATALOGUE) == (("insee", "anonyme"), ("insee", "cog"), ("insee", "liste"))


def test_folders_outside_the_catalogue(tmp_path: Path) -> None:
    for chemin in ("insee/inconnu/2020/a.csv", "ailleurs/emploi/2020/a.csv", "ailleurs/autre/2020/a.csv"):
        put(tmp_path, chemin)
    releve = survey(tmp_path, CATALOGUE)
    assert releve.hors_catalogue == ("ailleurs/autre", "ailleurs/emploi", "insee/inconnu")
    assert releve.deposits == ()


def test_files_in_the_wrong_place_are_told(tmp_path: Path) -> None:
    for chemin in ("MANIFEST.csv", "insee/a.csv", "insee/emploi/b.csv", "insee/emploi/README.md"):
        put(tmp_path, chemin)
    assert survey(tmp_path, CATALOGUE).egares == ("insee/a.csv", "insee/emploi/b.csv")


def test_notes_and_unfinished_files_are_ignored(tmp_path: Path) -> None:
    ignores = (".cache", ".git/x", "README", "readme.txt", "README.csv", "note.md", "b.csv.part", "~$b.csv")
    for nom in (*ignores, "b.csv.tmp", "b.csv.crdownload", "Thumbs.db", "base.csv"):
        put(tmp_path, f"insee/emploi/2020/{nom}")
    put(tmp_path, "insee/emploi/.git/objet")
    deposit = only(tmp_path)
    assert (names(deposit), deposit.refus) == (["base.csv"], ())


def test_fictional_marker(tmp_path: Path) -> None:
    put(tmp_path, "insee/emploi/2020/FICTIF.json")
    assert not survey(tmp_path, CATALOGUE).est_fictif
    put(tmp_path, "FICTIF.json")
    assert survey(tmp_path, CATALOGUE).est_fictif


@pytest.mark.parametrize("dossier", ["2021 (copie)", "base_2021", "21", "2021T5"])
def test_folder_that_is_no_vintage(tmp_path: Path, dossier: str) -> None:
    put(tmp_path, f"insee/emploi/{dossier}/base.csv")
    deposit = only(tmp_path)
    (refus,) = deposit.refus
    assert deposit.fichiers == ()
    assert refus.raison == f"« {dossier} » n'est pas un millésime de ce jeu"
    assert "année de la base" in refus.attendu
    assert str(refus).startswith(f"insee/emploi/{dossier}/ refusé : ")


def test_unrecognised_file_lists_the_expected_names(tmp_path: Path) -> None:
    for nom in ("communes.csv", "departements.csv", "regions.csv"):
        put(tmp_path, f"insee/cog/2024/{nom}")
    deposit = only(tmp_path)
    (refus,) = deposit.refus
    assert names(deposit) == ["communes.csv", "departements.csv"]
    assert (refus.fichier, refus.raison) == ("regions.csv", "fichier non reconnu")
    assert refus.attendu == r"un nom de la forme communes\.csv ou departements\.csv ou mvt\.csv"


def test_the_whole_name_is_matched(tmp_path: Path) -> None:
    for nom in ("communes.csv", "departements.csv.bak", "vieux_departements.csv"):
        put(tmp_path, f"insee/cog/2024/{nom}")
    refus = only(tmp_path).refus
    assert [(r.fichier, r.raison) for r in refus] == [
        ("departements.csv.bak", "fichier non reconnu"),
        ("vieux_departements.csv", "fichier non reconnu"),
        ("", "il manque un fichier obligatoire"),
    ]


def test_two_files_for_one_place(tmp_path: Path) -> None:
    for nom in ("a.csv", "b.csv"):
        put(tmp_path, f"insee/emploi/2020/{nom}")
    deposit = only(tmp_path)
    (refus,) = deposit.refus
    assert deposit.fichiers == ()
    assert refus.raison == "2 fichiers pour une même place : a.csv, b.csv"
    assert refus.fichier == "a.csv, b.csv"


def test_obligatory_file_missing(tmp_path: Path) -> None:
    put(tmp_path, "insee/cog/2024/communes.csv")
    deposit = only(tmp_path)
    (refus,) = deposit.refus
    assert names(deposit) == ["communes.csv"]
    assert (refus.fichier, refus.raison) == ("", "il manque un fichier obligatoire")
    assert r"departements\.csv" in refus.attendu


def test_empty_folder_of_vintage(tmp_path: Path) -> None:
    (tmp_path / "insee/emploi/2020").mkdir(parents=True)
    assert [r.raison for r in only(tmp_path).refus] == ["il manque un fichier obligatoire"]


def test_subfolder(tmp_path: Path) -> None:
    put(tmp_path, "insee/emploi/2020/base.csv")
    put(tmp_path, "insee/emploi/2020/vieux.csv/base.csv")
    (refus,) = only(tmp_path).refus
    assert (refus.fichier, refus.raison) == ("vieux.csv", "sous-dossier dans un dossier de millésime")


@pytest.mark.parametrize(
    ("nom", "porte"),
    [("IPRO_2018.csv", "2018"), ("data_2018_V1_2017.csv", "2018, 2017"), ("2018_2018.csv", "2018")],
)
def test_name_of_another_vintage(tmp_path: Path, nom: str, porte: str) -> None:
    put(tmp_path, f"insee/emploi/2021/{nom}")
    deposit = only(tmp_path)
    (refus,) = deposit.refus
    assert deposit.fichiers == ()
    assert (refus.fichier, refus.raison) == (nom, f"le nom porte {porte}, le dossier 2021")


@pytest.mark.parametrize("nom", ["base.csv", "IPRO_2021.csv", "2018_a_2021.csv", "lot120210.csv"])
def test_name_that_agrees_or_is_silent(tmp_path: Path, nom: str) -> None:
    put(tmp_path, f"insee/emploi/2021/{nom}")
    deposit = only(tmp_path)
    assert (names(deposit), deposit.refus) == ([nom], ())


def test_vintage_in_name_is_compared_without_case_and_unused_groups(tmp_path: Path) -> None:
    forme = {"motif": r"20\d{2}T[1-4]", "sens": "trimestre", "dans_nom_fichier": r"(20\d{2}[tT]\d)|extrait"}
    jeu = dataset("defm", {r".+\.csv": True}, millesime=forme)
    catalogue = Catalogue((Producer(producteur="dares", titre="Dares", jeux=(jeu,)),), ())
    put(tmp_path, "dares/defm/2024T4/defm_2024t4_extrait.csv")
    put(tmp_path, "dares/defm/2025T1/extrait.csv")
    assert [d.refus for d in survey(tmp_path, catalogue).deposits] == [(), ()]


def test_same_bytes_kept_under_the_vintage_the_name_carries(tmp_path: Path) -> None:
    put(tmp_path, "insee/emploi/2018/IPRO_2018.csv", "identique")
    put(tmp_path, "insee/emploi/2021/base.csv", "identique")
    put(tmp_path, "insee/emploi/2022/base.csv", "different")
    releve = by_vintage(tmp_path)
    assert (names(releve["2018"]), releve["2018"].refus) == (["IPRO_2018.csv"], ())
    assert (names(releve["2022"]), releve["2022"].refus) == (["base.csv"], ())
    (refus,) = releve["2021"].refus
    assert releve["2021"].fichiers == ()
    assert refus.raison == "mêmes octets que sous 2018, dont le nom du fichier dit qu'il est de 2018"


def test_same_bytes_are_all_refused_when_no_name_decides(tmp_path: Path) -> None:
    for millesime in ("2018", "2020", "2021"):
        put(tmp_path, f"insee/anonyme/{millesime}/base.csv", "identique")
    releve = by_vintage(tmp_path)
    assert {m: [r.raison for r in d.refus] for m, d in releve.items()} == {
        "2018": ["mêmes octets que sous 2020, 2021"],
        "2020": ["mêmes octets que sous 2018, 2021"],
        "2021": ["mêmes octets que sous 2018, 2020"],
    }
    assert not any(deposit.fichiers for deposit in releve.values())


def test_same_bytes_are_all_refused_when_two_names_claim_them(tmp_path: Path) -> None:
    put(tmp_path, "insee/emploi/2018/IPRO_2018.csv", "identique")
    put(tmp_path, "insee/emploi/2021/IPRO_2021.csv", "identique")
    releve = by_vintage(tmp_path)
    assert [r.raison for r in releve["2018"].refus] == ["mêmes octets que sous 2021"]
    assert [r.raison for r in releve["2021"].refus] == ["mêmes octets que sous 2018"]


def test_a_wrong_name_is_told_once(tmp_path: Path) -> None:
    put(tmp_path, "insee/emploi/2018/IPRO_2018.csv", "identique")
    put(tmp_path, "insee/emploi/2021/IPRO_2018.csv", "identique")
    releve = by_vintage(tmp_path)
    assert releve["2018"].refus == ()
    assert [r.raison for r in releve["2021"].refus] == ["le nom porte 2018, le dossier 2021"]


def test_same_bytes_of_two_datasets_are_no_fault(tmp_path: Path) -> None:
    put(tmp_path, "insee/emploi/2018/base.csv", "identique")
    put(tmp_path, "insee/anonyme/2021/base.csv", "identique")
    assert [d.refus for d in survey(tmp_path, CATALOGUE).deposits] == [(), ()]


def test_empty_files_are_not_twins(tmp_path: Path) -> None:
    for millesime in ("2018", "2021"):
        put(tmp_path, f"insee/emploi/{millesime}/base.csv", "")
    assert [d.refus for d in survey(tmp_path, CATALOGUE).deposits] == [(), ()]


def test_only_files_of_equal_size_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lus: list[str] = []

    def digest(chemin: Path) -> str:
        lus.append(chemin.name)
        return chemin.name

    monkeypatch.setattr(module_depot, "file_digest", digest)
    for millesime, nom, contenu in (
        ("2018", "a.csv", "12"),
        ("2020", "b.csv", "34"),
        ("2021", "c.csv", "567"),
    ):
        put(tmp_path, f"insee/emploi/{millesime}/{nom}", contenu)
    survey(tmp_path, CATALOGUE)
    assert lus == ["a.csv", "b.csv"]


def test_a_reference_list_may_stay_the_same_while_another_moves(tmp_path: Path) -> None:
    for millesime in ("2023", "2024"):
        put(tmp_path, f"insee/liste/{millesime}/communes.csv")
        put(tmp_path, f"insee/liste/{millesime}/departements.csv", "identique")
    assert [d.refus for d in survey(tmp_path, CATALOGUE).deposits] == [(), ()]


def test_a_reference_vintage_copied_whole_is_refused(tmp_path: Path) -> None:
    for millesime in ("2023", "2024"):
        put(tmp_path, f"insee/liste/{millesime}/communes.csv", "les communes")
        put(tmp_path, f"insee/liste/{millesime}/departements.csv", "les départements")
    releve = by_vintage(tmp_path)
    assert [r.raison for r in releve["2024"].refus] == ["mêmes octets que sous 2023"] * 2
    assert not any(deposit.fichiers for deposit in releve.values())


def test_a_repeated_file_of_a_statistical_dataset_is_refused(tmp_path: Path) -> None:
    for millesime in ("2023", "2024"):
        put(tmp_path, f"insee/cog/{millesime}/communes.csv")
        put(tmp_path, f"insee/cog/{millesime}/departements.csv", "identique")
    releve = by_vintage(tmp_path)
    assert [r.fichier for r in releve["2024"].refus] == ["departements.csv"]
    assert names(releve["2024"]) == ["communes.csv"]


def test_broken_link_and_pipe(tmp_path: Path) -> None:
    put(tmp_path, "insee/cog/2024/communes.csv").unlink()
    (tmp_path / "insee/cog/2024/communes.csv").symlink_to(tmp_path / "nulle_part")
    os.mkfifo(tmp_path / "insee/cog/2024/departements.csv")
    deposit = only(tmp_path)
    assert deposit.fichiers == ()
    assert [r.fichier for r in deposit.refus] == ["communes.csv", "departements.csv"]
    assert all("fichier ordinaire" in r.raison for r in deposit.refus)


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "insee/emploi/2020/base.csv")
    # The tests may run as root, whom no mode stops.
    monkeypatch.setattr(module_depot.os, "access", lambda chemin, mode: False)
    deposit = only(tmp_path)
    (refus,) = deposit.refus
    assert deposit.fichiers == ()
    assert "droits insuffisants" in refus.raison


def test_receptions_are_read_by_the_same_rules_as_the_depot(tmp_path: Path) -> None:
    recu = tmp_path / "recu"
    put(recu, "insee/emploi/2021/IPRO_2021.csv")
    for chemin in ("insee/emploi/2022/reste.part", "insee/inconnu/2021/a.csv", "insee/egare.csv"):
        put(recu, chemin)
    releve = survey(tmp_path / "sans_depot", CATALOGUE, recu=recu)
    assert [(d.millesime, d.dossier) for d in releve.deposits] == [
        ("2021", recu / "insee" / "emploi" / "2021"),
        ("2022", recu / "insee" / "emploi" / "2022"),
    ]
    assert releve.hors_catalogue == ("recu/insee/inconnu",)
    assert releve.egares == ("recu/insee/egare.csv",)


def test_an_empty_folder_of_receptions_does_not_make_a_depot(tmp_path: Path) -> None:
    (tmp_path / "recu").mkdir()
    with pytest.raises(SettingsError, match="n'existe pas"):
        survey(tmp_path / "absent", CATALOGUE, recu=tmp_path / "recu")
