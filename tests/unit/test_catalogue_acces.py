"""How the catalogue says that a dataset is fetched: what is accepted, refused, and read from it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from tests.producteur_joue import declared

from qpv_emploi.catalogue import Dataset, load_catalogue
from qpv_emploi.catalogue.acces import (
    Access,
    DepositAccess,
    Extraction,
    HttpAccess,
    LiveAccess,
    file_name,
    is_live,
)
from qpv_emploi.settings import Settings

ACCES: TypeAdapter[DepositAccess | LiveAccess] = TypeAdapter(Access)
CATALOGUE = load_catalogue(Settings().dbt_dir)

HTTP = {
    "mode": "http",
    "millesimes": ["2031"],
    "fichiers": [{"adresse": "https://producteur.example/{millesime}/donnees.csv"}],
}
PAGE = {
    "mode": "insee_page",
    "page": "https://www.insee.fr/fr/statistiques/1",
    "extrait": {"motif": r"_(\d{4})_", "dans": "nom"},
    "fichiers": [{"cherche": ".*"}],
}


@pytest.mark.parametrize(
    ("motif", "texte", "attendu"),
    [
        (r"_(20\d{2})_", "base_2031_csv.zip", "2031"),
        (r"t(?P<trimestre>[1-4])-(?P<annee>\d{4})\.", "taux-t1-2003-t3-2031.xlsx", "2031T3"),
        (r"(?P<annee>\d{4})-(?P<mois>\d{2})", "2031-04-05T06:07:08", "2031-04"),
        (r"_(20\d{2})_", "base.zip", ""),
    ],
)
def test_a_vintage_read_in_a_text(motif: str, texte: str, attendu: str) -> None:
    assert Extraction(motif=motif, dans="nom").vintage(texte) == attendu


def test_old_vintages_are_not_wanted() -> None:
    extrait = Extraction(motif="(.*)", dans="nom", depuis="2030")
    assert [m for m in ("", "2029", "2030", "2031") if extrait.wants(m)] == ["2030", "2031"]


@pytest.mark.parametrize(
    ("acces", "mot"),
    [
        ({"mode": "ftp"}, "mode"),
        ({**HTTP, "millesimes": []}, "l'un des deux et un seul"),
        ({**PAGE, "millesimes": ["2031"]}, "l'un des deux et un seul"),
        ({**HTTP, "millesimes": [], "extrait": PAGE["extrait"]}, "ne se lit pas par ce mode"),
        ({**PAGE, "extrait": {"motif": "(.)", "dans": "titre"}}, "ne se lit pas par ce mode"),
        ({**PAGE, "extrait": {"motif": "20", "dans": "nom"}}, "n'a pas de groupe"),
        ({**PAGE, "extrait": {"motif": "(?P<an>20)", "dans": "nom"}}, "les groupes nommés"),
        ({**PAGE, "extrait": {"motif": "(20", "dans": "nom"}}, "expression régulière"),
        ({**PAGE, "extrait": {"motif": "(.)", "dans": "colonne"}}, "« colonne » se donne avec"),
        ({**PAGE, "extrait": {"motif": "(.)", "dans": "nom", "colonne": "a"}}, "« colonne » se donne avec"),
        ({**PAGE, "page": "http://www.insee.fr/fr/statistiques/1"}, "https://"),
        ({**PAGE, "page": "https://{millesime}.insee.fr/"}, "https://"),
        ({**PAGE, "delai_s": -1}, "delai_s"),
        ({**PAGE, "fichiers": []}, "fichiers"),
        ({**PAGE, "url": "x"}, "url"),
    ],
)
def test_a_declaration_that_means_nothing_is_refused(acces: dict[str, Any], mot: str) -> None:
    with pytest.raises(ValidationError, match=mot):
        ACCES.validate_python(acces)


def test_the_host_of_the_address_is_always_allowed_and_no_other() -> None:
    acces = ACCES.validate_python({**PAGE, "hotes": ["Static.Example"]})
    assert not isinstance(acces, DepositAccess)
    assert acces.hotes_admis == {"www.insee.fr", "static.example"}
    assert acces.libelle == "www.insee.fr (en ligne) ou dépôt"


def test_names_that_the_catalogue_can_tell() -> None:
    acces = ACCES.validate_python({**HTTP, "millesimes": ["2030", "2031"]})
    assert isinstance(acces, HttpAccess)
    assert acces.noms_gardes() == ("donnees.csv", "donnees.csv")
    nommes = [{"cherche": ".*", "nom": "a.csv"}, {"cherche": ".*", "nom": "b_{millesime}.csv"}]
    # The vintage of the second is not known yet.
    assert ACCES.validate_python({**PAGE, "fichiers": nommes}).noms_gardes() == ("a.csv",)


@pytest.mark.parametrize(
    ("adresse", "nom"),
    [
        ("https://a.example/x/d%C3%A9p%20t.csv?b=/c.zip", "dép t.csv"),
        ("https://a.example/x/", ""),
        ("https://a.example", ""),
    ],
)
def test_the_name_at_the_end_of_an_address(adresse: str, nom: str) -> None:
    assert file_name(adresse) == nom


def test_a_listed_vintage_has_the_form_of_the_dataset() -> None:
    with pytest.raises(ValidationError, match="le millésime T2 n'a pas la forme"):
        Dataset.model_validate(declared("directe", {**HTTP, "millesimes": ["T2"]}))


def test_a_kept_name_is_one_that_the_dataset_reads() -> None:
    with pytest.raises(ValidationError, match=r"aucun fichier du jeu ne porte un nom comme donnees\.csv"):
        Dataset.model_validate(declared("directe", HTTP, motif=r".+\.parquet"))


def test_what_the_catalogue_declares_can_be_asked() -> None:
    """Every live dataset has a page for people, says what was seen, and asks over HTTPS only."""
    en_ligne = {f"{p}/{jeu.jeu}": jeu for p, jeu in CATALOGUE.datasets() if is_live(jeu.acces)}
    assert {
        "sig_ville/qpv_2024",
        "dares/defm_communales_export",
        "insee/rp_emploi_commune",
        "c2rp/pages",
    } <= set(en_ligne)
    for nom, jeu in en_ligne.items():
        assert jeu.acces.remarque, nom
        assert jeu.page, nom
        assert not isinstance(jeu.acces, DepositAccess)
        assert jeu.acces.adresse_de_base.startswith("https://"), nom


@pytest.mark.parametrize(
    ("jeu", "fichier", "millesime"),
    [
        ("chomage_localise_departement", "sl_etc_2021T4.xls", "2021T4"),
        ("chomage_localise_zone_emploi", "chomage-zone-t1-2003-t3-2023.xlsx", "2023T3"),
        ("defm_qpv_2024", "DEFM2024_QP24_csv.zip", "2024"),
        ("filosofi_qpv_2024", "revenus_pauvrete_2021_qp24_v2_csv.zip", "2021"),
        ("cnaf_qpv_2024", "beneficiaires_CAF_31-12-2024_QP24.csv", "2024"),
        ("rp_emploi_commune", "base-cc-emploi-pop-active-2022_csv.zip", "2022"),
        ("demographie_qpv", "data_DEMO_2019_V1_QP.csv", "2019"),
        ("cog", "v_commune_2025.csv", "2025"),
    ],
)
def test_names_seen_at_the_insee_lead_to_a_file_that_is_read(jeu: str, fichier: str, millesime: str) -> None:
    """The access picks the name, dates it, and the dataset recognises it."""
    declare = CATALOGUE.dataset("insee", jeu)
    acces = declare.acces
    assert acces.mode == "insee_page"
    assert any(re.fullmatch(f.cherche, fichier, re.IGNORECASE) for f in acces.fichiers)
    assert acces.extrait is not None
    assert acces.extrait.vintage(fichier) == millesime
    assert re.fullmatch(declare.millesime.motif, millesime)
    assert any(re.fullmatch(spec.motif, fichier) for spec in declare.fichiers)
