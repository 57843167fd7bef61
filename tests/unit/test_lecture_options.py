"""Options of the catalogue for the quirks of the producers: moving names, footers, lost zeros, label keys."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from pydantic import ValidationError

from qpv_emploi.catalogue import BronzeTable, Dataset, SourceVariable, Table
from qpv_emploi.errors import RefusedFile
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.lecture.vide import empty_table

CLE = {"nom": "CODGEO", "role": "cle", "type": "code", "presence": "requise"}
Q2 = {"nom": "Q2", "role": "variable", "type": "nombre", "presence": "requise"}


def _declaration(**options: Any) -> dict[str, Any]:
    return {"forme": "cellules", "lecture": {"famille": "csv"}, "colonnes": [CLE], **options}


def _bronze(**options: Any) -> BronzeTable:
    jeu = Dataset.model_validate(
        {
            "jeu": "essai",
            "titre": "Essai",
            "description": "Essai",
            "licence": "Licence Ouverte",
            "acces": {"mode": "depot"},
            "cadence": "annuelle",
            "type_territoire": "qpv",
            "secret": {"methode": "aucune"},
            "millesime": {"motif": ".+", "sens": "année"},
            "fichiers": [{"motif": ".+", "tables": [_declaration(**options)]}],
        }
    )
    return BronzeTable("insee__essai", "insee", jeu, jeu.fichiers[0], jeu.fichiers[0].tables[0])


def _read(
    chemin: Path, bronze: BronzeTable, millesime: str = "2017", variables: tuple[SourceVariable, ...] = ()
) -> ReadTable:
    provenance = Provenance("insee", "essai", millesime, "essai.csv", "a" * 64)
    (lue,) = read_file(chemin, [bronze], provenance, variables)
    # What a build makes of a dataset without file must have the columns of a dataset with one.
    vide = empty_table(bronze).schema
    assert lue.donnees.schema.names[: len(vide.names)] == vide.names
    assert [lue.donnees.schema.field(nom).type for nom in vide.names] == vide.types
    return lue


def _csv(tmp_path: Path, contenu: str, encodage: str = "utf-8") -> Path:
    chemin = tmp_path / "brut"
    chemin.write_text(contenu, encoding=encodage, newline="")
    return chemin


def _sheet(tmp_path: Path, rangs: list[list[Any]]) -> Path:
    chemin = tmp_path / "classeur"
    with xlsxwriter.Workbook(chemin) as classeur:
        feuille = classeur.add_worksheet("F")
        for i, rang in enumerate(rangs):
            for j, valeur in enumerate(rang):
                if valeur != "":
                    feuille.write(i, j, valeur)
    return chemin


def _cells(lue: ReadTable, colonne: str = "valeur") -> dict[tuple[str, str], Any]:
    return {
        (zone, variable): valeur
        for zone, variable, valeur in zip(
            *(lue.donnees[nom].to_pylist() for nom in ("code_zone", "variable", colonne)), strict=True
        )
    }


# Year in the names of the measures


@pytest.mark.parametrize(
    ("millesime", "entete", "attendues"),
    [
        ("2017", "Q217;S80S2017;Q3_Q1;RD", ["Q2", "S80S20", "Q3_Q1", "RD"]),
        ("2018", "Q218;S80S2018;Q3_Q1;RD", ["Q2", "S80S20", "Q3_Q1", "RD"]),
        # In 2020 the name without its year also ends with the year: it is known, and kept.
        ("2020", "Q220;S80S2020;Q3_Q1;RD", ["Q2", "S80S20", "Q3_Q1", "RD"]),
        ("2020", "Q2;S80S20;Q3_Q1;RD", ["Q2", "S80S20", "Q3_Q1", "RD"]),
    ],
)
def test_a_measure_keeps_its_name_from_one_vintage_to_the_next(
    tmp_path: Path, millesime: str, entete: str, attendues: list[str]
) -> None:
    bronze = _bronze(
        annee_retiree="{aa}$",
        colonnes=[CLE, Q2, {"nom": "S80S20", "role": "variable"}],
        motif_variables="Q3_Q1|RD",
    )
    lue = _read(_csv(tmp_path, f"CODGEO;{entete}\n32;1;2;3;4\n"), bronze, millesime)
    assert lue.donnees["variable"].to_pylist() == attendues
    assert lue.donnees["colonne"].to_pylist() == [2, 3, 4, 5]
    assert lue.colonnes_inconnues == lue.colonnes_absentes == ()


def test_the_year_is_removed_before_the_dictionary_is_asked(tmp_path: Path) -> None:
    connue = SourceVariable(
        producteur="insee",
        jeu="essai",
        code_variable="P_ACT",
        code_indicateur="EM.A.B.C",
        cle_ventilation="TOTAL",
        bloc="rp",
        nature="effectif",
        base_libelle="verifie",
    )
    bronze = _bronze(annee_retiree="(?<=^P){aa}(?=_)")
    lue = _read(_csv(tmp_path, "CODGEO;P22_ACT;P16_ACT\n01001;1;2\n"), bronze, "2022", (connue,))
    assert lue.donnees["variable"].to_pylist() == ["P_ACT", "P16_ACT"]
    assert lue.colonnes_inconnues == ("P16_ACT",)


def test_a_file_of_another_year_is_refused_for_what_it_lacks(tmp_path: Path) -> None:
    bronze = _bronze(annee_retiree="{aa}$", colonnes=[CLE, Q2])
    with pytest.raises(RefusedFile, match=r"absente\(s\) : Q2 .*Q218.* qu'il est du millésime 2017"):
        _read(_csv(tmp_path, "CODGEO;Q218\n32;1\n"), bronze, "2017")
    with pytest.raises(RefusedFile, match="ne dit pas l'année"):
        _read(_csv(tmp_path, "CODGEO;Q218\n32;1\n"), bronze, "v0")


def test_two_headers_that_become_one_name_are_refused(tmp_path: Path) -> None:
    bronze = _bronze(annee_retiree="{aa}$", colonnes=[CLE, Q2])
    with pytest.raises(RefusedFile, match="Q2, Q217 sont toutes la colonne Q2"):
        _read(_csv(tmp_path, "CODGEO;Q2;Q217\n32;1;2\n"), bronze, "2017")


# Measures recognised by a pattern

TRIMESTRES = r"T(?P<trimestre>[1-4])_(?P<annee>\d{4})"


def test_quarters_are_known_without_being_listed(tmp_path: Path) -> None:
    chemin = _csv(tmp_path, "CODGEO;NOM;T4_2020;T1_2021\n32;Nord;8,9;\n")
    lue = _read(chemin, _bronze(motif_variables=TRIMESTRES, colonnes=[CLE, {"nom": "NOM"}]), "2021T1")
    assert _cells(lue) == {("32", "NOM"): None, ("32", "T4_2020"): 8.9, ("32", "T1_2021"): None}
    assert lue.donnees["role"].to_pylist() == ["attribut", "variable", "variable"]
    assert lue.colonnes_inconnues == ()


@pytest.mark.parametrize(
    ("entete", "millesime", "raison"),
    [
        # The last of the file, not the last in the order of the columns.
        ("T1_2022;T4_2021", "2021T4", "dernière période du fichier est T1_2022.*s'arrête à 2021T4"),
        ("T3_2021;T2_2021", "2021T4", "dernière période du fichier est T3_2021"),
        ("ANNEE;TAUX", "2021T4", "aucune colonne de mesure"),
    ],
)
def test_a_series_that_stops_elsewhere_is_another_release(
    tmp_path: Path, entete: str, millesime: str, raison: str
) -> None:
    with pytest.raises(RefusedFile, match=raison):
        _read(_csv(tmp_path, f"CODGEO;{entete}\n32;1;2\n"), _bronze(motif_variables=TRIMESTRES), millesime)


def test_a_period_may_be_a_year_alone(tmp_path: Path) -> None:
    bronze = _bronze(motif_variables=r"a(?P<annee>\d{4})")
    assert _read(_csv(tmp_path, "CODGEO;a2016;a2017\n32;1;2\n"), bronze).nb_lignes == 1
    with pytest.raises(RefusedFile, match="a2018"):
        _read(_csv(tmp_path, "CODGEO;a2017;a2018\n32;1;2\n"), bronze)


def test_columns_that_nothing_knows_stay_in_the_raw_file_when_so_declared(tmp_path: Path) -> None:
    chemin = _csv(tmp_path, "CODGEO;P_POP;C_CS1;P_AUTRE\n01001;1;2;3\n")
    garde = _read(chemin, _bronze(motif_variables="P_POP"))
    assert (garde.donnees.num_rows, garde.colonnes_inconnues) == (3, ("C_CS1", "P_AUTRE"))
    laisse = _read(chemin, _bronze(motif_variables="P_POP", autres_colonnes="laissees"))
    assert (_cells(laisse), laisse.colonnes_inconnues) == ({("01001", "P_POP"): 1}, ())
    lignes = _bronze(forme="lignes", autres_colonnes="laissees", colonnes=[CLE, {"nom": "P_POP"}])
    assert _read(chemin, lignes).donnees.column_names[-2:] == ["CODGEO", "P_POP"]


# Rows that are not zones


def test_notes_under_the_table_are_left_out_and_counted_out(tmp_path: Path) -> None:
    chemin = _sheet(
        tmp_path,
        [
            ["CODGEO", "NOM", "T1_2021"],
            [59.0, "NORD", 9.4],
            ["2A", "CORSE", ""],
            [],
            ["Source : Insee.\nNote"],
        ],
    )
    bronze = _bronze(
        lecture={"famille": "tableur", "feuille": "F"},
        motif_variables=TRIMESTRES,
        lignes_ignorees=r"(?s)(?!\w{1,3}$).*",
        colonnes=[{**CLE, "motif": r"\d{2}|2[AB]"}, {"nom": "NOM"}],
    )
    lue = _read(chemin, bronze, "2021T1")
    assert lue.nb_lignes == 2
    assert _cells(lue) == {
        ("59", "NOM"): None,
        ("59", "T1_2021"): 9.4,
        ("2A", "NOM"): None,
        ("2A", "T1_2021"): None,
    }
    assert lue.donnees["ligne"].to_pylist() == [2, 2, 3, 3]


@pytest.mark.parametrize(
    ("lignes", "raison"),
    [
        (
            "59;1\nTotal;12\n",
            "ligne 3 : la clé « Total » n'est pas celle d'une zone, mais la colonne ABC vaut « 12 »",
        ),
        ("59;1\n;12\n", r"ligne 3 : la clé « \(vide\) »"),
        ("Total;\nNote;\n", "aucune ligne de données : toutes les clés"),
    ],
)
def test_an_ignored_row_never_hides_a_measure(tmp_path: Path, lignes: str, raison: str) -> None:
    bronze = _bronze(lignes_ignorees=r"|Total|Note")
    with pytest.raises(RefusedFile, match=raison):
        _read(_csv(tmp_path, f"CODGEO;ABC\n{lignes}"), bronze)


# Header of a sheet


def test_labels_under_the_header_and_a_header_without_name(tmp_path: Path) -> None:
    chemin = _sheet(
        tmp_path,
        [
            ["", "reg", "tx"],
            ["Nom de la région", "", "Taux"],
            ["Ensemble des QP", "", 45],
            ["Picardie", "22", 40.5],
        ],
    )
    bronze = _bronze(
        lecture={
            "famille": "tableur",
            "feuille": "F",
            "lignes_sous_entete": 1,
            "noms_manquants": {1: "LIBREG", 2: "jamais"},
        },
        ligne_controle="Ensemble.*",
        colonnes=[{"nom": "LIBREG", "role": "cle"}, {"nom": "reg", "role": "code", "type": "code"}],
    )
    lue = _read(chemin, bronze)
    assert lue.donnees.select(
        ["ligne", "code_zone", "code_source", "est_controle", "variable", "valeur"]
    ).to_pylist() == [
        {
            "ligne": 3,
            "code_zone": "Ensemble des QP",
            "code_source": "",
            "est_controle": True,
            "variable": "tx",
            "valeur": 45,
        },
        {
            "ligne": 4,
            "code_zone": "Picardie",
            "code_source": "22",
            "est_controle": False,
            "variable": "tx",
            "valeur": 40.5,
        },
    ]


def test_a_label_tells_apart_two_zones_of_one_code(tmp_path: Path) -> None:
    contenu = "Code;Nom;T1_2021\n00;FRANCE ;7,4\n00;METROPOLE;7,2\n"
    code, nom = {"nom": "Code", "type": "code"}, {"nom": "Nom"}
    par_libelle = _bronze(
        motif_variables=TRIMESTRES, colonnes=[{**code, "role": "code"}, {**nom, "role": "cle"}]
    )
    lue = _read(_csv(tmp_path, contenu), par_libelle, "2021T1")
    assert _cells(lue) == {("FRANCE", "T1_2021"): 7.4, ("METROPOLE", "T1_2021"): 7.2}
    assert lue.donnees["code_source"].to_pylist() == ["00", "00"]
    par_code = _bronze(motif_variables=TRIMESTRES, colonnes=[{**code, "role": "cle"}, nom])
    with pytest.raises(RefusedFile, match="clé en double dans Code : ligne 2 « 00 », ligne 3 « 00 »"):
        _read(_csv(tmp_path, contenu), par_code, "2021T1")


# Lost zeros

COMMUNE = {**CLE, "motif": r"(\d{2}|2[AB])\d{3}"}
APPARTENANCE = "CODGEO;DEP;ZE2020\n1001;1;59\n2A004;2A;9401\n80001;80;54\n97101;971;103\n"


def test_lost_zeros_are_put_back_where_declared_and_the_row_says_so(tmp_path: Path) -> None:
    colonnes = [
        {**COMMUNE, "zeros": 5},
        {"nom": "DEP", "type": "code", "zeros": 2},
        {"nom": "ZE2020", "type": "code", "zeros": 4},
    ]
    lue = _read(_csv(tmp_path, APPARTENANCE), _bronze(forme="lignes", colonnes=colonnes))
    assert lue.donnees.select(["code_repare", "CODGEO", "DEP", "ZE2020"]).to_pylist() == [
        {"code_repare": True, "CODGEO": "01001", "DEP": "01", "ZE2020": "0059"},
        {"code_repare": False, "CODGEO": "2A004", "DEP": "2A", "ZE2020": "9401"},
        {"code_repare": True, "CODGEO": "80001", "DEP": "80", "ZE2020": "0054"},
        {"code_repare": True, "CODGEO": "97101", "DEP": "971", "ZE2020": "0103"},
    ]
    # The content is that of the same table with its zeros.
    bon = (
        APPARTENANCE.replace("\n1001;1;59", "\n01001;01;0059")
        .replace(";54", ";0054")
        .replace(";103", ";0103")
    )
    bonne = _read(_csv(tmp_path, bon), _bronze(forme="lignes", colonnes=colonnes))
    assert bonne.empreinte_contenu == lue.empreinte_contenu
    assert bonne.donnees["code_repare"].to_pylist() == [False] * 4


def test_lost_zeros_are_refused_where_no_repair_is_declared(tmp_path: Path) -> None:
    bronze = _bronze(forme="lignes", colonnes=[COMMUNE])
    with pytest.raises(RefusedFile, match=r"code mal formé \(CODGEO\).*ligne 2 « 1001 »"):
        _read(_csv(tmp_path, APPARTENANCE), bronze)


def test_a_repaired_code_must_still_be_a_code(tmp_path: Path) -> None:
    bronze = _bronze(forme="lignes", colonnes=[{**COMMUNE, "motif": r"(0[1-9]|[1-9]\d)\d{3}", "zeros": 5}])
    with pytest.raises(RefusedFile, match="« 00101 »"):
        _read(_csv(tmp_path, "CODGEO;X\n101;1\n"), bronze)


def test_two_codes_that_one_repair_unites_are_a_doubled_key(tmp_path: Path) -> None:
    bronze = _bronze(forme="lignes", colonnes=[{**COMMUNE, "zeros": 5}])
    with pytest.raises(RefusedFile, match="clé en double"):
        _read(_csv(tmp_path, "CODGEO;X\n01001;1\n1001;2\n"), bronze)


def test_repair_of_cells(tmp_path: Path) -> None:
    lue = _read(_csv(tmp_path, "CODGEO;A;B\n1;1;2\n59;3;4\n"), _bronze(colonnes=[{**CLE, "zeros": 2}]))
    assert lue.donnees["code_zone"].to_pylist() == ["01", "01", "59", "59"]
    assert lue.donnees["code_repare"].to_pylist() == [True, True, False, False]


# Encoding, archive


def test_a_cp1252_file_declared_as_such(tmp_path: Path) -> None:
    contenu = "CODGEO;NOM\n01004;Ambérieu-en-Bugey œ’\n"
    colonnes = [CLE, {"nom": "NOM"}]
    lue = _read(
        _csv(tmp_path, contenu, "cp1252"),
        _bronze(forme="lignes", lecture={"famille": "csv", "encodage": "cp1252"}, colonnes=colonnes),
    )
    assert lue.donnees["NOM"].to_pylist() == ["Ambérieu-en-Bugey œ’"]
    with pytest.raises(RefusedFile, match=r"ligne 2 : l'octet 0xE9 n'est pas du utf-8"):
        _read(_csv(tmp_path, contenu, "cp1252"), _bronze(forme="lignes", colonnes=colonnes))
    # UTF-8 read as cp1252 does not pass for names.
    with pytest.raises(RefusedFile, match="de l'UTF-8 lu comme du latin-1"):
        _read(
            _csv(tmp_path, contenu),
            _bronze(forme="lignes", lecture={"famille": "csv", "encodage": "cp1252"}, colonnes=colonnes),
        )


def _zip(tmp_path: Path, membres: dict[str, str]) -> Path:
    chemin = tmp_path / "archive"
    with zipfile.ZipFile(chemin, "w") as archive:
        for nom, contenu in membres.items():
            archive.writestr(nom, contenu)
    return chemin


DONNEES = "CODGEO;ABC\nQN05901M;120\n"


def test_the_same_data_in_its_archive_or_alone(tmp_path: Path) -> None:
    bronze = _bronze(lecture={"famille": "csv_zip"})
    seule = _read(_csv(tmp_path, DONNEES), bronze)
    archivee = _read(
        _zip(tmp_path, {"d/DEFM.CSV": DONNEES, "d/meta_DEFM.csv": "a;b\n", "lisez.txt": ""}), bronze
    )
    assert seule.donnees.equals(archivee.donnees)
    assert _cells(archivee) == {("QN05901M", "ABC"): 120}


@pytest.mark.parametrize(
    ("membres", "raison"),
    [
        ({"meta_a.csv": "x"}, "aucun fichier de données dans l'archive, qui contient : meta_a.csv"),
        ({}, "aucun fichier de données dans l'archive, qui contient : rien"),
        ({"a.csv": DONNEES, "b.csv": DONNEES}, "2 fichiers de données .*a.csv, b.csv"),
    ],
)
def test_an_archive_holds_one_data_file(tmp_path: Path, membres: dict[str, str], raison: str) -> None:
    with pytest.raises(RefusedFile, match=raison):
        _read(_zip(tmp_path, membres), _bronze(lecture={"famille": "csv_zip"}))


def test_a_header_that_begins_like_an_archive_is_text(tmp_path: Path) -> None:
    bronze = _bronze(lecture={"famille": "csv_zip"}, colonnes=[{"nom": "PK_ZONE", "role": "cle"}])
    assert _cells(_read(_csv(tmp_path, "PK_ZONE;ABC\nQN05901M;120\n"), bronze)) == {("QN05901M", "ABC"): 120}


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    chemin = _zip(tmp_path, {"a.csv": DONNEES * 50})
    octets = bytearray(chemin.read_bytes())
    octets[60] ^= 0xFF
    chemin.write_bytes(bytes(octets))
    with pytest.raises(RefusedFile, match="archive ZIP illisible"):
        _read(chemin, _bronze(lecture={"famille": "csv_zip"}))


# Declarations that contradict themselves


@pytest.mark.parametrize(
    ("options", "raison"),
    [
        ({"annee_retiree": "$"}, "ne contient pas {aa}"),
        ({"annee_retiree": "({aa}"}, "expression régulière"),
        ({"colonnes": [CLE, {"nom": "X", "zeros": 5}]}, "X : « zeros »"),
        ({"forme": "lignes", "lignes_ignorees": ""}, "« lignes_ignorees » est une option"),
        ({"forme": "lignes", "annee_retiree": "{aa}"}, "« annee_retiree » est une option"),
        ({"forme": "lignes", "motif_variables": "."}, "« motif_variables » est une option"),
        ({"forme": "lignes", "colonnes": [CLE, {"nom": "X", "role": "code"}]}, "le rôle « code »"),
        (
            {"colonnes": [CLE, {"nom": "X", "role": "code"}, {"nom": "Y", "role": "code"}]},
            "au plus une colonne",
        ),
        ({"lecture": {"famille": "csv", "lignes_sous_entete": 1}}, "options d'un tableur"),
        ({"lecture": {"famille": "csv", "noms_manquants": {1: "A"}}}, "options d'un tableur"),
        ({"forme": "lignes", "lecture": {"famille": "parquet"}}, "déclare son filtre"),
        (
            {"lecture": {"famille": "csv", "filtre": {"colonne": "X", "prefixes": ["Q"]}}},
            "déclare son filtre, et lui seul",
        ),
        (
            {
                "forme": "lignes",
                "lecture": {"famille": "parquet", "filtre": {"colonne": "X", "prefixes": ["Q"]}},
            },
            "la colonne du filtre, X",
        ),
        (
            {
                "forme": "lignes",
                "lecture": {"famille": "parquet", "filtre": {"colonne": "CODGEO", "prefixes": [""]}},
            },
            "at least 1 character",
        ),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(options: dict[str, Any], raison: str) -> None:
    with pytest.raises(ValidationError, match=raison):
        Table.model_validate(_declaration(**options))
