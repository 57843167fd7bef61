"""The readers on the real files: values of SOURCES.md, section 13."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pandas as pd
import pytest
import shapely

from qpv_emploi.catalogue import BronzeTable, Catalogue, load_catalogue
from qpv_emploi.errors import RefusedFile
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.settings import Settings

pytestmark = pytest.mark.depot

HDF = r"^Q[PN](?:002|059|060|062|080)"
IPRO, DEMO, REVN = "insertion_professionnelle", "demographie_qpv", "revenus_qpv"
Lectures = dict[tuple[str, str], ReadTable]
# Datasets described from their documentation: no file of theirs is held.
SANS_FICHIER = {
    "cnaf_qpv_2024",
    "declarations__actions",
    "declarations__beneficiaires",
    "declarations__clauses",
    "declarations__gouvernance",
    "defm_communales_export",
    "defm_qpv_2024",
    "filosofi_qpv_2024",
    "pages__fiches",
    "pages__sections",
    "qpv_2024_liste",
    "rp_emploi_commune",
    "sirene_geolocalise",
    "taux_chomage_bdm",
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(Settings().dbt_dir)


@pytest.fixture(scope="module")
def lectures(depot_reel: Path, catalogue: Catalogue) -> Lectures:
    """Every file that the catalogue knows: (bronze table without its producer, vintage) -> result."""
    resultat: Lectures = {}
    for bronze in catalogue.tables():
        for chemin in sorted((depot_reel / bronze.producteur / bronze.jeu.jeu).glob("*/*")):
            if re.fullmatch(bronze.fichier.motif, chemin.name):
                # A place for several files gives one result each.
                millesime = chemin.parent.name + (f"/{chemin.name}" if bronze.fichier.plusieurs else "")
                cle = (bronze.nom.removeprefix(f"{bronze.producteur}__"), millesime)
                assert cle not in resultat
                resultat[cle] = _read(chemin, bronze, catalogue)
    return resultat


def _read(chemin: Path, bronze: BronzeTable, catalogue: Catalogue, millesime: str = "") -> ReadTable:
    empreinte = hashlib.sha256(chemin.read_bytes()).hexdigest()
    provenance = Provenance(
        bronze.producteur, bronze.jeu.jeu, millesime or chemin.parent.name, chemin.name, empreinte
    )
    (lue,) = read_file(chemin, [bronze], provenance, catalogue.variables)
    return lue


def _wide(lue: ReadTable) -> pd.DataFrame:
    """Zones x variables, values, HdF only."""
    cellules = lue.donnees.to_pandas()
    hdf = cellules[cellules["code_zone"].str.match(HDF)]
    table: pd.DataFrame = hdf.pivot(index="code_zone", columns="variable", values="valeur")
    return table


def _sums(table: pd.DataFrame, noms: str) -> list[float]:
    return [round(table[nom].sum(), 1) for nom in noms.split()]


def _blanks(table: pd.DataFrame, noms: str) -> list[int]:
    return [int(table[nom].isna().sum()) for nom in noms.split()]


def test_every_dataset_of_the_catalogue_has_a_file_that_reads(
    lectures: Lectures, catalogue: Catalogue
) -> None:
    lues = {nom for nom, _ in lectures}
    attendues = {b.nom.removeprefix(f"{b.producteur}__") for b in catalogue.tables()}
    assert lues == attendues - SANS_FICHIER


@pytest.mark.parametrize(
    ("jeu", "millesime", "lignes", "colonnes", "controle"),
    [
        (IPRO, "2017", 1346, 82, True),
        (IPRO, "2018", 1346, 85, True),
        (IPRO, "2020", 1345, 61, False),
        (IPRO, "2021", 1345, 61, False),
        (DEMO, "2017", 1346, 33, True),
        (DEMO, "2018", 1346, 33, True),
        (DEMO, "2019", 1346, 32, True),
        (DEMO, "2020", 1400, 32, False),
        (DEMO, "2021", 1400, 34, False),
        (REVN, "2017", 1346, 30, True),
        (REVN, "2019", 1353, 31, True),
        (REVN, "2021", 1352, 31, False),
    ],
)
def test_shape_of_the_thematic_bases(
    lectures: Lectures, jeu: str, millesime: str, lignes: int, colonnes: int, controle: bool
) -> None:
    lue = lectures[jeu, millesime]
    cellules = lue.donnees.to_pandas()
    assert lue.nb_lignes == lignes
    assert len(cellules) == lignes * (colonnes - 1)
    assert cellules["code_zone"].nunique() == lignes
    assert cellules["variable"].nunique() == colonnes - 1
    assert set(cellules.loc[cellules["est_controle"], "code_zone"]) == ({"Ensemble"} if controle else set())
    assert cellules.loc[cellules["code_zone"].str.match(HDF), "code_zone"].nunique() == 199
    # Every text that is not blank is a number: nothing was lost by the parser.
    chiffres = cellules[cellules["role"] != "attribut"]
    assert (chiffres["valeur"].isna() == (chiffres["valeur_texte"] == "")).all()


@pytest.mark.parametrize(
    ("millesime", "sommes", "vides", "ca", "taux"),
    [
        ("2017", [120803, 106912, 46727, 59260, 76851], [3, 3, 7, 7, 3], (10928, 4), (21, 60.7, 8450.4, 83)),
        ("2018", [125792, 114311, 50827, 61870, 81069], [2, 2, 11, 11, 2], (6835, 3), (21, 60.7, 8450.4, 83)),
        (
            "2020",
            [116855, 104970, 46937, 56250, 72455],
            [4, 4, 14, 14, 4],
            (1931, 66),
            (20.7, 53.4, 7968.2, 61),
        ),
        (
            "2021",
            [117827, 106457, 47229, 57111, 73503],
            [2, 2, 13, 13, 2],
            (1491, 85),
            (21.4, 54.4, 8023, 59),
        ),
    ],
)
def test_insertion(
    lectures: Lectures,
    millesime: str,
    sommes: list[float],
    vides: list[int],
    ca: tuple[float, int],
    taux: tuple[float, float, float, int],
) -> None:
    table = _wide(lectures[IPRO, millesime])
    assert _sums(table, "ABCDE ABC ABC_F ABC_H A") == sommes
    assert _blanks(table, "ABCDE ABC ABC_F ABC_H A") == vides
    assert (table["CA"].sum(), table["CA"].isna().sum()) == ca
    emploi = table["TX_TOT_EMPL"]
    assert (emploi.min(), emploi.max(), round(emploi.sum(), 1), table["TX_ET_EMPL"].isna().sum()) == taux
    assert _blanks(table, "TX_TOT_EMPL TX_F_EMPL") == [0, 0]


@pytest.mark.parametrize(
    ("millesime", "sommes", "vides"),
    [
        ("2017", [20324, 65456, 21132, 37786, 30917], 3),
        ("2018", [20670, 70584, 23057, 39559, 30930], 2),
        ("2020", [18463, 63846, 22661, 39042, 31662], 4),
        ("2021", [18690, 64543, 23224, 42475, 32197], 2),
    ],
)
def test_insertion_splits(lectures: Lectures, millesime: str, sommes: list[float], vides: int) -> None:
    table = _wide(lectures[IPRO, millesime])
    noms = "ABC_25 ABC_2649 ABC_50 ABC_RSA ABC_DUR4"
    assert _sums(table, noms) == sommes
    assert _blanks(table, noms) == [vides] * 5


@pytest.mark.parametrize(
    ("millesime", "ensemble", "somme", "vides"),
    [
        ("2017", 768500, 765218, "QP059016 QP059017 QP062044"),
        ("2018", 801400, 798350, "QP059017 QP059061"),
        ("2020", None, None, "QP059017 QP059045 QP059077 QP062036"),
        ("2021", None, None, "QP059077 QP062036"),
    ],
)
def test_insertion_control_row_and_blank_zones(
    lectures: Lectures, millesime: str, ensemble: float | None, somme: float | None, vides: str
) -> None:
    cellules = lectures[IPRO, millesime].donnees.to_pandas()
    abc = cellules[cellules["variable"] == "ABC"].set_index("code_zone")
    if ensemble:
        assert abc.loc["Ensemble", "valeur"] == ensemble
        assert abc.loc[~abc["est_controle"], "valeur"].sum() == somme
    hdf = abc[abc.index.str.match(HDF)]
    assert sorted(hdf.index[hdf["valeur"].isna()]) == vides.split()


@pytest.mark.parametrize(
    ("millesime", "attendu"),
    [
        ("2017", [193, 158, 99, 44.4]),
        ("2018", [177, 144, 92, 44.4]),
        ("2020", [162, 130, 79, 43.9]),
        ("2021", [146, 124, 80, 43.9]),
    ],
)
def test_insertion_of_one_zone(lectures: Lectures, millesime: str, attendu: list[float]) -> None:
    zone = _wide(lectures[IPRO, millesime]).loc["QP059001"]
    assert [zone[nom] for nom in ("ABCDE", "ABC", "A", "TX_TOT_EMPL")] == attendu


@pytest.mark.parametrize(
    ("millesime", "fois"), [("2017", 1508), ("2018", 1560), ("2020", 1112), ("2021", 1165)]
)
def test_narrow_spaces_are_kept_in_the_text_and_parsed(lectures: Lectures, millesime: str, fois: int) -> None:
    cellules = lectures[IPRO, millesime].donnees.to_pandas()
    groupes = cellules[cellules["valeur_texte"].str.contains("\u202f")]
    assert groupes["valeur_texte"].str.count("\u202f").sum() == fois
    assert (groupes["valeur"] >= 1000).all()


def test_insertion_by_departement_and_a_header_with_a_space(lectures: Lectures) -> None:
    table = _wide(lectures[IPRO, "2021"])
    abc = table["ABC"].groupby(lambda code: code[2:5]).sum()
    assert abc.loc[["002", "059", "060", "062", "080"]].tolist() == [7127, 61168, 10098, 21817, 6247]
    assert "EVOL_CA_N_E" in table.columns


@pytest.mark.parametrize(
    ("millesime", "sommes", "vides", "taux"),
    [
        ("2017", [667970, 200474, 483844, 212910, 6593], [0, 1, 1, 1, 134, 37, 75], 10513.8),
        ("2018", [667970, 207292, 485785, 208199, 6666], [0, 6, 6, 6, 139, 37, 75], 10513.8),
        ("2019", [667970, 211238, 492414, 209932, 6957], [0, 4, 4, 4, 139, 48, 87], 10565.1),
        ("2020", [667970, 214275, 493173, 207929, 7687], [0, 6, 6, 6, 143, 47, 83], 10540.3),
        ("2021", [653409, 220751, 497649, 206010, 7612], [0, 5, 5, 5, 141, 46, 86], 10528.2),
    ],
)
def test_demographie(
    lectures: Lectures, millesime: str, sommes: list[float], vides: list[int], taux: float
) -> None:
    table = _wide(lectures[DEMO, millesime])
    assert _sums(table, "POP_MUN A PERCOU ENF A_ETUD TX_F") == [*sommes, taux]
    assert _blanks(table, "POP_MUN A PERCOU ENF A_ETUD TX_TOT_ET TX_TOT_MEN6") == vides


@pytest.mark.parametrize(
    ("millesime", "revenu", "pauvrete", "zeros", "noms", "sommes", "vides", "zone"),
    [
        (
            "2017",
            (10277, 14665),
            (30.3, 65.6, 8818.5),
            (67, 13),
            "A ARSAS AAAH CCMUC",
            [200474, 69477, 22221, 194016],
            [1, 1, 1, 6],
            [13906, 36.1, 11672],
        ),
        (
            "2019",
            (10357, 14895),
            (30.1, 70, 8933),
            (95, 27),
            "A ARSAS AAAH CCMUC",
            [211238, 66227, 23683, 200848],
            [4, 4, 4, 6],
            [14613, 35.7, 12204],
        ),
        (
            "2021",
            (11220, 15550),
            (29.1, 64, 8700.6),
            (90, 53),
            "A ARSAS AAAH C CC2S",
            [220751, 64916, 25711, 612436, 204309],
            [5, 5, 5, 5, 5],
            [15550, 30, 13230],
        ),
    ],
)
def test_revenus(
    lectures: Lectures,
    millesime: str,
    revenu: tuple[float, float],
    pauvrete: tuple[float, float, float],
    zeros: tuple[int, int],
    noms: str,
    sommes: list[float],
    vides: list[int],
    zone: list[float],
) -> None:
    table = _wide(lectures[REVN, millesime])
    assert (table["DISP_Q2"].min(), table["DISP_Q2"].max()) == revenu
    assert (table["TP60"].min(), table["TP60"].max(), round(table["TP60"].sum(), 1)) == pauvrete
    assert ((table["DECUC_D1"] == 0).sum(), table["PMIMP"].isna().sum()) == zeros
    assert _blanks(table, "DISP_Q2 TP60") == [0, 0]
    assert _sums(table, noms) == sommes
    assert _blanks(table, noms) == vides
    assert [table.loc["QP059001", nom] for nom in ("DISP_Q2", "TP60", "DECUC_Q2")] == zone
    complet = table.dropna(subset="PACT")
    total = complet[["PACT", "PPEN", "PPAT", "PPSOC", "PIMPOT"]].sum(axis=1)
    assert ((total - 100).abs() <= 0.05 + 1e-9).all()
    assert (complet["PIMPOT"] < 0).all()


def test_population_2013(lectures: Lectures) -> None:
    lue = lectures["population_qpv", "2013"]
    cellules = lue.donnees.to_pandas()
    population = cellules[cellules["variable"] == "population_municipale_2013"].set_index("code_zone")[
        "valeur"
    ]
    assert lue.nb_lignes == len(population) == 1514
    assert population.sum() == 5435060
    hdf = population[population.index.str.match(HDF)]
    assert (len(hdf), hdf.sum()) == (199, 667970)
    par_departement = hdf.groupby(lambda code: code[2:5]).sum()
    assert par_departement.tolist() == [38182, 365812, 67335, 158649, 37992]
    textes = cellules[cellules["code_zone"].str.match(HDF)].pivot(
        index="code_zone", columns="variable", values="valeur_texte"
    )
    assert textes["epci1"].nunique() == 43
    assert (textes["epci2"] != "").sum() == 10
    assert textes["liste_des_communes"].str.contains(", ").sum() == 53
    # Labels on row 8, codes on row 9: the first QPV is on row 10.
    assert cellules["ligne"].min() == 10


@pytest.mark.parametrize(
    ("table", "lignes", "colonnes"),
    [
        ("communes", 37544, 12),
        ("departements", 101, 7),
        ("arrondissements", 333, 8),
        ("mouvements", 13284, 14),
    ],
)
def test_cog(lectures: Lectures, table: str, lignes: int, colonnes: int) -> None:
    lue = lectures[f"cog__{table}", "2024"]
    assert lue.donnees.num_rows == lue.nb_lignes == lignes
    assert lue.donnees.num_columns == 6 + colonnes
    assert lue.colonnes_inconnues == lue.colonnes_absentes == ()


def test_cog_communes(lectures: Lectures) -> None:
    communes = lectures["cog__communes", "2024"].donnees.to_pandas()
    assert communes["TYPECOM"].value_counts().to_dict() == {
        "COM": 34935,
        "COMD": 2081,
        "COMA": 483,
        "ARM": 45,
    }
    assert ((communes["TYPECOM"] == "COM") & (communes["REG"] == "32")).sum() == 3788
    # SOURCES.md counts the repeated codes once each.
    assert communes.loc[communes["COM"].duplicated(), "COM"].nunique() == 573
    assert communes["COM"].str.len().eq(5).all()


def test_epci(lectures: Lectures) -> None:
    liste = lectures["epci__liste", "2023"].donnees.to_pandas()
    communes = lectures["epci__composition", "2023"].donnees.to_pandas()
    assert len(liste) == 1256
    assert len(communes) == 34945
    hdf = communes[communes["REG"] == "32"]
    assert (len(hdf), hdf["EPCI"].nunique()) == (3787, 92)
    assert communes.loc[communes["CODGEO"] == "59350", "EPCI"].tolist() == ["200093201"]
    assert liste["NB_COM__valeur"].sum() == 34945
    assert liste["ligne"].min() == 7


def test_zones_emploi(lectures: Lectures) -> None:
    liste = lectures["zone_emploi__liste", "2023"].donnees.to_pandas()
    communes = lectures["zone_emploi__composition", "2023"].donnees.to_pandas()
    hdf = communes[communes["REG"] == "32"]
    assert (len(liste), len(communes), len(hdf), hdf["ZE2020"].nunique()) == (306, 34945, 3787, 24)
    parties = hdf["ZE2020_PARTIE_REG"].value_counts()
    assert (parties["0054-32"], parties["0058-32"]) == (302, 37)


def test_qpv_2015_perimeters(lectures: Lectures) -> None:
    perimetres = lectures["qpv_2015", "2015"].donnees.to_pandas()
    hdf = perimetres[perimetres["CODE_QP"].str.match(HDF)]
    assert (len(perimetres), len(hdf)) == (1514, 199)
    assert (perimetres["geometrie_reparee"].sum(), hdf["geometrie_reparee"].sum()) == (34, 10)
    assert hdf["CODE_QP"].str[2:5].value_counts().sort_index().tolist() == [17, 91, 18, 64, 9]
    assert hdf["surface_m2"].sum() / 1e6 == pytest.approx(84.56, abs=0.01)
    surfaces = hdf.set_index("CODE_QP")["surface_m2"]
    assert (surfaces.idxmin(), surfaces.idxmax()) == ("QP059029", "QP059082")
    geometries = shapely.from_wkb(perimetres["geometrie_wkb"].to_numpy())
    assert shapely.is_valid(geometries).all()
    assert {g.geom_type for g in geometries} == {"Polygon", "MultiPolygon"}
    points = shapely.points(perimetres["longitude"], perimetres["latitude"])
    assert shapely.contains(geometries, points).all()
    assert perimetres["NOM_QP"].str.contains("É|é").any()
    assert not perimetres["NOM_QP"].str.contains("Ã").any()


@pytest.mark.parametrize(
    ("millesime", "entites", "par_departement", "sans_geometrie", "population"),
    [("2015", 434, [8, 13, 9, 11, 2], 0, 653409), ("2024", 448, [7, 13, 8, 9, 2], 1, 1460615)],
)
def test_contrats_de_ville(
    lectures: Lectures,
    millesime: str,
    entites: int,
    par_departement: list[int],
    sans_geometrie: int,
    population: float,
) -> None:
    contrats = lectures["contrats_ville", millesime].donnees.to_pandas()
    hdf = contrats[contrats["insee_dep"].isin(["02", "59", "60", "62", "80"])]
    assert len(contrats) == entites
    assert hdf["insee_dep"].value_counts().sort_index().tolist() == par_departement
    assert contrats["geometrie_wkb"].isna().sum() == sans_geometrie
    assert hdf["pop__valeur"].sum() == population
    assert hdf["longitude"].between(1.3, 4.3).all()
    assert hdf["latitude"].between(48.8, 51.1).all()


@pytest.mark.parametrize(
    ("jeu", "vrai", "faux"),
    [
        (IPRO, a, b)
        for a in ("2017", "2018", "2020", "2021")
        for b in ("2017", "2018", "2020", "2021")
        if a != b
    ]
    + [(REVN, a, b) for a in ("2017", "2019", "2021") for b in ("2017", "2019", "2021") if a != b],
)
def test_a_base_dropped_under_another_vintage_is_refused(
    depot_reel: Path, catalogue: Catalogue, jeu: str, vrai: str, faux: str
) -> None:
    bronze = next(b for b in catalogue.tables() if b.jeu.jeu == jeu)
    (chemin,) = (depot_reel / "insee" / jeu / vrai).glob("*.csv")
    with pytest.raises(RefusedFile, match=f"ce n'est pas le millésime {faux}"):
        _read(chemin, bronze, catalogue, millesime=faux)


def test_a_native_copy_of_a_base_has_the_same_content(
    depot_reel: Path, catalogue: Catalogue, lectures: Lectures, tmp_path: Path
) -> None:
    """The Excel copy written as INSEE writes: quoted, no label, no narrow space, no unnamed column."""
    bronze = next(b for b in catalogue.tables() if b.jeu.jeu == IPRO)
    (source,) = (depot_reel / "insee" / IPRO / "2021").glob("*.csv")
    rangs = [ligne.split(";") for ligne in source.read_text(encoding="utf-8-sig").splitlines()]
    garde = [i for i, nom in enumerate(rangs[0]) if nom.strip() not in ("", "LIBGEO")]
    natif = tmp_path / "data_IPRO_2021_V1_QP.csv"
    lignes = (
        ";".join(f'"{r[i]}"'.replace("\u202f", "") if i == 0 else r[i].replace("\u202f", "") for i in garde)
        for r in rangs
    )
    natif.write_text("".join(ligne + "\r\n" for ligne in lignes), encoding="utf-8", newline="")
    copie = _read(natif, bronze, catalogue, millesime="2021")
    assert copie.nb_lignes == 1345
    assert set(copie.colonnes_absentes) - set(lectures[IPRO, "2021"].colonnes_absentes) == {"LIBGEO"}
    assert copie.empreinte_contenu == lectures[IPRO, "2021"].empreinte_contenu
