"""The dictionary of the domain: the seeds parse, hold together and cover the real files, if they are here."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from python_calamine import CalamineWorkbook

from qpv_emploi.catalogue import FileSpec, SourceVariable, Table, load_catalogue
from qpv_emploi.declarations.listes import closed_lists

PROJET = Path(__file__).resolve().parents[2]
DBT = PROJET / "dbt_project"
SEEDS = DBT / "seeds"
NOMS = sorted(chemin.stem for chemin in SEEDS.glob("*.csv"))
ANNEES = [str(annee) for annee in range(2014, 2031)]

Ligne = dict[str, str]

CLES: dict[str, tuple[str, ...]] = {
    "acteur": ("code",),
    "base_legale_dispositif": ("code_dispositif",),
    "base_parite": ("code",),
    "bloc_source": ("producteur", "jeu", "bloc"),
    "cible": ("code",),
    "cible_observation": ("code_cible", "code_fait"),
    "comparateur": ("code",),
    "compte_attendu": ("relation", "colonnes", "valeur", "code_region"),
    "connaissance_dispositif": ("code_dispositif",),
    "dispositif": ("code",),
    "evenement_territoire": ("code",),
    "fait_documentaire": ("id",),
    "filiation_dispositif": ("code_avant", "code_apres", "nature"),
    "generation_contrat": ("generation",),
    "generation_qpv": ("generation",),
    "geographie_source": ("producteur", "jeu"),
    "groupe_contradiction": ("code",),
    "indicateur": ("code",),
    "indicateur_attendu": ("code_indicateur",),
    "indicateur_contexte": ("code_indicateur",),
    "indicateur_fiche": ("code_indicateur", "cle_ventilation"),
    "indicateur_non_compare": ("code_indicateur", "non_compare_avec"),
    "indicateur_rapport": ("code_rapport",),
    "observation_dispositif": ("code_indicateur", "cle_ventilation"),
    "ouverture_dispositif": ("code_dispositif", "type_territoire", "code_territoire", "generation", "debut"),
    "part_parite": ("code",),
    "question_evaluative": ("code",),
    "region": ("code_region",),
    "regle_periode": ("producteur", "jeu", "bloc", "code_variable", "millesime_du"),
    "reserve_fiche": ("code",),
    "rupture_serie": ("motif_indicateur", "rupture_le"),
    "serie_source": ("producteur", "jeu"),
    "taux_source": ("producteur", "jeu", "code_variable"),
    "variable_ecartee": ("producteur", "jeu", "motif_variable"),
    "serie_poem": ("code_serie",),
    "signe_source": ("signe",),
    "statut": ("code",),
    "territoire_cite": ("territoire_cite",),
    "territoire_alias": ("type_territoire", "code_alias"),
    "type_territoire": ("type_territoire",),
    "variable_source": ("producteur", "jeu", "code_variable"),
    "ventilation": ("cle_ventilation",),
}

# (seed, columns) -> (seed, columns); a field may hold several values joined by « | ».
ETRANGERES: list[tuple[str, tuple[str, ...], str, tuple[str, ...]]] = [
    ("variable_source", ("code_indicateur",), "indicateur", ("code",)),
    ("variable_source", ("producteur", "jeu", "bloc"), "bloc_source", ("producteur", "jeu", "bloc")),
    (
        "variable_source",
        ("producteur", "jeu", "sans_objet_si_zero"),
        "variable_source",
        ("producteur", "jeu", "code_variable"),
    ),
    ("regle_periode", ("producteur", "jeu", "bloc"), "bloc_source", ("producteur", "jeu", "bloc")),
    (
        "regle_periode",
        ("producteur", "jeu", "bloc", "code_variable"),
        "variable_source",
        ("producteur", "jeu", "bloc", "code_variable"),
    ),
    ("signe_source", ("code_statut",), "statut", ("code",)),
    ("serie_source", ("code_indicateur",), "indicateur", ("code",)),
    ("serie_source", ("producteur", "jeu", "bloc"), "bloc_source", ("producteur", "jeu", "bloc")),
    ("taux_source", ("code_indicateur",), "indicateur", ("code",)),
    ("taux_source", ("cle_ventilation",), "ventilation", ("cle_ventilation",)),
    (
        "taux_source",
        ("producteur", "jeu", "bloc", "variable_numerateur"),
        "variable_source",
        ("producteur", "jeu", "bloc", "code_variable"),
    ),
    (
        "taux_source",
        ("producteur", "jeu", "bloc", "variable_denominateur"),
        "variable_source",
        ("producteur", "jeu", "bloc", "code_variable"),
    ),
    ("indicateur_non_compare", ("code_indicateur",), "indicateur", ("code",)),
    ("indicateur_non_compare", ("non_compare_avec",), "indicateur", ("code",)),
    ("evenement_territoire", ("type_territoire",), "type_territoire", ("type_territoire",)),
    ("cible", ("dispositif",), "dispositif", ("code",)),
    ("cible", ("comparateur",), "comparateur", ("code",)),
    ("comparateur", ("type_territoire",), "type_territoire", ("type_territoire",)),
    ("fait_documentaire", ("comparateur",), "comparateur", ("code",)),
    ("territoire_alias", ("type_territoire",), "type_territoire", ("type_territoire",)),
    ("cible", ("indicateur",), "indicateur", ("code",)),
    ("cible", ("generation_contrat",), "generation_contrat", ("generation",)),
    ("fait_documentaire", ("indicateur",), "indicateur", ("code",)),
    ("cible", ("code_base_parite",), "base_parite", ("code",)),
    ("cible", ("groupe_contradiction",), "groupe_contradiction", ("code",)),
    ("cible", ("cible_liee",), "cible", ("code",)),
    ("cible", ("territoire",), "territoire_cite", ("territoire_cite",)),
    ("fait_documentaire", ("groupe_contradiction",), "groupe_contradiction", ("code",)),
    ("fait_documentaire", ("territoire",), "territoire_cite", ("territoire_cite",)),
    ("cible_observation", ("code_cible",), "cible", ("code",)),
    ("cible_observation", ("code_fait",), "fait_documentaire", ("id",)),
    ("cible_observation", ("code_fait_base",), "fait_documentaire", ("id",)),
    ("part_parite", ("code_base_parite",), "base_parite", ("code",)),
    ("connaissance_dispositif", ("code_dispositif",), "dispositif", ("code",)),
    ("connaissance_dispositif", ("code_base_parite",), "base_parite", ("code",)),
    ("filiation_dispositif", ("code_avant",), "dispositif", ("code",)),
    ("filiation_dispositif", ("code_apres",), "dispositif", ("code",)),
    ("serie_poem", ("code_dispositif",), "dispositif", ("code",)),
    ("observation_dispositif", ("code_indicateur",), "indicateur", ("code",)),
    ("observation_dispositif", ("code_dispositif",), "dispositif", ("code",)),
    ("ouverture_dispositif", ("code_dispositif",), "dispositif", ("code",)),
    ("indicateur_rapport", ("code_rapport",), "indicateur", ("code",)),
    ("indicateur_attendu", ("code_indicateur",), "indicateur", ("code",)),
    ("indicateur_attendu", ("code_statut",), "statut", ("code",)),
    ("indicateur_contexte", ("code_indicateur",), "indicateur", ("code",)),
    ("indicateur_fiche", ("code_indicateur",), "indicateur", ("code",)),
    ("indicateur_fiche", ("cle_ventilation",), "ventilation", ("cle_ventilation",)),
    ("indicateur_fiche", ("code_comparateur",), "comparateur", ("code",)),
    ("indicateur_rapport", ("code_mesure",), "indicateur", ("code",)),
    ("acteur", ("predecesseur",), "acteur", ("code",)),
    ("dispositif", ("predecesseur",), "dispositif", ("code",)),
    ("dispositif", ("successeur",), "dispositif", ("code",)),
]


def _boolean(texte: str) -> bool:
    return {"true": True, "false": False}[texte]


LECTEURS: dict[str, Callable[[str], object]] = {
    "varchar": str,
    "integer": int,
    "double precision": float,
    "boolean": _boolean,
    "date": date.fromisoformat,
}


@cache
def rows(seed: str) -> tuple[Ligne, ...]:
    with (SEEDS / f"{seed}.csv").open(encoding="utf-8", newline="") as flux:
        return tuple(csv.DictReader(flux, delimiter=";", strict=True))


@cache
def described() -> dict[str, dict[str, Any]]:
    contenu = yaml.safe_load((SEEDS / "_seeds.yml").read_text(encoding="utf-8"))
    return {seed["name"]: seed for seed in contenu["seeds"]}


@cache
def variables() -> tuple[SourceVariable, ...]:
    return load_catalogue(DBT).variables


def matching_rules(variable: SourceVariable, millesime: str) -> list[Ligne]:
    """The period rules of a variable in a vintage, whether they name it or its block."""
    return [
        regle
        for regle in rows("regle_periode")
        if (regle["producteur"], regle["jeu"], regle["bloc"])
        == (variable.producteur, variable.jeu, variable.bloc)
        and regle["code_variable"] in ("", variable.code_variable)
        and (regle["millesime_du"] or "0000") <= millesime <= (regle["millesime_au"] or "9999")
    ]


def test_every_seed_has_a_key_and_a_description() -> None:
    assert set(CLES) == set(NOMS) == set(described())


@pytest.mark.parametrize("seed", NOMS)
def test_seed_is_clean_text(seed: str) -> None:
    octets = (SEEDS / f"{seed}.csv").read_bytes()
    assert not octets.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in octets
    assert octets.endswith(b"\n")
    assert rows(seed)
    # A row too short or too long shows as a None value or a None key.
    assert not [ligne for ligne in rows(seed) if None in ligne or None in ligne.values()]
    assert not [v for ligne in rows(seed) for v in ligne.values() if v != v.strip()]


@pytest.mark.parametrize("seed", NOMS)
def test_key_is_unique(seed: str) -> None:
    comptes = Counter(tuple(ligne[colonne] for colonne in CLES[seed]) for ligne in rows(seed))
    assert not [cle for cle, nombre in comptes.items() if nombre > 1]


@pytest.mark.parametrize("seed", NOMS)
def test_columns_are_described_and_typed(seed: str) -> None:
    entete = list(rows(seed)[0])
    declaration = described()[seed]
    assert declaration["description"]
    assert declaration["config"]["delimiter"] == ";"
    assert [colonne["name"] for colonne in declaration["columns"]] == entete
    assert all(colonne["description"].strip() for colonne in declaration["columns"])
    types = declaration["config"]["column_types"]
    assert list(types) == entete
    fautes = []
    for ligne in rows(seed):
        for colonne, texte in ligne.items():
            try:
                if texte:
                    LECTEURS[types[colonne]](texte)
            except (KeyError, ValueError):
                fautes.append((colonne, texte))
    assert not fautes


@pytest.mark.parametrize(("seed", "colonnes", "cible", "cle"), ETRANGERES)
def test_foreign_key_holds(seed: str, colonnes: tuple[str, ...], cible: str, cle: tuple[str, ...]) -> None:
    connus = {tuple(ligne[colonne] for colonne in cle) for ligne in rows(cible)}
    *prefixe, derniere = colonnes
    orphelins = [
        (ligne[derniere], valeur)
        for ligne in rows(seed)
        if ligne[derniere]
        for valeur in ligne[derniere].split("|")
        if (*(ligne[colonne] for colonne in prefixe), valeur) not in connus
    ]
    assert not orphelins


def test_every_variable_points_to_a_breakdown() -> None:
    # A crossed key holds « | » itself: it is one value.
    connues = {ligne["cle_ventilation"] for ligne in rows("ventilation")}
    utilisees = {variable.cle_ventilation for variable in variables()}
    # The rows of the communal file say their sex and age themselves (int_observation__ligne).
    ages, sexes = ("AGE=M25", "AGE=25_49", "AGE=50_PLUS"), ("SEXE=F", "SEXE=H")
    utilisees |= {*ages, *sexes, *(f"{age}|{sexe}" for age in ages for sexe in sexes)}
    # So does a local declaration (fct_beneficiaires).
    declares = {f"AGE={code}" for code in closed_lists(DBT)["tranche_age"]}
    utilisees |= {*declares, *(f"{age}|{sexe}" for age in declares for sexe in sexes)}
    assert utilisees == connues


def test_documents_of_dispositifs_and_tables_of_questions_are_lists() -> None:
    listes = [ligne["document"] for ligne in rows("dispositif")]
    listes += [ligne["tables"] for ligne in rows("question_evaluative")]
    assert all(element.strip() for liste in listes for element in liste.split("|"))
    tables = {t for ligne in rows("question_evaluative") for t in ligne["tables"].split("|")}
    assert all(re.fullmatch(r"(dim|fct|mart)_[a-z_]+", table) for table in tables)


def test_indicator_codes_follow_the_grammar() -> None:
    domaines = {"EMP", "JEU", "PAU", "SOC", "DE", "DEM", "ECO", "PRO", "DC", "MOY", "RES", "GOUV"}
    for ligne in rows("indicateur"):
        assert re.fullmatch(r"[A-Z]{2,4}(\.[A-Z0-9_]+){3}", ligne["code"]), ligne["code"]
        assert ligne["code"].split(".")[0] in domaines


def test_indicators_say_when_they_can_be_compared_and_added() -> None:
    naturels = {v.code_indicateur: v.nature for v in variables()}
    for ligne in rows("indicateur"):
        attendu = {"RP": "5", "CNAM": "2"}.get(ligne["code"].split(".")[2], "")
        assert ligne["ecart_min_annees"] == attendu, ligne["code"]
        if naturels.get(ligne["code"]) in ("taux", "montant", "rapport"):
            assert ligne["additif"] == "non", ligne["code"]


def test_unit_agrees_with_the_nature_of_the_variables() -> None:
    unites = {ligne["code"]: ligne["unite"] for ligne in rows("indicateur")}
    attendues = {"taux": {"pourcent"}, "montant": {"euros"}, "rapport": {"rapport"}}
    attendues["effectif"] = {"personnes", "habitants", "foyers", "enfants", "menages", "emplois"}
    attendues["effectif"] |= {"unites_consommation"}
    fautes = [v.code_variable for v in variables() if unites[v.code_indicateur] not in attendues[v.nature]]
    assert not fautes


def test_derived_indicators_are_never_loaded_from_a_file() -> None:
    derives = {ligne["code"] for ligne in rows("indicateur") if ligne["est_derive"] == "true"}
    assert derives
    assert not derives & {variable.code_indicateur for variable in variables()}


def test_breakdown_keys_are_written_one_way() -> None:
    totaux = []
    for ligne in rows("ventilation"):
        if ligne["est_total"] == "true":
            totaux.append(ligne["cle_ventilation"])
            continue
        axes, modalites = ligne["axe"].split("|"), ligne["modalite"].split("|")
        assert axes == sorted(set(axes)), ligne["cle_ventilation"]
        cle = "|".join(f"{axe}={modalite}" for axe, modalite in zip(axes, modalites, strict=True))
        assert ligne["cle_ventilation"] == cle
    assert totaux == ["TOTAL"]


def test_crossed_breakdowns_inherit_bounds_and_doubts() -> None:
    simples = {ligne["cle_ventilation"]: ligne for ligne in rows("ventilation")}
    for cle, ligne in simples.items():
        if ligne["est_borne_documentee"] == "false":
            assert ligne["remarque"], cle
        parents = [simples[partie] for partie in cle.split("|") if "|" in cle and partie in simples]
        if any(parent["est_borne_documentee"] == "false" for parent in parents):
            assert ligne["est_borne_documentee"] == "false", cle
        for parent in parents:
            if parent["axe"] == "AGE":
                assert (ligne["age_min"], ligne["age_max"]) == (parent["age_min"], parent["age_max"]), cle


def test_statuses_have_distinct_severities() -> None:
    rangs = {ligne["code"]: ligne["rang_gravite"] for ligne in rows("statut")}
    assert [code for code, rang in rangs.items() if not rang] == ["NA"]
    classes = [int(rang) for rang in rangs.values() if rang]
    assert sorted(classes) == list(range(len(classes)))


def test_a_sign_maps_to_a_status_without_value() -> None:
    # A cell that holds a sign holds no number: its status must say so.
    absents = {"NA"} | {
        ligne["code"] for ligne in rows("statut") if ligne["compte_comme_manquant"].startswith("oui")
    }
    assert {ligne["code_statut"] for ligne in rows("signe_source")} <= absents


def test_notes_of_blocks_are_declared_by_the_catalogue() -> None:
    catalogue = load_catalogue(DBT)
    for ligne in rows("bloc_source"):
        jeu = catalogue.dataset(ligne["producteur"], ligne["jeu"])
        notes = {c.nom for f in jeu.fichiers for t in f.tables for c in t.columns_of("note")}
        assert ligne["code_variable_note"] in notes | {""}, ligne["bloc"]


def test_a_comparator_without_a_definition_is_no_territory() -> None:
    for ligne in rows("comparateur"):
        assert bool(ligne["definition"]) is (ligne["est_definition_lue"] == "true"), ligne["code"]
        if ligne["type_territoire"]:
            assert ligne["est_definition_lue"] == "true", ligne["code"]
            assert ligne["nature"] == "zone", ligne["code"]
    # An « unité urbaine environnante » is not known to be the unité urbaine of INSEE.
    codes = {ligne["code"]: ligne for ligne in rows("comparateur")}
    assert codes["unite_urbaine"]["type_territoire"] == "unite_urbaine"
    assert not codes["uu_environnante"]["type_territoire"]


@pytest.mark.parametrize("millesime", ANNEES)
def test_each_variable_has_exactly_one_period_rule(millesime: str) -> None:
    comptes = {(v.jeu, v.code_variable): len(matching_rules(v, millesime)) for v in variables()}
    assert not {cle: nombre for cle, nombre in comptes.items() if nombre != 1}


def test_the_page_of_a_contract_holds_twelve_indicators_at_most() -> None:
    """DOMAIN, « Fiche par contrat de ville »: a fiche, not an atlas."""
    lignes = rows("indicateur_fiche")
    assert 0 < len(lignes) <= 12
    assert [int(ligne["ordre"]) for ligne in lignes] == list(range(1, len(lignes) + 1))


def test_the_four_families_expect_something() -> None:
    familles = {ligne["code"]: ligne["famille"] for ligne in rows("indicateur")}
    attendues = {familles[ligne["code_indicateur"]] for ligne in rows("indicateur_attendu")}
    assert attendues == {"diagnostic", "actions", "droit_commun", "gouvernance"}


def test_period_rules_give_one_year_or_say_they_do_not_know() -> None:
    for regle in rows("regle_periode"):
        donnes = [regle[colonne] for colonne in ("decalage_annees", "annee_fixe") if regle[colonne]]
        assert len(donnes) == (0 if regle["evidence"] == "inconnu" else 1), regle


@pytest.mark.parametrize(
    ("jeu", "variable", "millesime", "type_periode", "annee"),
    [
        # SOURCES, « Period semantics ».
        ("insertion_professionnelle", "ABC", "2021", "INSTANT", 2020),
        ("insertion_professionnelle", "TX_TOT_EMPL", "2018", "FEN5", 2010),
        ("insertion_professionnelle", "TX_TOT_EMPL", "2021", "FEN5", None),
        ("insertion_professionnelle", "A_N_T4", "2017", "TRIM", 2016),
        ("insertion_professionnelle", "A_N1_T4", "2017", "TRIM", 2015),
        ("demographie_qpv", "POP_MUN", "2020", "FEN5", 2013),
        ("demographie_qpv", "POP_MUN", "2021", "FEN5", 2018),
        ("demographie_qpv", "A", "2019", "INSTANT", 2018),
        ("revenus_qpv", "DISP_Q2", "2019", "ANNEE", 2015),
        ("revenus_qpv", "CC2S", "2021", "INSTANT", None),
        ("population_qpv", "population_municipale_2013", "2013", "FEN5", 2013),
        # A base « Revenus » 2021 holds incomes of 2017: it meets Filosofi 2017.
        ("revenus_qpv", "DISP_Q2", "2021", "ANNEE", 2017),
        ("filosofi", "Q2", "2017", "ANNEE", 2017),
        ("estimations_demographiques_qpv", "tx_tot_empl", "2010", "FEN5", 2010),
        ("rp_emploi_commune", "P_POP1564", "2022", "FEN5", 2022),
        ("cnaf_qpv_2024", "RSA_SOCLE", "2024", "INSTANT", 2024),
    ],
)
def test_period_of_a_known_figure(
    jeu: str, variable: str, millesime: str, type_periode: str, annee: int | None
) -> None:
    (v,) = [v for v in variables() if (v.jeu, v.code_variable) == (jeu, variable)]
    assert _period(v, millesime) == (type_periode, annee)


def _period(variable: SourceVariable, millesime: str) -> tuple[str, int | None]:
    (regle,) = matching_rules(variable, millesime)
    if regle["annee_fixe"]:
        return regle["type_periode"], int(regle["annee_fixe"])
    if regle["decalage_annees"]:
        return regle["type_periode"], int(millesime) + int(regle["decalage_annees"])
    return regle["type_periode"], None


def test_a_variable_left_aside_is_not_also_an_indicator() -> None:
    """A name that the list leaves aside for good is in no dictionary row; a broad pattern may cover some."""
    noms = {(v.jeu, v.code_variable) for v in variables()}
    for ligne in rows("variable_ecartee"):
        if "%" not in ligne["motif_variable"]:
            assert (ligne["jeu"], ligne["motif_variable"].replace("#", "")) not in noms, ligne


def test_neighbours_that_do_not_compare_are_paired_once() -> None:
    paires = [
        frozenset((ligne["code_indicateur"], ligne["non_compare_avec"]))
        for ligne in rows("indicateur_non_compare")
    ]
    assert all(len(paire) == 2 for paire in paires)
    assert len(set(paires)) == len(paires)
    # SOURCES 2.1: « do not chain the two ».
    assert {
        "EMP.PART_EMPLOI_PRECAIRE.RP.EMPLOIS",
        "EMP.PART_EMPLOI_DUREE_LIMITEE.RP.EMPLOIS",
    } in paires


@pytest.mark.parametrize("millesime", ANNEES)
def test_two_variables_of_a_file_never_say_the_same_thing(millesime: str) -> None:
    """The grain of ``fct_observation``: indicator x breakdown x period, within a dataset and vintage."""
    dites: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for v in variables():
        grain = (v.producteur, v.jeu, v.code_indicateur, v.cle_ventilation, *_period(v, millesime))
        dites[grain].append(v.code_variable)
    assert not {grain: codes for grain, codes in dites.items() if len(codes) > 1}


# --- the real files ---------------------------------------------------------------------------------------

# The vintages that the dictionary was written from. A later one may bring variables it does not know: it
# loads, and reports them.
TENUS = {
    "demographie_qpv": ("2017", "2018", "2019", "2020", "2021"),
    "insertion_professionnelle": ("2017", "2018", "2020", "2021"),
    "population_qpv": ("2013",),
    "revenus_qpv": ("2017", "2019", "2021"),
}


def real_files(depot_reel: Path, jeu: str) -> Iterator[tuple[str, Path, FileSpec]]:
    specs = load_catalogue(DBT).dataset("insee", jeu).fichiers
    for chemin in sorted((depot_reel / "insee" / jeu).glob("*/*")):
        if chemin.parent.name not in TENUS[jeu]:
            continue
        for spec in specs:
            if re.fullmatch(spec.motif, chemin.name):
                yield chemin.parent.name, chemin, spec


def cells(chemin: Path, table: Table) -> tuple[list[str], list[list[str]]]:
    """Header, stripped, and rows of text: only what this test needs, independent of the readers."""
    lignes: list[list[Any]]
    if table.lecture.famille in ("csv", "csv_zip"):
        texte = chemin.read_bytes().decode("utf-8-sig")
        lignes = list(csv.reader(io.StringIO(texte), delimiter=table.lecture.separateur))
    else:
        feuille = CalamineWorkbook.from_path(chemin).get_sheet_by_name(str(table.lecture.feuille))
        lignes = feuille.to_python(skip_empty_area=False)[table.lecture.ligne_entete - 1 :]
    entete, *corps = [[str(cellule).strip() for cellule in ligne] for ligne in lignes]
    return entete, corps


@pytest.mark.depot
@pytest.mark.parametrize("jeu", TENUS)
def test_no_column_of_a_real_file_is_unmapped(depot_reel: Path, jeu: str) -> None:
    dictionnaire = {v.code_variable: v for v in variables() if (v.producteur, v.jeu) == ("insee", jeu)}
    vues: set[str] = set()
    for millesime, chemin, spec in real_files(depot_reel, jeu):
        for table in spec.tables:
            hors_mesure = {
                nom for c in table.columns_of("cle", "attribut", "note") for nom in (c.nom, *c.alias)
            }
            presentes = {nom for nom in cells(chemin, table)[0] if nom} - hors_mesure
            assert not presentes - set(dictionnaire), (millesime, chemin.name)
            # A variable found outside its window proves the window wrong.
            inattendues = {nom for nom in presentes if not dictionnaire[nom].is_expected(millesime)}
            assert not inattendues, (millesime, chemin.name)
            vues |= presentes
    assert vues == set(dictionnaire)


@pytest.mark.depot
@pytest.mark.parametrize("jeu", ["demographie_qpv", "insertion_professionnelle", "revenus_qpv"])
def test_a_note_blanks_the_variables_of_its_block(depot_reel: Path, jeu: str) -> None:
    """Each note other than 0 empties its whole block; NOTE_FILO alone empties nothing by itself."""
    notes = {b["bloc"]: b["code_variable_note"] for b in rows("bloc_source") if b["jeu"] == jeu}
    videes: set[str] = set()
    for millesime, chemin, spec in real_files(depot_reel, jeu):
        entete, corps = cells(chemin, spec.tables[0])
        place = {nom: rang for rang, nom in enumerate(entete) if nom}
        for v in variables():
            note = notes.get(v.bloc, "") if v.jeu == jeu else ""
            if v.code_variable not in place or note not in place or note == "NOTE_FILO":
                continue
            signalees = [ligne for ligne in corps if ligne[place[note]] not in ("", "0")]
            pleines = [ligne[0] for ligne in signalees if ligne[place[v.code_variable]]]
            assert not pleines, (millesime, note, v.code_variable)
            if signalees:
                videes.add(note)
    assert videes == set(notes.values()) - {"", "NOTE_FILO"}
