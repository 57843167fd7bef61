"""Dispositifs, targets, quoted figures and specific means on the real files: the figures of the domain."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import pytest

from qpv_emploi.settings import Settings

pytestmark = pytest.mark.depot

Requete = Callable[..., list[Any]]

# SOURCES, section 13: rows, distinct posts, rows without contract, euros.
LIGNES = {
    ("adulte_relais", 2020): (668, 668, 0, 13276540.08),
    ("adulte_relais", 2021): (765, 765, 0, 15354942.30),
    ("adulte_relais", 2022): (782, 782, 0, 16620628.00),
    ("adulte_relais", 2023): (730, 730, 5, 16465682.90),
    ("adulte_relais", 2024): (648, 648, 0, 14781275.28),
    ("poste_fonjep", 2020): (159, 159, 0, 1100271.00),
    ("poste_fonjep", 2021): (161, 161, 0, 1106241.00),
    ("poste_fonjep", 2022): (164, 164, 0, 1146837.00),
    ("poste_fonjep", 2023): (176, 176, 2, 1226238.00),
    ("poste_fonjep", 2024): (184, 181, 1, 1267431.00),
}
# Months, first, last and last value of each series (SOURCES, section 13).
SERIES = {
    "emplois-francs-entrees": (25, "2020-01-31", "2022-01-31", 2105),
    "parcours-emploi-competences-entrees": (32, "2022-01-31", "2024-08-31", 5749),
    "parcours-emploi-competences-stocks": (36, "2020-01-31", "2022-12-31", 51918),
    "contrat-engagement-jeune-entrees": (31, "2022-01-31", "2024-07-31", 25222),
    "contrat-engagement-jeune-stocks": (30, "2022-01-31", "2024-06-30", 185787),
    "garantie-jeunes-entrees": (26, "2021-01-31", "2023-02-28", 111),
    "pacea-avant-cej-entrees": (26, "2020-01-31", "2022-02-28", 30320),
    "iae-ei-stocks": (25, "2023-01-31", "2025-01-31", 19422),
    "iae-aci-entrees": (25, "2020-01-31", "2022-01-31", 15655),
    "contrat-dapprentissage-secteurs-prive-et-public-entrees": (34, "2023-01-31", "2025-10-31", 82415),
    "autres-formations-commandees-entrees": (6, "2022-01-31", "2022-06-30", 40830),
    "poec-entrees": (12, "2022-01-31", "2022-12-31", 6767),
}


def test_lines_of_subsidy_are_those_of_the_files(sql_32: Requete) -> None:
    trouvees = {
        (moyen, annee): valeurs
        for moyen, annee, *valeurs in sql_32(
            "select type_moyen, annee, count(*), count(distinct id_poste), "
            "count(*) filter (where code_contrat is null), round(sum(montant), 2) "
            "from fct_moyens group by type_moyen, annee"
        )
    }
    assert trouvees == {cle: list(valeurs) for cle, valeurs in LIGNES.items()}
    ((sans_motif,),) = sql_32(
        "select count(*) from fct_moyens where cle_territoire_contrat is null and motif_contrat is null"
    )
    assert sans_motif == 0


def test_the_region_counts_each_line_once(sql_32: Requete) -> None:
    for type_territoire in ("region", "departement"):
        trouvees = {
            (moyen, annee): (lignes, montant)
            for moyen, annee, lignes, montant in sql_32(
                "select type_moyen, annee, sum(nb_lignes), round(sum(montant), 2) "
                "from mart_moyens_specifiques where type_territoire = ? and origine = 'fichier' "
                "group by type_moyen, annee",
                type_territoire,
            )
        }
        attendues = {cle: (lignes, euros) for cle, (lignes, _, _, euros) in LIGNES.items()}
        assert trouvees == attendues, type_territoire
    # Both counts: the rows as written, and the distinct posts they name.
    assert {
        (moyen, annee): (fichier, identifiants)
        for moyen, annee, fichier, identifiants in sql_32(
            "select type_moyen, annee, nb_lignes_fichier, nb_identifiants from mart_moyens_specifiques "
            "where type_territoire = 'region' and origine = 'fichier'"
        )
    } == {cle: (lignes, postes) for cle, (lignes, postes, _, _) in LIGNES.items()}
    # What stands under a contract, plus what stands under none, is the region.
    for (moyen, annee), (lignes, _, sans_contrat, _) in LIGNES.items():
        ((par_contrat,),) = sql_32(
            "select sum(nb_lignes) from mart_moyens_specifiques where type_territoire = 'contrat_ville' "
            "and type_moyen = ? and annee = ?",
            moyen,
            annee,
        )
        assert par_contrat == lignes - sans_contrat


def test_specific_credits_keep_their_row_and_their_reason(sql_32: Requete) -> None:
    assert sql_32(
        "select distinct code_statut, montant from mart_moyens_specifiques "
        "where type_territoire = 'contrat_ville' and type_moyen in ('credits_p147', 'credits_droit_commun')"
    ) == [("NC", None)]
    # The one figure that a document gives stays with its origin.
    assert sql_32(
        "select annee, montant, code_fait from mart_moyens_specifiques "
        "where type_moyen = 'credits_p147' and montant is not null"
    ) == [(2018, 33_500_000, "MOY01_S4")]
    ((contrats,),) = sql_32(
        "select count(distinct cle_territoire) from mart_moyens_specifiques "
        "where type_territoire = 'contrat_ville'"
    )
    assert contrats == 43 + 39


def test_national_series_are_whole(sql_32: Requete) -> None:
    trouvees = {
        serie: (mois, str(premier), str(dernier), valeur)
        for serie, mois, premier, dernier, valeur in sql_32(
            "select code_serie, count(*), min(fin), max(fin), max_by(nombre, fin) from fct_beneficiaires "
            "where cle_territoire = 'france' group by code_serie"
        )
    }
    assert trouvees == SERIES
    # The CEJ opens in March 2022: January and February are true zeros.
    assert sql_32(
        "select nombre, code_statut from fct_beneficiaires where code_dispositif = 'CEJ' "
        "and cle_periode in ('MOIS:2022-01', 'MOIS:2022-02')"
    ) == [(0, "OK"), (0, "OK")]


def test_location_rules_are_those_of_the_domain(sql_32: Requete) -> None:
    regles = dict(
        sql_32(
            "select distinct code_serie, regle_localisation from fct_beneficiaires "
            "where cle_territoire = 'france' and regle_localisation <> 'non_etablie'"
        )
    )
    assert regles == {
        "emplois-francs-entrees": "residence",
        "iae-aci-entrees": "residence",
        "pacea-avant-cej-entrees": "adresse_mission_locale",
        "parcours-emploi-competences-entrees": "lieu_de_travail",
        "parcours-emploi-competences-stocks": "lieu_de_travail",
        "contrat-dapprentissage-secteurs-prive-et-public-entrees": "adresse_employeur",
    }


def test_aided_contracts_of_the_neighbourhoods(sql_32: Requete) -> None:
    """Sums and blanks of CA (SOURCES, section 13), and no total that a blank would make wrong."""
    trouves = {
        str(fin): (somme, absents)
        for fin, somme, absents in sql_32(
            "select fin, sum(nombre), count(*) filter (where nombre is null) from fct_beneficiaires "
            "where code_serie = 'CA' and population = 'qpv' group by fin"
        )
    }
    assert trouves["2016-12-31"] == (10928, 4)
    assert trouves["2017-12-31"] == (6835, 3)
    assert trouves["2019-12-31"] == (1931, 66)
    assert {
        statut
        for (statut,) in sql_32(
            "select code_statut from mart_ciblage_droit_commun where type_territoire = 'region' "
            "and code_dispositif = 'CONTRATS_AIDES' and origine = 'fichier' and beneficiaires_qpv is null"
        )
    } <= {"ND", "SECRET"}
    ((regionales,),) = sql_32(
        "select count(*) from mart_ciblage_droit_commun where type_territoire = 'region' "
        "and beneficiaires_qpv is not null"
    )
    assert regionales == 0


def test_every_ordinary_scheme_has_a_row_for_every_contract(sql_32: Requete) -> None:
    """« Dit où cela ne peut pas être su » (Q01): nothing is missing, nothing is zero for unknown."""
    manquantes = sql_32(
        """
        select c.code_contrat, c.generation, d.code_dispositif
        from dim_contrat_ville as c
        inner join dim_dispositif as d
            on d.type_dispositif in ('DC', 'DC_QPV')
            and (d.valide_du is null or d.valide_du <= coalesce(c.fin_prolongee, c.fin_initiale))
            and (d.valide_au is null or d.valide_au >= c.t0)
        left join mart_ciblage_droit_commun as m
            on c.cle_territoire = m.cle_territoire and d.code_dispositif = m.code_dispositif
        where m.cle_ligne is null
        """
    )
    assert manquantes == []
    ((muettes,),) = sql_32(
        "select count(*) from mart_ciblage_droit_commun where (part_qpv is null and motif is null) "
        "or (indice_ciblage is null and motif_indice is null) or beneficiaires_qpv = 0"
    )
    assert muettes == 0


def test_a_national_quota_on_a_regional_population(sql_32: Requete) -> None:
    indices = {
        (cible, parite): indice
        for cible, parite, indice in sql_32(
            "select code_cible, code_parite, indice_a_la_cible from mart_suivi_cibles "
            "where nature_ligne = 'parite' and code_cible in ('CIB_CIE_2016', 'CIB_PEC_2019')"
        )
    }
    assert indices["CIB_CIE_2016", "PAR_DE_HDF_DECLAREE"] == pytest.approx(0.65)
    assert indices["CIB_PEC_2019", "PAR_DE_HDF_DECLAREE"] == pytest.approx(0.75)
    assert indices["CIB_CIE_2016", "PAR_DE_HDF_POLE_EMPLOI"] == pytest.approx(0.72, abs=0.005)
    assert indices["CIB_PEC_2019", "PAR_DE_HDF_POLE_EMPLOI"] == pytest.approx(0.83, abs=0.005)
    assert indices["CIB_PEC_2019", "PAR_DE_NORMANDIE"] == pytest.approx(1.15, abs=0.005)
    # The national share has no date: it is shown and divides nothing.
    assert indices["CIB_PEC_2019", "PAR_DE_FRANCE"] is None
    ((normandie,),) = sql_32("select part_parite from dim_part_parite where code_parite = 'PAR_DE_NORMANDIE'")
    assert normandie == pytest.approx(13.0, abs=0.01)


def test_the_halving_of_the_gap(sql_32: Requete) -> None:
    ((taux, base, valeur, reserve),) = sql_32(
        "select taux_atteinte, valeur_base, valeur_observee, reserve from mart_suivi_cibles "
        "where code_cible = 'CIB_ECART_EMPLOI_2016'"
    )
    assert (base, valeur) == (-21.0, -21.3)
    assert taux == pytest.approx(-3, abs=0.2)
    assert "sous deux noms" in reserve


def test_the_national_objective_gives_both_readings(sql_32: Requete) -> None:
    ((ecart, rapport, resorbee, motif),) = sql_32(
        "select variation_ecart, variation_rapport, part_ecart_resorbee, motif_part_ecart_resorbee "
        "from mart_objectif_national where code_fait_t0 = 'EMP01_S0' and code_fait_t = 'X02C'"
    )
    assert ecart == pytest.approx(-30, abs=0.5)
    assert rapport == pytest.approx(-9, abs=0.5)
    assert resorbee is None
    assert "publications différentes" in motif
    niveaux = dict(
        sql_32(
            "select code_fait_t0, round(trajectoire, 1) from mart_objectif_national "
            "where code_fait_t = 'X01E' and annee_t0 = 2014"
        )
    )
    assert niveaux == {"X01A": 4.4, "X01B": 2.7}


def test_targets_that_yield_a_rate(sql_32: Requete) -> None:
    taux = {
        code: round(valeur, 1)
        for code, valeur in sql_32(
            "select code_cible, taux_atteinte from mart_suivi_cibles where taux_atteinte is not null"
        )
    }
    assert taux == {
        "CIB_ECART_EMPLOI_2016": -2.9,
        "CIB_CIE_2016": 99.2,
        "CIB_CAE_2016": 93.8,
        "CIB_FSE_2014": 200.0,
    }
    ((cibles,),) = sql_32("select count(distinct code_cible) from mart_suivi_cibles")
    assert cibles == 49


def test_contradictions_stand_side_by_side(sql_32: Requete) -> None:
    comptes = dict(sql_32("select code_groupe, count(*) from mart_contradictions group by code_groupe"))
    assert sorted(comptes) == [f"GC{rang:02}" for rang in range(1, 25)]
    assert (comptes["GC01"], comptes["GC02"], comptes["GC08"], comptes["GC24"]) == (4, 7, 12, 10)
    comparateurs = sql_32(
        "select distinct code_comparateur from mart_contradictions where code_groupe = 'GC01' order by 1"
    )
    assert comparateurs == [("autres_quartiers_uu_englobante",), ("france",), ("uu_environnante",)]
    rapports = dict(
        sql_32(
            "select code_ligne, round(rapport, 2) from mart_contradictions "
            "where code_groupe in ('GC01', 'GC09') and rapport is not null"
        )
    )
    assert (rapports["EMP01_S0"], rapports["JEU01_S0"]) == (2.68, 2.5)
    # A quoted 2.5 beside what the two rates of the same document give.
    ((recalcule,),) = sql_32(
        "select round(rapport_recalcule, 2) from mart_contradictions where code_ligne = 'EMP05A_S0'"
    )
    assert recalcule == 2.68
    assert sql_32(
        "select valeur, valeur_brute, confiance from mart_contradictions where code_groupe = 'GC06'"
    ) == [(1094, "10 94", "probable")]


def test_quoted_figures_add_up(sql_32: Requete) -> None:
    valeurs = dict(sql_32("select code_fait, valeur from fct_fait_documentaire"))
    assert len(valeurs) == 253
    assert sum(valeurs[f"EMP08{suite}_S3"] for suite in ("", "B", "C")) == pytest.approx(100)
    ((ecart,),) = sql_32(
        "select valeur - valeur_comparateur from fct_fait_documentaire where code_fait = 'EMP12_S0'"
    )
    assert ecart == pytest.approx(valeurs["EMP12C_S3"])


def test_emplois_francs_open_where_the_texts_say(sql_32: Requete) -> None:
    ouverts = {
        (str(debut), str(fin)): nombre
        for debut, fin, nombre in sql_32(
            "select debut, fin, count(*) from mart_couverture_dispositif "
            "where code_dispositif = 'EMPLOIS_FRANCS' and present group by debut, fin"
        )
    }
    assert ouverts.pop(("2019-03-28", "2023-12-31")) == 199
    assert ouverts.pop(("2024-01-01", "2024-12-31")) == 204
    ((lille,),) = sql_32("select count(*) from pont_qpv_contrat where code_contrat = 'CV192'")
    assert ouverts == {("2018-04-01", "2019-03-27"): lille}
    assert sql_32("select count(*) from mart_couverture_dispositif where not present") == [(0,)]


def test_links_of_schemes_are_those_of_the_list() -> None:
    """Each predecessor or successor of the reviewed list stands in the bridge, with its date and source."""
    graines = Settings().dbt_dir / "seeds"

    def lire(nom: str) -> list[dict[str, str]]:
        with (graines / f"{nom}.csv").open(encoding="utf-8", newline="") as flux:
            return list(csv.DictReader(flux, delimiter=";"))

    dits = set()
    for ligne in lire("dispositif"):
        dits |= {(avant, ligne["code"]) for avant in ligne["predecesseur"].split("|") if avant}
        dits |= {(ligne["code"], apres) for apres in ligne["successeur"].split("|") if apres}
    ponts = lire("filiation_dispositif")
    assert {(p["code_avant"], p["code_apres"]) for p in ponts if p["nature"] == "remplacement"} == dits
    assert all(p["source"] for p in ponts)
    ordinaires = {ligne["code"] for ligne in lire("dispositif") if ligne["type"] in ("DC", "DC_QPV")}
    # The two engagements of companies are specific schemes: what they produce is not collected (Q11).
    engagements = {"CHARTE_EQ", "PAQTE"}
    assert {ligne["code_dispositif"] for ligne in lire("connaissance_dispositif")} == ordinaires | engagements
