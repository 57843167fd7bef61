"""The other files of the fictional region: both generations of QPV, comparators, posts, pages.

They are consistent with its territory and with each other, and spelt like the real ones.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import shapely
from python_calamine import CalamineWorkbook
from tests.socle import RIEN

from qpv_emploi.acquisition import survey
from qpv_emploi.catalogue import Catalogue, load_catalogue
from qpv_emploi.fictif import MILLESIMES_DU_DEPOT, NB_QPV_MAX, generate
from qpv_emploi.fictif.generation_2024 import quartiers_2024
from qpv_emploi.fictif.region import Region
from qpv_emploi.fictif.sans_depot import AMPLITUDE
from qpv_emploi.fictif.territoire import imaginer
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.qualite import Verdict
from qpv_emploi.qualite.gate import judge
from qpv_emploi.settings import Settings

NB_QPV, GRAINE = 40, 7
DEFM, FILOSOFI, CNAF = "defm_qpv_2024", "filosofi_qpv_2024", "cnaf_qpv_2024"
RP, SIRENE = "rp_emploi_commune", "sirene_geolocalise"
SANS_DEPOT = (DEFM, FILOSOFI, CNAF, RP, SIRENE)
Resultats = dict[str, tuple[ReadTable, Verdict]]
Lignes = list[dict[str, str]]


@pytest.fixture(scope="module")
def region() -> Region:
    return Region(imaginer(GRAINE, NB_QPV))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(Settings().dbt_dir)


@pytest.fixture(scope="module")
def depot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    depot = tmp_path_factory.mktemp("depot")
    generate(depot, graine=GRAINE, nb_qpv=NB_QPV)
    return depot


@pytest.fixture(scope="module")
def resultats(depot: Path, catalogue: Catalogue) -> Resultats:
    """Datasets whose real file is not held -> what the survey finds in the dépôt, read and judged."""
    resultat = {}
    for deposit in survey(depot, catalogue).deposits:
        if deposit.jeu not in SANS_DEPOT:
            continue
        (fichier,) = deposit.fichiers
        bronze = next(b for b in catalogue.tables() if b.jeu.jeu == deposit.jeu)
        provenance = Provenance("insee", deposit.jeu, deposit.millesime, fichier.fichier, "a" * 64)
        (lue,) = read_file(fichier.chemin, [bronze], provenance, ())
        verdict = judge(lue, expectations_dir=Settings().expectations_dir, variables=(), zones_connues={})
        resultat[deposit.jeu] = (lue, verdict)
    return resultat


def fichier(depot: Path, jeu: str, motif: str = "*") -> Path:
    """The only file of a dataset whose path matches."""
    (chemin,) = depot.glob(f"*/{jeu}/{motif}" if "/" in motif else f"*/{jeu}/*/{motif}")
    return chemin


def lire(chemin: Path, separateur: str = ",", encodage: str = "utf-8") -> Lignes:
    with chemin.open(encoding=encodage, newline="") as flux:
        return list(csv.DictReader(flux, delimiter=separateur))


def entites(chemin: Path) -> list[dict[str, Any]]:
    features: list[dict[str, Any]] = json.loads(chemin.read_text(encoding="utf-8"))["features"]
    return features


def perimetres(depot: Path) -> list[dict[str, Any]]:
    with zipfile.ZipFile(fichier(depot, "qpv_2024", "*.zip")) as archive:
        (nom,) = archive.namelist()
        assert nom == "GEOJSON/QP2024_France_Hexagonale_Outre_Mer_WGS84.geojson"
        features: list[dict[str, Any]] = json.loads(archive.read(nom))["features"]
    return features


def _wide(lue: ReadTable) -> pd.DataFrame:
    cellules = lue.donnees.to_pandas()
    table: pd.DataFrame = cellules.pivot(index="code_zone", columns="variable", values="valeur")
    return table


# The whole region ----------------------------------------------------------------------------------------


def test_the_region_has_every_dataset_of_the_warehouse(catalogue: Catalogue) -> None:
    attendus = {(p, jeu.jeu) for p, jeu in catalogue.datasets() if jeu.usage == "entrepot"}
    connus = {jeu for _, jeu in attendus}
    assert set(MILLESIMES_DU_DEPOT) == connus, "un jeu du catalogue manque à la région fictive"
    # A dataset is asked for by its name alone.
    assert len(connus) == len(attendus)


def test_the_survey_takes_every_folder(depot: Path, catalogue: Catalogue) -> None:
    releve = survey(depot, catalogue)
    assert releve.est_fictif
    assert (releve.hors_catalogue, releve.egares) == ((), ())
    assert [(d.jeu, d.millesime, d.refus) for d in releve.deposits if d.refus] == []
    trouves: dict[str, set[str]] = {}
    for deposit in releve.deposits:
        assert deposit.fichiers
        trouves.setdefault(deposit.jeu, set()).add(deposit.millesime)
    assert trouves == {jeu: set(millesimes) for jeu, millesimes in MILLESIMES_DU_DEPOT.items()}


def test_another_seed_gives_other_figures(depot: Path, tmp_path: Path) -> None:
    generate(tmp_path, graine=GRAINE + 1, nb_qpv=NB_QPV)
    # What depends on no draw: the pages, their notes, and the départements.
    semblables = {
        chemin.relative_to(tmp_path).as_posix()
        for chemin in tmp_path.rglob("*")
        if chemin.is_file() and chemin.read_bytes() == (depot / chemin.relative_to(tmp_path)).read_bytes()
    }
    assert {"/".join(nom.split("/")[:2]) for nom in semblables} == {
        "c2rp/dispositifs",
        "c2rp/pages",
        "geo/contours_departements",
        "insee/cog",
    }


# Encoding, separator and end of lines of the real files; name of the real file below the real dépôt.
COPIES = {
    "communes_zonages_hdf": "geo/communes_zonages_hdf/2025/hdf_communes_zonages.csv",
    "qpv_2024_communes_contrats_hdf": "geo/qpv_2024_communes_contrats_hdf/2025/qpv2024_hdf_communes.csv",
    "qpv_communes_2015": "sig_ville/qpv_communes_2015/2015/qpv_info_nom_commune.csv",
    "qpv_2024": "sig_ville/qpv_2024/2024/qpv_codelib_2024.csv",
    "passage_qpv_2015_2024": ("sig_ville/passage_qpv_2015_2024/v0/qpv_correspondance_2024_2015_v0.hdf.csv"),
    "defm_communales": "dares/defm_communales/2024T4/defm_abc_2024t4_aisne_extract.csv",
    "poem": "dares/poem/2025/poem_france_entiere_mensuel.csv",
    "clpe": "france_travail/clpe/2026/ref_clpe_ft_hdf.csv",
    "unite_urbaine": "insee/unite_urbaine/2020/commune_vers_unite_urbaine.csv",
    "table_appartenance": "insee/table_appartenance/2022/table-appartenance-geo-communes-22.csv",
    "dispositifs": "c2rp/dispositifs/2022/known_urls.csv",
    **{
        f"filosofi/{annee}/FILO{annee}_DISP_{zone}.csv": f"insee/filosofi/{annee}/FILO{annee}_DISP_{zone}.csv"
        for annee, zones in (
            ("2015", ("REG", "DEP", "EPCI")),
            ("2017", ("REG", "DEP", "EPCI", "METROPOLE")),
            ("2019", ("REG", "DEP", "EPCI", "METROPOLE", "COM")),
        )
        for zone in zones
    },
}


@pytest.mark.depot
@pytest.mark.parametrize("jeu", COPIES)
def test_headers_and_ends_of_lines_are_those_of_the_real_files(
    depot: Path, depot_reel: Path, jeu: str
) -> None:
    nom, _, reste = jeu.partition("/")
    fictif = fichier(depot, nom, reste or "*.csv").read_bytes()
    reel = (depot_reel / COPIES[jeu]).read_bytes()
    assert fictif.split(b"\n")[0] == reel.split(b"\n")[0]
    assert fictif.endswith(b"\n") == reel.endswith(b"\n")
    assert (b"\r\n" in fictif) == (b"\r\n" in reel)


@pytest.mark.depot
@pytest.mark.parametrize(
    ("jeu", "motif"),
    [
        *[("adultes_relais", f"{annee}/*.json") for annee in range(2020, 2025)],
        *[("postes_fonjep", f"{annee}/*.json") for annee in range(2020, 2025)],
    ],
)
def test_posts_have_the_keys_and_types_of_the_real_ones(
    depot: Path, depot_reel: Path, jeu: str, motif: str
) -> None:
    formes = []
    for racine in (depot, depot_reel):
        (chemin,) = (racine / "sig_ville" / jeu).glob(motif)
        postes = json.loads(chemin.read_bytes())
        complet = next(poste for poste in postes if {"code_cv", "insee_dep"} <= set(poste))
        formes.append({cle: type(valeur) for cle, valeur in complet.items() if cle != "montant"})
    assert formes[0] == formes[1]


# Generation 2024 -----------------------------------------------------------------------------------------


def test_codes_of_2024_are_not_those_of_2015(region: Region) -> None:
    quartiers, anciens = region.quartiers_2024, region.territoire.qpv
    assert quartiers.codes == sorted(set(quartiers.codes))
    assert all(re.fullmatch(r"QN99[1-3]\d{2}[MIN]", code) for code in quartiers.codes)
    gardes = [
        (code, anciens.codes[projet.origines[0]])
        for code, projet in zip(quartiers.codes, quartiers.projets, strict=True)
        if len(projet.origines) == 1
    ]
    assert any(nouveau[5:7] != ancien[6:8] for nouveau, ancien in gardes)


def test_every_case_of_the_real_passage_is_there(depot: Path, region: Region) -> None:
    lignes = lire(fichier(depot, "passage_qpv_2015_2024"))
    assert [ligne["qp2024"] for ligne in lignes] == region.quartiers_2024.codes
    statuts = {"M": "MODIFIE", "I": "INCHANGE", "N": "NOUVEAU"}
    assert all(ligne["statut"] == statuts[ligne["qp2024"][-1]] for ligne in lignes)
    assert {ligne["statut"] for ligne in lignes} == set(statuts.values())
    assert all(bool(ligne["qp2015_1"]) == (ligne["statut"] != "NOUVEAU") for ligne in lignes)
    cites = Counter(ligne[f"qp2015_{rang}"] for ligne in lignes for rang in (1, 2, 3))
    del cites[""]
    assert set(cites) < set(region.territoire.qpv.codes)
    assert sorted(cites.values())[-2:] == [1, 2], "one split, in two"
    assert sum(bool(ligne["qp2015_2"]) for ligne in lignes) == 1, "one declared merger"
    assert not any(ligne["qp2015_3"] for ligne in lignes)
    # One left the list; another was merged without a word.
    assert len(set(region.territoire.qpv.codes) - set(cites)) == 2


def test_outlines_say_the_same_as_the_passage(region: Region) -> None:
    quartiers, contours = region.quartiers_2024, region.contours
    formes = region.formes_2024
    assert shapely.is_valid(formes).all()
    anciens = [
        shapely.union_all([shapely.make_valid(shapely.Polygon(a)) for a in anneaux])
        for anneaux in contours.lambert
    ]
    for forme, projet in zip(formes.tolist(), quartiers.projets, strict=True):
        recouvrements = {i for i, ancien in enumerate(anciens) if forme.intersection(ancien).area > 1}
        assert recouvrements == set(projet.origines)
        if projet.lettre == "I":
            (origine,) = projet.origines
            assert forme.symmetric_difference(anciens[origine]).area < 1
    arbre = shapely.STRtree(formes)
    for i, j in zip(*arbre.query(formes, predicate="intersects").tolist(), strict=True):
        assert i == j or formes[i].intersection(formes[j]).area < 1


def test_the_lists_of_2024_agree(depot: Path, region: Region) -> None:
    codes = region.quartiers_2024.codes
    assert [ligne["code_qp"] for ligne in lire(fichier(depot, "qpv_2024", "*.csv"))] == codes
    contours = [entite["properties"] for entite in perimetres(depot)]
    assert [p["code_qp"] for p in contours] == codes
    communes = {p["code_qp"]: set(p["insee_com"].split(", ")) for p in contours}
    assert any(len(siennes) > 1 for siennes in communes.values())
    assert sum(p["insee_reg"] is None for p in contours) == 1

    liste = lire(fichier(depot, "qpv_2024_liste"), ";", "utf-8-sig")
    assert all(re.fullmatch(r'="\d{5}(;\d{5})*"', ligne["insee_com"]) for ligne in liste)
    assert {ligne["code_qp"]: set(re.findall(r"\d{5}", ligne["insee_com"])) for ligne in liste} == communes
    assert any("\r\n" in ligne["lib_com"] for ligne in liste)

    centres = [entite["properties"] for entite in entites(fichier(depot, "qpv_communes_2024"))]
    couples = {(code, p["insee_com"]) for p in centres for code in p["code_qp"].split(", ")}
    assert couples == {(code, commune) for code, siennes in communes.items() for commune in siennes}

    zonages = lire(fichier(depot, "qpv_2024_communes_contrats_hdf"))
    assert {(ligne["code_qp"], ligne["insee_com"]) for ligne in zonages} == couples
    contrats = entites(depot / "sig_ville/contrats_ville/2024/geom_cv_ctr.json")
    porteurs = {c["properties"]["code_cv"]: c["properties"]["codgeo"] for c in contrats}
    assert all(porteurs[ligne["code_cv"]] in (ligne["insee_com"], ligne["epci"]) for ligne in zonages)


@pytest.mark.parametrize("nb_qpv", [1, 2, 7, 8, 12])
def test_a_tiny_region_has_its_generation_2024(nb_qpv: int) -> None:
    quartiers = quartiers_2024(imaginer(GRAINE, nb_qpv))
    assert len(quartiers) >= nb_qpv - 2
    assert (quartiers.population > 0).all()


def test_a_departement_has_no_more_than_99_codes() -> None:
    quartiers = quartiers_2024(imaginer(1, 700))
    par_departement = Counter(code[2:5] for code in quartiers.codes)
    assert max(par_departement.values()) == 99
    # What is rare stays.
    assert {code[-1] for code in quartiers.codes} == {"M", "I", "N"}
    assert sum(len(projet.declarees) == 2 for projet in quartiers.projets) == 1


# Datasets without a real file ----------------------------------------------------------------------------


def test_every_file_passes_the_gate(resultats: Resultats) -> None:
    assert set(resultats) == set(SANS_DEPOT)
    for jeu, (_, verdict) in resultats.items():
        assert verdict.accepte, (jeu, verdict.raison())


@pytest.mark.parametrize("jeu", [DEFM, FILOSOFI, CNAF])
def test_a_file_by_qpv_has_one_row_per_qpv_and_reports_its_measures(
    resultats: Resultats, region: Region, jeu: str
) -> None:
    lue, _ = resultats[jeu]
    assert sorted(set(lue.donnees["code_zone"].to_pylist())) == region.quartiers_2024.codes
    # No dictionary is given: its measures are data, and told.
    mesures = set(_wide(lue).columns) - {"LIBGEO"}
    assert set(lue.colonnes_inconnues) == mesures
    assert len(mesures) >= 2


def test_perturbed_counts_do_not_add_up_and_stay_close(resultats: Resultats) -> None:
    table = _wide(resultats[DEFM][0])
    ecarts = table["ABC"] - table["ABC_F"] - table["ABC_H"]
    assert (ecarts != 0).any()
    assert ecarts.abs().max() <= 3 * AMPLITUDE
    assert (table.drop(columns="LIBGEO") >= 0).all(axis=None)


def test_a_withheld_rate_is_blank(resultats: Resultats) -> None:
    table = _wide(resultats[FILOSOFI][0])
    assert 0 < table["DISP_TP60"].isna().sum() < len(table)
    assert table["DISP_MED"].between(9_000, 25_000).all()


def test_the_census_keeps_its_useful_columns_under_stable_names(resultats: Resultats, region: Region) -> None:
    lue, _ = resultats[RP]
    table = _wide(lue)
    assert sorted(table.index) == sorted(commune.code for commune in region.territoire.communes)
    assert {"P_POP1564", "P_FACTOCC2554", "P_EMPLT", "P16_POP1564", "P11_CHOM1564"} <= set(table.columns)
    assert not any(nom.startswith("C") for nom in table.columns)
    assert lue.colonnes_inconnues == ()
    assert (table["P_POP1564"] > table["P_ACTOCC1564"] + table["P_CHOM1564"]).all()


def test_only_the_establishments_of_a_qpv_are_kept(resultats: Resultats, region: Region) -> None:
    etablissements = resultats[SIRENE][0].donnees.to_pandas()
    nombre = 30 * len(region.quartiers_2024)
    assert nombre / 5 < len(etablissements) < nombre / 2
    assert set(etablissements["plg_qp24"]) <= set(region.quartiers_2024.codes)
    assert "plg_iris" not in etablissements
    assert etablissements["ligne"].max() > len(etablissements)
    assert etablissements["siret"].str.startswith("0000").all()


# Zonings and comparators ---------------------------------------------------------------------------------


def test_zonings_agree(depot: Path, region: Region) -> None:
    zonages = {ligne["codgeo"]: ligne for ligne in lire(fichier(depot, "communes_zonages_hdf"))}
    assert set(zonages) == {commune.code for commune in region.territoire.communes}
    assert {ligne["ze_partie_reg"] for ligne in zonages.values()} == {"", "0099-99"}
    urbaines = {ligne["commune"]: ligne["unite_urbaine"] for ligne in lire(fichier(depot, "unite_urbaine"))}
    assert urbaines == {code: ligne["unite_urbaine"] for code, ligne in zonages.items()}
    assert any(code.endswith("00") for code in urbaines.values())
    comites = {ligne["commune_id"]: ligne for ligne in lire(fichier(depot, "clpe"))}
    assert {code: ligne["territoire_libelle"] for code, ligne in comites.items()} == {
        code: ligne["libze2020"] for code, ligne in zonages.items()
    }
    appartenance = lire(fichier(depot, "table_appartenance"), ";", "cp1252")
    # The commune merged in 2024 was still there in 2022.
    assert {ligne["CODGEO"] for ligne in appartenance} - set(zonages) == {"99191"}
    # The leading zeros of 0099 are lost.
    assert {ligne["ZE2020"] for ligne in appartenance} > {"99"}


@pytest.mark.parametrize(
    ("jeu", "cle", "nombre"),
    [
        ("contours_communes", "codgeo", None),
        ("contours_epci", "epci", None),
        ("contours_departements", "code", 3),
    ],
)
def test_outlines_touch_and_do_not_overlap(
    depot: Path, region: Region, jeu: str, cle: str, nombre: int | None
) -> None:
    lues = entites(fichier(depot, jeu))
    attendu = {"codgeo": len(region.territoire.communes), "epci": len(region.territoire.epci)}.get(
        cle, nombre
    )
    assert len({entite["properties"][cle] for entite in lues}) == len(lues) == attendu
    formes = [shapely.geometry.shape(entite["geometry"]) for entite in lues]
    assert all(forme.is_valid for forme in formes)
    total = shapely.union_all(formes).area
    assert sum(forme.area for forme in formes) == pytest.approx(total, rel=1e-3)


def test_filosofi(depot: Path, region: Region) -> None:
    aa = {annee: f"{int(annee) % 100}" for annee in MILLESIMES_DU_DEPOT["filosofi"]}
    for annee, suffixe in aa.items():
        (ligne,) = lire(fichier(depot, "filosofi", f"{annee}/*_REG.csv"), ";", "utf-8-sig")
        assert ligne["CODGEO"] == "99"
        quantiles = [int(ligne[nom + suffixe]) for nom in ("D1", "Q1", "Q2", "Q3", "D9")]
        assert quantiles == sorted(quantiles)
        parts = [float(ligne[nom + suffixe].replace(",", ".")) for nom in ("PACT", "PPEN", "PPAT", "PPSOC")]
        impots = float(ligne[f"PIMPOT{suffixe}"].replace(",", "."))
        assert impots < 0
        assert sum(parts) + impots == pytest.approx(100, abs=0.05)
    communes = lire(fichier(depot, "filosofi", "2019/*_COM.csv"), ";", "utf-8-sig")
    assert len(communes) == len(region.territoire.communes) - 1
    assert all(ligne["Q219"] for ligne in communes)
    assert 0 < sum(not ligne["D119"] for ligne in communes) < len(communes)


def test_unemployment_rates(depot: Path, region: Region) -> None:
    classeur = CalamineWorkbook.from_path(str(fichier(depot, "chomage_localise_departement")))
    assert classeur.sheet_names == ["Sources_et_méthodes", "Département", "Région"]
    departements = classeur.get_sheet_by_name("Département").to_python(skip_empty_area=False)
    assert (departements[3][:3], departements[3][-1]) == (["Code", "Libellé", "T1_1982"], "T4_2021")
    # Some codes are numbers, as in the real sheet.
    assert [ligne[0] for ligne in departements[4:7]] == [991.0, 992.0, "993"]
    regions = classeur.get_sheet_by_name("Région").to_python(skip_empty_area=False)
    assert [ligne[0] for ligne in regions[4:7]] == ["00", "00", "99"]
    assert (regions[4][2], regions[4][-1]) != ("", "")
    zones = CalamineWorkbook.from_path(str(fichier(depot, "chomage_localise_zone_emploi")))
    lignes = zones.get_sheet_by_name("txcho_ze").to_python(skip_empty_area=False)[6:]
    assert {ligne[0] for ligne in lignes} == {zone.code for zone in region.territoire.zones}
    assert [ligne[2] for ligne in lignes if ligne[0] == "0099"] == ["00"]
    parties = zones.get_sheet_by_name("txcho_parties reg").to_python(skip_empty_area=False)[8:]
    assert [ligne[0] for ligne in parties] == ["9999"]


def test_job_seekers_by_commune(depot: Path, region: Region) -> None:
    extrait = {ligne["code_commune"]: ligne for ligne in lire(fichier(depot, "defm_communales"))}
    assert {code[:3] for code in extrait} == {"991"}
    export = lire(fichier(depot, "defm_communales_export"), ";", "utf-8-sig")
    totaux = {
        ligne["code_commune"]: int(ligne["nombre_de_demandeurs_d_emploi"])
        for ligne in export
        if (ligne["date"], ligne["sexe"], ligne["tranche_d_age"]) == ("2024-T4", "Total", "Total")
        and ligne["code_commune"] != "Total"
    }
    assert len(totaux) == len(region.territoire.communes)
    assert all(valeur % 5 == 0 for valeur in totaux.values())
    assert 0 in totaux.values()
    assert {c: int(ligne["nombre_de_demandeurs_d_emploi"]) for c, ligne in extrait.items()} == {
        c: totaux[c] for c in extrait
    }
    assert {ligne["date"] for ligne in export} == {f"{annee}-T4" for annee in range(2015, 2025)}
    assert {ligne["code_commune"] for ligne in export} == {*totaux, "Total"}


def test_series_of_poem_carry_their_signs(depot: Path) -> None:
    lignes = lire(fichier(depot, "poem"), ";")
    cles = [(ligne["serie_slug"], ligne["mois"]) for ligne in lignes]
    assert len(set(cles)) == len(cles)
    assert {ligne["nature"] for ligne in lignes} == {"flux", "stock"}
    assert {ligne["valeur"] for ligne in lignes if not ligne["valeur"].isdigit()} == {"-", "NC"}
    debut = [ligne["valeur"] for ligne in lignes if ligne["serie_slug"] == "contrat-engagement-jeune-entrees"]
    assert debut[:2] == ["0", "0"]


def test_estimations_of_2010(depot: Path, region: Region) -> None:
    classeur = CalamineWorkbook.from_path(str(fichier(depot, "estimations_demographiques_qpv")))
    assert classeur.sheet_names == ["Regions", "Quartiers", "Documentation"]
    lignes = classeur.get_sheet_by_name("Quartiers").to_python(skip_empty_area=False)
    assert (lignes[5][:2], len(lignes[5])) == (["NOM_QP", "qp"], 65)
    assert [ligne[1] for ligne in lignes[7:]] == region.territoire.qpv.codes
    total = classeur.get_sheet_by_name("Regions").to_python(skip_empty_area=False)[7]
    assert total[:2] == ["Ensemble des QP de la France métropolitaine", ""]


# Posts and pages -----------------------------------------------------------------------------------------


def test_posts_belong_to_the_contracts_of_their_year(depot: Path, region: Region) -> None:
    for jeu in ("adultes_relais", "postes_fonjep"):
        for annee in range(2020, 2025):
            postes = json.loads(fichier(depot, jeu, f"{annee}/*.json").read_bytes())
            contrats = region.contrats_2015 if annee < 2024 else region.contrats_2024
            connus = {contrat.code for contrat in contrats}
            cites = [
                code for p in postes for code in re.findall(r"CV\d{3}|CN\d{5}[MIN]", p.get("code_cv", ""))
            ]
            assert set(cites) <= connus
            assert {p["annee"] for p in postes} <= {annee, str(annee)}
            assert {p.get("insee_reg", "") for p in postes} == {"99", ""}
            partages = [
                identifiant for identifiant, n in Counter(p["id_poste"] for p in postes).items() if n > 1
            ]
            assert len(partages) == (annee == 2024 or (jeu == "postes_fonjep" and annee < 2023))
            colles = sum(bool(re.fullmatch(r"(CV\d{3}){2}", p.get("code_cv", ""))) for p in postes)
            assert (colles > 0) == (annee < 2024)


def test_pages_have_a_history(depot: Path) -> None:
    pages = {
        (chemin.parent.name, chemin.stem): chemin.read_bytes() for chemin in depot.glob("c2rp/pages/*/*.html")
    }
    jours = sorted({jour for jour, _ in pages})
    assert len(jours) == 3
    versions = [pages[jour, "atelier-des-mirages"] for jour in jours]
    # It goes back to its first text, byte for byte.
    assert versions[0] == versions[2] != versions[1]
    textes = [contenu.decode() for contenu in pages.values()]
    assert {re.findall(r"https?://([\w.]+)/dispositifs/", texte)[0] for texte in textes} == {
        "www.c2rp.invalid",
        "c2rp.invalid",
    }


# Size ----------------------------------------------------------------------------------------------------


def test_the_largest_regions_keep_their_codes_apart(tmp_path: Path) -> None:
    """Two thousand QPV: what grows with them is written, and no code is used twice."""
    jeux = ("qpv_2024", "passage_qpv_2015_2024", "adultes_relais", "estimations_demographiques_qpv")
    chemins = generate(tmp_path, nb_qpv=2_100, millesimes=RIEN | {j: MILLESIMES_DU_DEPOT[j] for j in jeux})
    assert NB_QPV_MAX > 100_000
    codes = [ligne["code_qp"] for ligne in lire(fichier(tmp_path, "qpv_2024", "*.csv"))]
    assert len(codes) == len(set(codes)) == 99 * 5
    (chemin,) = (chemin for chemin in chemins if chemin.suffix == ".xls")
    feuille = CalamineWorkbook.from_filelike(io.BytesIO(chemin.read_bytes())).get_sheet_by_name("Quartiers")
    assert feuille.height == 7 + 2_000
