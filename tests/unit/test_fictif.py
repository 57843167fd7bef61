"""The fictional dépôt: same bytes for the same arguments, same formats and rules as the real sources."""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pyogrio
import pytest
import shapely
from python_calamine import CalamineWorkbook
from tests.socle import SOCLE

from qpv_emploi.fictif import (
    EPCI_ANCIEN_SIREN,
    EPCI_NOUVEAU_SIREN,
    MARQUEUR,
    MILLESIMES_DU_DEPOT,
    NB_QPV_MAX,
    REGION_FICTIVE,
    codes,
    generate,
    schemas,
)

BASES = ("insertion_professionnelle", "demographie_qpv", "revenus_qpv")
# The vintages of the real dépôt, and one that exists nowhere.
MILLESIMES = {jeu: (*MILLESIMES_DU_DEPOT[jeu], "2022") for jeu in BASES}
NB_QPV = 40
IPRO = {
    annee: f"insee/insertion_professionnelle/{annee}/IPRO_{annee}.csv"
    for annee in (2017, 2018, 2020, 2021, 2022)
}
DEMO = {
    **{
        annee: f"insee/demographie_qpv/{annee}/data_DEMO_{annee}_V1_QP.csv"
        for annee in (2017, 2018, 2019, 2020, 2022)
    },
    2021: "insee/demographie_qpv/2021/DEMO_2021.csv",
}
REVN = {annee: f"insee/revenus_qpv/{annee}/REVN_{annee}.csv" for annee in (2017, 2019, 2021, 2022)}
CSV_DES_BASES = [*IPRO.values(), *DEMO.values(), *REVN.values()]
XLS = "insee/population_qpv/2013/pop_qp_2013.xls"
EPCI = "insee/epci/2023/Intercommunalite_Metropole_au_01-01-2023.xlsx"
ZONES = "insee/zone_emploi/2023/ZE2020_au_01-01-2023.xlsx"
ARCHIVE = "sig_ville/qpv_2015/2015/qp-politiquedelaville-shp.zip"
CONTRATS_2015 = "sig_ville/contrats_ville/2015/geom_cv_ctr.json"
CONTRATS_2024 = "sig_ville/contrats_ville/2024/geom_cv_ctr.json"
COG = "insee/cog/2024"

CODE_QPV = re.compile(r"QP(\d{3}|02[AB])\d{3}")
BOM = b"\xef\xbb\xbf"
FINE_INSECABLE = "\u202f"


@dataclass(frozen=True)
class Csv:
    """A statistical base read back without any business rule."""

    octets: bytes
    entete: list[str]
    noms: list[str]
    ensemble: dict[str, str] | None
    lignes: list[dict[str, str]]

    @property
    def sans_nom(self) -> int:
        return self.entete.count("")


def lire(chemin: Path) -> Csv:
    octets = chemin.read_bytes()
    textes = octets.decode("utf-8-sig").removesuffix("\r\n").split("\r\n")
    champs = [[champ.strip('"') for champ in texte.split(";")] for texte in textes]
    assert {len(ligne) for ligne in champs} == {len(champs[0])}
    noms = [nom for nom in champs[0] if nom]
    assert champs[0][: len(noms)] == noms, "an unnamed column stands before a named one"
    assert all(not any(ligne[len(noms) :]) for ligne in champs), "an unnamed column is not empty"
    lignes = [dict(zip(noms, ligne, strict=False)) for ligne in champs[1:]]
    ensemble = lignes.pop(0) if lignes[0]["CODGEO"] == "Ensemble" else None
    return Csv(octets, champs[0], noms, ensemble, lignes)


def nombre(texte: str) -> float:
    return float(texte.replace(FINE_INSECABLE, "").replace(",", "."))


def completes(base: Csv, *noms: str) -> Iterator[list[float]]:
    """Values of the rows where every column is filled."""
    for ligne in base.lignes:
        if all(ligne[nom] for nom in noms):
            yield [nombre(ligne[nom]) for nom in noms]


def octets(racine: Path) -> dict[str, bytes]:
    return {str(p.relative_to(racine)): p.read_bytes() for p in sorted(racine.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def depot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cible = tmp_path_factory.mktemp("fictif")
    generate(cible, nb_qpv=NB_QPV, millesimes=MILLESIMES)
    return cible


@pytest.fixture(scope="module")
def bases(depot: Path) -> dict[str, Csv]:
    return {chemin: lire(depot / chemin) for chemin in CSV_DES_BASES}


@pytest.fixture(scope="module")
def codes_qpv(bases: dict[str, Csv]) -> list[str]:
    return [ligne["CODGEO"] for ligne in bases[IPRO[2021]].lignes]


# Determinism and layout ----------------------------------------------------------------------------------


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    for essai in ("a", "b"):
        generate(tmp_path / essai, nb_qpv=12)
    assert octets(tmp_path / "a") == octets(tmp_path / "b")


def test_the_seed_changes_the_figures(tmp_path: Path, depot: Path) -> None:
    seul = dict.fromkeys(MILLESIMES_DU_DEPOT, ()) | {"revenus_qpv": ("2021",)}
    generate(tmp_path / "b", graine=7, nb_qpv=NB_QPV, millesimes=seul)
    assert (tmp_path / "b" / REVN[2021]).read_bytes() != (depot / REVN[2021]).read_bytes()


def test_a_vintage_does_not_depend_on_the_others(tmp_path: Path, depot: Path) -> None:
    rien = dict.fromkeys(MILLESIMES_DU_DEPOT, ())
    for jeu in BASES:
        generate(tmp_path / jeu, nb_qpv=NB_QPV, millesimes=rien | {jeu: ("2021",)})
        produits = octets(tmp_path / jeu)
        assert len(produits) == 2
        assert all((depot / nom).read_bytes() == contenu for nom, contenu in produits.items())


def test_a_later_call_adds_vintages_to_the_same_depot(tmp_path: Path) -> None:
    avant = generate(tmp_path, nb_qpv=12)
    etat = octets(tmp_path)
    ajout = dict.fromkeys(MILLESIMES_DU_DEPOT, ()) | {"revenus_qpv": ("2023",)}
    assert [p.name for p in generate(tmp_path, nb_qpv=12, millesimes=ajout)] == [MARQUEUR, "REVN_2023.csv"]
    assert {nom: contenu for nom, contenu in octets(tmp_path).items() if nom in etat} == etat
    assert len(octets(tmp_path)) == len(avant) + 1


def test_layout_and_returned_paths(tmp_path: Path) -> None:
    chemins = generate(tmp_path, nb_qpv=12, millesimes=SOCLE)
    assert chemins == sorted(chemins)
    assert {str(p.relative_to(tmp_path)) for p in chemins} == set(octets(tmp_path))
    attendus = {
        MARQUEUR,
        *[chemin for chemin in CSV_DES_BASES if "2022" not in chemin],
        *[
            f"{COG}/{nom}.csv"
            for nom in ("communes", "departements", "arrondissements", "mouvements-communes")
        ],
        *[XLS, EPCI, ZONES, ARCHIVE, CONTRATS_2015, CONTRATS_2024],
    }
    assert set(octets(tmp_path)) == attendus


def test_marker_says_what_the_depot_is(depot: Path) -> None:
    texte = (depot / MARQUEUR).read_text(encoding="utf-8")
    contenu = json.loads(texte)
    assert list(contenu) == sorted(contenu)
    assert contenu["region"] == REGION_FICTIVE == "99"
    assert (contenu["graine"], contenu["nb_qpv"]) == (2015, NB_QPV)
    assert contenu["avertissement"].startswith("Données fictives")


def test_real_data_is_never_mixed_with_fictional_data(tmp_path: Path) -> None:
    (tmp_path / "insee").mkdir()
    with pytest.raises(FileExistsError, match="n'est pas un dépôt fictif"):
        generate(tmp_path, nb_qpv=12)
    generate(tmp_path / "fictif", nb_qpv=12)
    with pytest.raises(FileExistsError, match="autre région fictive"):
        generate(tmp_path / "fictif", nb_qpv=13)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"nb_qpv": 0}, "nb_qpv"),
        ({"nb_qpv": NB_QPV_MAX + 1}, "nb_qpv"),
        ({"graine": -1}, "graine"),
        ({"millesimes": {"chomage": ("2021",)}}, "jeux inconnus"),
        ({"millesimes": {"cog": ("2025",)}}, "cog"),
        ({"millesimes": {"revenus_qpv": ("2021T4",)}}, "2021T4"),
        ({"millesimes": {"revenus_qpv": "2021"}}, "suite"),
    ],
)
def test_wrong_arguments_are_refused_before_any_write(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        generate(tmp_path / "cible", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "cible").exists()


@pytest.mark.parametrize("nb_qpv", [1, 2, 9])
def test_tiny_regions_are_possible(tmp_path: Path, nb_qpv: int) -> None:
    generate(tmp_path, nb_qpv=nb_qpv)
    assert len(lire(tmp_path / IPRO[2021]).lignes) == nb_qpv


# Dialects ------------------------------------------------------------------------------------------------

# (file, unnamed columns); 0 means the native dialect.
DIALECTES = {
    IPRO[2017]: 174, IPRO[2018]: 171, IPRO[2020]: 165, IPRO[2021]: 165, IPRO[2022]: 165,
    DEMO[2017]: 206, DEMO[2018]: 164, DEMO[2019]: 0, DEMO[2020]: 0, DEMO[2021]: 157, DEMO[2022]: 0,
    REVN[2017]: 226, REVN[2019]: 225, REVN[2021]: 993, REVN[2022]: 225,
}  # fmt: skip


@pytest.mark.parametrize("chemin", CSV_DES_BASES)
def test_dialect_bytes(bases: dict[str, Csv], chemin: str) -> None:
    base = bases[chemin]
    excel = DIALECTES[chemin] > 0
    assert base.sans_nom == DIALECTES[chemin]
    assert base.octets.startswith(BOM) == excel
    assert base.octets.endswith(b"\r\n") != excel
    assert base.octets.count(b"\n") == base.octets.count(b"\r") == base.octets.count(b"\r\n")
    assert (FINE_INSECABLE.encode() in base.octets) == excel
    assert b"\xc2\xa0" not in base.octets
    assert (b'"' in base.octets) == (chemin == DEMO[2022])
    assert [ligne["CODGEO"] for ligne in base.lignes] == sorted(ligne["CODGEO"] for ligne in base.lignes)


def test_quoted_native_dialect(bases: dict[str, Csv]) -> None:
    premiere, seconde = bases[DEMO[2022]].octets.split(b"\r\n")[:2]
    assert premiere.startswith(b'"CODGEO";"POP_MUN";')
    assert re.match(rb'"QP991001";\d+;', seconde)
    assert not {"LIBGEO", "LIB_COM"} & set(bases[DEMO[2022]].noms)


def test_thousands_marks_are_in_integers_only(bases: dict[str, Csv]) -> None:
    for chemin in CSV_DES_BASES:
        for ligne in bases[chemin].lignes:
            for nom, texte in ligne.items():
                if FINE_INSECABLE in texte:
                    assert re.fullmatch(r"\d{1,3}(\u202f\d{3})+", texte), (chemin, nom, texte)
                elif DIALECTES[chemin] and texte.isdigit():
                    assert int(texte) < 1000, (chemin, nom, texte)


@pytest.mark.parametrize(
    ("chemin", "bruts"),
    [
        (IPRO[2020], {"TX_TOT_EMPL", "TX_F_EMPL", "EVOL_ABC_T4"}),
        (DEMO[2018], {"TX_TOT_ET", "TX_F_ET"}),
        (REVN[2017], {"PMIMP", "BREV"}),
        (REVN[2021], {"PMIMP"}),
    ],
)
def test_whole_rates_are_bare_or_not_by_column(bases: dict[str, Csv], chemin: str, bruts: set[str]) -> None:
    """``53`` in some columns, ``53,0`` in others, never both in one column, as Excel left them."""
    base = bases[chemin]
    for nom in base.noms:
        textes = [ligne[nom] for ligne in base.lignes if ligne[nom]]
        if nom in ("LIB_COM", "LIBGEO") or not any("," in texte for texte in textes):
            continue
        fixe = all(re.fullmatch(r"-?\d+,\d", texte) for texte in textes)
        assert fixe or all(re.fullmatch(r"-?\d+(,[1-9])?", texte) for texte in textes), nom
        assert not (fixe and nom in bruts and any(texte.endswith(",0") for texte in textes)), nom


@pytest.mark.parametrize("chemin", CSV_DES_BASES)
def test_national_row(bases: dict[str, Csv], chemin: str) -> None:
    base = bases[chemin]
    avec = {IPRO[2017], IPRO[2018], DEMO[2017], DEMO[2018], DEMO[2019], REVN[2017], REVN[2019]}
    assert (base.ensemble is not None) == (chemin in avec)
    if base.ensemble is None:
        return
    assert base.ensemble.get("LIBGEO", "Ensemble des QPV") == "Ensemble des QPV"
    assert not any(texte for nom, texte in base.ensemble.items() if nom.startswith("NOTE_"))
    for nom in ("ABC", "A", "ENF", "CCMUC"):
        if nom in base.noms:
            total = nombre(base.ensemble[nom])
            assert total % 100 == 0
            assert total >= sum(valeur for (valeur,) in completes(base, nom))
    if "POP_MUN" in base.noms:
        assert nombre(base.ensemble["POP_MUN"]) == sum(valeur for (valeur,) in completes(base, "POP_MUN"))


# Columns -------------------------------------------------------------------------------------------------


def test_number_of_columns(bases: dict[str, Csv]) -> None:
    assert [len(bases[IPRO[annee]].noms) for annee in (2017, 2018, 2020, 2021)] == [82, 85, 61, 61]
    assert [len(bases[DEMO[annee]].noms) for annee in (2017, 2018, 2019, 2020, 2021)] == [33, 33, 32, 32, 34]
    assert [len(bases[REVN[annee]].noms) for annee in (2017, 2019, 2021)] == [30, 31, 31]


def test_the_name_with_a_trailing_space_is_kept(bases: dict[str, Csv]) -> None:
    assert "EVOL_CA_N_E " in bases[IPRO[2020]].noms
    assert "EVOL_CA_N_E " in bases[IPRO[2021]].noms


def test_documented_drift_of_a_later_vintage(bases: dict[str, Csv]) -> None:
    avant, apres = set(bases[IPRO[2021]].noms), set(bases[IPRO[2022]].noms)
    assert avant - apres == {"ABC_DUR4_H"}
    assert apres - avant == {"ABC_INNOV"}
    valeurs = list(completes(bases[IPRO[2022]], "ABC_INNOV", "ABC"))
    assert valeurs
    assert all(5 <= nouvelle <= total for nouvelle, total in valeurs)
    assert bases[REVN[2022]].noms == bases[REVN[2021]].noms
    assert set(bases[DEMO[2021]].noms) - set(bases[DEMO[2022]].noms) == {"LIBGEO", "LIB_COM"}


@pytest.mark.parametrize(("annee", "modele"), [(2015, 2017), (2019, 2018), (2020, 2020), (2030, 2022)])
def test_unknown_vintages_take_the_nearest_schema(annee: int, modele: int) -> None:
    assert schemas.ipro(annee).colonnes == schemas.ipro(modele).colonnes


@pytest.mark.depot
@pytest.mark.parametrize("chemin", [chemin for chemin in CSV_DES_BASES if "2022" not in chemin])
def test_headers_equal_those_of_the_real_files(bases: dict[str, Csv], chemin: str, depot_reel: Path) -> None:
    with (depot_reel / chemin).open("rb") as fichier:
        assert fichier.readline().removesuffix(b"\r\n") == bases[chemin].octets.split(b"\r\n")[0]


# Identities ----------------------------------------------------------------------------------------------

SOMMES = [
    ("ABCDE", ["ABCDE_F", "ABCDE_H"]),
    ("ABC", ["ABC_F", "ABC_H"]),
    ("A", ["A_F", "A_H"]),
    ("ABC", ["ABC_25", "ABC_2649", "ABC_50"]),
    ("ABC", ["ABC_DUR1", "ABC_DUR2", "ABC_DUR3", "ABC_DUR4"]),
    ("ABC_F", ["ABC_DUR1_F", "ABC_DUR2_F", "ABC_DUR3_F", "ABC_DUR4_F"]),
    ("ABC_H", ["ABC_DUR1_H", "ABC_DUR2_H", "ABC_DUR3_H", "ABC_DUR4_H"]),
    ("ABC_BAC", ["ABC_BAC_F", "ABC_BAC_H"]),
    ("ABC_RSA", ["ABC_RSA_F", "ABC_RSA_H"]),
    ("CA", ["CUI", "EAV"]),
    ("CA", ["CA_F", "CA_H"]),
    ("CUI", ["CIE", "CAE"]),
    ("CIE", ["CIE_HS", "CIE_S"]),
    ("A", ["AM", "AI", "ACSSENF", "ACAVENF"]),
    ("ENF", ["ENF_2", "ENF_3_5", "ENF_6_10", "ENF_11_14", "ENF_15_17", "ENF_18_24"]),
]
FICHIERS_DES_SOMMES = {"A": {"A_F": IPRO, "AM": DEMO}, "ENF": {"ENF_2": DEMO}}


@pytest.mark.parametrize(("total", "parties"), SOMMES)
def test_parts_sum_to_their_total(bases: dict[str, Csv], total: str, parties: list[str]) -> None:
    fichiers = FICHIERS_DES_SOMMES.get(total, {}).get(parties[0], IPRO)
    verifiees = 0
    for chemin in fichiers.values():
        if {total, *parties} <= set(bases[chemin].noms):
            for somme, *valeurs in completes(bases[chemin], total, *parties):
                assert somme == sum(valeurs)
                verifiees += 1
    assert verifiees > 0


def test_education_leaves_unknowns_out(bases: dict[str, Csv]) -> None:
    """Not an identity in the real bases either: never above the total, never far below it."""
    formations = ["ABC_INFCAPBEP", "ABC_CAPBEP", "ABC_BAC", "ABC_SUPBAC"]
    parts = [sum(valeurs) / total for total, *valeurs in completes(bases[IPRO[2017]], "ABC", *formations)]
    assert any(part < 1 for part in parts)
    assert all(0.95 < part <= 1 for part in parts)


def test_nested_counts(bases: dict[str, Csv]) -> None:
    for a, abc, abcde in completes(bases[IPRO[2021]], "A", "ABC", "ABCDE"):
        assert a <= abc <= abcde
    for trois, tous in completes(bases[DEMO[2021]], "AC3ENF", "ACAVENF"):
        assert trois <= tous
    for cent, cinquante, socle, rsa, total in completes(
        bases[REVN[2017]], "APRES100", "APRES50", "ARSAS", "ARSA", "A"
    ):
        assert cent <= cinquante <= total
        assert socle <= rsa <= total
    for complementaire, couverts in completes(bases[REVN[2021]], "CC2S", "C"):
        assert complementaire <= couverts


def test_employment_rates_of_2017_and_2018_are_those_of_one_census(bases: dict[str, Csv]) -> None:
    for avant, apres, prefixe in ((IPRO[2017], IPRO[2018], "TX_"), (DEMO[2017], DEMO[2018], "TX_")):
        for gauche, droite in zip(bases[avant].lignes, bases[apres].lignes, strict=True):
            for nom in (nom for nom in gauche if nom.startswith(prefixe)):
                assert gauche[nom].removesuffix(",0") == droite[nom].removesuffix(",0")
    assert bases[IPRO[2018]].lignes[0]["TX_TOT_EMPL"] != bases[IPRO[2020]].lignes[0]["TX_TOT_EMPL"]


def test_caf_recipients_are_equal_in_demo_and_revn(bases: dict[str, Csv]) -> None:
    for annee in (2017, 2019, 2021, 2022):
        for demo, revn in zip(bases[DEMO[annee]].lignes, bases[REVN[annee]].lignes, strict=True):
            assert demo["CODGEO"] == revn["CODGEO"]
            assert demo["NOTE_CNAF"] == revn["NOTE_CNAF"]
            assert demo["A"].replace(FINE_INSECABLE, "") == revn["A"].replace(FINE_INSECABLE, "")


@pytest.mark.parametrize("annee", [2017, 2019, 2021, 2022])
def test_incomes(bases: dict[str, Csv], annee: int) -> None:
    base = bases[REVN[annee]]
    for part in completes(base, "PACT", "PPEN", "PPSOC", "PIMPOT", "PPAT"):
        assert sum(part) == pytest.approx(100, abs=0.05)
        assert part[3] < 0
    for prefixe in ("DISP", "DECUC"):
        for quantiles in completes(base, *[f"{prefixe}_{q}" for q in ("D1", "Q1", "Q2", "Q3", "D9")]):
            assert quantiles == sorted(quantiles)
    assert all(ligne["DISP_Q2"] and ligne["TP60"] for ligne in base.lignes)
    assert (
        any(ligne["NOTE_FILO"] == "1" for ligne in base.lignes) == (annee != 2017) if annee != 2017 else True
    )


@pytest.mark.parametrize("annee", [2021, 2022])
def test_income_ratios(bases: dict[str, Csv], annee: int) -> None:
    base = bases[REVN[annee]]
    nuls = [ligne["DECUC_D1"] == "0" for ligne in base.lignes]
    assert [ligne["DECUC_D1D9"] == "" for ligne in base.lignes] == nuls
    assert 0 < sum(nuls) < len(nuls)
    for rapport, d9, d1 in completes(base, "DISP_D1D9", "DISP_D9", "DISP_D1"):
        assert rapport == pytest.approx(d9 / d1, abs=0.06)
    for montant in completes(base, "DISP_Q2"):
        assert montant[0] % 10 == 0


def test_populations(bases: dict[str, Csv], depot: Path) -> None:
    lignes = CalamineWorkbook.from_path(str(depot / XLS)).get_sheet_by_name("pop_qp").to_python()
    publiees = {ligne[0]: ligne[7] for ligne in lignes[9:]}
    for annee in (2017, 2018, 2019, 2020):
        assert {ligne["CODGEO"]: nombre(ligne["POP_MUN"]) for ligne in bases[DEMO[annee]].lignes} == publiees
    assert [ligne["POP_MUN"] for ligne in bases[DEMO[2021]].lignes] != [
        ligne["POP_MUN"] for ligne in bases[DEMO[2020]].lignes
    ]
    for qpv, qpv_des_communes, communes in completes(bases[DEMO[2021]], "POP_MUN", "POP_COM_QP", "POP_COM"):
        assert qpv <= qpv_des_communes < communes


def test_single_commune_neighbourhoods_sum_to_pop_com_qp(bases: dict[str, Csv]) -> None:
    lignes = bases[DEMO[2020]].lignes
    partagees = {
        commune for ligne in lignes if "," in ligne["LIB_COM"] for commune in ligne["LIB_COM"].split(", ")
    }
    verifiees = 0
    for commune in {ligne["LIB_COM"] for ligne in lignes} - partagees:
        siennes = [ligne for ligne in lignes if ligne["LIB_COM"] == commune]
        if "," not in commune:
            assert {int(ligne["POP_COM_QP"]) for ligne in siennes} == {
                sum(int(x["POP_MUN"]) for x in siennes)
            }
            verifiees += 1
    assert verifiees > 0


# Secrecy -------------------------------------------------------------------------------------------------

EFFECTIFS = re.compile(
    r"(CA|CUI|CIE|CAE|EAV|ABC|ABCDE|A|AM|AI|ENF|ACSSENF|ACAVENF|AC3ENF|PERCOU|C|CC2S|CCMUC"
    r"|APRES\d+|ARSAS?|APPA|AAAH)(_.+)?"
)


@pytest.mark.parametrize("chemin", CSV_DES_BASES)
def test_no_published_count_is_below_five(bases: dict[str, Csv], chemin: str) -> None:
    noms = [nom for nom in bases[chemin].noms if EFFECTIFS.fullmatch(nom)]
    assert "A" in noms
    plus_petit = min(valeur for nom in noms for (valeur,) in completes(bases[chemin], nom))
    assert plus_petit >= 5


@pytest.mark.parametrize("annee", IPRO)
def test_secrecy_blanks_of_job_seekers(bases: dict[str, Csv], annee: int) -> None:
    lignes = bases[IPRO[annee]].lignes
    blocs = [ligne for ligne in lignes if ligne["NOTE_PE"] != "0"]
    assert {ligne["NOTE_PE"] for ligne in blocs} <= {"3", "4", "5"}
    assert blocs
    assert not any(ligne[nom] for ligne in blocs for nom in ("ABCDE", "ABC", "A", "ABC_25", "ABC_F"))
    isoles = [ligne for ligne in lignes if ligne["NOTE_PE"] == "0" and not ligne["ABC"]]
    assert isoles
    assert all(ligne["ABCDE"] and not ligne["A"] and not ligne["ABC_F"] for ligne in isoles)
    vides = Counter(nom for ligne in lignes for nom in ("ABCDE", "ABC", "ABC_F", "ABC_H") if not ligne[nom])
    assert vides["ABCDE"] < vides["ABC"] < vides["ABC_F"] == vides["ABC_H"]


@pytest.mark.parametrize(
    ("annee", "parties"),
    [
        (2017, ["ABC_25", "ABC_2649", "ABC_50"]),
        (2021, ["ABC_DUR1", "ABC_DUR2", "ABC_DUR3", "ABC_DUR4"]),
        (2021, ["ABC_DUR1_F", "ABC_DUR2_F", "ABC_DUR3_F", "ABC_DUR4_F"]),
        (2017, ["CUI", "EAV"]),
    ],
)
def test_a_blank_cannot_be_found_by_difference(bases: dict[str, Csv], annee: int, parties: list[str]) -> None:
    for ligne in bases[IPRO[annee]].lignes:
        assert sum(not ligne[nom] for nom in parties) != 1


def test_other_blocks_have_notes_and_blanks(bases: dict[str, Csv]) -> None:
    for chemin, note, bloc in (
        *[(DEMO[annee], "NOTE_CNAF", ["A", "ENF", "PERCOU"]) for annee in DEMO],
        *[(DEMO[annee], "NOTE_RP", ["TX_F", "IND_JEUNE"]) for annee in (2021, 2022)],
        *[(REVN[annee], "NOTE_CNAM", ["C", "CC2S"]) for annee in (2021, 2022)],
        *[(IPRO[annee], "NOTE_ASP", ["CA"]) for annee in IPRO],
    ):
        masquees = [ligne for ligne in bases[chemin].lignes if ligne[note] != "0"]
        assert masquees, (chemin, note)
        assert {ligne[note] for ligne in masquees} <= {"3", "4", "5", "6"}
        assert not any(ligne[nom] for ligne in masquees for nom in bloc)
    assert all(ligne["POP_MUN"] for ligne in bases[DEMO[2021]].lignes)
    assert any(not ligne["A_ETUD"] and ligne["NOTE_CNAF"] == "0" for ligne in bases[DEMO[2021]].lignes)


def test_blanks_are_empty_and_zeros_are_real(bases: dict[str, Csv]) -> None:
    zeros = {"DECUC_D1", "DECUC_Q1", "TX_TOT_MEN6", "TX_ET_EMPL", "TX_ET_EPREC", "TX_ET_EDLIM"}
    vus = set()
    for base in bases.values():
        for ligne in base.lignes:
            for nom, texte in ligne.items():
                if nom in ("LIBGEO", "LIB_COM", "CODGEO") or nom.startswith(("NOTE_", "EVOL_")):
                    continue
                assert texte == "" or re.fullmatch(r"-?[\d\u202f]+(,\d)?", texte), (nom, texte)
                if texte and nombre(texte) == 0:
                    assert nom in zeros
                    vus.add(nom)
    assert {"DECUC_D1", "TX_TOT_MEN6"} <= vus
    assert vus & {"TX_ET_EMPL", "TX_ET_EPREC", "TX_ET_EDLIM"}


# Territory -----------------------------------------------------------------------------------------------


def test_codes_exist_nowhere(codes_qpv: list[str]) -> None:
    assert len(set(codes_qpv)) == NB_QPV
    assert all(CODE_QPV.fullmatch(code) for code in codes_qpv)
    assert {code[2:5] for code in codes_qpv} == {"991", "992", "993"}
    # Real three-character départements: 0nn, 971 to 978, 984 to 989, and Corsica.
    for code in codes.DEPARTEMENTS_FICTIFS:
        assert re.fullmatch(r"\d{3}", code)
        assert not code.startswith(("0", "97", "98"))
    assert len(set(codes.DEPARTEMENTS_FICTIFS)) == len(codes.DEPARTEMENTS_FICTIFS)
    assert codes.DEPARTEMENTS_FICTIFS[:10] == (*(str(code) for code in range(991, 1000)), "900")


def test_sirens_are_valid_and_unused() -> None:
    for rang in (1, 42, 9999):
        chiffres = [int(c) for c in codes.siren(rang)]
        doubles = [2 * c - 9 if c > 4 else 2 * c for c in chiffres[-2::-2]]
        assert len(chiffres) == 9
        assert chiffres[:4] == [0, 0, 0, 0]
        assert (sum(chiffres[::-2]) + sum(doubles)) % 10 == 0
    assert EPCI_ANCIEN_SIREN != EPCI_NOUVEAU_SIREN


def test_labels(bases: dict[str, Csv]) -> None:
    libelles = [ligne["LIBGEO"] for ligne in bases[IPRO[2017]].lignes]
    assert Counter(libelles)["Centre Ville"] > 1
    assert "Cœur d'Imagine" in libelles
    assert "Les Hauts-Fictifs" in libelles
    apres = [ligne["LIBGEO"] for ligne in bases[IPRO[2020]].lignes]
    assert sum(a != b for a, b in zip(libelles, apres, strict=True)) == 1


def test_population_workbook(depot: Path, codes_qpv: list[str]) -> None:
    octets_xls = (depot / XLS).read_bytes()
    assert octets_xls.startswith(bytes.fromhex("d0cf11e0a1b11ae1"))
    lignes = CalamineWorkbook.from_path(str(depot / XLS)).get_sheet_by_name("pop_qp").to_python()
    assert lignes[7][0] == "Code du quartier de la politique de la ville"
    assert lignes[8] == [
        *["qp", "nom_qp", "reg", "epci1", "epci2", "uu", "liste_des_communes", "population_municipale_2013"]
    ]
    assert [ligne[0] for ligne in lignes[9:]] == codes_qpv
    assert {ligne[2] for ligne in lignes[9:]} == {"99"}
    assert all(re.fullmatch(r"0000\d{5}", str(ligne[3])) for ligne in lignes[9:])
    assert 0 < sum(bool(ligne[4]) for ligne in lignes[9:]) < NB_QPV / 5
    assert sum("," in str(ligne[6]) for ligne in lignes[9:]) == pytest.approx(NB_QPV / 4, abs=2)
    assert EPCI_ANCIEN_SIREN in {ligne[3] for ligne in lignes[9:]}
    assert EPCI_NOUVEAU_SIREN not in {ligne[3] for ligne in lignes[9:]}


@pytest.mark.parametrize(
    ("chemin", "feuille", "labels", "noms"),
    [
        (EPCI, "EPCI", "EPCI - Métropole", ["EPCI", "LIBEPCI", "NATURE_EPCI", "NB_COM"]),
        (
            EPCI,
            "Composition_communale",
            "Code géographique",
            ["CODGEO", "LIBGEO", "EPCI", "LIBEPCI", "DEP", "REG"],
        ),
        (ZONES, "ZE2020", "Zone d'emploi 2020", ["ZE2020", "LIBZE2020", "NB_COM"]),
        (
            ZONES,
            "Composition_communale",
            "Code géographique communal",
            ["CODGEO", "LIBGEO", "ZE2020", "LIBZE2020", "ZE2020_PARTIE_REG", "DEP", "REG"],
        ),
    ],
)
def test_geography_workbooks(depot: Path, chemin: str, feuille: str, labels: str, noms: list[str]) -> None:
    classeur = openpyxl.load_workbook(depot / chemin)
    assert classeur.sheetnames[1:] == ["Composition_communale", "Variables", "Documentation"]
    lignes = [list(ligne) for ligne in classeur[feuille].iter_rows(values_only=True)]
    assert lignes[4][0] == labels
    assert lignes[5] == noms
    assert all(ligne[0] for ligne in lignes[6:-1])
    assert lignes[-1] == [None] * len(noms)
    if noms[-1] == "REG":
        assert {ligne[-1] for ligne in lignes[6:-1]} == {"99"}
        assert all(re.fullmatch(r"\d{5}", str(ligne[0])) for ligne in lignes[6:-1])


def test_epci_and_zones(depot: Path) -> None:
    epci = openpyxl.load_workbook(depot / EPCI)
    liste = list(epci["EPCI"].iter_rows(min_row=7, values_only=True))[:-1]
    composition = list(epci["Composition_communale"].iter_rows(min_row=7, values_only=True))[:-1]
    assert liste[-1][:3] == ("ZZZZZZZZZ", "Sans objet", "ZZ")
    assert {ligne[0]: ligne[3] for ligne in liste} == Counter(ligne[2] for ligne in composition)
    sirens = {ligne[0] for ligne in liste}
    assert EPCI_NOUVEAU_SIREN in sirens
    assert EPCI_ANCIEN_SIREN not in sirens

    zones = openpyxl.load_workbook(depot / ZONES)
    composition = list(zones["Composition_communale"].iter_rows(min_row=7, values_only=True))[:-1]
    liste = list(zones["ZE2020"].iter_rows(min_row=7, values_only=True))[:-1]
    assert {ligne[0]: ligne[2] for ligne in liste} == Counter(ligne[2] for ligne in composition)
    assert {ligne[4] for ligne in composition} == {None, "0099-99"}
    for ligne in composition:
        assert (ligne[2] == "0099") == (ligne[4] == "0099-99")
        assert ligne[2] == "0099" or re.fullmatch(r"99\d{2}", str(ligne[2]))


def lire_cog(depot: Path, nom: str) -> list[dict[str, str]]:
    contenu = (depot / COG / f"{nom}.csv").read_bytes()
    assert not contenu.startswith(BOM)
    assert contenu.endswith(b"\r\n")
    assert contenu.count(b"\n") == contenu.count(b"\r\n")
    entete, *lignes = [ligne.split(",") for ligne in contenu.decode().removesuffix("\r\n").split("\r\n")]
    return [dict(zip(entete, ligne, strict=True)) for ligne in lignes]


def test_cog(depot: Path) -> None:
    communes = lire_cog(depot, "communes")
    assert {c["TYPECOM"] for c in communes} == {"COM", "COMD", "COMA"}
    assert len({(c["TYPECOM"], c["COM"]) for c in communes}) == len(communes)
    assert len({c["COM"] for c in communes}) < len(communes)
    vivantes = {c["COM"]: c for c in communes if c["TYPECOM"] == "COM"}
    assert {c["REG"] for c in vivantes.values()} == {"99"}
    assert {c["REG"] for c in communes if c["TYPECOM"] != "COM"} == {""}
    assert all(c["COMPARENT"] in vivantes for c in communes if c["TYPECOM"] != "COM")
    assert len({c["LIBELLE"] for c in vivantes.values()}) == len(vivantes)
    assert all(c["NCC"].isascii() and c["NCC"].isupper() for c in communes)
    departements = lire_cog(depot, "departements")
    assert [d["DEP"] for d in departements] == ["991", "992", "993"]
    assert all(d["REG"] == "99" and d["CHEFLIEU"] in vivantes for d in departements)
    assert {a["ARR"] for a in lire_cog(depot, "arrondissements")} == {c["ARR"] for c in vivantes.values()}
    mouvements = lire_cog(depot, "mouvements-communes")
    dates = [m["DATE_EFF"] for m in mouvements]
    assert dates == sorted(dates, reverse=True)
    # The commune merged on 1 January 2024 is in the lists of 2023 and no longer in those of 2024.
    disparues = {m["COM_AV"] for m in mouvements if m["DATE_EFF"] == "2024-01-01"} - set(vivantes)
    composition = openpyxl.load_workbook(depot / EPCI)["Composition_communale"]
    connues_en_2023 = {ligne[0] for ligne in composition.iter_rows(min_row=7, values_only=True) if ligne[0]}
    assert connues_en_2023 - set(vivantes) == disparues
    assert set(vivantes) < connues_en_2023


def test_commune_names_lead_to_commune_codes(depot: Path, bases: dict[str, Csv]) -> None:
    noms = {c["LIBELLE"] for c in lire_cog(depot, "communes") if c["TYPECOM"] == "COM"}
    cites = {nom for ligne in bases[DEMO[2021]].lignes for nom in ligne["LIB_COM"].split(", ")}
    assert cites <= noms


# Perimeters ----------------------------------------------------------------------------------------------


def test_archive_members(depot: Path) -> None:
    with zipfile.ZipFile(depot / ARCHIVE) as archive:
        noms = archive.namelist()
        assert len(noms) == 9
        assert not any(nom.endswith(".cpg") for nom in noms)
        assert {membre.date_time for membre in archive.infolist()} == {(2015, 8, 12, 0, 0, 0)}
        assert archive.read("Fiche descriptive QP_SHAPE.pdf").startswith(b"%PDF-1.4")
        for couche in ("QP_METROPOLEOUTREMER_WGS84_EPSG4326", "QP_METROPOLE_LB93"):
            dbf = archive.read(f"{couche}.dbf")
            assert dbf[1:4] == bytes([115, 8, 12])
            assert dbf[29] == 0x57
            assert "Cœur d'Imagine".encode("cp1252") in dbf
            with pytest.raises(UnicodeDecodeError):
                dbf.decode("utf-8")


@pytest.mark.parametrize(
    ("couche", "epsg"), [("QP_METROPOLEOUTREMER_WGS84_EPSG4326", 4326), ("QP_METROPOLE_LB93", 2154)]
)
def test_perimeters(depot: Path, bases: dict[str, Csv], couche: str, epsg: int) -> None:
    table = pyogrio.read_dataframe(f"/vsizip/{depot / ARCHIVE}/{couche}.shp", encoding="cp1252")
    assert table.crs.to_epsg() == epsg
    assert list(table.columns) == ["CODE_QP", "NOM_QP", "COMMUNE_QP", "geometry"]
    libelles = {ligne["CODGEO"]: ligne["LIBGEO"] for ligne in bases[IPRO[2017]].lignes}
    assert dict(zip(table["CODE_QP"], table["NOM_QP"], strict=True)) == libelles
    communes = {ligne["CODGEO"]: set(ligne["LIB_COM"].split(", ")) for ligne in bases[DEMO[2017]].lignes}
    for code, texte in zip(table["CODE_QP"], table["COMMUNE_QP"], strict=True):
        assert {nom.strip() for nom in texte.split(",")} == communes[code]

    assert Counter(table.geom_type) == {"Polygon": NB_QPV - 1, "MultiPolygon": 1}
    invalides = table.geometry[~table.is_valid]
    assert 2 <= len(invalides) < NB_QPV / 5
    # One repair gives more than polygons, as QP059030 does.
    assert "GeometryCollection" in {shapely.make_valid(forme).geom_type for forme in invalides}

    reparees = table.set_geometry(table.geometry.make_valid()).to_crs(2154)
    arbre = shapely.STRtree(reparees.geometry)
    gauche, droite = arbre.query(reparees.geometry, predicate="intersects")
    assert (gauche == droite).all(), "two neighbourhoods overlap"
    assert reparees.area.between(40_000, 7_000_000).all()
    ouest, sud, est, nord = table.to_crs(4326).total_bounds
    assert -6 < ouest < est < -4
    assert 45 < sud < nord < 46


# Contracts -----------------------------------------------------------------------------------------------


def test_contracts_are_spelt_like_the_real_ones(depot: Path) -> None:
    for chemin in (CONTRATS_2015, CONTRATS_2024):
        contenu = (depot / chemin).read_text(encoding="utf-8")
        lignes = contenu.split("\n")
        assert lignes[:3] == ["{", '"type": "FeatureCollection",', '"name": "geom_cv_ctr",']
        assert lignes[-3:] == ["]", "}", ""]
        features = json.loads(contenu)["features"]
        assert len(features) == len(lignes) - 8
        assert lignes[5].startswith('{ "type": "Feature", "properties": { "codgeo": "0000')
        for feature in features:
            proprietes = feature["properties"]
            assert list(proprietes) == ["codgeo", "code_cv", "lib_cv", "insee_dep", "pop"]
            assert proprietes["lib_cv"].startswith(f"{proprietes['insee_dep']} - ")
            assert isinstance(proprietes["pop"], float)


def test_contracts_of_2015(depot: Path, bases: dict[str, Csv]) -> None:
    features = json.loads((depot / CONTRATS_2015).read_text(encoding="utf-8"))["features"]
    proprietes = [feature["properties"] for feature in features]
    assert all(re.fullmatch(r"CV9\d{2}", p["code_cv"]) for p in proprietes)
    assert len({(p["code_cv"], p["codgeo"], p["insee_dep"]) for p in proprietes}) == len(proprietes)
    doubles = [code for code, n in Counter(p["code_cv"] for p in proprietes).items() if n > 1]
    assert len(doubles) == 1
    assert len({p["insee_dep"] for p in proprietes if p["code_cv"] == doubles[0]}) == 2
    assert EPCI_ANCIEN_SIREN in {p["codgeo"] for p in proprietes}
    assert EPCI_NOUVEAU_SIREN not in {p["codgeo"] for p in proprietes}
    population = sum(valeur for (valeur,) in completes(bases[DEMO[2021]], "POP_MUN"))
    assert sum(p["pop"] for p in proprietes) == population
    carriers = {
        ligne[3]
        for ligne in CalamineWorkbook.from_path(str(depot / XLS)).get_sheet_by_index(0).to_python()[9:]
    }
    assert {p["codgeo"] for p in proprietes} == carriers


def test_contracts_of_2024(depot: Path, bases: dict[str, Csv]) -> None:
    features = json.loads((depot / CONTRATS_2024).read_text(encoding="utf-8"))["features"]
    proprietes = [feature["properties"] for feature in features]
    codes_2024 = [p["code_cv"] for p in proprietes]
    assert all(re.fullmatch(r"CN99[1-3]\d{2}[NMI]", code) for code in codes_2024)
    assert len(set(codes_2024)) == len(codes_2024)
    assert sum(feature["geometry"] is None for feature in features) == 1
    assert EPCI_NOUVEAU_SIREN in {p["codgeo"] for p in proprietes}
    assert EPCI_ANCIEN_SIREN not in {p["codgeo"] for p in proprietes}
    assert {len(p["codgeo"]) for p in proprietes} == {5, 9}
    # Every QPV finds a contract through its commune or its EPCI.
    composition = openpyxl.load_workbook(depot / EPCI)["Composition_communale"]
    epci = {ligne[1]: (ligne[0], ligne[2]) for ligne in composition.iter_rows(min_row=7, values_only=True)}
    porteurs = {p["codgeo"] for p in proprietes}
    for ligne in bases[DEMO[2021]].lignes:
        for commune in ligne["LIB_COM"].split(", "):
            assert porteurs & set(epci[commune]), commune
    # Counted several times, as in the real edition.
    population = sum(valeur for (valeur,) in completes(bases[DEMO[2021]], "POP_MUN"))
    assert sum(p["pop"] for p in proprietes) > population
