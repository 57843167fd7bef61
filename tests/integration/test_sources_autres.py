"""Datasets of SIG Ville, geography, DARES, France Travail and third parties: from the dépôt to staging.

Expected values are those of SOURCES.md, section 13. Files that no dépôt holds yet are written here, in the
form that it describes.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from qpv_emploi.acquisition import survey
from qpv_emploi.catalogue import BronzeTable, Catalogue, load_catalogue
from qpv_emploi.conservation import Issue, Lock, Outcome, now_utc
from qpv_emploi.entrepot.inputs import lay_inputs
from qpv_emploi.errors import RefusedFile
from qpv_emploi.ingestion import ingest_deposit
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.qualite import Verdict
from qpv_emploi.qualite.gate import judge
from qpv_emploi.settings import Settings

HDF = r"^Q[PN](?:002|059|060|062|080)"
PRODUCTEURS = ("c2rp", "dares", "france_travail", "geo", "sig_ville", "tiers")
ANNEES = ("2020", "2021", "2022", "2023", "2024")

# Rows that each vintage gives, by staging model without its prefix.
LIGNES = {
    ("sig_ville__qpv_communes_2015", "2015"): 1436,
    ("sig_ville__qpv_2024__codes", "2024"): 1362,
    ("sig_ville__qpv_2024__perimetres", "2024"): 2,
    ("sig_ville__qpv_communes_2024", "2026"): 824,
    ("sig_ville__passage_qpv_2015_2024", "v0"): 204,
    ("sig_ville__adultes_relais", "2020"): 4660,
    ("sig_ville__adultes_relais", "2021"): 5377,
    ("sig_ville__adultes_relais", "2022"): 5623,
    ("sig_ville__adultes_relais", "2023"): 5416,
    ("sig_ville__adultes_relais", "2024"): 4949,
    ("sig_ville__postes_fonjep", "2020"): 1455,
    ("sig_ville__postes_fonjep", "2021"): 1462,
    ("sig_ville__postes_fonjep", "2022"): 1429,
    ("sig_ville__postes_fonjep", "2023"): 1478,
    ("sig_ville__postes_fonjep", "2024"): 1547,
    ("geo__communes_zonages_hdf", "2025"): 3782,
    ("geo__qpv_2024_communes_contrats_hdf", "2025"): 286,
    ("geo__contours_communes", "2025"): 3782,
    ("geo__contours_epci", "2025"): 92,
    ("geo__contours_departements", "2018"): 5,
    ("dares__defm_communales", "2024T4"): 117,
    ("dares__poem", "2025"): 308,
    ("france_travail__clpe", "2026"): 3782,
    ("tiers__qpv_2024_derive", "2025"): 1713,
    ("c2rp__dispositifs__adresses", "2022"): 9,
}
SANS_FICHIER = ("sig_ville__qpv_2024_liste", "dares__defm_communales_export")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(Settings().dbt_dir)


def _table(catalogue: Catalogue, nom: str) -> BronzeTable:
    return next(bronze for bronze in catalogue.tables() if bronze.nom == nom)


# --- staging: dbt compiles the models once, on empty or real bronze tables ---------------------------------


@dataclass(frozen=True)
class Entrepot:
    """A work database whose staging views dbt has created, and the SQL they are made of."""

    base: Path
    compile: Path
    issues: dict[tuple[str, str, str], Outcome]

    def staging(self, nom: str) -> pd.DataFrame:
        with duckdb.connect(str(self.base), read_only=True) as connexion:
            return connexion.execute(f"select * from staging.stg_{nom} order by millesime, ligne_source").df()

    def staged(self, lue: ReadTable) -> pd.DataFrame:
        """The staging model of one read table alone."""
        nom = lue.table.nom
        (fichier,) = self.compile.rglob(f"stg_{nom}.sql")
        with duckdb.connect() as connexion:
            connexion.execute("attach ':memory:' as entrepot")
            connexion.execute("create schema entrepot.bronze")
            connexion.register("lue", lue.donnees)
            connexion.execute(f"create table entrepot.bronze.{nom} as select * from lue")
            lignes = connexion.execute(fichier.read_text(encoding="utf-8")).df()
        return lignes.sort_values("ligne_source", ignore_index=True)


def _dbt_staging(settings: Settings, base: Path, cible: Path) -> None:
    """Create the staging views, with dbt as the pipeline runs it."""
    commande = [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "--log-path", str(cible), "run"]
    commande += ["--project-dir", str(settings.dbt_dir), "--profiles-dir", str(settings.dbt_dir)]
    commande += ["--target-path", str(cible), "--select"]
    commande += [f"path:models/staging/{producteur}" for producteur in PRODUCTEURS]
    environnement = {
        **os.environ,
        "QPV_ENTREPOT_CIBLE": str(base),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONWARNINGS": "ignore",
    }
    fait = subprocess.run(commande, cwd=cible, env=environnement, capture_output=True, text=True, check=False)
    assert fait.returncode == 0, fait.stdout[-3000:]


def _lay(settings: Settings, catalogue: Catalogue, dossier: Path) -> Path:
    base = dossier / "entrepot.duckdb"
    entrees = list(Lock(settings.paths.verrou).read().values())
    with duckdb.connect(str(base)) as connexion:
        lay_inputs(connexion, settings, catalogue, entrees)
    return base


@pytest.fixture(scope="module")
def vide(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Entrepot:
    """The models, on bronze tables without any row: enough to stage a table written here."""
    dossier = tmp_path_factory.mktemp("vide")
    settings = Settings(data_dir=dossier / "data")
    base = _lay(settings, catalogue, dossier)
    _dbt_staging(settings, base, dossier)
    return Entrepot(base, dossier / "compiled", {})


@pytest.fixture(scope="module")
def entrepot(
    depot_reel: Path, catalogue: Catalogue, vide: Entrepot, tmp_path_factory: pytest.TempPathFactory
) -> Entrepot:
    """The real files of our producers, received, judged, locked and staged."""
    dossier = tmp_path_factory.mktemp("reel")
    settings = Settings(data_dir=dossier / "data", depot=depot_reel)
    issues = {}
    for depose in survey(depot_reel, catalogue).deposits:
        if depose.producteur in PRODUCTEURS:
            cle = (depose.producteur, depose.jeu, depose.millesime)
            issues[cle] = ingest_deposit(settings, catalogue, depose, est_fictif=False, now=now_utc())
    base = _lay(settings, catalogue, dossier)
    with duckdb.connect(str(base)) as connexion:
        connexion.execute("create schema staging")
        for bronze in catalogue.tables():
            if bronze.producteur in PRODUCTEURS:
                (sql,) = vide.compile.rglob(f"stg_{bronze.nom}.sql")
                texte = sql.read_text(encoding="utf-8")
                connexion.execute(f"create view staging.stg_{bronze.nom} as {texte}")
    return Entrepot(base, vide.compile, issues)


# --- files written here ------------------------------------------------------------------------------------


def _read(
    catalogue: Catalogue, nom: str, chemin: Path, contenu: str | bytes, millesime: str = "2031"
) -> ReadTable:
    bronze = _table(catalogue, nom)
    octets = contenu if isinstance(contenu, bytes) else contenu.encode()
    chemin.write_bytes(octets)
    assert re.fullmatch(bronze.fichier.motif, chemin.name)
    provenance = Provenance(
        bronze.producteur, bronze.jeu.jeu, millesime, chemin.name, hashlib.sha256(octets).hexdigest()
    )
    (lue,) = read_file(chemin, [bronze], provenance, catalogue.variables)
    return lue


def _judge(catalogue: Catalogue, lue: ReadTable) -> Verdict:
    return judge(
        lue, expectations_dir=Settings().expectations_dir, variables=catalogue.variables, zones_connues={}
    )


def _failed(verdict: Verdict) -> list[tuple[str, str]]:
    return [(c.colonne, c.severite) for c in verdict.controles if c.reussi is False]


def _poste(**changements: Any) -> dict[str, Any]:
    poste = {"id_poste": "D00001", "raison_sociale": "ASSOCIATION", "montant": 7164, "annee": 2031}
    poste |= {"code_cv": "CN05911M", "insee_dep": "59", "insee_reg": "32"}
    return poste | changements


# --- the real files ----------------------------------------------------------------------------------------


@pytest.mark.depot
def test_every_real_file_is_accepted(entrepot: Entrepot) -> None:
    refus = {cle: o.raison for cle, o in entrepot.issues.items() if o.issue is not Issue.NOUVEAU}
    assert refus == {}
    attendus = {(*nom.split("__")[:2], millesime) for nom, millesime in LIGNES}
    attendus |= {("sig_ville", "qpv_2015", "2015")}
    attendus |= {("sig_ville", "contrats_ville", millesime) for millesime in ("2015", "2024")}
    assert set(entrepot.issues) == attendus
    assert {cle: o.colonnes_inconnues for cle, o in entrepot.issues.items() if o.colonnes_inconnues} == {}
    absentes = {cle: o.colonnes_absentes for cle, o in entrepot.issues.items() if o.colonnes_absentes}
    # No page of the C2RP bears every label: a dispositif is not a publication.
    assert absentes.pop(("c2rp", "dispositifs", "2022"))
    assert absentes == {("sig_ville", "postes_fonjep", "2024"): ("code_tiers",)}


@pytest.mark.depot
@pytest.mark.parametrize(("nom", "millesime"), LIGNES)
def test_rows_of_each_vintage(entrepot: Entrepot, nom: str, millesime: str) -> None:
    lignes = entrepot.staging(nom)
    assert (lignes["millesime"] == millesime).sum() == LIGNES[nom, millesime]
    assert not lignes.duplicated(["millesime", "ligne_source"]).any()


@pytest.mark.depot
@pytest.mark.parametrize("nom", SANS_FICHIER)
def test_a_dataset_without_file_gives_an_empty_model(entrepot: Entrepot, nom: str) -> None:
    assert entrepot.staging(nom).empty


@pytest.mark.depot
@pytest.mark.parametrize(
    ("millesime", "postes", "hdf"),
    [
        ("2020", 4655, (668, 668, 0, 13276540.08)),
        ("2021", 5372, (765, 765, 0, 15354942.3)),
        ("2022", 5622, (782, 782, 0, 16620628)),
        ("2023", 5412, (730, 730, 5, 16465682.9)),
        ("2024", 4721, (648, 648, 0, 14781275.28)),
    ],
)
def test_adultes_relais(
    entrepot: Entrepot, millesime: str, postes: int, hdf: tuple[int, int, int, float]
) -> None:
    lignes = entrepot.staging("sig_ville__adultes_relais").query("millesime == @millesime")
    assert lignes["id_poste"].nunique() == postes
    assert not lignes["est_doublon_exact"].any()
    assert lignes["siret"].str.fullmatch(r"\d{14}").all()
    assert _summary(lignes) == hdf


@pytest.mark.depot
@pytest.mark.parametrize(
    ("millesime", "postes", "doublons", "hdf"),
    [
        ("2020", 1433, 22, (159, 159, 0, 1100271)),
        ("2021", 1439, 23, (161, 161, 0, 1106241)),
        ("2022", 1406, 23, (164, 164, 0, 1146837)),
        ("2023", 1478, 0, (176, 176, 2, 1226238)),
        ("2024", 1496, 0, (184, 181, 1, 1267431)),
    ],
)
def test_postes_fonjep(
    entrepot: Entrepot, millesime: str, postes: int, doublons: int, hdf: tuple[int, int, int, float]
) -> None:
    lignes = entrepot.staging("sig_ville__postes_fonjep").query("millesime == @millesime")
    assert lignes["id_poste"].nunique() == postes
    assert lignes["est_doublon_exact"].sum() == doublons
    # The first line of each pair stays: without the flagged ones, no line is said twice.
    contenu = [c for c in lignes.columns if c not in ("ligne_source", "est_doublon_exact")]
    assert not lignes[~lignes["est_doublon_exact"]].duplicated(contenu).any()
    assert not lignes["code_tiers"].dropna().str.fullmatch(r"\d{14}").any()
    assert lignes["code_tiers"].isna().all() == (millesime == "2024")
    assert _summary(lignes) == hdf


def _summary(lignes: pd.DataFrame) -> tuple[int, int, int, float]:
    hdf = lignes[lignes["code_region"] == "32"]
    return (
        len(hdf),
        hdf["id_poste"].nunique(),
        int(hdf["code_contrat_source"].isna().sum()),
        round(float(hdf["montant_euros"].sum()), 2),
    )


@pytest.mark.depot
@pytest.mark.parametrize(
    ("nom", "colles"),
    [("adultes_relais", [64, 65, 82, 72, 0]), ("postes_fonjep", [2, 2, 1, 2, 0])],
)
def test_codes_stuck_together_are_kept_as_they_are(entrepot: Entrepot, nom: str, colles: list[int]) -> None:
    lignes = entrepot.staging(f"sig_ville__{nom}")
    doubles = lignes["code_contrat_source"].str.fullmatch(r"CV\d{3}CV\d{3}").eq(True)
    assert doubles.groupby(lignes["millesime"]).sum().reindex(ANNEES).tolist() == colles
    assert not (doubles & (lignes["code_region"] == "32")).any()
    # A number until 2022, a text in the FONJEP of 2023 and 2024: one type here.
    assert (lignes["annee"].astype(str) == lignes["millesime"]).all()


@pytest.mark.depot
def test_qpv_2024(entrepot: Entrepot) -> None:
    codes = entrepot.staging("sig_ville__qpv_2024__codes")["code_qpv"]
    hdf = codes[codes.str.match(HDF)]
    assert codes.str[-1].value_counts().to_dict() == {"M": 957, "I": 294, "N": 111}
    assert hdf.str[-1].value_counts().to_dict() == {"M": 186, "I": 10, "N": 8}
    assert hdf.str[2:5].value_counts().sort_index().tolist() == [17, 94, 19, 64, 10]
    perimetres = entrepot.staging("sig_ville__qpv_2024__perimetres")
    assert perimetres["code_qpv"].tolist() == ["QN00212M", "QN00213M"]
    assert perimetres["codes_communes"].tolist() == ["02722", "02722"]
    # Soissons: two neighbourhoods of a few tens of hectares, and not square degrees.
    assert perimetres["surface_m2"].between(1e5, 2e6).all()
    assert perimetres["latitude"].between(49.3, 49.5).all()


@pytest.mark.depot
def test_qpv_2015_communes(entrepot: Entrepot) -> None:
    lignes = entrepot.staging("sig_ville__qpv_communes_2015")
    assert lignes["code_qpv"].str.match(HDF).sum() == 199
    assert lignes["code_commune"].str.len().eq(5).all()


@pytest.mark.depot
def test_communes_of_the_qpv_2024(entrepot: Entrepot) -> None:
    lignes = entrepot.staging("sig_ville__qpv_communes_2024")
    couples = lignes.assign(code=lignes["codes_qpv"].str.split(", ")).explode("code")
    assert (couples["code"].nunique(), len(couples)) == (1493, 1684)
    hdf = couples[couples["code"].str.match(HDF)]
    assert (hdf["code_commune"].nunique(), hdf["code"].nunique(), len(hdf)) == (161, 204, 286)
    assert lignes["libelle_commune"].str.contains("[\r\n]").sum() == 24
    assert couples["code"].str.endswith("C").sum() == 17
    derives = entrepot.staging("geo__qpv_2024_communes_contrats_hdf")
    assert set(zip(hdf["code"], hdf["code_commune"], strict=True)) == set(
        zip(derives["code_qpv"], derives["code_commune"], strict=True)
    )


@pytest.mark.depot
def test_passage(entrepot: Entrepot) -> None:
    passage = entrepot.staging("sig_ville__passage_qpv_2015_2024")
    assert passage["statut_passage"].value_counts().to_dict() == {
        "MODIFIE": 186,
        "INCHANGE": 10,
        "NOUVEAU": 8,
    }
    assert (passage["code_qpv_2024"].str[-1] == passage["statut_passage"].str[0]).all()
    origines = passage["code_qpv_2015_1"].dropna()
    assert (origines.nunique(), passage["code_qpv_2015_2"].notna().sum()) == (194, 0)
    assert sorted(origines[origines.duplicated()]) == ["QP059019", "QP062061"]
    anciens = entrepot.staging("sig_ville__qpv_2015")["code_qpv"]
    sans_suite = set(anciens[anciens.str.match(HDF)]) - set(origines)
    assert sorted(sans_suite) == ["QP059056", "QP059068", "QP060015", "QP062052", "QP062054"]
    nouveaux = entrepot.staging("sig_ville__qpv_2024__codes")["code_qpv"]
    assert set(passage["code_qpv_2024"]) == set(nouveaux[nouveaux.str.match(HDF)])


@pytest.mark.depot
def test_zonages(entrepot: Entrepot) -> None:
    communes = entrepot.staging("geo__communes_zonages_hdf")
    uniques = ["siren_epci", "code_zone_emploi", "code_arrondissement", "code_unite_urbaine"]
    assert communes[uniques].nunique().tolist() == [92, 24, 26, 225]
    assert communes["code_departement"].value_counts().sort_index().tolist() == [797, 647, 680, 887, 771]
    assert communes["code_partie_regionale"].value_counts().to_dict() == {"0054-32": 303, "0058-32": 37}
    clpe = entrepot.staging("france_travail__clpe")
    assert clpe["code_clpe"].nunique() == 26
    contours = entrepot.staging("geo__contours_communes")
    assert set(communes["code_commune"]) == set(clpe["code_commune"]) == set(contours["code_commune"])
    epci = entrepot.staging("geo__contours_epci")
    assert epci["nb_communes_region"].sum() == 3782
    assert set(epci["siren_epci"]) == set(communes["siren_epci"])
    departements = entrepot.staging("geo__contours_departements")
    assert sorted(departements["code_departement"]) == ["02", "59", "60", "62", "80"]
    for carte in (contours, epci, departements):
        assert not carte["geometrie_reparee"].any()
        assert carte["longitude"].between(1.3, 4.3).all()


@pytest.mark.depot
def test_contracts_of_the_qpv_2024(entrepot: Entrepot) -> None:
    lignes = entrepot.staging("geo__qpv_2024_communes_contrats_hdf")
    uniques = ["code_qpv", "code_commune", "siren_epci", "code_contrat"]
    assert lignes[uniques].nunique().tolist() == [204, 161, 39, 39]
    communes = lignes.groupby("code_qpv")["code_commune"].nunique()
    assert ((communes > 1).sum(), communes.max(), communes.idxmax()) == (55, 5, "QN05921M")
    contrats = lignes.groupby("code_qpv")["code_contrat"].nunique()
    partages = "QN05920M QN05921M QN05922M QN05930M QN06216M QN06243M QN06245M QN06247M"
    assert sorted(contrats.index[contrats > 1]) == partages.split()


@pytest.mark.depot
def test_defm_by_commune(entrepot: Entrepot) -> None:
    lignes = entrepot.staging("dares__defm_communales")
    effectif = lignes.set_index("code_commune")["nb_demandeurs_emploi"]
    assert (effectif.sum(), (effectif == 0).sum(), (effectif % 5 == 0).all()) == (6675, 4, True)
    assert (effectif["02095"], effectif["02122"]) == (785, 0)
    assert not lignes[["est_total", "est_arrondissement"]].to_numpy().any()


@pytest.mark.depot
@pytest.mark.parametrize(
    ("serie", "mois", "premier", "dernier", "valeur"),
    [
        ("emplois-francs-entrees", 25, "2020-01", "2022-01", 2105),
        ("parcours-emploi-competences-entrees", 32, "2022-01", "2024-08", 5749),
        ("parcours-emploi-competences-stocks", 36, "2020-01", "2022-12", 51918),
        ("contrat-engagement-jeune-entrees", 31, "2022-01", "2024-07", 25222),
        ("contrat-engagement-jeune-stocks", 30, "2022-01", "2024-06", 185787),
        ("garantie-jeunes-entrees", 26, "2021-01", "2023-02", 111),
        ("pacea-avant-cej-entrees", 26, "2020-01", "2022-02", 30320),
        ("iae-ei-stocks", 25, "2023-01", "2025-01", 19422),
        ("iae-aci-entrees", 25, "2020-01", "2022-01", 15655),
        ("contrat-dapprentissage-secteurs-prive-et-public-entrees", 34, "2023-01", "2025-10", 82415),
        ("autres-formations-commandees-entrees", 6, "2022-01", "2022-06", 40830),
        ("poec-entrees", 12, "2022-01", "2022-12", 6767),
    ],
)
def test_poem(entrepot: Entrepot, serie: str, mois: int, premier: str, dernier: str, valeur: float) -> None:
    lignes = entrepot.staging("dares__poem").query("code_serie == @serie").sort_values("mois")
    assert len(lignes) == mois
    assert lignes["mois"].iloc[[0, -1]].tolist() == [premier, dernier]
    assert lignes["valeur"].iloc[-1] == valeur
    assert lignes["nature"].unique().tolist() == ["stock" if serie.endswith("stocks") else "flux"]
    assert lignes["signe_source"].isna().all()


@pytest.mark.depot
def test_table_of_the_third_party(entrepot: Entrepot) -> None:
    lignes = entrepot.staging("tiers__qpv_2024_derive")
    qpv = lignes.drop_duplicates("code_qpv").set_index("code_qpv")
    hdf = qpv[qpv.index.str.match(HDF)]
    assert (len(qpv), len(hdf), lignes["code_qpv"].str.match(HDF).sum()) == (1518, 204, 286)
    assert hdf["population"].sum() == 753115
    assert hdf[["taux_emploi", "taux_pauvrete_60", "rsa_socle"]].isna().sum().tolist() == [0, 7, 1]
    sociaux = [(table["taux_logements_sociaux"] > 100).sum() for table in (qpv, hdf)]
    assert sociaux == [250, 22]
    # 72 communes of départements 01 to 09 had lost their zero; the character for « œ » is left as it came.
    assert lignes["code_repare"].sum() == 72
    assert lignes.loc[lignes["code_repare"], "code_commune"].str.match("0[1-9]").all()
    assert lignes["libelle_commune"].str.count("\u009c").sum() == 5
    communes = set(entrepot.staging("geo__qpv_2024_communes_contrats_hdf")["code_commune"])
    assert communes == set(lignes.loc[lignes["code_qpv"].str.match(HDF), "code_commune"])


@pytest.mark.depot
def test_pages_give_their_metadata_and_no_text(entrepot: Entrepot) -> None:
    pages = entrepot.staging("c2rp__dispositifs__fiches").set_index("fichier")
    assert len(pages) == 4
    decembre = pages.loc["dispositif_cheque-pass-formation_2020-12.json"]
    aout = pages.loc["dispositif_cheque-pass-formation_2020-08.json"]
    # Two states of one page, under two writings of its address: both are kept.
    assert decembre["titre"] == aout["titre"] == "Chèque Pass Formation"
    assert (decembre["mise_a_jour_imprimee"], aout["mise_a_jour_imprimee"]) == (
        "décembre, 2020",
        "août, 2020",
    )
    assert decembre["url"] != aout["url"]
    assert json.loads(decembre["rubriques"]) == ["Objectifs", "Public", "Contenu"]
    assert json.loads(decembre["publics"]) == ["Demandeur d'emploi"]
    publication = pages.loc["publication_qpv-cour-des-comptes_2022-06.json"]
    assert (publication["parution_imprimee"], publication["themes"]) == (
        "juin 2022",
        "Emploi/Formation, Dispositifs",
    )
    region = pages.loc["guide-aides-hdf_dispositif656.json"]
    assert json.loads(region["rubriques"])[0] == "Objectif(s)"
    with duckdb.connect(str(entrepot.base), read_only=True) as connexion:
        bronze = connexion.execute(
            "select * exclude (geometrie_wkb) from bronze.c2rp__dispositifs__fiches"
        ).df()
    # The body is a paraphrase: nothing of it leaves the raw file.
    assert not {c for c in bronze.columns if c.startswith(("resume", "facts", "note"))}
    assert not bronze.astype(str).apply(lambda c: c.str.contains("jobseeker|13770")).to_numpy().any()


# --- what must never reach a reader ------------------------------------------------------------------------


def _models(*dossiers: str) -> dict[str, str]:
    racine = Settings().dbt_dir / "models"
    return {
        chemin.stem: chemin.read_text(encoding="utf-8")
        for dossier in dossiers
        for chemin in sorted((racine / dossier).rglob("*.sql"))
    }


def test_the_table_of_the_third_party_feeds_no_model() -> None:
    lecteurs = [
        nom
        for nom, sql in _models("staging", "intermediate", "core", "marts").items()
        if re.search(r"(stg_)?tiers__", sql) and nom != "stg_tiers__qpv_2024_derive"
    ]
    assert lecteurs == []
    jeu = load_catalogue(Settings().dbt_dir).dataset("tiers", "qpv_2024_derive")
    assert "Ne jamais publier" in jeu.avertissement
    assert jeu.usage == "essais"


@pytest.mark.depot
def test_a_release_does_not_cite_the_table_of_the_third_party(entrepot: Entrepot) -> None:
    with duckdb.connect(str(entrepot.base), read_only=True) as connexion:
        cites = connexion.execute("select distinct producteur from bronze.entrepot__jeu_source").df()
    assert set(cites["producteur"]) == set(PRODUCTEURS) - {"tiers"}


def test_the_false_communal_rate_is_never_staged(vide: Entrepot) -> None:
    modeles = _models("staging", "intermediate", "core", "marts")
    fautifs = [nom for nom, sql in modeles.items() if "t3_2025" in sql.lower() or "proxy" in sql.lower()]
    assert fautifs == []
    colonnes = set(vide.staging("dares__defm_communales").columns)
    assert colonnes >= {"nb_demandeurs_emploi", "population_2023"}
    assert not {c for c in colonnes if "ratio" in c or "taux" in c}


# --- forms that the dépôt does not hold --------------------------------------------------------------------


def test_duplicates_are_flagged_on_the_whole_row_only(
    catalogue: Catalogue, vide: Entrepot, tmp_path: Path
) -> None:
    lignes = [
        _poste(),
        _poste(annee="2031"),
        _poste(code_cv="CN05912M"),
        _poste(montant=3582),
        {cle: v for cle, v in _poste().items() if cle != "code_cv"},
        {cle: v for cle, v in _poste().items() if cle != "code_cv"},
    ]
    lue = _read(catalogue, "sig_ville__postes_fonjep", tmp_path / "postes.json", json.dumps(lignes))
    assert _judge(catalogue, lue).accepte
    postes = vide.staged(lue)
    # A number or a text says the same year; a missing contract is the same absence twice.
    assert postes["est_doublon_exact"].tolist() == [False, True, False, False, False, True]
    assert postes["annee"].tolist() == [2031] * 6


def test_a_later_vintage_loads_without_code(catalogue: Catalogue, vide: Entrepot, tmp_path: Path) -> None:
    lignes = [_poste(code_tiers="12345678901234", nouvelle="x"), _poste(code_cv="CV380CV384CV385")]
    lue = _read(
        catalogue, "sig_ville__adultes_relais", tmp_path / "adulte-relais-2031.json", json.dumps(lignes)
    )
    verdict = _judge(catalogue, lue)
    assert verdict.accepte
    assert lue.colonnes_inconnues == ("nouvelle",)
    assert vide.staged(lue)["code_contrat_source"].tolist() == ["CN05911M", "CV380CV384CV385"]


@pytest.mark.parametrize(
    ("changements", "colonne"),
    [
        ({"annee": 2030}, "annee"),
        ({"montant": -1}, "montant__valeur"),
        ({"montant": "7 164 euros"}, "montant"),
        ({"annee": None}, "annee__valeur"),
    ],
)
def test_a_faulty_subsidy_refuses_the_file(
    catalogue: Catalogue, tmp_path: Path, changements: dict[str, Any], colonne: str
) -> None:
    contenu = json.dumps([_poste(), _poste(**changements)])
    verdict = _judge(
        catalogue, _read(catalogue, "sig_ville__postes_fonjep", tmp_path / "postes.json", contenu)
    )
    assert not verdict.accepte
    assert colonne in {c.colonne for c in verdict.bloquants}


POEM = "serie_slug;libelle;nature;page_mise_a_jour;champ;mois;valeur\r\n"


def test_signs_of_poem_are_admitted_and_kept(catalogue: Catalogue, vide: Entrepot, tmp_path: Path) -> None:
    serie = "pec;PEC;stock;2031-02-28;France entière"
    contenu = POEM + "".join(
        f"{serie};2031-0{i};{valeur}\r\n" for i, valeur in enumerate(("12", "-", "NC", "0"), 1)
    )
    lue = _read(catalogue, "dares__poem", tmp_path / "poem.csv", contenu)
    assert _failed(_judge(catalogue, lue)) == []
    lignes = vide.staged(lue)
    assert lignes["valeur"].fillna(-1).tolist() == [12, -1, -1, 0]
    assert lignes["signe_source"].fillna("").tolist() == ["", "-", "NC", ""]


@pytest.mark.parametrize(("valeur", "nature"), [("n.c.", "flux"), ("-5", "flux"), ("5", "stocks")])
def test_an_unknown_sign_or_nature_refuses_poem(
    catalogue: Catalogue, tmp_path: Path, valeur: str, nature: str
) -> None:
    contenu = POEM + f"pec;PEC;{nature};2031-02-28;France entière;2031-01;{valeur}\r\n"
    assert not _judge(catalogue, _read(catalogue, "dares__poem", tmp_path / "poem.csv", contenu)).accepte


EXPORT_TECHNIQUE = (
    "date;code_region;region;code_departement;departement;code_commune;commune;type_de_donnees;categorie;sexe;"
    "tranche_d_age;nombre_de_demandeurs_d_emploi"
)
EXPORT_LIBELLE = (
    "Date;Code région;Région;Code département;Département;Code commune;Commune;Type de données;Catégorie;"
    "Sexe;Tranche d'âge;Nombre de demandeurs d'emploi"
)


def _export(entete: str, effectif: str = "25") -> bytes:
    communes = {
        "75056": "Paris",
        "75101": "Paris 1er Arrondissement",
        "75120": "Paris 20e Arrondissement",
        "13216": "Marseille 16e Arrondissement",
        "69389": "Lyon 9e Arrondissement",
        "13217": "Commune fictive",
        "Total": "Total",
    }
    lignes = [
        f"2024-T4;11;Île-de-France;75;Paris;{code};{nom};Brutes;ABC;Total;Total;{effectif}"
        for code, nom in communes.items()
    ]
    # A second kind of « Total » row has the same codes.
    lignes.append(lignes[-1].replace("Paris;Total;Total;", "Paris;Total;Total autre;"))
    return b"\xef\xbb\xbf" + ("\r\n".join([entete, *lignes]) + "\r\n").encode()


@pytest.mark.parametrize("entete", [EXPORT_TECHNIQUE, EXPORT_LIBELLE], ids=["noms", "libelles"])
def test_export_of_dares_keeps_and_flags_totals_and_arrondissements(
    catalogue: Catalogue, vide: Entrepot, tmp_path: Path, entete: str
) -> None:
    lue = _read(
        catalogue, "dares__defm_communales_export", tmp_path / "export.csv", _export(entete), "2024T4"
    )
    assert (lue.colonnes_inconnues, lue.colonnes_absentes) == ((), ())
    assert _failed(_judge(catalogue, lue)) == []
    lignes = vide.staged(lue)
    assert len(lignes) == 8
    assert set(lignes.loc[lignes["est_total"], "code_commune"]) == {"Total"}
    assert sorted(lignes.loc[lignes["est_arrondissement"], "code_commune"]) == [
        "13216",
        "69389",
        "75101",
        "75120",
    ]
    assert set(lignes["trimestre"]) == {"2024-T4"}


def test_a_count_that_is_not_a_multiple_of_5_is_reported(catalogue: Catalogue, tmp_path: Path) -> None:
    lue = _read(
        catalogue, "dares__defm_communales_export", tmp_path / "e.csv", _export(EXPORT_TECHNIQUE, "27")
    )
    verdict = _judge(catalogue, lue)
    assert verdict.accepte
    assert _failed(verdict) == [("nombre_de_demandeurs_d_emploi", "warning")]


LISTE = "code_qp;lib_qp;insee_reg;lib_reg;insee_dep;lib_dep;insee_com;lib_com;siren_epci;lib_epci\r\n"


def test_excel_armour_of_the_national_list(catalogue: Catalogue, vide: Entrepot, tmp_path: Path) -> None:
    """The form that SOURCES 9.3 describes: armoured codes, several communes, line breaks in the names."""
    contenu = LISTE + (
        'QN06001M;Argentine;32;Hauts-de-France;60;Oise;"=""60057""";Beauvais;200067999;CA du Beauvaisis\r\n'
        'QN01301M;Trois Cités;93;Paca;13;Bouches-du-Rhône;"=""13055;13070""";"Marseille;\r\n  La Penne";'
        "200054807;Métropole\r\n"
    )
    octets = b"\xef\xbb\xbf" + contenu.encode()
    lue = _read(catalogue, "sig_ville__qpv_2024_liste", tmp_path / "listeqp2024-cog2024.csv", octets, "2024")
    assert _failed(_judge(catalogue, lue)) == []
    assert lue.donnees["insee_com"].to_pylist() == ['="60057"', '="13055;13070"']
    # Physical lines: the second record starts on line 3 and ends on line 4.
    assert lue.donnees["ligne"].to_pylist() == [2, 3]
    lignes = vide.staged(lue)
    assert lignes["codes_communes"].tolist() == ["60057", "13055;13070"]
    assert lignes["siren_epci"].tolist() == ["200067999", "200054807"]
    assert "\n" in lignes["communes"][1]


def test_a_numeric_departement_of_the_national_list_is_reported(catalogue: Catalogue, tmp_path: Path) -> None:
    contenu = LISTE + 'QN00201M;Europe;32;HdF;2;Aisne;"=""02691""";Saint-Quentin;200071892;CA\r\n'
    verdict = _judge(
        catalogue, _read(catalogue, "sig_ville__qpv_2024_liste", tmp_path / "liste.csv", contenu)
    )
    assert verdict.accepte
    assert ("insee_dep", "warning") in _failed(verdict)


PASSAGE = (
    "qp2024,label_qp2024,statut,qp2015_1,label_qp2015_1,qp2015_2,label_qp2015_2,qp2015_3,label_qp2015_3\n"
)


def test_the_national_passage_loads_with_its_semicolons(
    catalogue: Catalogue, vide: Entrepot, tmp_path: Path
) -> None:
    entete = " ; ".join(
        [
            "QP2024",
            "Label_QP2024",
            "Statut",
            *(f"{nom}{i}" for i in (1, 2, 3) for nom in ("QP2015_", "Label_QP2015_")),
        ]
    )
    octets = (
        b"\xef\xbb\xbf" + f"{entete}\nQN00201M;Europe, sud;MODIFIE;QP002001;Europe;QP002002;;;\n".encode()
    )
    lue = _read(catalogue, "sig_ville__passage_qpv_2015_2024", tmp_path / "liste.csv", octets, "v1")
    assert (lue.colonnes_inconnues, lue.colonnes_absentes) == ((), ())
    (ligne,) = vide.staged(lue).to_dict("records")
    assert (ligne["libelle_qpv_2024"], ligne["code_qpv_2015_2"]) == ("Europe, sud", "QP002002")


@pytest.mark.parametrize(
    ("ligne", "severite"),
    [
        ("QN00201M,Europe,MODIFIE,QP002001,Europe,,,,", None),
        ("QN00201M,Europe,FUSION,QP002001,Europe,,,,", "critical"),
        ("QN00201M,Europe,MODIFIE,,,,,,", "critical"),
        ("QN00201M,Europe,INCHANGE,QP002001,Europe,,,,", "warning"),
        ("QN00201N,Europe,NOUVEAU,QP002001,Europe,,,,", "warning"),
        ("QN00201M,Europe,MODIFIE,QN002001,Europe,,,,", "critical"),
    ],
)
def test_status_of_the_passage_agrees_with_its_codes(
    catalogue: Catalogue, tmp_path: Path, ligne: str, severite: str | None
) -> None:
    lue = _read(
        catalogue, "sig_ville__passage_qpv_2015_2024", tmp_path / "passage.csv", f"{PASSAGE}{ligne}\n", "v1"
    )
    assert {s for _, s in _failed(_judge(catalogue, lue))} == ({severite} if severite else set())


def _feature(code: str, geometrie: dict[str, Any] | None) -> dict[str, Any]:
    proprietes = {
        "fid": 1.0,
        "code_qp": code,
        "lib_qp": "Essai",
        "insee_dep": "974",
        "insee_com": "97411, 97415",
    }
    proprietes |= {"lib_com": "Saint-Denis, Saint-Paul", "siren_epci": "249740119"}
    return {"type": "Feature", "properties": proprietes, "geometry": geometrie}


def test_area_of_an_overseas_qpv_2024_is_in_its_own_projection(
    catalogue: Catalogue, vide: Entrepot, tmp_path: Path
) -> None:
    # 0.01 degree of latitude by 0.01 of longitude at 21° south: 1.107 km x 1.040 km.
    carre = [[55.45, -20.90], [55.46, -20.90], [55.46, -20.89], [55.45, -20.89], [55.45, -20.90]]
    contenu = {
        "type": "FeatureCollection",
        "features": [_feature("QN97401M", {"type": "MultiPolygon", "coordinates": [[carre]]})],
    }
    lue = _read(
        catalogue, "sig_ville__qpv_2024__perimetres", tmp_path / "QP2024.geojson", json.dumps(contenu)
    )
    assert _failed(_judge(catalogue, lue)) == []
    (ligne,) = vide.staged(lue).to_dict("records")
    assert ligne["surface_m2"] == pytest.approx(1107 * 1040, rel=0.01)
    assert ligne["code_region"] is None or pd.isna(ligne["code_region"])


def test_a_qpv_2024_without_outline_refuses_the_perimeters(catalogue: Catalogue, tmp_path: Path) -> None:
    contenu = {"type": "FeatureCollection", "features": [_feature("QN97401M", None)]}
    lue = _read(
        catalogue, "sig_ville__qpv_2024__perimetres", tmp_path / "QP2024.geojson", json.dumps(contenu)
    )
    assert "surface_m2" in {c.colonne for c in _judge(catalogue, lue).bloquants}


def test_bronze_keeps_every_text_beside_its_number(catalogue: Catalogue, tmp_path: Path) -> None:
    contenu = json.dumps([_poste(annee="2031", montant=3582.5)])
    lue = _read(catalogue, "sig_ville__postes_fonjep", tmp_path / "postes.json", contenu)
    assert lue.donnees.schema.field("annee").type == pa.string()
    assert lue.donnees.select(["annee", "annee__valeur", "montant", "montant__valeur"]).to_pylist() == [
        {"annee": "2031", "annee__valeur": 2031.0, "montant": "3582.5", "montant__valeur": 3582.5}
    ]


def test_perimeters_come_bare_or_zipped(catalogue: Catalogue, vide: Entrepot, tmp_path: Path) -> None:
    """The first bytes decide: the address that served a GeoJSON now serves a ZIP (SOURCES 9.3)."""
    carre = [[3.30, 49.37], [3.31, 49.37], [3.31, 49.38], [3.30, 49.38], [3.30, 49.37]]
    geometrie = {"type": "Polygon", "coordinates": [carre]}
    texte = json.dumps({"type": "FeatureCollection", "features": [_feature("QN00212M", geometrie)]})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zip_:
        zip_.writestr("GEOJSON/QP2024_France_Hexagonale_Outre_Mer_WGS84.geojson", texte)
        zip_.writestr("__MACOSX/GEOJSON/._QP2024.geojson", b"\0")
    nom = "sig_ville__qpv_2024__perimetres"
    nu = _read(catalogue, nom, tmp_path / "QP2024.geojson", texte)
    zippe = _read(catalogue, nom, tmp_path / "QP2024.zip", archive.getvalue())
    # Even under the former name.
    trompeur = _read(catalogue, nom, tmp_path / "perimetres.geojson", archive.getvalue())
    assert nu.empreinte_contenu == zippe.empreinte_contenu == trompeur.empreinte_contenu
    assert vide.staged(zippe)["code_qpv"].tolist() == ["QN00212M"]


def test_an_archive_without_geojson_is_refused(catalogue: Catalogue, tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zip_:
        zip_.writestr("SHP/QP2024_France_Hexagonale_Outre_Mer_WGS84.shp", b"x")
    with pytest.raises(RefusedFile, match="aucun fichier de données dans l'archive"):
        _read(catalogue, "sig_ville__qpv_2024__perimetres", tmp_path / "QP2024.zip", archive.getvalue())


def _deposit_of_pages(depot: Path, pages: dict[str, object]) -> None:
    dossier = depot / "c2rp" / "dispositifs" / "2031"
    dossier.mkdir(parents=True, exist_ok=True)
    for nom, contenu in pages.items():
        (dossier / nom).write_text(json.dumps(contenu), encoding="utf-8")


def test_several_files_of_one_place(catalogue: Catalogue, tmp_path: Path) -> None:
    depot = tmp_path / "depot"
    page = {"url": "https://c2rp.fr/dispositifs/a", "titre": "A", "metadata": {"Publics": ["Jeunes"]}}
    _deposit_of_pages(depot, {"a.json": page, "b.json": {**page, "titre": "B"}})
    settings = Settings(data_dir=tmp_path / "data", depot=depot)

    def ingest() -> Outcome:
        (depose,) = survey(depot, catalogue).deposits
        return ingest_deposit(settings, catalogue, depose, est_fictif=False, now=now_utc())

    premier = ingest()
    assert (premier.issue, premier.nb_lignes, premier.fichiers) == (Issue.NOUVEAU, 2, ("a.json", "b.json"))
    assert ingest().issue is Issue.INCHANGE
    # A bronze file that is lost is read again, whichever of the two it is.
    (entree,) = Lock(settings.paths.verrou).read().values()
    (perdu,) = entree.fichiers[0].bronze.values()
    (settings.paths.root / perdu).unlink()
    assert ingest().issue is Issue.INCHANGE
    assert (settings.paths.root / perdu).is_file()
    _deposit_of_pages(depot, {"a.json": {**page, "titre": "A, revue"}})
    assert ingest().issue is Issue.REVISE
    _deposit_of_pages(depot, {"c.json": [page]})
    refus = ingest()
    assert refus.issue is Issue.REFUSE
    assert "c.json" in refus.raison
    assert "un seul objet" in refus.raison
