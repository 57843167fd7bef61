"""Gate 1: each rule refuses or reports the data it is written for, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from qpv_emploi.catalogue import BronzeTable, Catalogue, load_catalogue
from qpv_emploi.catalogue.models import Secrecy, VintageNote
from qpv_emploi.errors import SettingsError
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.qualite import Controle, Verdict
from qpv_emploi.qualite.gate import count_zones, judge
from qpv_emploi.settings import Settings

# No signature is declared for this vintage: any set of columns loads.
MILLESIME = "2030"
IPRO = "insee__insertion_professionnelle"
DEMO = "insee__demographie_qpv"
REVN = "insee__revenus_qpv"
COMMUNES = "insee__cog__communes"
CONTRATS = "sig_ville__contrats_ville"

IPRO_LIGNE = {
    "CODGEO": "",
    "LIBGEO": "Quartier",
    "TX_TOT_EMPL": "44,4",
    "TX_ET_EMPL": "0",
    "ABCDE": "193",
    "ABC": "158",
    "ABC_F": "60",
    "ABC_H": "98",
    "A": "99",
    "NOTE_PE": "0",
    "EVOL_ABC_T4": "0,0",
}
REVN_LIGNE = {
    "CODGEO": "",
    "LIBGEO": "Quartier",
    "DECUC_D1": "0",
    "DECUC_Q1": "3000",
    "DISP_Q1": "9000",
    "DISP_Q2": "12000",
    "TP60": "45,1",
    "PACT": "70,1",
    "PPEN": "20,0",
    "PPAT": "4,9",
    "PPSOC": "15,0",
    "PIMPOT": "-10,0",
    "A": "250",
    "NOTE_FILO": "0",
}
DEMO_LIGNE = {
    "CODGEO": "",
    "POP_MUN": "1508",
    "A": "40",
    "AM": "10",
    "AI": "10",
    "ACSSENF": "8",
    "ACAVENF": "12",
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(Settings().dbt_dir)


class Porte:
    """Small files in the producers' formats, through the real readers and the real suites."""

    def __init__(self, catalogue: Catalogue, dossier: Path) -> None:
        self.catalogue = catalogue
        self.dossier = dossier

    def table(self, nom: str) -> BronzeTable:
        return next(bronze for bronze in self.catalogue.tables() if bronze.nom == nom)

    def read(
        self, nom: str, texte: str, fichier: str = "essai.csv", bronze: BronzeTable | None = None
    ) -> ReadTable:
        bronze = bronze or self.table(nom)
        chemin = self.dossier / fichier
        chemin.write_text(texte, encoding="utf-8")
        provenance = Provenance(bronze.producteur, bronze.jeu.jeu, MILLESIME, fichier, "ab" * 32)
        (lue,) = read_file(chemin, [bronze], provenance, self.catalogue.variables)
        return lue

    def wide(
        self,
        nom: str,
        modele: Mapping[str, str],
        changements: Mapping[str, str] | None = None,
        *,
        controle: Mapping[str, str] | None = None,
        bronze: BronzeTable | None = None,
    ) -> ReadTable:
        """Three zones, the changes on the second one (line 3)."""
        lignes = [{**modele, "CODGEO": f"QP05900{i}"} for i in (1, 2, 3)]
        lignes[1].update(changements or {})
        if controle is not None:
            lignes.append({**modele, **controle, "CODGEO": "Ensemble"})
        entete = list(dict.fromkeys(nom for ligne in lignes for nom in ligne))
        texte = "\n".join(";".join(ligne.get(c, "") for c in entete) for ligne in lignes)
        return self.read(nom, ";".join(entete) + "\n" + texte + "\n", bronze=bronze)

    def judge(self, lue: ReadTable, zones_connues: Mapping[str, int] | None = None) -> Verdict:
        return judge(
            lue,
            expectations_dir=Settings().expectations_dir,
            variables=self.catalogue.variables,
            zones_connues=zones_connues or {},
        )


@pytest.fixture
def porte(catalogue: Catalogue, tmp_path: Path) -> Porte:
    return Porte(catalogue, tmp_path)


def _failed(verdict: Verdict) -> list[tuple[str, str, str]]:
    return [(c.nom, c.colonne, c.severite) for c in verdict.controles if c.reussi is False]


def _control(verdict: Verdict, nom: str, colonne: str = "") -> Controle:
    (trouve,) = [c for c in verdict.controles if c.nom == nom and (not colonne or c.colonne == colonne)]
    return trouve


@pytest.mark.parametrize(("nom", "modele"), [(IPRO, IPRO_LIGNE), (DEMO, DEMO_LIGNE), (REVN, REVN_LIGNE)])
def test_a_good_file_is_accepted_without_remark(porte: Porte, nom: str, modele: dict[str, str]) -> None:
    if nom == DEMO:
        modele = {**modele, "LIBGEO": "Quartier", "LIB_COM": "Lille"}
    verdict = porte.judge(porte.wide(nom, modele))
    assert _failed(verdict) == []
    assert verdict.accepte
    assert verdict.raison() == ""
    assert sum(c.reussi is True for c in verdict.controles) > 5


@pytest.mark.parametrize(
    "changements", [{"ABC_F": "", "ABC_H": ""}, {"ABC_F": "nd"}, {"ABC_F": " s "}, {"A": "5"}]
)
def test_blanks_signs_and_the_threshold_itself_are_accepted(
    porte: Porte, changements: dict[str, str]
) -> None:
    assert _failed(porte.judge(porte.wide(IPRO, IPRO_LIGNE, changements))) == []


@pytest.mark.parametrize(
    ("nom", "changements", "attendu"),
    [
        (IPRO, {"TX_TOT_EMPL": "100,1"}, ("expect_column_values_to_be_between", "TX_TOT_EMPL")),
        (IPRO, {"TX_ET_EMPL": "-1"}, ("expect_column_values_to_be_between", "TX_ET_EMPL")),
        (IPRO, {"EVOL_ABC_T4": "-100,1"}, ("expect_column_values_to_be_between", "EVOL_ABC_T4")),
        (IPRO, {"ABC_F": "0", "ABC_H": ""}, ("effectif_sous_seuil", "ABC_F")),
        (IPRO, {"A": "4"}, ("effectif_sous_seuil", "A")),
        (IPRO, {"ABC_F": "61"}, ("identite:abc_par_sexe", "ABC = ABC_F + ABC_H")),
        (IPRO, {"ABCDE": "157"}, ("identite:abc_dans_abcde", "ABCDE ≥ ABC")),
        (IPRO, {"ABC_H": "#REF!"}, ("texte_illisible", "ABC_H")),
        (DEMO, {"AM": "11"}, ("identite:allocataires_par_situation", "A = AM + AI + ACSSENF + ACAVENF")),
        (DEMO, {"POP_MUN": "0"}, ("effectif_sous_seuil", "POP_MUN")),
        (REVN, {"TP60": "101"}, ("expect_column_values_to_be_between", "TP60")),
        (REVN, {"PIMPOT": "10,0", "PACT": "50,1"}, ("expect_column_values_to_be_between", "PIMPOT")),
        (
            REVN,
            {"PACT": "70,5"},
            ("identite:composition_du_revenu_disponible", "100 = PACT + PPEN + PPAT + PPSOC + PIMPOT"),
        ),
        (REVN, {"DISP_Q1": "12001"}, ("identite:disp_q2_sur_q1", "DISP_Q2 ≥ DISP_Q1")),
        (REVN, {"DECUC_D1": "-1"}, ("expect_column_values_to_be_between", "DECUC_D1")),
    ],
)
def test_one_wrong_cell_refuses_the_file_and_is_named(
    porte: Porte, nom: str, changements: dict[str, str], attendu: tuple[str, str]
) -> None:
    modele = {IPRO: IPRO_LIGNE, DEMO: {**DEMO_LIGNE, "LIBGEO": "Q", "LIB_COM": "Lille"}, REVN: REVN_LIGNE}[
        nom
    ]
    verdict = porte.judge(porte.wide(nom, modele, changements))
    assert _failed(verdict) == [(*attendu, "critical")]
    assert not verdict.accepte
    (exemple,) = _control(verdict, *attendu).exemples
    assert exemple.startswith("QP059002, ligne 3, ")
    assert attendu[1] in verdict.raison()
    assert "ligne 3" in verdict.raison()
    assert "\n" not in verdict.raison()


def test_an_example_names_zone_line_column_and_value(porte: Porte) -> None:
    verdict = porte.judge(porte.wide(IPRO, IPRO_LIGNE, {"TX_TOT_EMPL": "120,5"}))
    controle = _control(verdict, "expect_column_values_to_be_between", "TX_TOT_EMPL")
    assert controle.exemples == ("QP059002, ligne 3, colonne 3 (TX_TOT_EMPL) : 120,5",)
    assert controle.nb_ecarts == 1


def test_a_small_count_says_what_it_probably_is(porte: Porte) -> None:
    verdict = porte.judge(porte.wide(IPRO, IPRO_LIGNE, {"ABC_F": "0", "ABC_H": ""}))
    assert "vide lu comme zéro, ou régime de secret changé" in verdict.raison()


def test_an_identity_says_by_how_much(porte: Porte) -> None:
    verdict = porte.judge(porte.wide(IPRO, IPRO_LIGNE, {"ABC_F": "57"}))
    assert _control(verdict, "identite:abc_par_sexe").exemples == (
        "QP059002, ligne 3, ABC = ABC_F + ABC_H : écart 3",
    )


def test_an_unreadable_text_is_shown_as_written(porte: Porte) -> None:
    verdict = porte.judge(porte.wide(IPRO, IPRO_LIGNE, {"ABC_H": " <5 "}))
    assert _control(verdict, "texte_illisible").exemples == (
        "QP059002, ligne 3, colonne 8 (ABC_H) : «  <5  »",
    )


@pytest.mark.parametrize(
    ("changements", "attendu"),
    [
        ({"NOTE_PE": "9"}, ("expect_column_values_to_be_in_set", "NOTE_PE")),
        ({"NOTE_PE": "a"}, ("texte_illisible", "NOTE_PE")),
        ({"LIBGEO": "  "}, ("expect_column_values_to_not_be_null", "LIBGEO")),
        ({"NIV_GEO": "QP"}, ("texte_illisible", "NIV_GEO")),
    ],
)
def test_a_doubt_is_reported_and_does_not_refuse(
    porte: Porte, changements: dict[str, str], attendu: tuple[str, str]
) -> None:
    verdict = porte.judge(porte.wide(IPRO, IPRO_LIGNE, changements))
    assert _failed(verdict) == [(*attendu, "warning")]
    assert verdict.accepte
    assert verdict.raison() == ""


def test_the_control_row_is_not_judged(porte: Porte) -> None:
    faux = {"ABC": "1", "TX_TOT_EMPL": "400", "A": "total"}
    assert _failed(porte.judge(porte.wide(IPRO, IPRO_LIGNE, controle=faux))) == []


def test_rules_on_absent_columns_are_not_judged(porte: Porte) -> None:
    reduit = {nom: v for nom, v in IPRO_LIGNE.items() if nom not in ("ABC_F", "LIBGEO", "NOTE_PE")}
    verdict = porte.judge(porte.wide(IPRO, reduit))
    assert verdict.accepte
    identite = _control(verdict, "identite:abc_par_sexe")
    assert identite.reussi is None
    assert identite.message == "non évaluée : colonne(s) ABC_F absente(s) du fichier"
    assert _control(verdict, "expect_column_values_to_not_be_null", "LIBGEO").reussi is None
    assert _control(verdict, "expect_column_values_to_be_in_set").reussi is None


def _under(bronze: BronzeTable, secret: Secrecy) -> BronzeTable:
    jeu = bronze.jeu.model_copy(update={"millesimes": {MILLESIME: VintageNote(secret=secret)}})
    return replace(bronze, jeu=jeu)


@pytest.mark.parametrize(
    ("secret", "femmes", "juste"),
    [
        # Three counts of noise D = 5: the sum may be 15 away.
        (Secrecy(methode="cle_aleatoire", parametre_d=5), "45", True),
        (Secrecy(methode="cle_aleatoire", parametre_d=5), "44", False),
        (Secrecy(methode="cle_aleatoire"), "44", None),
        (Secrecy(methode="arrondi", arrondi=5), "53", True),
        (Secrecy(methode="arrondi", arrondi=5), "52", False),
        (Secrecy(methode="masquage", seuil=5), "59", False),
    ],
)
def test_identities_of_counts_follow_the_secrecy_regime_of_the_vintage(
    porte: Porte, secret: Secrecy, femmes: str, juste: bool | None
) -> None:
    bronze = _under(porte.table(IPRO), secret)
    verdict = porte.judge(porte.wide(IPRO, IPRO_LIGNE, {"ABC_F": femmes}, bronze=bronze))
    assert _control(verdict, "identite:abc_par_sexe").reussi is juste


def test_the_composition_of_income_does_not_widen_with_the_noise_on_counts(porte: Porte) -> None:
    bronze = _under(porte.table(REVN), Secrecy(methode="cle_aleatoire", parametre_d=5))
    verdict = porte.judge(porte.wide(REVN, REVN_LIGNE, {"PACT": "70,5"}, bronze=bronze))
    assert not verdict.accepte


def test_zeros_are_real_outside_masked_bases(porte: Porte) -> None:
    bronze = _under(porte.table(IPRO), Secrecy(methode="cle_aleatoire", parametre_d=5))
    verdict = porte.judge(porte.wide(IPRO, IPRO_LIGNE, {"A": "0"}, bronze=bronze))
    assert "effectif_sous_seuil" not in {c.nom for c in verdict.controles}
    assert verdict.accepte


def test_coverage_is_judged_on_zones_without_the_control_row(porte: Porte) -> None:
    lue = porte.wide(IPRO, IPRO_LIGNE, controle={})
    assert count_zones(lue) == 3
    assert _control(porte.judge(lue), "couverture").reussi is None
    assert porte.judge(lue, {"2029": 4}).accepte
    refuse = porte.judge(lue, {"2029": 5})
    assert _failed(refuse) == [("couverture", "", "critical")]
    assert "3 zones, contre 5 au millésime 2029 (60 %) : fichier sans doute tronqué" in refuse.raison()
    assert _failed(porte.judge(lue, {"2029": 1})) == [("couverture", "", "warning")]


@pytest.mark.parametrize("controle", [None, {}])
def test_a_file_without_zones_is_refused(porte: Porte, controle: Mapping[str, str] | None) -> None:
    lue = porte.wide(IPRO, IPRO_LIGNE, controle=controle)
    garder = lue.donnees["est_controle"] if controle is not None else pa.array([False] * lue.donnees.num_rows)
    verdict = porte.judge(replace(lue, donnees=lue.donnees.filter(garder)))
    assert _failed(verdict) == [("table_vide", "", "critical")]


COG_LIGNES = {
    "59350": "COM,59350,32,59,595,59D,0,LILLE,Lille,Lille,5998,",
    "59355": "COMA,59355,,,,,0,LOMME,Lomme,Lomme,,59350",
}
COG_ENTETE = "TYPECOM,COM,REG,DEP,ARR,CTCD,TNCC,NCC,NCCENR,LIBELLE,CAN,COMPARENT"


def _cog(porte: Porte, lignes: Sequence[str]) -> ReadTable:
    return porte.read(COMMUNES, "\n".join([COG_ENTETE, *lignes]) + "\n", "communes.csv")


def test_a_good_nomenclature_is_accepted_without_remark(porte: Porte) -> None:
    verdict = porte.judge(_cog(porte, list(COG_LIGNES.values())))
    assert _failed(verdict) == []
    assert {c.reussi for c in verdict.controles} == {True}


@pytest.mark.parametrize(
    ("cle", "avant", "apres", "attendu"),
    [
        ("59350", ",32,59,", ",32,2,", ("forme_du_code", "DEP", "critical")),
        ("59350", ",595,", ",5951X,", ("forme_du_code", "ARR", "warning")),
        ("59350", ",32,59,", ",,59,", ("expect_column_values_to_not_be_null", "REG", "critical")),
        ("59355", ",,59350", ",,", ("expect_column_values_to_not_be_null", "COMPARENT", "critical")),
        ("59350", ",Lille,5998", ",,5998", ("expect_column_values_to_not_be_null", "LIBELLE", "warning")),
    ],
)
def test_a_wrong_row_of_a_nomenclature_is_named(
    porte: Porte, cle: str, avant: str, apres: str, attendu: tuple[str, str, str]
) -> None:
    assert avant in COG_LIGNES[cle]
    lignes = {**COG_LIGNES, cle: COG_LIGNES[cle].replace(avant, apres)}
    verdict = porte.judge(_cog(porte, list(lignes.values())))
    assert _failed(verdict) == [attendu]
    (exemple,) = _control(verdict, attendu[0], attendu[1]).exemples
    assert f"{cle}, ligne {2 if cle == '59350' else 3}, {attendu[1]} : " in exemple


def test_a_repeated_key_is_refused_even_if_a_reader_let_it_pass(porte: Porte) -> None:
    lue = _cog(porte, list(COG_LIGNES.values()))
    double = replace(lue, donnees=pa.concat_tables([lue.donnees, lue.donnees.slice(0, 1)]))
    verdict = porte.judge(double)
    assert _failed(verdict) == [("cle_unique", "TYPECOM + COM", "critical")]
    assert "TYPECOM = « COM », COM = « 59350 »" in verdict.raison()

    zones = porte.wide(IPRO, IPRO_LIGNE)
    suite = zones.donnees.set_column(
        zones.donnees.schema.get_field_index("code_zone"),
        "code_zone",
        pa.array(["QP059001"] * zones.donnees.num_rows),
    )
    verdict = porte.judge(replace(zones, donnees=suite))
    assert _failed(verdict) == [("cle_unique", "code_zone", "critical")]


def _contrats(porte: Porte, **proprietes: object) -> ReadTable:
    entite = {
        "type": "Feature",
        "properties": {
            "code_cv": "CN05901N",
            "codgeo": "200093201",
            "insee_dep": "59",
            "lib_cv": "59 - MEL",
            "pop": 12,
            **proprietes,
        },
        "geometry": {"type": "Point", "coordinates": proprietes.pop("point", [3.06, 50.63])},
    }
    entite["properties"].pop("point", None)  # type: ignore[attr-defined]
    texte = json.dumps({"type": "FeatureCollection", "features": [entite]})
    return porte.read(CONTRATS, texte, "geom.json")


def test_a_good_contract_is_accepted_without_remark(porte: Porte) -> None:
    assert _failed(porte.judge(_contrats(porte))) == []


@pytest.mark.parametrize(
    ("changements", "attendu"),
    [
        ({"pop": "douze"}, ("texte_illisible", "pop", "warning")),
        ({"point": [-30.0, 50.63]}, ("expect_column_values_to_be_between", "longitude", "warning")),
        ({"point": [3.06, -21.0]}, ("expect_column_values_to_be_between", "latitude", "warning")),
        ({"insee_dep": None}, ("expect_column_values_to_not_be_null", "insee_dep", "warning")),
    ],
)
def test_a_doubt_on_a_contract_is_reported(
    porte: Porte, changements: dict[str, object], attendu: tuple[str, str, str]
) -> None:
    verdict = porte.judge(_contrats(porte, **changements))
    assert _failed(verdict) == [attendu]
    assert "entité 1" in verdict.avertissements[0].exemples[0]


def test_the_metropolitan_frame_does_not_bind_overseas_contracts(porte: Porte) -> None:
    assert _failed(porte.judge(_contrats(porte, insee_dep="974", point=[55.5, -21.1]))) == []


def test_coordinates_in_metres_are_refused(porte: Porte) -> None:
    lue = _contrats(porte)
    rang = lue.donnees.schema.get_field_index("longitude")
    metres = lue.donnees.set_column(rang, "longitude", pa.array([652_000.0]))
    verdict = porte.judge(replace(lue, donnees=metres))
    assert [c.colonne for c in verdict.bloquants] == ["longitude"]


def test_an_area_of_zero_is_refused(porte: Porte) -> None:
    bronze = porte.table("sig_ville__qpv_2015")
    donnees = pa.table(
        {
            "millesime": ["2015"] * 2,
            "ligne": pa.array([1, 2], pa.int32()),
            "CODE_QP": ["QP059001", "QP059002"],
            "NOM_QP": ["Un", "Deux"],
            "COMMUNE_QP": ["Lille", "Lille"],
            "longitude": [3.0, 3.1],
            "latitude": [50.6, 50.6],
            "surface_m2": [0.0, 250_000.0],
        }
    )
    verdict = porte.judge(ReadTable(bronze, donnees, 2, (), (), ""))
    assert _failed(verdict) == [("expect_column_values_to_be_between", "surface_m2", "critical")]
    assert "QP059001, entité 1, surface_m2 : 0" in verdict.raison()


def test_a_column_that_the_file_lacks_is_not_judged_in_a_table_of_rows(porte: Porte) -> None:
    entete = COG_ENTETE.replace("ARR,", "")
    ligne = COG_LIGNES["59350"].replace(",595,", ",")
    verdict = porte.judge(porte.read(COMMUNES, f"{entete}\n{ligne}\n", "communes.csv"))
    assert _control(verdict, "forme_du_code", "ARR").reussi is None
    assert verdict.accepte


def test_a_table_without_suite_is_an_error_that_says_what_to_write(porte: Porte, tmp_path: Path) -> None:
    lue = porte.wide(IPRO, IPRO_LIGNE)
    with pytest.raises(SettingsError, match=f"{IPRO} n'a pas de suite d'attentes ; à faire : écrire"):
        judge(lue, expectations_dir=tmp_path, variables=porte.catalogue.variables, zones_connues={})


def _judge_with(porte: Porte, tmp_path: Path, suite: str, changements: dict[str, str]) -> Verdict:
    (tmp_path / "bronze").mkdir()
    (tmp_path / "bronze" / f"{IPRO}.yml").write_text(
        f"suite: {IPRO}\ndescription: essai\n{suite}", encoding="utf-8"
    )
    return judge(
        porte.wide(IPRO, IPRO_LIGNE, changements),
        expectations_dir=tmp_path,
        variables=porte.catalogue.variables,
        zones_connues={},
    )


def test_a_suite_names_the_signs_of_its_producer(porte: Porte, tmp_path: Path) -> None:
    verdict = _judge_with(porte, tmp_path, "signes_admis: ['-']\n", {"ABC": "-", "A": "nd"})
    assert _failed(verdict) == [("texte_illisible", "A", "critical")]


def test_a_suite_names_the_counts_whose_zeros_are_real(porte: Porte, tmp_path: Path) -> None:
    verdict = _judge_with(porte, tmp_path, "zeros_reels: {motif: '^ABC_'}\n", {"ABC_F": "0", "A": "0"})
    assert _failed(verdict) == [("effectif_sous_seuil", "A", "critical")]


def test_a_filter_on_numbers_is_a_faulty_suite(porte: Porte, tmp_path: Path) -> None:
    suite = (
        "attentes:\n- type: expect_column_values_to_not_be_null\n  colonnes: {noms: [A]}\n"
        "  si: {colonne: ABC, motif: '1.+'}\n  severite: warning\n  note: essai\n"
    )
    with pytest.raises(SettingsError, match="« si » filtre sur ABC, qui n'est pas une colonne de texte"):
        _judge_with(porte, tmp_path, suite, {})


def test_a_rule_that_cannot_be_computed_is_not_taken_for_a_success(porte: Porte, tmp_path: Path) -> None:
    suite = (
        "attentes:\n- type: expect_column_values_to_be_between\n  colonnes: {noms: [LIBGEO]}\n"
        "  arguments: {min_value: 3}\n  severite: critical\n  note: essai\n"
    )
    verdict = _judge_with(porte, tmp_path, suite, {})
    assert not verdict.accepte
    assert "LIBGEO : la règle n'a pas pu être évaluée : " in verdict.raison()


def test_many_failures_are_counted_and_the_first_ones_shown() -> None:
    echecs = tuple(
        Controle("regle", f"C{i}", "critical", False, 9, ("l1", "l2", "l3", "l4", "l5"), "attendu : mieux")
        for i in range(5)
    )
    raison = Verdict.of("t", echecs).raison()
    assert raison.startswith("t : C0 : attendu : mieux (9 écarts : l1 ; l2 ; l3 ; …) | C1 : ")
    assert raison.endswith(" | et 2 autres contrôles")
    assert "C3" not in raison
