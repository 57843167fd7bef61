"""Known errors of the producers: corrected where declared, and refused the day they are mended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from qpv_emploi.acquisition import survey
from qpv_emploi.catalogue import Catalogue, load_catalogue
from qpv_emploi.cli import app
from qpv_emploi.conservation import Issue, Lock, Outcome
from qpv_emploi.entrepot.corrections import lay_corrections
from qpv_emploi.errors import BuildError, RefusedFile, SettingsError
from qpv_emploi.ingestion import ingest_deposit
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.lecture.corrections import correct
from qpv_emploi.settings import Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
POSTES, BASE = "essai__postes", "essai__base"

_COMMUN = {
    "titre": "Essai",
    "description": "Essai",
    "licence": "Licence Ouverte",
    "acces": {"mode": "depot"},
    "cadence": "annuelle",
    "type_territoire": "qpv",
    "secret": {"methode": "aucune"},
    "millesime": {"motif": r"20\d{2}", "sens": "année"},
}
PRODUCTEUR = {
    "producteur": "essai",
    "titre": "Producteur d'essai",
    "jeux": [
        {
            **_COMMUN,
            "jeu": "postes",
            "fichiers": [
                {
                    "motif": r".+\.csv",
                    "plusieurs": True,
                    "tables": [
                        {
                            "forme": "lignes",
                            "cle_unique": False,
                            "lecture": {"famille": "csv"},
                            "colonnes": [
                                {"nom": "poste", "role": "cle", "presence": "requise"},
                                {"nom": "porteur"},
                                {"nom": "dep", "type": "code", "motif": r"\d{2}|2[AB]"},
                                {"nom": "montant", "type": "nombre"},
                            ],
                        }
                    ],
                }
            ],
        },
        {
            **_COMMUN,
            "jeu": "base",
            "fichiers": [
                {
                    "motif": r".+\.csv",
                    "tables": [
                        {
                            "forme": "cellules",
                            "lecture": {"famille": "csv"},
                            "colonnes": [
                                {"nom": "CODE", "role": "cle", "type": "code", "presence": "requise"},
                                {"nom": "NOM"},
                                {"nom": "NB", "role": "variable", "type": "nombre"},
                            ],
                        }
                    ],
                }
            ],
        },
    ],
}
SUITE = """\
suite: {nom}
description: Ce que le producteur promet.
attentes:
  - type: expect_table_row_count_to_be_between
    arguments: {{min_value: 1}}
    severite: critical
    note: "un fichier vide n'est pas une base"
"""
LIGNES = "poste;porteur;dep;montant\nP1;Alpha;59;7164\nP2;Bêta;NA;1 508,50\nP3;Bêta;;0\n"
CELLULES = "CODE;NOM;NB\nQP059001;Clos;1 508\nQP059002;Près;12\n"


def _correction(**autres: Any) -> dict[str, Any]:
    return {
        "code": "dep_p2",
        "jeu": "postes",
        "millesimes": ["2020"],
        "ligne": {"poste": "P2"},
        "colonne": "dep",
        "valeur_attendue": "NA",
        "valeur_corrigee": "62",
        "motif": "le département a été perdu",
        "source": "le siège du porteur",
        "decide_le": date(2026, 3, 1),
        "auteur": "équipe",
        **autres,
    }


CELLULE = _correction(
    code="nb_clos", jeu="base", ligne={"CODE": "QP059001"}, colonne="NB", valeur_attendue="1508",
    valeur_corrigee="158,5",
)  # fmt: skip


class Atelier:
    """A catalogue of one made-up producer, its dépôt, and its corrections."""

    def __init__(self, racine: Path) -> None:
        self.settings = Settings(
            data_dir=racine / "data",
            depot=racine / "depot",
            project_dir=racine / "projet",
            catalogue_dir=racine / "catalogue",
        )
        suites = self.settings.expectations_dir / "bronze"
        for dossier in (suites, self.settings.catalogue_dir / "corrections"):
            dossier.mkdir(parents=True)
        for nom in (POSTES, BASE):
            (suites / f"{nom}.yml").write_text(SUITE.format(nom=nom), encoding="utf-8")
        self._dump(self.settings.catalogue_dir / "essai.yml", PRODUCTEUR)
        seeds = self.settings.dbt_dir / "seeds"
        seeds.mkdir(parents=True)
        entete = (Settings().dbt_dir / "seeds" / "variable_source.csv").read_text(encoding="utf-8")
        (seeds / "variable_source.csv").write_text(entete.partition("\n")[0] + "\n", encoding="utf-8")

    @staticmethod
    def _dump(chemin: Path, contenu: object) -> None:
        chemin.write_text(yaml.safe_dump(contenu, allow_unicode=True), encoding="utf-8")

    def declare(self, *corrections: dict[str, Any]) -> Catalogue:
        chemin = self.settings.catalogue_dir / "corrections" / "essai.yml"
        chemin.unlink(missing_ok=True)
        if corrections:
            self._dump(chemin, {"producteur": "essai", "corrections": list(corrections)})
        return load_catalogue(self.settings.dbt_dir, self.settings.catalogue_dir)

    def deposit(self, texte: str, jeu: str = "postes", millesime: str = "2020", nom: str = "a.csv") -> None:
        dossier = self.settings.depot / "essai" / jeu / millesime
        dossier.mkdir(parents=True, exist_ok=True)
        (dossier / nom).write_text(texte, encoding="utf-8")

    def ingest(self, catalogue: Catalogue, *, est_fictif: bool = False) -> dict[tuple[str, str], Outcome]:
        return {
            (d.jeu, d.millesime): ingest_deposit(self.settings, catalogue, d, est_fictif=est_fictif, now=NOON)
            for d in survey(self.settings.depot, catalogue).deposits
        }

    def bronze(self, jeu: str = "postes", millesime: str = "2020") -> list[dict[str, Any]]:
        entry = Lock(self.settings.paths.verrou).read()["essai", jeu, millesime]
        chemins = [c for fichier in entry.fichiers for c in fichier.bronze.values()]
        return [rang for c in chemins for rang in pq.read_table(self.settings.paths.root / c).to_pylist()]


@pytest.fixture
def atelier(tmp_path: Path) -> Atelier:
    return Atelier(tmp_path)


Corriger = Callable[..., ReadTable]


@pytest.fixture
def corriger(atelier: Atelier, tmp_path: Path) -> Corriger:
    def apply(texte: str, *corrections: dict[str, Any], jeu: str = "postes") -> ReadTable:
        catalogue = atelier.declare(*corrections)
        chemin = tmp_path / "brut"
        chemin.write_text(texte, encoding="utf-8")
        provenance = Provenance("essai", jeu, "2020", "a.csv", "ab" * 32)
        tables = [table for table in catalogue.tables() if table.jeu.jeu == jeu]
        lues = read_file(chemin, tables, provenance, ())
        ((corrigee,),) = correct([(provenance, lues)], catalogue.corrections_of("essai", jeu))
        assert corrigee.empreinte_contenu == lues[0].empreinte_contenu
        return corrigee

    return apply


# --- applied ------------------------------------------------------------------------------------------------


def test_the_right_text_takes_the_place_of_the_wrong_one(corriger: Corriger) -> None:
    rangs = corriger(
        LIGNES,
        _correction(),
        _correction(code="porteur_p2", colonne="porteur", valeur_attendue="Bêta", valeur_corrigee="Gamma"),
        _correction(code="dep_p3", ligne={"poste": "P3"}, valeur_attendue="", valeur_corrigee="2A"),
    ).donnees.to_pylist()
    assert [(r["dep"], r["dep__publie"], r["correction"]) for r in rangs] == [
        ("59", None, None),
        ("62", "NA", "dep_p2|porteur_p2"),
        ("2A", "", "dep_p3"),
    ]
    assert [(r["porteur"], r["porteur__publie"]) for r in rangs] == [
        ("Alpha", None), ("Gamma", "Bêta"), ("Bêta", None),
    ]  # fmt: skip


def test_a_number_is_parsed_again(corriger: Corriger) -> None:
    # The guard compares numbers: the file groups its thousands, the entry does not.
    montant = _correction(colonne="montant", valeur_attendue="1508,5", valeur_corrigee="150,85")
    (_, second, _) = corriger(LIGNES, montant).donnees.to_pylist()
    assert (second["montant"], second["montant__valeur"]) == ("150,85", 150.85)
    assert second["montant__publie"] == "1 508,50"


def test_a_cell_of_a_statistical_table(corriger: Corriger) -> None:
    nom = {**CELLULE, "code": "nom_pres", "ligne": {"CODE": "QP059002"}, "colonne": "NOM"}
    nom |= {"valeur_attendue": "Près", "valeur_corrigee": "12"}
    rangs = corriger(CELLULES, CELLULE, nom, jeu="base").donnees.to_pylist()
    assert [
        (r["variable"], r["valeur_texte"], r["valeur"], r["valeur_texte__publie"], r["correction"])
        for r in rangs
    ] == [
        ("NOM", "Clos", None, None, None),
        ("NB", "158,5", 158.5, "1 508", "nb_clos"),
        # An attribute that looks like a number stays a text.
        ("NOM", "12", None, "Près", "nom_pres"),
        ("NB", "12", 12.0, None, None),
    ]


def test_a_cell_may_be_emptied(corriger: Corriger) -> None:
    (vide, *_) = corriger(LIGNES, _correction(
        ligne={"poste": "P1"}, colonne="montant", valeur_attendue="7164", valeur_corrigee="",
    )).donnees.to_pylist()  # fmt: skip
    assert (vide["montant"], vide["montant__valeur"], vide["montant__publie"]) == ("", None, "7164")


@pytest.mark.parametrize("corrections", [(), (_correction(millesimes=["2021"]),)])
def test_other_vintages_are_left_alone(corriger: Corriger, corrections: tuple[dict[str, Any], ...]) -> None:
    table = corriger(LIGNES, *corrections).donnees
    assert table.column_names[-1] == "correction"
    assert table["correction"].null_count == table.num_rows == 3
    assert table["dep"].to_pylist() == ["59", "NA", ""]


def test_a_column_of_the_producer_may_bear_our_name(corriger: Corriger) -> None:
    table = corriger("poste;porteur;dep;montant;Correction\nP2;Bêta;NA;1;x\n", _correction()).donnees
    assert (table["correction"].to_pylist(), table["Correction__source"].to_pylist()) == (["dep_p2"], ["x"])


# --- guarded ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texte", "correction", "attendus"),
    [
        pytest.param(
            LIGNES.replace("NA", "62"),
            _correction(),
            (
                "correction dep_p2, ligne 3 (poste = P2) : dep vaut « 62 », la valeur juste",
                "attendu : la valeur fausse « NA »",
                "retirer l'entrée dep_p2 de catalogue/corrections/essai.yml, puis relancer",
            ),
            id="mended",
        ),
        pytest.param(
            LIGNES.replace("NA", "80"),
            _correction(),
            ("dep vaut « 80 » ;", "ou la revoir si la nouvelle valeur est fausse aussi"),
            id="another value",
        ),
        pytest.param(
            LIGNES.replace("NA", ""), _correction(millesimes="tous"), ("dep vaut (vide) ;",), id="emptied"
        ),
        pytest.param(
            LIGNES.replace("P2", "P9"),
            _correction(),
            ("correction dep_p2 : aucune ligne poste = P2", "revoir ou retirer l'entrée dep_p2"),
            id="row gone",
        ),
        pytest.param(
            LIGNES,
            _correction(ligne={"porteur": "Bêta"}),
            ("2 lignes porteur = Bêta (lignes 3, 4)", "ajouter une colonne au repère « ligne »"),
            id="ambiguous",
        ),
    ],
)
def test_the_guard_of_a_row(
    corriger: Corriger, texte: str, correction: dict[str, Any], attendus: tuple[str, ...]
) -> None:
    with pytest.raises(RefusedFile) as refus:
        corriger(texte, correction)
    assert refus.value.line().startswith("essai/postes/2020/a.csv refusé : correction dep_p2")
    for attendu in attendus:
        assert attendu in refus.value.line()


@pytest.mark.parametrize(
    ("texte", "attendu"),
    [
        (CELLULES.replace("1 508", "158,50"), "NB vaut « 158,50 », la valeur juste"),
        (CELLULES.replace("QP059001", "QP059009"), "aucune ligne CODE = QP059001, variable NB"),
        (CELLULES.replace("NB", "NB_2"), "aucune ligne CODE = QP059001, variable NB"),
    ],
    ids=["mended", "zone gone", "variable gone"],
)
def test_the_guard_of_a_cell(corriger: Corriger, texte: str, attendu: str) -> None:
    with pytest.raises(RefusedFile) as refus:
        corriger(texte, CELLULE, jeu="base")
    assert attendu in refus.value.line()


def test_a_more_precise_locator_is_enough(corriger: Corriger) -> None:
    precis = _correction(ligne={"porteur": "Bêta", "dep": "NA"})
    assert corriger(LIGNES, precis).donnees["dep"].to_pylist() == ["59", "62", ""]


def test_two_corrections_of_one_cell(corriger: Corriger) -> None:
    with pytest.raises(SettingsError, match="dep_p2 et autre visent la même cellule"):
        corriger(LIGNES, _correction(), _correction(code="autre", ligne={"dep": "NA"}, valeur_corrigee="59"))


# --- declared -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("autres", "constat"),
    [
        ({"jeu": "inconnu"}, "jeu essai/inconnu inconnu du catalogue"),
        ({"table": "codes"}, "table bronze essai__postes__codes inconnue"),
        ({"colonne": "departement"}, "colonne departement absente de la table ; connues : poste, porteur"),
        ({"ligne": {"id": "P2"}}, "colonne id absente"),
        ({"millesimes": ["v1"]}, "millésime v1, attendu"),
        ({"valeur_corrigee": "622"}, "valeur corrigée « 622 », attendu"),
        ({"valeur_corrigee": " NA"}, "il n'y a rien à corriger"),
        ({"valeur_attendue": 62}, "valeur_attendue"),
        ({"motif": ""}, "motif"),
        ({"millesimes": []}, "millesimes"),
        ({**CELLULE, "ligne": {"NOM": "Clos"}}, "ligne désignée par NOM, attendu : CODE seul"),
        ({**CELLULE, "colonne": "CODE"}, "CODE est le code de la zone"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_faulty_entry_is_named(atelier: Atelier, autres: dict[str, Any], constat: str) -> None:
    with pytest.raises(SettingsError) as erreur:
        atelier.declare(_correction(**autres))
    assert constat in str(erreur.value)


def test_a_code_names_one_correction(atelier: Atelier) -> None:
    with pytest.raises(
        SettingsError, match=r"corrections/essai\.yml, correction dep_p2 : déclarée deux fois"
    ):
        atelier.declare(_correction(), _correction(ligne={"poste": "P3"}))


def test_the_catalogue_shows_its_corrections(atelier: Atelier, monkeypatch: pytest.MonkeyPatch) -> None:
    atelier.declare(_correction(millesimes="tous"), CELLULE)
    monkeypatch.setenv("QPV_CATALOGUE_DIR", str(atelier.settings.catalogue_dir))
    monkeypatch.setenv("QPV_PROJECT_DIR", str(atelier.settings.project_dir))
    montre = CliRunner().invoke(app, ["catalogue", "show", "essai/postes"])
    assert montre.exit_code == 0
    assert "1 correction(s) d'erreurs connues du producteur :" in montre.stdout
    assert "  dep_p2 (tous) : poste = P2, dep « NA » -> « 62 »" in montre.stdout.splitlines()


# --- from the dépôt to the lock -----------------------------------------------------------------------------


def test_one_vintage_is_refused_and_the_others_go_on(atelier: Atelier) -> None:
    catalogue = atelier.declare(_correction(), CELLULE)
    atelier.deposit(LIGNES.replace("NA", "62"))
    atelier.deposit(LIGNES, millesime="2021")
    atelier.deposit(CELLULES, jeu="base")
    issues = atelier.ingest(catalogue)
    assert {cle: issue.issue for cle, issue in issues.items()} == {
        ("postes", "2020"): Issue.REFUSE,
        ("postes", "2021"): Issue.NOUVEAU,
        ("base", "2020"): Issue.NOUVEAU,
    }
    assert "le producteur a réparé son erreur" in issues["postes", "2020"].raison
    rapport = atelier.settings.paths.root / issues["postes", "2020"].rapport
    assert (rapport / "a.csv").read_text(encoding="utf-8") == LIGNES.replace("NA", "62")
    assert [r["correction"] for r in atelier.bronze("base") if r["variable"] == "NB"] == ["nb_clos", None]

    # Once the entry is gone, the same bytes are accepted.
    again = atelier.ingest(atelier.declare(CELLULE))
    assert again["postes", "2020"].issue is Issue.NOUVEAU
    assert [r["dep"] for r in atelier.bronze()] == ["59", "62", ""]


def test_the_row_may_be_in_any_file_of_the_vintage(atelier: Atelier) -> None:
    atelier.deposit("poste;porteur;dep;montant\nP8;Oméga;59;1\n", nom="0.csv")
    atelier.deposit(LIGNES)
    assert atelier.ingest(atelier.declare(_correction()))["postes", "2020"].issue is Issue.NOUVEAU
    assert {r["poste"]: r["correction"] for r in atelier.bronze()} == {
        "P8": None, "P1": None, "P2": "dep_p2", "P3": None,
    }  # fmt: skip


def test_an_edited_correction_reads_the_same_bytes_again(atelier: Atelier) -> None:
    atelier.deposit(LIGNES)
    atelier.ingest(atelier.declare())
    assert [r["dep"] for r in atelier.bronze()] == ["59", "NA", ""]
    outcome = atelier.ingest(atelier.declare(_correction()))["postes", "2020"]
    assert (outcome.issue, outcome.nb_lignes) == (Issue.INCHANGE, 3)
    assert [r["dep"] for r in atelier.bronze()] == ["59", "62", ""]
    assert atelier.ingest(atelier.declare(_correction()))["postes", "2020"].nb_lignes is None


def test_fictional_files_have_no_known_errors(atelier: Atelier) -> None:
    atelier.deposit(LIGNES.replace("P2", "P9"))
    outcomes = atelier.ingest(atelier.declare(_correction()), est_fictif=True)
    assert outcomes["postes", "2020"].issue is Issue.NOUVEAU


# --- listed -------------------------------------------------------------------------------------------------


def _laid(atelier: Atelier, catalogue: Catalogue) -> list[dict[str, Any]]:
    entries = list(Lock(atelier.settings.paths.verrou).read().values())
    with duckdb.connect() as connexion:
        connexion.execute("create schema bronze")
        for jeu, table in (("postes", POSTES), ("base", BASE)):
            chemins = [
                str(atelier.settings.paths.root / c)
                for e in entries if e.jeu == jeu for f in e.fichiers for c in f.bronze.values()
            ]  # fmt: skip
            if chemins:
                connexion.execute(
                    f"create view bronze.{table} as select * from read_parquet({chemins}, union_by_name=true)"
                )
        lay_corrections(connexion, "bronze", catalogue, entries)
        return connexion.execute("select * from bronze.entrepot__correction").to_arrow_table().to_pylist()


def test_what_was_corrected_is_listed(atelier: Atelier) -> None:
    porteur = _correction(code="porteur_p2", colonne="porteur", valeur_attendue="Bêta", valeur_corrigee="Γ")
    vide = _correction(code="dep_p3", ligne={"poste": "P3"}, valeur_attendue="", valeur_corrigee="59")
    catalogue = atelier.declare(_correction(millesimes="tous"), porteur, vide, CELLULE)
    atelier.deposit(LIGNES)
    atelier.deposit(LIGNES.replace("7164", "1"), millesime="2021")
    atelier.ingest(catalogue)
    lignes = _laid(atelier, catalogue)
    # The other corrections belong to vintages that have not come: they are not listed.
    assert sorted((r["code_correction"], r["millesime"], r["ligne"]) for r in lignes) == [
        ("dep_p2", "2020", 3), ("dep_p2", "2021", 3), ("dep_p3", "2020", 4), ("porteur_p2", "2020", 3),
    ]  # fmt: skip
    (premiere,) = [r for r in lignes if (r["code_correction"], r["millesime"]) == ("dep_p2", "2020")]
    assert (premiere["repere"], premiere["colonne"]) == ("poste = P2", "dep")
    assert (premiere["valeur_publiee"], premiere["valeur_corrigee"]) == ("NA", "62")
    assert (premiere["table_bronze"], premiere["decide_le"]) == (POSTES, date(2026, 3, 1))
    (perdue,) = [r for r in lignes if r["code_correction"] == "dep_p3"]
    assert perdue["valeur_publiee"] is None


def test_a_correction_removed_without_reading_again(atelier: Atelier) -> None:
    atelier.deposit(LIGNES)
    atelier.ingest(atelier.declare(_correction()))
    with pytest.raises(
        BuildError, match=r"essai__postes, 2020/a\.csv : lue avec la correction dep_p2.*qpv run"
    ):
        _laid(atelier, atelier.declare(_correction(code="autre")))
