"""A release directory as ``qpv run`` leaves it, small, with every kind of column and the worst of texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import duckdb
import shapely

# What a page of the web may hold, and what a spreadsheet may take for a formula.
HOSTILE = (
    "<script>alert('xss')</script>",
    '=HYPERLINK("http://exemple.test";"clic")',
    "=cmd|' /C calc'!A0",
    "+33 3 20 00 00 00",
    "-25 ans",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    "\u00a0+1",
    "＝1+1",
    "'déjà une apostrophe",
    "''deux",
    'point-virgule ; virgule , guillemet " et\nretour',
    "{{ 7 * 7 }} ${7*7} &amp; é œ 🏙",
    "_x0041_",
    "http://exemple.test/?a=1&b=2",
    "02",
    "1e5",
    "",
)

STATUSES = (
    ("OK", "publié", "valeur publiée", "non", 0),
    ("PERT", "perturbé", "valeur perturbée", "non", 3),
    ("SECRET", "secret", "valeur retenue", "oui", 8),
)

# (relation, column) -> description, not null, referenced relation and column, values, marked
Columns = dict[tuple[str, str], tuple[str, bool, tuple[str, str] | None, Sequence[str], bool]]

_COLUMNS: Columns = {
    ("dim_statut", "code_statut"): ("Statut.", True, None, [], True),
    ("dim_statut", "libelle_statut"): ("Libellé.", True, None, [], True),
    ("dim_statut", "definition"): ("Définition.", False, None, [], True),
    ("dim_statut", "compte_comme_manquant"): ("Manquante ?", True, None, [], True),
    ("dim_statut", "rang_gravite"): ("Gravité.", False, None, [], True),
    ("dim_jeu_source", "cle_jeu_source"): ("Clé du jeu.", True, None, [], True),
    ("dim_jeu_source", "producteur"): ("Producteur.", True, None, [], True),
    ("dim_jeu_source", "jeu"): ("Jeu.", True, None, [], True),
    ("dim_jeu_source", "millesime"): ("Millésime.", True, None, [], True),
    ("dim_jeu_source", "titre"): ("Titre.", True, None, [], True),
    ("dim_jeu_source", "licence"): ("Licence.", True, None, [], True),
    ("dim_jeu_source", "page"): ("Page.", False, None, [], True),
    ("dim_jeu_source", "publie_le"): ("Publié le.", False, None, [], True),
    ("mart_essai", "cle_ligne"): ("Clé de la ligne.", True, None, [], True),
    ("mart_essai", "code_departement"): ("Code du département.", True, None, [], True),
    ("mart_essai", "texte"): ("Un texte d'ailleurs.", False, None, [], True),
    ("mart_essai", "valeur"): ("Valeur.", False, None, [], True),
    ("mart_essai", "nb_lignes"): ("Nombre de lignes.", False, None, [], True),
    ("mart_essai", "annee"): ("Année.", False, None, [], True),
    ("mart_essai", "est_vrai"): ("Vrai ou faux.", False, None, [], True),
    ("mart_essai", "vu_le"): ("Jour.", False, None, [], True),
    ("mart_essai", "code_statut"): (
        "Statut.",
        True,
        ("dim_statut", "code_statut"),
        ["OK", "PERT", "SECRET"],
        True,
    ),
    ("mart_essai", "producteur"): ("Producteur.", True, None, [], True),
    ("mart_essai", "jeu"): ("Jeu.", True, None, [], True),
    ("mart_essai", "millesime"): ("Millésime.", True, None, [], True),
    ("mart_essai", "note_interne"): ("Ne sort pas.", False, None, [], False),
    ("fct_observation", "cle_observation"): ("Clé.", True, None, [], True),
    ("fct_observation", "code_indicateur"): ("Indicateur.", True, None, [], True),
    ("fct_observation", "cle_territoire"): ("Territoire.", True, None, [], True),
    ("fct_observation", "cle_periode"): ("Période.", True, None, [], True),
    ("fct_observation", "cle_ventilation"): ("Ventilation.", True, None, [], True),
    ("fct_observation", "cle_jeu_source"): (
        "Jeu.",
        True,
        ("dim_jeu_source", "cle_jeu_source"),
        [],
        True,
    ),
    ("fct_observation", "valeur"): ("Valeur.", False, None, [], True),
    ("fct_observation", "code_statut"): ("Statut.", True, ("dim_statut", "code_statut"), [], True),
    ("fct_observation", "connu_du"): ("Connu du.", True, None, [], True),
    ("fct_observation", "connu_au"): ("Connu au.", False, None, [], True),
    ("dim_perimetre", "cle_territoire"): ("Territoire.", True, None, [], True),
    ("dim_perimetre", "type_territoire"): ("Type.", True, None, [], True),
    ("dim_perimetre", "code_territoire"): ("Code.", True, None, [], True),
    ("dim_perimetre", "libelle_territoire"): ("Libellé.", True, None, [], True),
    ("dim_perimetre", "generation"): ("Génération.", False, None, [], True),
    ("dim_perimetre", "geometrie_wkb"): ("Contour.", True, None, [], True),
    ("mart_interne", "cle"): ("Clé.", True, None, [], False),
    ("vue_essai", "cle_ligne"): ("Clé.", False, None, [], True),
    ("vue_essai", "valeur"): ("Valeur.", False, None, [], True),
    ("vue_essai", "est_fictif"): ("Fictif.", False, None, [], True),
}
_KEYS = {
    "dim_statut": ["code_statut"],
    "dim_jeu_source": ["cle_jeu_source"],
    "mart_essai": ["cle_ligne"],
    "fct_observation": [
        "code_indicateur",
        "cle_territoire",
        "cle_periode",
        "cle_ventilation",
        "cle_jeu_source",
        "connu_du",
    ],
    "dim_perimetre": ["cle_territoire"],
}
_UNMARKED = ("mart_interne",)

# A square with its ring clockwise, as shapefiles draw it, and a neighbourhood in two parts.
SQUARE = shapely.Polygon([(3.0, 50.0), (3.0, 50.01), (3.01, 50.01), (3.01, 50.0)])
PARTS = shapely.MultiPolygon([SQUARE, shapely.Polygon([(4, 50), (4, 51), (5, 51), (5, 50)])])


def write_release(
    folder: Path,
    *,
    identifiant: str = "20260102T000000Z-bbbbbbbb",
    region: str = "32",
    est_fictif: bool = False,
    changes: Sequence[str] = (),
    empreinte: str = "a" * 64,
    avec_dictionnaire: bool = True,
) -> Path:
    """Write a release into ``folder / identifiant``.

    Args:
        changes: statements of SQL that make it differ from the others.
        empreinte: SHA-256 of its only input.
        avec_dictionnaire: with ``audit.relation`` and ``audit.colonne``.
    """
    release = folder / identifiant
    release.mkdir(parents=True)
    with duckdb.connect(str(release / "entrepot.duckdb")) as connection:
        _fill(connection, est_fictif)
        for statement in changes:
            connection.execute(statement)
        if avec_dictionnaire:
            _describe(connection)
    manifest = {
        "identifiant": identifiant,
        "publie_le": f"{identifiant[:4]}-01-02T03:04:05.678Z",
        "construit_le": f"{identifiant[:4]}-01-02T03:00:00.000Z",
        "region": region,
        "est_fictif": est_fictif,
        "empreinte_construction": identifiant,
        "comptes": {"mart_essai": len(HOSTILE)},
        "entrees": [
            {
                "producteur": "insee",
                "jeu": "base",
                "millesime": "2021",
                "fichiers": [{"fichier": "base.csv", "empreinte_sha256": empreinte}],
            }
        ],
    }
    (release / "manifeste.json").write_text(json.dumps(manifest), encoding="utf-8")
    return release


def _fill(connection: duckdb.DuckDBPyConnection, est_fictif: bool) -> None:
    connection.execute(
        "create table dim_statut (code_statut varchar not null, libelle_statut varchar not null, "
        "definition varchar, compte_comme_manquant varchar not null, rang_gravite integer)"
    )
    connection.executemany("insert into dim_statut values (?, ?, ?, ?, ?)", STATUSES)
    connection.execute("alter table dim_statut add column valeur_affichee varchar")
    connection.execute(
        "create table dim_jeu_source as select cle_jeu_source, producteur, jeu, millesime, titre, licence, "
        "page, cast(publie_le as date) as publie_le from (values "
        "('c2rp:fiches:2022', 'c2rp', 'fiches', '2022', '=1+1', 'Aucune licence nommée', null, null), "
        "('insee:base:2021', 'insee', 'base', '2021', 'Base', 'Licence Ouverte 2.0', "
        "'https://www.insee.fr', '2022-12-01')) as t (cle_jeu_source, producteur, jeu, millesime, titre, "
        "licence, page, publie_le)"
    )
    connection.execute(
        "create table mart_essai (cle_ligne varchar not null, code_departement varchar not null, "
        "texte varchar, valeur double, nb_lignes integer, annee integer, est_vrai boolean, vu_le date, "
        "code_statut varchar not null, producteur varchar not null, jeu varchar not null, "
        "millesime varchar not null, note_interne varchar)"
    )
    for rank, text in enumerate(HOSTILE):
        missing = rank % 5 == 4
        connection.execute(
            "insert into mart_essai values "
            "(?, '02', ?, ?, ?, ?, ?, ?, ?, 'insee', 'base', '2021', 'à taire')",
            [
                f"l{rank:02d}",
                text,
                None if missing else (rank * 1234.5678, -0.5, 1e-5, 43.0)[rank % 4],
                None if missing else 12345 + rank,
                2015 + rank,
                (True, False, None)[rank % 3],
                None if missing else f"2016-06-{rank + 1:02d}",
                "SECRET" if missing else ("OK", "PERT")[rank % 2],
            ],
        )
    connection.execute(
        "insert into mart_essai values ('nul', '59', null, null, null, null, null, null, 'SECRET', 'insee', "
        "'base', '2021', null)"
    )
    connection.execute(
        "create table fct_observation (cle_observation varchar not null, code_indicateur varchar not null, "
        "cle_territoire varchar not null, cle_periode varchar not null, cle_ventilation varchar not null, "
        "cle_jeu_source varchar not null, valeur double, code_statut varchar not null, "
        "connu_du date not null, connu_au date)"
    )
    for rank in range(6):
        connection.execute(
            "insert into fct_observation values (?, 'DE.NB', ?, 'p', 'TOTAL', 'insee:base:2021', ?, 'OK', "
            "'2026-01-01', null)",
            [f"o{rank}", f"qpv:QP00200{rank}:2015", 10.0 * rank],
        )
    # A value that another one has replaced: kept, and out of any comparison.
    connection.execute(
        "insert into fct_observation values ('ancienne', 'DE.NB', 'qpv:QP002000:2015', 'p', 'TOTAL', "
        "'insee:base:2021', 99, 'OK', '2025-01-01', '2026-01-01')"
    )
    connection.execute(
        "create table dim_perimetre (cle_territoire varchar not null, type_territoire varchar not null, "
        "code_territoire varchar not null, libelle_territoire varchar not null, generation varchar, "
        "geometrie_wkb blob not null)"
    )
    for cle, kind, code, label, generation, shape in (
        ("departement:02:2024", "departement", "02", "Aisne", None, SQUARE),
        ("qpv:QP002001:2015", "qpv", "QP002001", "<b>Europe</b>", "2015", PARTS),
        ("qpv:QP002002:2015", "qpv", "QP002002", "Le Port", "2015", SQUARE),
    ):
        connection.execute(
            "insert into dim_perimetre values (?, ?, ?, ?, ?, ?)",
            [cle, kind, code, label, generation, shapely.to_wkb(shape)],
        )
    connection.execute("create table mart_interne as select 'x' as cle")
    connection.execute("create table mart_non_declare as select 'x' as cle")
    connection.execute(
        "create view vue_essai as select cle_ligne, valeur, "
        f"{str(est_fictif).lower()} as est_fictif from mart_essai where valeur is not null"
    )
    connection.execute("create schema audit")
    connection.execute("create table audit.noeud as select '/chemin/interne' as message")


def _describe(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "create table audit.relation (nom varchar, nature varchar, couche varchar, description varchar, "
        "grain varchar, cle varchar[], est_publiee boolean)"
    )
    connection.execute(
        "create table audit.colonne (relation varchar, position integer, nom varchar, description varchar, "
        "est_obligatoire boolean, reference_relation varchar, reference_colonne varchar, valeurs varchar[], "
        "est_publiee boolean)"
    )
    for name in sorted({relation for relation, _ in _COLUMNS}):
        connection.execute(
            "insert into audit.relation values (?, ?, 'marts', ?, 'une ligne d''essai', ?, ?)",
            [
                name,
                "vue" if name.startswith("vue_") else "table",
                f"Table {name}.",
                _KEYS.get(name, []),
                name not in _UNMARKED,
            ],
        )
    for position, ((relation, column), facts) in enumerate(_COLUMNS.items()):
        description, required, reference, values, marked = facts
        connection.execute(
            "insert into audit.colonne values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                relation,
                position,
                column,
                description,
                required,
                *(reference or (None, None)),
                list(values),
                marked,
            ],
        )
