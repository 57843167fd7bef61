"""From a file to a bronze table: columns, keys, both shapes, digest, Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from qpv_emploi.catalogue import BronzeTable, Dataset, SourceVariable
from qpv_emploi.errors import RefusedFile, SettingsError
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.lecture.parquet import write_parquet

EMPREINTE = "ab" * 32
BOM = "\ufeff"
COLONNES = [
    {
        "nom": "CODGEO",
        "role": "cle",
        "type": "code",
        "presence": "requise",
        "alias": ["codgeo"],
        "motif": r"QP(\d{3}|02[AB])\d{3}",
    },
    {"nom": "LIBGEO"},
    {"nom": "ABC", "role": "variable", "type": "nombre", "presence": "requise"},
    {"nom": "NOTE_PE", "role": "note"},
]


def _bronze(
    forme: str = "cellules", colonnes: list[dict[str, Any]] | None = None, **options: Any
) -> BronzeTable:
    lecture = options.pop("lecture", {"famille": "csv"})
    millesimes = options.pop("millesimes", {})
    table = {"forme": forme, "lecture": lecture, "colonnes": colonnes or COLONNES, **options}
    if forme == "cellules":
        table.setdefault("ligne_controle", "Ensemble")
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
            "millesime": {"motif": r"\d{4}", "sens": "année"},
            "fichiers": [{"motif": ".+", "tables": [table]}],
            "millesimes": millesimes,
        }
    )
    return BronzeTable("insee__essai", "insee", jeu, jeu.fichiers[0], jeu.fichiers[0].tables[0])


def _variable(code: str, du: str = "", au: str = "", jeu: str = "essai") -> SourceVariable:
    return SourceVariable(
        producteur="insee",
        jeu=jeu,
        code_variable=code,
        code_indicateur="EM.A.B.C",
        cle_ventilation="ensemble",
        bloc="defm",
        nature="effectif",
        attendu_du=du,
        attendu_au=au,
        base_libelle="verifie",
    )


def _read(
    tmp_path: Path,
    contenu: str,
    bronze: BronzeTable | None = None,
    variables: tuple[SourceVariable, ...] = (),
    millesime: str = "2021",
) -> ReadTable:
    chemin = tmp_path / "brut"
    chemin.write_text(contenu, encoding="utf-8", newline="")
    provenance = Provenance("insee", "essai", millesime, "essai.csv", EMPREINTE)
    (lue,) = read_file(chemin, [bronze or _bronze()], provenance, variables)
    return lue


CELLULES = (
    "codgeo;LIBGEO;ABC ;NOTE_PE;NEUVE\r\n"
    "Ensemble;France;768\u202f500;;1\r\n"
    " QP059001 ;Le Clos;158,0;0;x\r\n"
    "QP02A001;Ajaccio;;3;-2,5\r\n"
)


def test_cells_schema_order_and_values(tmp_path: Path) -> None:
    lue = _read(tmp_path, CELLULES)
    assert lue.nb_lignes == 3
    assert lue.donnees.schema == pa.schema(
        {
            "producteur": pa.string(),
            "jeu": pa.string(),
            "millesime": pa.string(),
            "fichier": pa.string(),
            "empreinte_sha256": pa.string(),
            "ligne": pa.int32(),
            "code_zone": pa.string(),
            "est_controle": pa.bool_(),
            "variable": pa.string(),
            "role": pa.string(),
            "colonne": pa.int32(),
            "valeur_texte": pa.string(),
            "valeur": pa.float64(),
        }
    )
    rangs = [tuple(rang.values()) for rang in lue.donnees.to_pylist()]
    assert {rang[:5] for rang in rangs} == {("insee", "essai", "2021", "essai.csv", EMPREINTE)}
    assert [rang[5:] for rang in rangs] == [
        (2, "Ensemble", True, "LIBGEO", "attribut", 2, "France", None),
        (2, "Ensemble", True, "ABC", "variable", 3, "768\u202f500", 768500.0),
        (2, "Ensemble", True, "NOTE_PE", "note", 4, "", None),
        (2, "Ensemble", True, "NEUVE", "variable", 5, "1", 1.0),
        (3, "QP059001", False, "LIBGEO", "attribut", 2, "Le Clos", None),
        (3, "QP059001", False, "ABC", "variable", 3, "158,0", 158.0),
        (3, "QP059001", False, "NOTE_PE", "note", 4, "0", 0.0),
        (3, "QP059001", False, "NEUVE", "variable", 5, "x", None),
        (4, "QP02A001", False, "LIBGEO", "attribut", 2, "Ajaccio", None),
        (4, "QP02A001", False, "ABC", "variable", 3, "", None),
        (4, "QP02A001", False, "NOTE_PE", "note", 4, "3", 3.0),
        (4, "QP02A001", False, "NEUVE", "variable", 5, "-2,5", -2.5),
    ]


def test_attribute_that_looks_like_a_number_has_no_value(tmp_path: Path) -> None:
    lue = _read(tmp_path, "CODGEO;LIBGEO;ABC\nQP059001;42;1\n")
    assert [r["valeur"] for r in lue.donnees.to_pylist()] == [None, 1.0]


def test_unknown_and_missing_columns_are_reported_not_refused(tmp_path: Path) -> None:
    variables = (
        _variable("CUI", au="2018"),
        _variable("EDLIM", du="2021"),
        _variable("ABC"),
        _variable("CA"),
        _variable("AUTRE", jeu="revenus"),
    )
    contenu = "CODGEO;ABC;CA;NEUVE\nQP059001;1;2;3\n"
    lue = _read(tmp_path, contenu, variables=variables)
    assert lue.colonnes_inconnues == ("NEUVE",)
    assert lue.colonnes_absentes == ("LIBGEO", "NOTE_PE", "EDLIM")
    assert _read(tmp_path, contenu, variables=variables, millesime="2018").colonnes_absentes == (
        "LIBGEO",
        "NOTE_PE",
        "CUI",
    )


def test_rows_schema_absent_unknown_and_numbers(tmp_path: Path) -> None:
    bronze = _bronze(
        "lignes",
        [
            {"nom": "TYPE", "role": "cle", "type": "code"},
            {"nom": "COM", "role": "cle", "type": "code"},
            {"nom": "NB", "type": "nombre"},
            {"nom": "ABSENTE", "type": "nombre"},
        ],
        lecture={"famille": "csv", "separateur": ",", "decimale": "."},
    )
    lue = _read(tmp_path, "COM,NB,TYPE,Ligne, reste \n02001,1.50,COM,x,y\n02001,s,COMD,,\n", bronze)
    assert lue.donnees.column_names == [
        "producteur",
        "jeu",
        "millesime",
        "fichier",
        "empreinte_sha256",
        "ligne",
        "TYPE",
        "COM",
        "NB",
        "NB__valeur",
        "ABSENTE",
        "ABSENTE__valeur",
        "Ligne__source",
        "reste",
    ]
    premiere, seconde = lue.donnees.drop_columns(lue.donnees.column_names[:5]).to_pylist()
    assert premiere == {
        "ligne": 2,
        "TYPE": "COM",
        "COM": "02001",
        "NB": "1.50",
        "NB__valeur": 1.5,
        "ABSENTE": None,
        "ABSENTE__valeur": None,
        "Ligne__source": "x",
        "reste": "y",
    }
    assert (seconde["NB"], seconde["NB__valeur"]) == ("s", None)
    assert lue.colonnes_absentes == ("ABSENTE",)
    assert lue.colonnes_inconnues == ("Ligne", "reste")
    assert lue.donnees.schema.field("ABSENTE").type == pa.string()
    assert lue.donnees.schema.field("ABSENTE__valeur").type == pa.float64()


def test_declared_column_that_takes_a_name_of_ours(tmp_path: Path) -> None:
    bronze = _bronze("lignes", [{"nom": "Fichier", "role": "cle"}])
    with pytest.raises(SettingsError, match="la colonne Fichier du catalogue"):
        _read(tmp_path, "Fichier\nx\n", bronze)


@pytest.mark.parametrize(
    ("contenu", "raison"),
    [
        ("LIBGEO;ABC\nx;1\n", r"absente\(s\) : CODGEO ; colonnes lues : LIBGEO, ABC .* CODGEO ou codgeo"),
        ("CODGEO;LIBGEO\nQP059001;x\n", r"requise\(s\) absente\(s\) : ABC"),
        ("CODGEO;codgeo;ABC\nQP059001;QP059001;1\n", r"CODGEO, codgeo sont toutes la colonne CODGEO"),
        ("CODGEO;ABC\nQP059001;1\n ;2\n", r"clé vide dans CODGEO : ligne 3 « \(vide\) »"),
        ("CODGEO;ABC\nQP059001;1\n59001;2\n", r"mal formé \(CODGEO\) dans CODGEO : ligne 3 « 59001 »"),
        ("CODGEO;ABC\nQP059001X;1\n", r"ligne 2 « QP059001X »"),
        ("CODGEO;ABC\nQN05901M;1\n", r"attendu : des codes de la forme QP"),
        ("CODGEO;ABC\nQP059001;1\nQP059002;1\nQP059001 ;1\n", r"en double .* ligne 2 « QP059001 », ligne 4"),
        ("CODGEO;ABC\nEnsemble;1\nEnsemble;1\n", r"en double .*Ensemble"),
        ("CODGEO;ABC\n" + "Total;1\n" * 5, r"ligne 2 .*, ligne 3 .*, ligne 4 « Total » \(et 2 autres\)"),
        (
            "CODGEO;LIBGEO;ABC\nQP059001;x\xe9;1\nQP059002;BÃ©thune;1\n",
            r"ligne 3, colonne LIBGEO : « BÃ©thune »",
        ),
        ("CODGEO;LIBGEO;ABC\nQP059001;lâ€™Épeule;1\n", r"UTF-8 lu comme du latin-1"),
    ],
)
def test_refusals(tmp_path: Path, contenu: str, raison: str) -> None:
    with pytest.raises(RefusedFile, match=raison):
        _read(tmp_path, contenu)


@pytest.mark.parametrize("label", ["Âge d'or", "SÃO", "L'Haÿ – Les Châtaigniers", "Cœur « ville »"])
def test_legitimate_labels_are_not_mojibake(tmp_path: Path, label: str) -> None:
    assert _read(tmp_path, f"CODGEO;LIBGEO;ABC\nQP059001;{label};1\n").nb_lignes == 1


def test_mojibake_of_every_accented_letter_is_refused(tmp_path: Path) -> None:
    for lettre in "àâçèéêëîïôùûüÿœÀÉÈÊÎÔ«»°’“–":
        for encodage in ("latin-1", "cp1252"):
            abime = lettre.encode().decode(encodage, errors="ignore")
            if len(abime) < len(lettre.encode()):
                continue
            with pytest.raises(RefusedFile, match="UTF-8 lu comme du latin-1"):
                _read(tmp_path, f"CODGEO;LIBGEO;ABC\nQP059001;l{abime}s;1\n")


def test_signature_of_the_vintage(tmp_path: Path) -> None:
    bronze = _bronze(
        millesimes={"2021": {"colonnes_presentes": ["EDLIM"], "colonnes_absentes": ["EPREC", "CUI"]}}
    )
    bon = "CODGEO;ABC;EDLIM\nQP059001;1;2\n"
    autre = "CODGEO;ABC;EPREC\nQP059001;1;2\n"
    assert _read(tmp_path, bon, bronze).nb_lignes == 1
    with pytest.raises(RefusedFile, match=r"pas le millésime 2021 : .*EDLIM absente\(s\), .*EPREC présente"):
        _read(tmp_path, autre, bronze)
    assert _read(tmp_path, autre, bronze, millesime="2030").nb_lignes == 1


def _contracts(**options: Any) -> BronzeTable:
    return _bronze("lignes", [{"nom": n, "role": "cle"} for n in ("cv", "geo", "dep")], **options)


def test_blank_part_of_a_composite_key(tmp_path: Path) -> None:
    bon = "cv;geo;dep\nCV043;1;13\nCV043;1;84\nCV366;2;\n"
    assert _read(tmp_path, bon, _contracts()).nb_lignes == 3
    with pytest.raises(
        RefusedFile, match=r"clé vide dans cv \+ geo \+ dep : ligne 4 « CV043 \+ 1 \+ \(vide\) »"
    ):
        _read(tmp_path, "cv;geo;dep\nCV043;1;13\nCV043;1;84\nCV043;1;\n", _contracts())
    with pytest.raises(RefusedFile, match="clé vide"):
        _read(tmp_path, "cv;geo;dep;x\nCV043;1;13;a\n;;;b\n", _contracts())


def test_key_declared_not_unique(tmp_path: Path) -> None:
    double = "cv;geo;dep\nCV043;;13\nCV043;;13\n"
    assert _read(tmp_path, double, _contracts(cle_unique=False)).nb_lignes == 2
    with pytest.raises(RefusedFile, match="clé vide"):
        _read(tmp_path, double, _contracts())
    with pytest.raises(RefusedFile, match="clé vide"):
        _read(tmp_path, "cv;geo;dep;x\n;;;b\n", _contracts(cle_unique=False))


def test_same_data_in_the_two_dialects(tmp_path: Path) -> None:
    natif = '"CODGEO";"ABC";"NOTE_PE"\r\n"QP059001";1508,0;0\r\n"QP059002";;3\r\n'
    excel = BOM + "CODGEO;LIBGEO;ABC;NOTE_PE;;\r\nQP059002;b;;3;;\r\nQP059001;a;1\u202f508;0;;"
    lus = [_read(tmp_path, contenu) for contenu in (natif, excel)]
    valeurs = [
        {
            (r["code_zone"], r["variable"]): r["valeur"]
            for r in lu.donnees.to_pylist()
            if r["role"] != "attribut"
        }
        for lu in lus
    ]
    assert valeurs[0] == valeurs[1]
    assert valeurs[0]["QP059001", "ABC"] == 1508.0
    assert lus[0].empreinte_contenu == lus[1].empreinte_contenu


def test_digest_tells_a_marker_from_a_blank(tmp_path: Path) -> None:
    digests = {_read(tmp_path, f"CODGEO;ABC\nQP059001;{t}\n").empreinte_contenu for t in ("", "s", "nd", "0")}
    assert len(digests) == 4


@pytest.mark.parametrize(
    "autre",
    [
        "CODGEO;ABC\nQP059001;1\nQP059002;3\n",
        "CODGEO;ABC\nQP059001;2\nQP059002;1\n",
        "CODGEO;ABC\nQP059001;1\nQP059003;2\n",
        "CODGEO;ABC\nQP059001;1\nQP059002;s\n",
        "CODGEO;ABC\nQP059001;1\nQP059002;\n",
        "CODGEO;ABC\nQP059001;1\n",
        "CODGEO;ABC;B\nQP059001;1;\nQP059002;2;\n",
    ],
)
def test_digest_sees_any_change_of_content(tmp_path: Path, autre: str) -> None:
    reference = _read(tmp_path, "CODGEO;ABC\nQP059001;1\nQP059002;2\n").empreinte_contenu
    assert _read(tmp_path, autre).empreinte_contenu != reference


def test_digest_of_rows(tmp_path: Path) -> None:
    bronze = _bronze("lignes", [{"nom": "COM", "role": "cle"}, {"nom": "NB", "type": "nombre"}])

    def digest(contenu: str) -> str:
        return _read(tmp_path, contenu, bronze).empreinte_contenu

    reference = digest("COM;NB;LIB\na;1,0;x\nb;2;y\n")
    assert digest(BOM + "LIB;COM;NB;\nx;a;1;\ny;b;2;") == digest("LIB;COM;NB\ny;b;2\nx;a;1\n") == reference
    assert digest("COM;NB;LIB\na;1;x\nb;2;z\n") != reference


def test_two_tables_from_one_workbook(tmp_path: Path) -> None:
    chemin = tmp_path / "brut"
    feuilles: dict[str, list[list[str | int]]] = {
        "EPCI": [["EPCI"], ["1"]],
        "Composition": [["COM", "EPCI"], ["a", 1], ["b", 1]],
    }
    with xlsxwriter.Workbook(chemin) as classeur:
        for nom, rangs in feuilles.items():
            feuille = classeur.add_worksheet(nom)
            for i, rang in enumerate(rangs):
                feuille.write_row(i, 0, rang)
    tables = [
        _bronze(
            "lignes", [{"nom": "EPCI", "role": "cle"}], lecture={"famille": "tableur", "feuille": "EPCI"}
        ),
        _bronze(
            "lignes",
            [{"nom": "COM", "role": "cle"}, {"nom": "EPCI"}],
            lecture={"famille": "tableur", "feuille": "Composition"},
        ),
    ]
    provenance = Provenance("insee", "essai", "2023", "epci.xlsx", EMPREINTE)
    liste, composition = read_file(chemin, tables, provenance, ())
    assert liste.donnees["EPCI"].to_pylist() == ["1"]
    assert composition.donnees["EPCI"].to_pylist() == ["1", "1"]
    assert composition.table is tables[1]


def test_parquet_is_deterministic_and_leaves_nothing_behind(tmp_path: Path) -> None:
    octets = []
    for essai in ("un", "deux"):
        chemin = tmp_path / essai / "bronze" / "t.parquet"
        donnees = _read(tmp_path, CELLULES).donnees
        write_parquet(donnees, chemin)
        assert [p.name for p in chemin.parent.iterdir()] == ["t.parquet"]
        assert pq.read_table(chemin).equals(donnees)
        octets.append(chemin.read_bytes())
    assert octets[0] == octets[1]
    assert pq.ParquetFile(chemin).metadata.row_group(0).column(0).compression == "ZSTD"


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chemin = tmp_path / "t.parquet"
    write_parquet(pa.table({"a": [1]}), chemin)

    def broken(*_: object, **__: object) -> None:
        raise OSError("disque plein")

    monkeypatch.setattr("pyarrow.parquet.write_table", broken)
    with pytest.raises(OSError, match="disque plein"):
        write_parquet(pa.table({"a": [2]}), chemin)
    assert pq.read_table(chemin)["a"].to_pylist() == [1]
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]


def test_file_that_spans_row_groups_and_shared_blocks(tmp_path: Path) -> None:
    n = 70_000
    contenu = "CODGEO;ABC;B\n" + "".join(f"{i};{i};x\n" for i in range(n))
    bronze = _bronze(colonnes=[{"nom": "CODGEO", "role": "cle"}])
    donnees = _read(tmp_path, contenu, bronze).donnees
    chemin = tmp_path / "t.parquet"
    write_parquet(donnees, chemin)
    relues = pq.read_table(chemin)
    assert relues.num_rows == 2 * n
    assert relues["variable"].to_pylist() == ["ABC", "B"] * n
    assert relues["colonne"].to_pylist() == [2, 3] * n
    assert relues["valeur_texte"].to_pylist() == [t for i in range(n) for t in (str(i), "x")]
    assert relues["ligne"].to_pylist() == [i for i in range(2, n + 2) for _ in range(2)]
