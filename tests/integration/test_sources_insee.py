"""Datasets of INSEE beyond the thematic bases, on the real files: values of SOURCES.md, 2.4, 3 and 13."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from qpv_emploi.acquisition import survey
from qpv_emploi.catalogue import BronzeTable, Catalogue, load_catalogue
from qpv_emploi.entrepot.inputs import VERSION_COLUMNS
from qpv_emploi.errors import RefusedFile
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.lecture.vide import empty_table
from qpv_emploi.qualite.gate import count_zones, judge
from qpv_emploi.settings import Settings

pytestmark = pytest.mark.depot

HDF = ["02", "59", "60", "62", "80"]
ESTIMATIONS = "estimations_demographiques_qpv"
DEPARTEMENTS = "chomage_localise_departement"
ZONES = "chomage_localise_zone_emploi"
SANS_FICHIER = {
    "defm_qpv_2024",
    "filosofi_qpv_2024",
    "cnaf_qpv_2024",
    "rp_emploi_commune",
    "sirene_geolocalise",
    "taux_chomage_bdm",
}
JEUX = {ESTIMATIONS, "filosofi", DEPARTEMENTS, ZONES, "table_appartenance", "unite_urbaine"}
Lectures = dict[tuple[str, str], ReadTable]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(Settings().dbt_dir)


@pytest.fixture(scope="module")
def lectures(depot_reel: Path, catalogue: Catalogue) -> Lectures:
    """(bronze table without its producer, vintage) -> result, for the datasets of this module."""
    resultat: Lectures = {}
    for bronze in catalogue.tables():
        if bronze.producteur != "insee" or bronze.jeu.jeu not in JEUX:
            continue
        for chemin in sorted((depot_reel / "insee" / bronze.jeu.jeu).glob("*/*")):
            if re.fullmatch(bronze.fichier.motif, chemin.name):
                resultat[bronze.nom.removeprefix("insee__"), chemin.parent.name] = _read(
                    chemin, bronze, catalogue
                )
    return resultat


def _read(chemin: Path, bronze: BronzeTable, catalogue: Catalogue, millesime: str = "") -> ReadTable:
    empreinte = hashlib.sha256(chemin.read_bytes()).hexdigest()
    provenance = Provenance(
        bronze.producteur, bronze.jeu.jeu, millesime or chemin.parent.name, chemin.name, empreinte
    )
    (lue,) = read_file(chemin, [bronze], provenance, catalogue.variables)
    return lue


def _wide(lue: ReadTable, colonne: str = "valeur") -> pd.DataFrame:
    """Zones x variables."""
    cellules = lue.donnees.select(["code_zone", "variable", colonne]).to_pandas()
    table: pd.DataFrame = cellules.pivot(index="code_zone", columns="variable", values=colonne)
    return table


# Reading


def test_every_dataset_of_the_depot_is_in_the_catalogue(depot_reel: Path, catalogue: Catalogue) -> None:
    releve = survey(depot_reel, catalogue)
    assert [jeu for jeu in releve.hors_catalogue if jeu.startswith("insee/")] == []
    refus = {(d.jeu, d.millesime): d.refus for d in releve.deposits if d.producteur == "insee" and d.refus}
    assert refus == {}
    presents = {d.jeu for d in releve.deposits if d.producteur == "insee"}
    assert {j.jeu for p, j in catalogue.datasets() if p == "insee"} - presents == SANS_FICHIER


def test_nothing_is_unknown_in_the_real_files(lectures: Lectures) -> None:
    assert {cle: lue.colonnes_inconnues for cle, lue in lectures.items() if lue.colonnes_inconnues} == {}
    # PTSAC of 2014 became PACT, PTSA and PCHO: SOURCES 3.1.
    absentes = {cle: lue.colonnes_absentes for cle, lue in lectures.items() if lue.colonnes_absentes}
    assert absentes == {
        (f"filosofi__{zone}", "2014"): ("PACT", "PCHO") for zone in ("regions", "departements", "epci")
    }


def test_estimations_by_qpv(lectures: Lectures) -> None:
    lue = lectures[f"{ESTIMATIONS}__quartiers", "2010"]
    table = _wide(lue)
    assert (lue.nb_lignes, table.shape) == (1292, (1292, 64))
    # Codes on row 6, labels on row 7: the first QPV is on row 8.
    assert lue.donnees["ligne"].to_pylist()[0] == 8
    hdf = table[table.index.str.match(r"QP(002|059|060|062|080)")]
    assert len(hdf) == 199
    for variable, remplies, somme in (("tx_tot_empl", 199, 8450.4), ("tx_tot_eprec", 195, 4822.4)):
        assert hdf[variable].notna().sum() == remplies
        assert round(hdf[variable].sum(), 1) == somme


def test_employment_rates_of_the_bases_2017_are_those_of_census_2010(
    depot_reel: Path, catalogue: Catalogue, lectures: Lectures
) -> None:
    """SOURCES 1.4: every comparable cell is equal, which dates the rates of the bases 2017 and 2018."""
    bronze = next(b for b in catalogue.tables() if b.jeu.jeu == "insertion_professionnelle")
    base = _wide(_read(depot_reel / "insee/insertion_professionnelle/2017/IPRO_2017.csv", bronze, catalogue))
    estimations = _wide(lectures[f"{ESTIMATIONS}__quartiers", "2010"])
    paires = pd.concat([base["TX_TOT_EMPL"], estimations["tx_tot_empl"]], axis=1).dropna()
    assert len(paires) == 1291
    assert (paires["TX_TOT_EMPL"] == paires["tx_tot_empl"]).all()


def test_estimations_by_region(lectures: Lectures) -> None:
    lue = lectures[f"{ESTIMATIONS}__regions", "2010"]
    lignes = lue.donnees.to_pandas().drop_duplicates("ligne")
    assert (lue.nb_lignes, len(lignes)) == (23, 23)
    controle = lignes[lignes["est_controle"]]
    assert controle[["ligne", "code_source"]].to_numpy().tolist() == [[8, ""]]
    regions = lignes.set_index("code_source")["code_zone"]
    assert regions["22"] == "Ensemble des QP de la région Picardie"
    assert regions["31"] == "Ensemble des QP de la région Nord-Pas-de-Calais"
    assert lignes["code_source"].is_unique


@pytest.mark.parametrize(
    ("zone", "millesime", "lignes", "code", "mediane"),
    [
        ("metropole", "2017", 1, "1", 21110),
        ("metropole", "2018", 1, "1", 21730),
        ("metropole", "2019", 1, "1", 21930),
        ("regions", "2017", 15, "32", 19520),
        ("regions", "2018", 15, "32", 20110),
        ("regions", "2019", 15, "32", 20360),
        ("epci", "2014", 2123, None, None),
        ("epci", "2015", 2048, None, None),
        ("epci", "2016", 1252, None, None),
        ("epci", "2017", 1249, "245900410", 20140),
        ("epci", "2018", 1244, "245900410", 20690),
        ("epci", "2019", 1240, "245900410", 20940),
        ("communes", "2018", 31330, "59350", 19320),
        ("communes", "2019", 31361, "59350", 19580),
    ],
)
def test_filosofi(
    lectures: Lectures, zone: str, millesime: str, lignes: int, code: str | None, mediane: float | None
) -> None:
    lue = lectures[f"filosofi__{zone}", millesime]
    table = _wide(lue)
    assert lue.nb_lignes == len(table) == lignes
    # Names without their year: 31 columns, key included; PACT, PTSA and PCHO are one in 2014.
    assert table.shape[1] == (28 if millesime == "2014" else 30)
    assert {"Q2", "D1", "S80S20", "Q3_Q1", "RD", "PIMPOT"} <= set(table.columns)
    assert table["Q2"].notna().all()
    if code:
        assert table.loc[code, "Q2"] == mediane


@pytest.mark.parametrize(
    ("millesime", "medianes"),
    [
        ("2017", [19100, 19490, 21500, 18610, 19720]),
        ("2018", [19690, 20040, 22150, 19200, 20320]),
        ("2019", [19880, 20290, 22250, 19560, 20540]),
    ],
)
def test_filosofi_departements(lectures: Lectures, millesime: str, medianes: list[float]) -> None:
    table = _wide(lectures["filosofi__departements", millesime])
    assert len(table) == 98
    assert table.loc[HDF, "Q2"].tolist() == medianes


def test_filosofi_unemployment_benefits_and_quirks(lectures: Lectures) -> None:
    parts = [_wide(lectures["filosofi__regions", n]).loc["32", "PCHO"] for n in ("2017", "2018", "2019")]
    assert parts == [3.3, 3.1, 3]
    anciennes = _wide(lectures["filosofi__regions", "2014"])
    assert "PTSAC" in anciennes
    assert "PTSA" not in anciennes
    # Only counts and the median are written for the smallest communes.
    for millesime, vides in (("2018", 26023), ("2019", 26025)):
        communes = _wide(lectures["filosofi__communes", millesime])
        assert communes["D1"].isna().sum() == vides
        assert communes.index.str.match("|".join(HDF)).sum() == 3520


def test_a_filosofi_file_of_another_year_is_refused(depot_reel: Path, catalogue: Catalogue) -> None:
    bronze = next(b for b in catalogue.tables() if b.nom == "insee__filosofi__regions")
    chemin = depot_reel / "insee/filosofi/2018/FILO2018_DISP_REG.csv"
    with pytest.raises(RefusedFile, match=r"absente\(s\) : Q2 .*millésime 2017"):
        _read(chemin, bronze, catalogue, "2017")


def test_unemployment_by_departement(lectures: Lectures) -> None:
    lue = lectures[f"{DEPARTEMENTS}__departements", "2021T4"]
    assert lue.nb_lignes == 100
    table = _wide(lue)
    trimestres = [nom for nom in table.columns if re.fullmatch(r"T[1-4]_\d{4}", nom)]
    assert len(trimestres) == 160
    assert table.loc[HDF, "T4_2021"].tolist() == [10.8, 9.4, 7.4, 8.3, 8.5]
    assert {"01", "2A", "2B", "10", "95", "971", "974"} <= set(table.index)
    # The codes below 10 are texts in this release: nothing had to be repaired.
    assert not any(lue.donnees["code_repare"].to_pylist())
    assert table.loc["971", "T4_2013"] != table.loc["971", "T4_2013"]
    assert table.loc["971", "T1_2014"] > 0


def test_unemployment_by_region(lectures: Lectures) -> None:
    lue = lectures[f"{DEPARTEMENTS}__regions", "2021T4"]
    assert lue.nb_lignes == 19
    derniers = lue.donnees.to_pandas().query("variable == 'T4_2021'").set_index("code_zone")
    assert derniers["code_source"].value_counts()["00"] == 2
    assert derniers.loc[
        ["HAUTS-DE-FRANCE", "FRANCE (HORS MAYOTTE)", "FRANCE METROPOLITAINE"], "valeur"
    ].tolist() == [
        8.9,
        7.4,
        7.2,
    ]
    assert derniers.loc["HAUTS-DE-FRANCE", "code_source"] == "32"
    # Code 02 is Martinique here, Aisne in the other sheet.
    assert derniers.loc["MARTINIQUE", "code_source"] == "02"


def test_unemployment_by_employment_zone(lectures: Lectures) -> None:
    lue = lectures[f"{ZONES}__zones", "2023T3"]
    table = _wide(lue)
    trimestres = [nom for nom in table.columns if re.fullmatch(r"\d{4}-T[1-4]", nom)]
    assert (lue.nb_lignes, len(trimestres), trimestres[0], trimestres[-1]) == (302, 83, "2003-T1", "2023-T3")
    zones = ["3216", "3217", "3215", "0054", "0058"]
    assert table.loc[zones, "2023-T3"].tolist() == [7.2, 12.4, 10.6, 7.8, 6.8]
    assert table[trimestres].isna().sum().sum() == 660
    regions = _wide(lue, "valeur_texte")["REG"]
    assert ((regions == "32").sum(), (regions == "00").sum()) == (22, 14)
    parties = lectures[f"{ZONES}__parties_regionales", "2023T3"]
    assert parties.nb_lignes == 28
    assert _wide(parties).loc[["3254", "3258"], "2023-T3"].tolist() == [7.8, 7.6]


@pytest.mark.parametrize(
    ("table", "chemin", "autre"),
    [
        (f"{DEPARTEMENTS}__departements", f"{DEPARTEMENTS}/2021T4/sl_etc_2021T4.xls", "2021T3"),
        (f"{ZONES}__zones", f"{ZONES}/2023T3/chomage-zone-t1-2003-t3-2023.xlsx", "2023T4"),
    ],
)
def test_a_revised_series_is_refused_under_another_quarter(
    depot_reel: Path, catalogue: Catalogue, table: str, chemin: str, autre: str
) -> None:
    bronze = next(b for b in catalogue.tables() if b.nom == f"insee__{table}")
    with pytest.raises(RefusedFile, match=f"s'arrête à {autre}"):
        _read(depot_reel / "insee" / chemin, bronze, catalogue, autre)


def test_zonings_of_the_communes(lectures: Lectures) -> None:
    table = lectures["table_appartenance__communes", "2022"].donnees.to_pandas()
    assert len(table) == 34955
    assert (table["REG"] == "32").sum() == 3788
    assert table["CODGEO"].str.fullmatch(r"(\d{2}|2[AB])\d{3}").all()
    # The 3,143 codes that had lost their zero, and no other, begin with it again.
    assert table["CODGEO"].str.startswith("0").sum() == 3143
    assert table.loc[table["CODGEO"].str.startswith("0"), "code_repare"].all()
    assert (table["DEP"] == table["CODGEO"].str[:2]).sum() == 34955 - table["CODGEO"].str.startswith(
        "97"
    ).sum()
    assert {"0054", "0058"} <= set(table["ZE2020"])
    assert table["ZE2020"].str.len().eq(4).all()
    # Accents and the ligature of cp1252.
    assert "Ambérieu-en-Bugey" in set(table["LIBGEO"])
    assert table["LIBGEO"].str.contains("œ").any()


def test_repaired_zonings_agree_with_the_tables_that_kept_their_zeros(
    depot_reel: Path, catalogue: Catalogue, lectures: Lectures
) -> None:
    table = lectures["table_appartenance__communes", "2022"].donnees.to_pandas().set_index("CODGEO")
    bronze = next(b for b in catalogue.tables() if b.nom == "insee__zone_emploi__composition")
    chemin = depot_reel / "insee/zone_emploi/2023/ZE2020_au_01-01-2023.xlsx"
    zones = _read(chemin, bronze, catalogue).donnees.to_pandas().set_index("CODGEO")
    communes = table.index.intersection(zones.index)
    assert len(communes) > 34900
    for colonne in ("DEP", "REG", "ZE2020"):
        assert (table.loc[communes, colonne] != zones.loc[communes, colonne]).sum() <= 2, colonne
    unites = lectures["unite_urbaine", "2020"].donnees.to_pandas().set_index("commune")["unite_urbaine"]
    communes = table.index.intersection(unites.index)
    assert len(communes) > 34800
    assert (table.loc[communes, "UU2020"] == unites[communes]).mean() > 0.999


def test_urban_units(lectures: Lectures) -> None:
    table = lectures["unite_urbaine", "2020"].donnees.to_pandas().set_index("commune")["unite_urbaine"]
    hdf = table[table.index.str[:2].isin(HDF)]
    assert (len(table), len(hdf), hdf.str.endswith("000").sum()) == (34875, 3782, 2865)
    assert table["59350"] == "59702"


# Gate 1


def test_every_file_passes_the_gate(lectures: Lectures, catalogue: Catalogue) -> None:
    """Vintage after vintage, as they come: the new map of the EPCI is not a truncated file."""
    refus, reparees = {}, {}
    zones: dict[str, dict[str, int]] = {}
    for (nom, millesime), lue in lectures.items():
        connues = zones.setdefault(nom, {})
        verdict = judge(
            lue,
            expectations_dir=Settings().expectations_dir,
            variables=catalogue.variables,
            zones_connues=dict(connues),
        )
        if not verdict.accepte:
            refus[nom, millesime] = verdict.raison()
        if lue.table.table.forme == "cellules":
            connues[millesime] = count_zones(lue)
        for controle in verdict.avertissements:
            if controle.nom == "code_repare":
                reparees[nom, millesime] = controle.nb_ecarts
    assert refus == {}
    assert zones["filosofi__epci"]["2015"] > zones["filosofi__epci"]["2016"] / 0.75
    assert reparees == {("table_appartenance__communes", "2022"): 24844}


# Staging


class _Dbt:
    """The macros of the project without dbt: their default engine is DuckDB."""

    def __init__(self, racine: Path) -> None:
        textes = [
            (racine / "macros" / f"{nom}.sql").read_text(encoding="utf-8") for nom in ("moteur", "regles")
        ]
        self._macros = "\n".join(textes)
        self._environnement = jinja2.Environment()
        self._environnement.globals |= {
            "source": lambda _, table: table,
            "return": lambda valeur: valeur,
            "var": lambda _: "32",
            "adapter": self,
        }

    def dispatch(self, nom: str, _: str) -> Any:
        return getattr(self._environnement.from_string(self._macros).module, f"default__{nom}")

    def sql(self, modele: Path) -> str:
        return self._environnement.from_string(self._macros + modele.read_text(encoding="utf-8")).render()


@pytest.fixture(scope="module")
def entrepot(lectures: Lectures, catalogue: Catalogue) -> Iterator[duckdb.DuckDBPyConnection]:
    """The bronze tables of this module as relations, those without file empty; one vintage of Filosofi."""
    connexion = duckdb.connect()
    for bronze in catalogue.tables():
        if bronze.producteur != "insee" or bronze.jeu.jeu not in JEUX | SANS_FICHIER:
            continue
        millesimes = [m for nom, m in lectures if f"insee__{nom}" == bronze.nom]
        donnees = (
            lectures[bronze.nom.removeprefix("insee__"), max(millesimes)].donnees
            if millesimes
            else empty_table(bronze)
        )
        if bronze.table.forme == "cellules":
            # The days of a version are not looked at here.
            for nom, type_ in VERSION_COLUMNS.items():
                donnees = donnees.append_column(nom, pa.nulls(len(donnees), type_))
        connexion.register(bronze.nom, donnees)
    yield connexion
    connexion.close()


def _staging(entrepot: duckdb.DuckDBPyConnection, nom: str) -> pd.DataFrame:
    racine = Settings().dbt_dir
    modele = racine / "models" / "staging" / "insee" / f"stg_insee__{nom}.sql"
    resultat: pd.DataFrame = entrepot.sql(_Dbt(racine).sql(modele)).df()
    return resultat


def _models() -> dict[str, list[str]]:
    """Staging models of this module -> described columns."""
    racine = Settings().dbt_dir / "models" / "staging" / "insee"
    contenu = yaml.safe_load((racine / "_insee.yml").read_text(encoding="utf-8"))
    decrits = {m["name"].removeprefix("stg_insee__"): m for m in contenu["models"]}
    jeux = JEUX | SANS_FICHIER
    return {
        nom: [colonne["name"] for colonne in modele["columns"]]
        for nom, modele in decrits.items()
        if nom.split("__")[0] in jeux
    }


@pytest.mark.parametrize("nom", sorted(_models()))
def test_a_staging_model_runs_and_its_columns_are_described(
    entrepot: duckdb.DuckDBPyConnection, lectures: Lectures, catalogue: Catalogue, nom: str
) -> None:
    donnees = _staging(entrepot, nom)
    assert list(donnees.columns) == _models()[nom]
    assert (len(donnees) == 0) == (nom.split("__")[0] in SANS_FICHIER)
    bronze = next(b for b in catalogue.tables() if b.nom == f"insee__{nom}")
    if "type_territoire" in donnees and len(donnees):
        attendu = bronze.table.type_territoire or bronze.jeu.type_territoire
        assert set(donnees["type_territoire"]) == {attendu}
    zone = next(
        (c for c in ("libelle_zone", "code_zone", "code_qpv", "code_commune") if c in donnees), "siret"
    )
    mesure = [c for c in ("periode_source", "code_variable") if c in donnees]
    assert not donnees.duplicated([zone, *mesure]).any()


def test_every_table_has_its_staging_model(catalogue: Catalogue) -> None:
    tables = {
        b.nom.removeprefix("insee__")
        for b in catalogue.tables()
        if b.producteur == "insee" and b.jeu.jeu in JEUX | SANS_FICHIER
    }
    assert tables == set(_models())


def test_quarters_in_staging(entrepot: duckdb.DuckDBPyConnection) -> None:
    regions = _staging(entrepot, f"{DEPARTEMENTS}__regions")
    assert len(regions) == 19 * 160
    derniers = regions[(regions["periode_source"] == "T4_2021") & (regions["code_zone"] == "00")]
    assert sorted(derniers["valeur"]) == [7.2, 7.4]
    assert set(derniers["libelle_zone"]) == {"FRANCE (HORS MAYOTTE)", "FRANCE METROPOLITAINE"}
    assert len(_staging(entrepot, f"{DEPARTEMENTS}__departements")) == 100 * 160
    zones = _staging(entrepot, f"{ZONES}__zones")
    # The 660 blanks stay, with no value.
    assert (len(zones), zones["valeur"].isna().sum()) == (302 * 83, 660)


def test_regions_before_2016_in_staging(entrepot: duckdb.DuckDBPyConnection) -> None:
    regions = _staging(entrepot, f"{ESTIMATIONS}__regions")
    assert regions.loc[regions["est_controle"], "code_zone"].isna().all()
    assert regions.loc[~regions["est_controle"], "code_zone"].nunique() == 22
