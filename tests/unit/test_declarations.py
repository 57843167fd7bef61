"""The form of local declarations: what is written, what is refused, cell by cell, and what is read."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from qpv_emploi.acquisition import check_bytes, refusal_for
from qpv_emploi.catalogue import BronzeTable, Catalogue, Table, load_catalogue
from qpv_emploi.declarations import (
    JEU,
    Filling,
    Report,
    capped,
    check_form,
    closed_lists,
    day_in_france,
    prepare,
    require_sound,
    territory_lists,
    write_folder,
    write_workbook,
)
from qpv_emploi.declarations.controle import MAX_ERREURS
from qpv_emploi.declarations.guide import BANDEAU
from qpv_emploi.declarations.listes import STATUTS
from qpv_emploi.declarations.regles import VALEURS
from qpv_emploi.declarations.valeurs import first_day, parse_day
from qpv_emploi.errors import RefusedFile, SettingsError
from qpv_emploi.lecture import Provenance, read_file
from qpv_emploi.lecture.formulaire import column_letter
from qpv_emploi.settings import Settings

AUJOURDHUI = date(2026, 3, 2)
PROVENANCE = Provenance(*JEU, "2026-03-01", "declaration.xlsx", "a" * 64)
DBT = Settings().dbt_dir
# First row under the headings of a sheet of the template.
LIGNE = 4

IDENTITE = {
    "auteur": "service politique de la ville",
    "organisme": "Métropole d'essai",
    "contact_fonction": "cheffe de projet",
    "saisi_le": date(2026, 3, 1),
}
BENEFICIAIRE = {
    "code_contrat": "CN05911M",
    "code_dispositif": "CEJ",
    "population": "qpv",
    "type_flux": "entrees",
    "periode": "2025",
    "nombre": 41,
    "source": "bilan 2025",
}
ACTION = {
    "code_contrat": "CN05911M",
    "famille": "actions",
    "enjeu": "emploi des jeunes",
    "objectif": "aller vers",
    "action": "permanences",
    "indicateur": "jeunes rencontrés",
    "periode": "2025-T1",
    "unite": "personnes",
    "valeur": 37.5,
    "source": "comité technique",
}
CONSTAT = {
    "code_contrat": "CN05911M",
    "theme": "pilotage",
    "question": "le comité s'est-il réuni ?",
    "constat_le": date(2026, 2, 1),
    "constat": "deux fois",
}
CLAUSE = {
    "code_contrat": "CN05911M",
    "population": "total",
    "mesure": "heures",
    "periode": "2025-03",
    "nombre": 1204.5,
    "source": "facilitateur",
}
MODELES = {"beneficiaires": BENEFICIAIRE, "actions": ACTION, "gouvernance": CONSTAT, "clauses": CLAUSE}

Ecrire = Callable[..., Path]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(DBT)


@pytest.fixture(scope="module")
def tables(catalogue: Catalogue) -> tuple[Table, ...]:
    (spec,) = catalogue.dataset(*JEU).fichiers
    return spec.tables


@pytest.fixture(scope="module")
def listes() -> dict[str, dict[str, str]]:
    return closed_lists(DBT)


@pytest.fixture
def ecrire(tmp_path: Path, tables: tuple[Table, ...], listes: dict[str, dict[str, str]]) -> Ecrire:
    """Write a filled form. ``brut``: (sheet, cell) -> value put in the cell as a person would type it."""

    def write(
        lignes: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        identite: Mapping[str, Any] = IDENTITE,
        brut: Mapping[tuple[str, str], Any] | None = None,
    ) -> Path:
        chemin = tmp_path / "declaration.xlsx"
        contenu = Filling(identite=identite, lignes=lignes)
        write_workbook(chemin, tables, listes, fictif=False, contenu=contenu)
        if brut:
            classeur = openpyxl.load_workbook(chemin)
            for (feuille, case), valeur in brut.items():
                classeur[feuille][case] = valeur
            classeur.save(chemin)
        return chemin

    return write


def judge(chemin: Path, tables: Sequence[Table]) -> Report:
    return check_form(chemin, tables, closed_lists(DBT), provenance=PROVENANCE, aujourdhui=AUJOURDHUI)


def faults(chemin: Path, tables: Sequence[Table]) -> list[str]:
    return [erreur.ligne() for erreur in judge(chemin, tables).erreurs]


def cell(table: Table, colonne: str, ligne: int = LIGNE) -> str:
    """Where a column of a sheet is, computed from the catalogue alone."""
    saisies = [c.nom for c in table.colonnes if c.saisie is not None and not c.saisie.rubrique]
    return f"{column_letter(saisies.index(colonne))}{ligne}"


def of(tables: Sequence[Table], nom: str) -> Table:
    return next(table for table in tables if table.table == nom)


def bronze(catalogue: Catalogue, chemin: Path) -> dict[str, list[dict[str, Any]]]:
    """Rows of each bronze table."""
    declarees = [t for t in catalogue.tables() if (t.producteur, t.jeu.jeu) == JEU]
    lues = read_file(chemin, declarees, PROVENANCE, ())
    return {str(lue.table.table.table): lue.donnees.to_pylist() for lue in lues}


# --- the catalogue and the lists --------------------------------------------------------------------------


def test_every_closed_list_exists_and_every_list_is_used(
    tables: tuple[Table, ...], listes: dict[str, dict[str, str]]
) -> None:
    saisies = [c.saisie for table in tables for c in table.colonnes if c.saisie is not None]
    fermees = {s.liste for s in saisies if s.nature == "liste"}
    assert fermees <= set(listes)
    assert {s.liste for s in saisies if s.liste} == {*listes, "contrat", "qpv"}
    assert all(listes.values())


def test_statuses_of_the_form_are_statuses_of_the_warehouse(
    tables: tuple[Table, ...], listes: dict[str, dict[str, str]]
) -> None:
    assert tuple(listes["statut"]) == STATUTS
    for table in tables:
        (motif,) = (c.motif for c in table.colonnes if c.nom == "statut")
        assert motif == "|".join(STATUTS)


def test_proposed_ages_have_the_declared_form(
    tables: tuple[Table, ...], listes: dict[str, dict[str, str]]
) -> None:
    (motif,) = (c.motif for t in tables for c in t.colonnes if c.nom == "tranche_age")
    assert all(re.fullmatch(str(motif), code) for code in listes["tranche_age"])


def test_each_table_has_its_value_column(tables: tuple[Table, ...]) -> None:
    assert set(VALEURS) == {table.table for table in tables} == set(MODELES)
    for table in tables:
        assert VALEURS[str(table.table)] in {c.nom for c in table.colonnes}


# --- the template -----------------------------------------------------------------------------------------


def test_the_template_has_its_sheets_headings_and_drop_down_lists(
    tmp_path: Path, tables: tuple[Table, ...], listes: dict[str, dict[str, str]]
) -> None:
    territoires = {"contrat": {"CN05911M": "Lille"}, "qpv": {"QN05994I": "Secteur Est", "QN05901M": "Centre"}}
    chemin = write_workbook(tmp_path / "m.xlsx", tables, {**listes, **territoires}, fictif=False)
    classeur = openpyxl.load_workbook(chemin)
    feuilles = [str(table.lecture.feuille) for table in tables]
    assert classeur.sheetnames == ["Guide", "Identite", *feuilles, "Listes"]
    for table in tables:
        feuille = classeur[str(table.lecture.feuille)]
        intitules = [case.value for case in feuille[LIGNE - 1]]
        assert intitules == [c.intitule for c in table.colonnes if not c.saisie or not c.saisie.rubrique]
        sources = {v.formula1: v.sqref for v in feuille.data_validations.dataValidation if v.type == "list"}
        assert "liste_contrat" in sources
        case = cell(table, "statut")
        (plage,) = (p for source, p in sources.items() if source == "liste_statut")
        assert case in plage
    plage = classeur.defined_names["liste_qpv"].attr_text
    nom, _, cases = plage.replace("$", "").partition("!")
    assert [case.value for (case,) in classeur[nom][cases]] == ["QN05994I – Secteur Est", "QN05901M – Centre"]


def test_codes_and_periods_are_text_cells(
    tmp_path: Path, tables: tuple[Table, ...], listes: dict[str, dict[str, str]]
) -> None:
    """A spreadsheet makes a date of 2025-03 typed in a standard cell."""
    classeur = openpyxl.load_workbook(write_workbook(tmp_path / "m.xlsx", tables, listes, fictif=False))
    for table in tables:
        feuille = classeur[str(table.lecture.feuille)]
        colonnes = {c.nom for c in table.colonnes}
        # Neighbours of the same width and format share one entry.
        formats = {
            rang: dimension.number_format
            for dimension in feuille.column_dimensions.values()
            for rang in range(dimension.min, dimension.max + 1)
        }
        for nom in colonnes & {"periode", "code_qpv", "tranche_age"}:
            assert formats[feuille[cell(table, nom)].column] == "@", nom


def test_the_same_template_has_the_same_bytes(
    tmp_path: Path, tables: tuple[Table, ...], listes: dict[str, dict[str, str]]
) -> None:
    ecrits = [write_workbook(tmp_path / nom, tables, listes, fictif=False) for nom in ("a.xlsx", "b.xlsx")]
    assert ecrits[0].read_bytes() == ecrits[1].read_bytes()


@pytest.mark.parametrize("fictif", [True, False])
def test_the_banner_marks_every_sheet_of_the_fictional_region(
    tmp_path: Path, tables: tuple[Table, ...], listes: dict[str, dict[str, str]], fictif: bool
) -> None:
    classeur = openpyxl.load_workbook(write_workbook(tmp_path / "m.xlsx", tables, listes, fictif=fictif))
    for feuille in classeur.worksheets:
        if feuille.title != "Listes":
            haut = [case.value for rang in feuille.iter_rows(max_row=3) for case in rang]
            assert any(BANDEAU in str(valeur) for valeur in haut) is fictif, feuille.title
    write_folder(tmp_path / "csv", tables, listes, fictif=fictif)
    assert (BANDEAU in (tmp_path / "csv" / "guide.txt").read_text(encoding="utf-8-sig")) is fictif


def test_the_guide_explains_every_column_and_status(
    tmp_path: Path, tables: tuple[Table, ...], listes: dict[str, dict[str, str]]
) -> None:
    classeur = openpyxl.load_workbook(write_workbook(tmp_path / "m.xlsx", tables, listes, fictif=False))
    texte = "\n".join(str(case.value) for (case,) in classeur["Guide"].iter_rows(max_col=1))
    for table in tables:
        for colonne in table.colonnes:
            if colonne.saisie is not None and not colonne.saisie.rubrique:
                assert f"{colonne.intitule}" in texte
                assert colonne.description in texte
    assert all(f"{code} – " in texte for code in STATUTS)


def test_a_template_never_overwrites(
    tmp_path: Path, tables: tuple[Table, ...], listes: dict[str, dict[str, str]]
) -> None:
    chemin = tmp_path / "m.xlsx"
    chemin.write_bytes(b"rempli")
    with pytest.raises(FileExistsError, match="peut-être rempli"):
        write_workbook(chemin, tables, listes, fictif=False)
    assert chemin.read_bytes() == b"rempli"


# --- preparation from a release ---------------------------------------------------------------------------


def _release(requete: str) -> list[tuple[str, ...]]:
    if "pont_qpv_contrat" in requete:
        return [("CV192", "QP059001", "Centre"), ("CV200", "QP062001", "Est")]
    return [("CN05911M", "Lille", "2024"), ("CV192", "Béthune", "2015"), ("CV200", "Lens", "2015")]


def test_a_template_per_contract_lists_its_own_quarters(tmp_path: Path, tables: tuple[Table, ...]) -> None:
    faits = prepare(tmp_path, tables, DBT, contrats=["CV192", "CN05911M"], lire=_release, fictif=False)
    assert [chemin.name for chemin in faits.classeurs] == [
        "declaration_CV192.xlsx",
        "declaration_CN05911M.xlsx",
    ]
    assert faits.avertissements == (
        "CN05911M : la version courante ne lui rattache aucun quartier, liste vide",
    )
    lus = {
        dossier.name: (dossier / "listes.csv").read_text(encoding="utf-8-sig") for dossier in faits.dossiers
    }
    assert "qpv;QP059001;Centre" in lus["declaration_CV192_csv"]
    assert "QP062001" not in lus["declaration_CV192_csv"]
    assert "contrat;CV200" not in lus["declaration_CV192_csv"]
    assert "dispositif;CEJ;" in lus["declaration_CN05911M_csv"]


def test_without_contract_the_template_is_that_of_the_region() -> None:
    listes = territory_lists(_release)
    assert list(listes["contrat"]) == ["CN05911M", "CV192", "CV200"]
    assert list(listes["qpv"]) == ["QP059001", "QP062001"]


def test_without_release_the_lists_are_empty_and_it_is_said(
    tmp_path: Path, tables: tuple[Table, ...]
) -> None:
    faits = prepare(tmp_path, tables, DBT, contrats=["CN05911M"], lire=None, fictif=False)
    (avertissement,) = faits.avertissements
    assert "aucune version publiée" in avertissement
    classeur = openpyxl.load_workbook(faits.classeurs[0])
    assert "liste_qpv" not in classeur.defined_names
    assert "liste_dispositif" in classeur.defined_names


@pytest.mark.parametrize(
    ("contrats", "lire", "message"),
    [(["CN0"], None, "n'est pas un code de contrat"), (["CV999"], _release, "absent\\(s\\) de la version")],
)
def test_a_wrong_contract_writes_nothing(
    tmp_path: Path, tables: tuple[Table, ...], contrats: list[str], lire: Any, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        prepare(tmp_path / "m", tables, DBT, contrats=["CV192", *contrats], lire=lire, fictif=False)
    assert not (tmp_path / "m").exists()


# --- what is accepted -------------------------------------------------------------------------------------


def test_a_form_filled_on_every_sheet_is_sound_and_read_with_its_signature(
    catalogue: Catalogue, tables: tuple[Table, ...], ecrire: Ecrire
) -> None:
    chemin = ecrire({nom: [ligne] for nom, ligne in MODELES.items()})
    bilan = judge(chemin, tables)
    assert (bilan.erreurs, bilan.remarques) == ((), ())
    assert set(bilan.lignes.values()) == {1}
    lues = bronze(catalogue, chemin)
    for nom, lignes in lues.items():
        (ligne,) = lignes
        assert ligne["ligne"] == LIGNE
        assert (ligne["fichier"], ligne["empreinte_sha256"]) == ("declaration.xlsx", "a" * 64)
        assert (ligne["organisme"], ligne["saisi_le"]) == ("Métropole d'essai", "2026-03-01")
        assert ligne["auteur"] == IDENTITE["auteur"]
        attendue = {cle: valeur for cle, valeur in MODELES[nom].items() if isinstance(valeur, str)}
        assert {cle: ligne[cle] for cle in attendue} == attendue
    assert lues["beneficiaires"][0]["nombre__valeur"] == 41
    assert lues["actions"][0]["valeur__valeur"] == 37.5
    assert lues["actions"][0]["valeur"] == "37,5"
    assert lues["clauses"][0]["nombre__valeur"] == 1204.5
    assert lues["beneficiaires"][0]["seuil_secret__valeur"] is None


def test_sheets_left_blank_give_empty_tables(
    catalogue: Catalogue, tables: tuple[Table, ...], ecrire: Ecrire
) -> None:
    chemin = ecrire({"beneficiaires": [BENEFICIAIRE]})
    assert faults(chemin, tables) == []
    lues = bronze(catalogue, chemin)
    assert {nom: len(lignes) for nom, lignes in lues.items()} == {
        "beneficiaires": 1,
        "actions": 0,
        "gouvernance": 0,
        "clauses": 0,
    }


def test_a_code_may_be_followed_by_its_label(
    catalogue: Catalogue, tables: tuple[Table, ...], ecrire: Ecrire
) -> None:
    ligne = {
        **BENEFICIAIRE,
        "code_contrat": "CN05911M – Lille – centre",
        "code_dispositif": "CEJ – Contrat d'engagement jeune",
        "population": "qpv – habitants des quartiers prioritaires",
    }
    chemin = ecrire({"beneficiaires": [ligne]})
    assert faults(chemin, tables) == []
    (lue,) = bronze(catalogue, chemin)["beneficiaires"]
    assert (lue["code_contrat"], lue["code_dispositif"], lue["population"]) == ("CN05911M", "CEJ", "qpv")


@pytest.mark.parametrize("periode", ["2025", "2025-12", "2025-T4"])
def test_forms_of_a_period(tables: tuple[Table, ...], ecrire: Ecrire, periode: str) -> None:
    assert faults(ecrire({"beneficiaires": [{**BENEFICIAIRE, "periode": periode}]}), tables) == []


def test_first_days_and_days() -> None:
    assert [first_day(p) for p in ("2025", "2025-03", "2025-T1", "2025-T4")] == [
        date(2025, 1, 1),
        date(2025, 3, 1),
        date(2025, 1, 1),
        date(2025, 10, 1),
    ]
    assert parse_day("31/12/2025") == parse_day(" 2025-12-31 ") == date(2025, 12, 31)
    assert [parse_day(t) for t in ("31/02/2025", "2025", "12/31/2025", "")] == [None] * 4


def test_zero_is_a_value_and_an_unknown_is_a_status(
    catalogue: Catalogue, tables: tuple[Table, ...], ecrire: Ecrire
) -> None:
    inconnu = {k: v for k, v in BENEFICIAIRE.items() if k != "nombre"}
    inconnu |= {"sexe": "F", "statut": "NC", "motif": "la résidence n'est pas relevée"}
    chemin = ecrire({"beneficiaires": [{**BENEFICIAIRE, "nombre": 0}, inconnu]})
    assert faults(chemin, tables) == []
    zero, absent = bronze(catalogue, chemin)["beneficiaires"]
    assert (zero["nombre__valeur"], absent["nombre__valeur"]) == (0, None)


def test_blank_rows_between_statements_are_skipped(
    catalogue: Catalogue, tables: tuple[Table, ...], ecrire: Ecrire
) -> None:
    chemin = ecrire({"beneficiaires": [BENEFICIAIRE, {}, {**BENEFICIAIRE, "sexe": "F"}]})
    assert faults(chemin, tables) == []
    assert [ligne["ligne"] for ligne in bronze(catalogue, chemin)["beneficiaires"]] == [4, 6]


def test_a_line_added_above_the_headings_does_no_harm(
    catalogue: Catalogue, tables: tuple[Table, ...], ecrire: Ecrire
) -> None:
    chemin = ecrire({"beneficiaires": [BENEFICIAIRE]})
    classeur = openpyxl.load_workbook(chemin)
    classeur["Beneficiaires"].insert_rows(1)
    classeur.save(chemin)
    assert faults(chemin, tables) == []
    assert [ligne["ligne"] for ligne in bronze(catalogue, chemin)["beneficiaires"]] == [LIGNE + 1]


# --- what is refused, and where ---------------------------------------------------------------------------

INCONNU = {"nombre": "", "statut": "ND", "motif": "non transmis"}


@pytest.mark.parametrize(
    ("nom", "ecart", "colonne", "constat"),
    [
        ("beneficiaires", {"nombre": "12a"}, "nombre", "« 12a » n'est pas un nombre entier"),
        ("beneficiaires", {"nombre": 12.5}, "nombre", "« 12,5 » n'est pas un nombre entier"),
        ("beneficiaires", {"nombre": -3}, "nombre", "« -3 » est trop petit ; attendu : 0 au moins"),
        ("beneficiaires", {"nombre": ""}, "nombre", "ni valeur ni statut : une case vide n'est pas un zéro"),
        ("beneficiaires", {"statut": "ND", "motif": "x"}, "statut", "une valeur (« 41 ») et un statut (ND)"),
        ("beneficiaires", {**INCONNU, "motif": ""}, "motif", "le statut ND n'est pas expliqué"),
        ("beneficiaires", {"motif": "x"}, "motif", "une explication sans statut"),
        ("beneficiaires", {**INCONNU, "statut": "OK"}, "statut", "n'est pas dans la liste"),
        ("beneficiaires", {"code_contrat": ""}, "code_contrat", "case vide"),
        ("beneficiaires", {"code_contrat": "CN5911M"}, "code_contrat", "n'est pas un code de cette colonne"),
        ("beneficiaires", {"code_qpv": "QN059"}, "code_qpv", "n'est pas un code de cette colonne"),
        ("beneficiaires", {"code_dispositif": "CEJJ"}, "code_dispositif", "n'est pas dans la liste"),
        ("beneficiaires", {"code_dispositif": "cej"}, "code_dispositif", "attendu : CEJ"),
        ("beneficiaires", {"population": "QPV"}, "population", "attendu : qpv"),
        ("beneficiaires", {"periode": "2025-13"}, "periode", "« 2025-13 » n'est pas une période"),
        ("beneficiaires", {"periode": "T1 2025"}, "periode", "n'est pas une période"),
        ("beneficiaires", {"periode": "1999"}, "periode", "trop ancien"),
        ("beneficiaires", {"periode": "2026-04"}, "periode", "commence après la date de saisie (01/03/2026)"),
        ("beneficiaires", {"motif_sortie": "emploi"}, "motif_sortie", "un motif de sortie pour des entrees"),
        (
            "beneficiaires",
            {"code_qpv": "QN05994I", "population": "total"},
            "population",
            "la population « total » d'un quartier",
        ),
        ("beneficiaires", {"source": "=1+1"}, "source", "commence par un signe"),
        ("beneficiaires", {"source": "+ voir annexe"}, "source", "commence par un signe"),
        ("beneficiaires", {"remarque": "- voir"}, "remarque", "commence par un signe"),
        ("beneficiaires", {"remarque": "@service"}, "remarque", "commence par un signe"),
        ("beneficiaires", {"remarque": "écrire à x.y@ville.fr"}, "remarque", "un courriel ou un numéro"),
        ("beneficiaires", {"remarque": "joindre le 03 20 00 00 00"}, "remarque", "un courriel ou un numéro"),
        ("actions", {"indicateur": ""}, "indicateur", "case vide"),
        ("actions", {"valeur": "beaucoup"}, "valeur", "« beaucoup » n'est pas un nombre"),
        ("actions", {"valeur": ""}, "valeur", "ni valeur ni statut"),
        ("actions", {"cible": "12.5"}, "cible", "« 12.5 » n'est pas un nombre ; attendu : un nombre, avec"),
        ("gouvernance", {"constat": ""}, "constat", "ni valeur ni statut"),
        ("gouvernance", {"constat_le": date(2026, 3, 3)}, "constat_le", "03/03/2026 est dans le futur"),
        ("gouvernance", {"constat_le": "hier"}, "constat_le", "« hier » n'est pas un jour"),
        ("gouvernance", {"code_question": "Q99"}, "code_question", "n'est pas dans la liste"),
        ("clauses", {"nombre": -1}, "nombre", "trop petit"),
        ("clauses", {"mesure": "beneficiaires", "nombre": 3.5}, "nombre", "des personnes à virgule"),
        ("clauses", {"duree_contrat": "3 ans"}, "duree_contrat", "n'est pas dans la liste"),
    ],
)
def test_a_faulty_cell_is_named(
    tables: tuple[Table, ...],
    ecrire: Ecrire,
    nom: str,
    ecart: dict[str, Any],
    colonne: str,
    constat: str,
) -> None:
    table = of(tables, nom)
    (faute,) = faults(ecrire({nom: [{**MODELES[nom], **ecart}]}), tables)
    assert faute.startswith(f"{table.lecture.feuille}!{cell(table, colonne)} : ")
    assert constat in faute
    assert " ; attendu : " in faute
    assert " ; à faire : " in faute


@pytest.mark.parametrize(
    ("colonne", "valeur", "constat"),
    [
        ("nombre", "=40+1", "« =40+1 » est une formule"),
        ("nombre", True, "n'est ni un texte ni un nombre"),
        ("nombre", date(2025, 3, 1), "« 2025-03-01 » n'est pas un nombre entier"),
        ("periode", date(2025, 3, 1), "le tableur a fait une date de période : 2025-03-01"),
        ("source", "#N/A", "n'est ni un texte ni un nombre"),
    ],
)
def test_a_cell_that_is_not_a_plain_value_is_refused(
    tables: tuple[Table, ...], ecrire: Ecrire, colonne: str, valeur: Any, constat: str
) -> None:
    case = cell(of(tables, "beneficiaires"), colonne)
    chemin = ecrire({"beneficiaires": [BENEFICIAIRE]}, brut={("Beneficiaires", case): valeur})
    (faute,) = faults(chemin, tables)
    assert faute.startswith(f"Beneficiaires!{case} : ")
    assert constat in faute


def test_a_percent_cell_is_refused_since_it_holds_a_hundredth(
    tables: tuple[Table, ...], ecrire: Ecrire
) -> None:
    chemin = ecrire({"actions": [ACTION]})
    classeur = openpyxl.load_workbook(chemin)
    case = classeur["Actions"][cell(of(tables, "actions"), "valeur")]
    case.value, case.number_format = 0.45, "0%"
    classeur.save(chemin)
    (faute,) = faults(chemin, tables)
    assert "format pourcentage" in faute


@pytest.mark.parametrize(
    ("ecart", "lieu", "constat"),
    [
        ({"auteur": ""}, "Identite!B4", "Auteur de la saisie : case vide"),
        ({"organisme": ""}, "Identite!B5", "Organisme : case vide"),
        ({"contact_fonction": "a.b@ville.fr"}, "Identite!B6", "un courriel"),
        ({"saisi_le": date(2026, 3, 3)}, "Identite!B7", "03/03/2026 est dans le futur"),
        ({"saisi_le": "mars"}, "Identite!B7", "« mars » n'est pas un jour"),
        ({"seuil_secret": 2.5}, "Identite!B8", "n'est pas un nombre entier"),
    ],
)
def test_a_declaration_is_signed_and_dated(
    tables: tuple[Table, ...], ecrire: Ecrire, ecart: dict[str, Any], lieu: str, constat: str
) -> None:
    (faute,) = faults(ecrire({"actions": [ACTION]}, identite={**IDENTITE, **ecart}), tables)
    assert faute.startswith(f"{lieu} : ")
    assert constat in faute


def test_an_entry_of_today_is_accepted(tables: tuple[Table, ...], ecrire: Ecrire) -> None:
    assert faults(ecrire({"actions": [ACTION]}, identite={**IDENTITE, "saisi_le": AUJOURDHUI}), tables) == []


def test_the_day_is_that_of_a_french_calendar() -> None:
    assert day_in_france(datetime(2026, 3, 1, 23, 30, tzinfo=UTC)) == date(2026, 3, 2)
    assert day_in_france(datetime(2026, 3, 1, 12, 0, tzinfo=UTC)) == date(2026, 3, 1)


@pytest.mark.parametrize(("nombre", "refuse"), [(0, False), (1, True), (4, True), (5, False)])
def test_no_count_under_the_threshold_of_the_organism(
    tables: tuple[Table, ...], ecrire: Ecrire, nombre: int, refuse: bool
) -> None:
    chemin = ecrire(
        {"beneficiaires": [{**BENEFICIAIRE, "nombre": nombre}]}, identite={**IDENTITE, "seuil_secret": 5}
    )
    trouvees = faults(chemin, tables)
    assert bool(trouvees) is refuse
    if refuse:
        assert "sous le seuil de secret de l'organisme (5)" in trouvees[0]
        assert f"« {nombre} »" not in trouvees[0]


def test_the_threshold_is_not_for_hours(tables: tuple[Table, ...], ecrire: Ecrire) -> None:
    chemin = ecrire({"clauses": [{**CLAUSE, "nombre": 3}]}, identite={**IDENTITE, "seuil_secret": 5})
    assert faults(chemin, tables) == []


def test_a_statement_made_twice_is_refused_where_it_comes_again(
    tables: tuple[Table, ...], ecrire: Ecrire
) -> None:
    lignes = [BENEFICIAIRE, {**BENEFICIAIRE, "sexe": "F"}, {**BENEFICIAIRE, "nombre": 12}]
    (faute,) = faults(ecrire({"beneficiaires": lignes}), tables)
    assert faute.startswith("Beneficiaires!A6 : même énoncé que la ligne 4")


def test_texts_that_differ_by_case_or_spaces_are_the_same_statement(
    tables: tuple[Table, ...], ecrire: Ecrire
) -> None:
    lignes = [ACTION, {**ACTION, "action": "Permanences ", "enjeu": "emploi  des jeunes"}]
    (faute,) = faults(ecrire({"actions": lignes}), tables)
    assert "même énoncé que la ligne 4" in faute


def test_every_fault_is_given_at_once(tables: tuple[Table, ...], ecrire: Ecrire) -> None:
    chemin = ecrire(
        {
            "beneficiaires": [
                {**BENEFICIAIRE, "nombre": "x", "periode": "y"},
                {**BENEFICIAIRE, "nombre": ""},
            ],
            "gouvernance": [{**CONSTAT, "theme": "z"}],
        },
        identite={},
    )
    lieux = [erreur.lieu for erreur in judge(chemin, tables).erreurs]
    beneficiaires, gouvernance = of(tables, "beneficiaires"), of(tables, "gouvernance")
    assert lieux == [
        *(f"Identite!B{ligne}" for ligne in (4, 5, 6, 7)),
        f"Beneficiaires!{cell(beneficiaires, 'periode')}",
        f"Beneficiaires!{cell(beneficiaires, 'nombre')}",
        f"Beneficiaires!{cell(beneficiaires, 'nombre', LIGNE + 1)}",
        f"Gouvernance!{cell(gouvernance, 'theme')}",
    ]


def test_a_form_without_a_statement_is_refused(tables: tuple[Table, ...], ecrire: Ecrire) -> None:
    (faute,) = faults(ecrire({}), tables)
    assert "aucune ligne saisie" in faute


def test_a_removed_column_and_a_copied_one_are_said(tables: tuple[Table, ...], ecrire: Ecrire) -> None:
    remarque = cell(of(tables, "beneficiaires"), "remarque", LIGNE - 1)
    sexe = cell(of(tables, "beneficiaires"), "sexe", LIGNE - 1)
    chemin = ecrire(
        {"beneficiaires": [BENEFICIAIRE]},
        brut={("Beneficiaires", remarque): "Source", ("Beneficiaires", sexe): None},
    )
    assert {faute.partition(" ; ")[0] for faute in faults(chemin, tables)} == {
        "Beneficiaires, ligne 3 : colonne « Sexe » absente",
        "Beneficiaires, ligne 3 : deux colonnes « Source »",
    }


def test_rows_without_headings_are_refused(tables: tuple[Table, ...], ecrire: Ecrire) -> None:
    chemin = ecrire({"beneficiaires": [BENEFICIAIRE]})
    classeur = openpyxl.load_workbook(chemin)
    classeur["Beneficiaires"].delete_rows(1, LIGNE - 1)
    classeur.save(chemin)
    (faute,) = faults(chemin, tables)
    assert faute.startswith("Beneficiaires, ligne 1 : aucune ligne d'intitulés")


def test_a_form_without_identity_is_refused(tables: tuple[Table, ...], ecrire: Ecrire) -> None:
    chemin = ecrire({"beneficiaires": [BENEFICIAIRE]})
    classeur = openpyxl.load_workbook(chemin)
    del classeur["Identite"]
    classeur.save(chemin)
    (faute,) = faults(chemin, tables)
    assert faute.startswith("Identite : feuille absente")


def test_what_is_not_read_is_said(catalogue: Catalogue, tables: tuple[Table, ...], ecrire: Ecrire) -> None:
    chemin = ecrire({"beneficiaires": [BENEFICIAIRE]})
    classeur = openpyxl.load_workbook(chemin)
    classeur.create_sheet("Brouillon")["B2"] = "calcul"
    classeur.create_sheet("Vide")
    feuille = classeur["Beneficiaires"]
    feuille.cell(LIGNE - 1, feuille.max_column + 1, "Mon suivi")
    feuille.cell(LIGNE, feuille.max_column + 1, "perdu")
    classeur.save(chemin)
    bilan = judge(chemin, tables)
    assert bilan.erreurs == ()
    assert bilan.remarques == (
        "Beneficiaires!O3 : colonne « Mon suivi » en plus : elle n'est pas lue",
        "Beneficiaires!P4 : contenu d'une colonne sans intitulé : il n'est pas lu",
        "feuille « Brouillon » en plus : elle n'est pas lue",
    )
    assert "Mon suivi" not in bronze(catalogue, chemin)["beneficiaires"][0]


def test_a_refusal_lists_every_cell_and_caps_their_number(tables: tuple[Table, ...], ecrire: Ecrire) -> None:
    chemin = ecrire({"beneficiaires": [{**BENEFICIAIRE, "nombre": "x"}] * (MAX_ERREURS + 10)})
    with pytest.raises(RefusedFile) as refus:
        require_sound(chemin, tables, closed_lists(DBT), provenance=PROVENANCE, aujourdhui=AUJOURDHUI)
    # Each row is faulty, and repeats the first one but for itself.
    total = 2 * (MAX_ERREURS + 10) - 1
    assert refus.value.raison.startswith(f"{total} erreur(s) de saisie : Beneficiaires!J4 : « x »")
    assert refus.value.raison.endswith(f"et {total - 3} autre(s)")
    assert len(refus.value.details) == MAX_ERREURS + 1
    assert refus.value.details[-1] == f"et {total - MAX_ERREURS} autre(s) erreur(s)"
    assert capped(["a"]) == ["a"]


# --- CSV --------------------------------------------------------------------------------------------------


@pytest.fixture
def dossier(tmp_path: Path, tables: tuple[Table, ...], listes: dict[str, dict[str, str]]) -> Path:
    """The CSV of the template, the identity and one row of beneficiaries filled, as Excel saves them."""
    dossier = tmp_path / "csv"
    write_folder(dossier, tables, listes, fictif=False)
    identite = dossier / "identite.csv"
    valeurs = ["service", "Métropole d'essai", "cheffe de projet", "01/03/2026", "5"]
    lignes = identite.read_text(encoding="utf-8-sig").splitlines()
    remplies = [lignes[0], *(ligne + valeur for ligne, valeur in zip(lignes[1:], valeurs, strict=True))]
    identite.write_text("\r\n".join(remplies) + "\r\n", encoding="utf-8-sig", newline="")
    append(dossier, tables, BENEFICIAIRE)
    return dossier


def append(dossier: Path, tables: Sequence[Table], ligne: Mapping[str, Any]) -> None:
    saisies = [c for c in of(tables, "beneficiaires").colonnes if c.saisie and not c.saisie.rubrique]
    tampon = io.StringIO()
    csv.writer(tampon, delimiter=";").writerow([ligne.get(c.nom, "") for c in saisies])
    with (dossier / "beneficiaires.csv").open("ab") as flux:
        flux.write(tampon.getvalue().encode())


def zipped(dossier: Path) -> Path:
    chemin = dossier.parent / "declaration.zip"
    with zipfile.ZipFile(chemin, "w") as archive:
        for membre in sorted(dossier.iterdir()):
            archive.write(membre, f"{dossier.name}/{membre.name}")
    return chemin


def test_the_csv_say_the_same_as_the_workbook(
    catalogue: Catalogue, tables: tuple[Table, ...], dossier: Path, ecrire: Ecrire
) -> None:
    archive = zipped(dossier)
    check_bytes(archive, "formulaire", refuse=refusal_for(*JEU, "2026-03-01", archive.name))
    assert faults(archive, tables) == faults(dossier, tables) == []
    (du_csv,) = bronze(catalogue, archive)["beneficiaires"]
    (du_classeur,) = bronze(catalogue, ecrire({"beneficiaires": [BENEFICIAIRE]}))["beneficiaires"]
    assert (du_csv["ligne"], du_csv["saisi_le"], du_csv["seuil_secret__valeur"]) == (2, "01/03/2026", 5)
    propres = ("ligne", "saisi_le", "auteur", "seuil_secret", "seuil_secret__valeur")
    assert {k: v for k, v in du_csv.items() if k not in propres} == {
        k: v for k, v in du_classeur.items() if k not in propres
    }


def test_a_faulty_cell_of_a_csv_is_named_by_file_column_and_line(
    tables: tuple[Table, ...], dossier: Path
) -> None:
    append(dossier, tables, {**BENEFICIAIRE, "sexe": "F", "remarque": "sur\ndeux lignes"})
    append(dossier, tables, {**BENEFICIAIRE, "sexe": "H", "nombre": "12a"})
    (faute,) = faults(dossier, tables)
    assert faute.startswith(
        "beneficiaires.csv!Nombre de personnes, ligne 5 : « 12a » n'est pas un nombre entier"
    )


def test_missing_csv_are_sheets_left_blank(tables: tuple[Table, ...], dossier: Path) -> None:
    for nom in ("actions.csv", "clauses.csv", "gouvernance.csv", "listes.csv", "guide.txt"):
        (dossier / nom).unlink()
    assert faults(dossier, tables) == []


@pytest.mark.parametrize(
    ("octets", "raison"),
    [
        ("Thème;Été\n".encode("cp1252"), "n'est pas du utf-8"),
        (b'a;"b\n', "guillemets mal ferm"),
    ],
)
def test_an_unreadable_csv_is_refused(
    tables: tuple[Table, ...], dossier: Path, octets: bytes, raison: str
) -> None:
    (dossier / "gouvernance.csv").write_bytes(octets)
    with pytest.raises(RefusedFile, match=raison) as refus:
        judge(dossier, tables)
    assert refus.value.fichier == "declaration.xlsx!gouvernance.csv"


# --- files that are not forms -----------------------------------------------------------------------------


def test_an_archive_without_csv_is_refused(tmp_path: Path, tables: tuple[Table, ...]) -> None:
    chemin = tmp_path / "a.zip"
    with zipfile.ZipFile(chemin, "w") as archive:
        archive.writestr("lisezmoi.txt", "rien")
    with pytest.raises(RefusedFile, match="aucun fichier CSV"):
        judge(chemin, tables)


@pytest.mark.parametrize("octets", [b"pas une archive", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600])
def test_other_bytes_are_refused(tmp_path: Path, tables: tuple[Table, ...], octets: bytes) -> None:
    chemin = tmp_path / "a.xlsx"
    chemin.write_bytes(octets)
    refuse = refusal_for(*JEU, "2026-03-01", chemin.name)
    with pytest.raises(RefusedFile, match="ni un classeur XLSX ni une archive ZIP"):
        check_bytes(chemin, "formulaire", refuse=refuse)
    with pytest.raises(RefusedFile, match="ni un classeur XLSX ni une archive"):
        judge(chemin, tables)


def test_a_damaged_workbook_is_refused(tables: tuple[Table, ...], ecrire: Ecrire, tmp_path: Path) -> None:
    origine = ecrire({"beneficiaires": [BENEFICIAIRE]})
    abime = tmp_path / "abime.xlsx"
    with zipfile.ZipFile(origine) as source, zipfile.ZipFile(abime, "w") as cible:
        for nom in source.namelist():
            contenu = source.read(nom)
            cible.writestr(nom, contenu[: len(contenu) // 2] if nom.endswith("sheet3.xml") else contenu)
    with pytest.raises(RefusedFile, match="ni un classeur XLSX ni une archive ZIP lisible"):
        judge(abime, tables)


def test_two_sheets_of_one_name_are_refused(tables: tuple[Table, ...], ecrire: Ecrire) -> None:
    chemin = ecrire({"beneficiaires": [BENEFICIAIRE]})
    classeur = openpyxl.load_workbook(chemin)
    classeur.create_sheet("Bénéficiaires")["A1"] = "x"
    classeur.save(chemin)
    with pytest.raises(RefusedFile, match="sont la même feuille"):
        judge(chemin, tables)


def test_letters_of_columns() -> None:
    assert [column_letter(rang) for rang in (0, 25, 26, 51, 52, 701, 702)] == [
        *("A", "Z", "AA", "AZ", "BA", "ZZ", "AAA")
    ]


def test_bronze_tables_of_the_form_have_the_columns_of_an_empty_one(
    catalogue: Catalogue, ecrire: Ecrire
) -> None:
    """A dataset without file and a sheet left blank must look alike to the models."""
    from qpv_emploi.lecture.vide import empty_table

    declarees: list[BronzeTable] = [t for t in catalogue.tables() if (t.producteur, t.jeu.jeu) == JEU]
    lues = read_file(ecrire({"actions": [ACTION]}), declarees, PROVENANCE, ())
    for declaree, lue in zip(declarees, lues, strict=True):
        attendues = [c for c in empty_table(declaree).schema if c.name != "correction"]
        assert [(c.name, c.type) for c in lue.donnees.schema] == [(c.name, c.type) for c in attendues]
