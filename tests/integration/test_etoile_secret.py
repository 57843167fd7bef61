"""Secondary disclosure: nothing of ours lets a reader compute a cell that the producer withheld.

The attacker of ``attaque_secret`` reads the published tables. On copies of the database where a figure was
published that should not be, he finds the cell: the tests can fail.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from attaque_secret import MEMBRES, Requete, Systeme, add_derived_figures, published_cells

from qpv_emploi.entrepot import Release
from qpv_emploi.pipeline import RunReport
from qpv_emploi.settings import Settings


def _leaks(sql: Requete) -> tuple[Systeme, set[object]]:
    """The system of what is published, and the cells that only our own figures give away."""
    systeme = published_cells(sql)
    du_producteur = systeme.found()
    return systeme, add_derived_figures(systeme, sql).found() - du_producteur


def _open(base: Path) -> tuple[duckdb.DuckDBPyConnection, Requete]:
    connexion = duckdb.connect(str(base))
    return connexion, lambda requete, *p: connexion.execute(requete, list(p)).fetchall()


@pytest.mark.depot
def test_nothing_withheld_can_be_computed(sql_32: Requete) -> None:
    systeme, trouvees = _leaks(sql_32)
    # Thousands of cells are withheld, and thousands of sums hold them.
    assert len(systeme.inconnues) > 10_000
    assert len(systeme.equations) > 1_000
    assert trouvees == set()


@pytest.mark.depot
def test_the_producer_leaves_nothing_to_compute_either(sql_32: Requete) -> None:
    """Total less known classes: the blanks of INSEE are such that no row of its files gives one away."""
    assert published_cells(sql_32).found() == set()


def test_nothing_withheld_can_be_computed_in_the_fictional_region(sql_fictif: Requete) -> None:
    systeme, trouvees = _leaks(sql_fictif)
    assert len(systeme.inconnues) > 100
    assert trouvees == set()


# --- the attack works ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def copie(
    version_fictive: tuple[Release, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the fictional release, to publish what should not be."""
    base = tmp_path_factory.mktemp("sans_protection") / "entrepot.duckdb"
    shutil.copy(version_fictive[0].dossier / "entrepot.duckdb", base)
    connexion, _ = _open(base)
    with connexion:
        yield connexion


# Sum of the known cells of each aggregate.
_SOMMES = f"""
select a.cle_agregat, sum(o.valeur) as somme
from mart_agregat_qpv as a
inner join ({MEMBRES}) as m(cle_territoire, generation, cle_territoire_qpv) using (cle_territoire, generation)
inner join fct_observation as o
  on o.connu_au is null and o.cle_territoire = m.cle_territoire_qpv and o.code_indicateur = a.code_indicateur
  and o.cle_ventilation = a.cle_ventilation and o.cle_periode = a.cle_periode
  and o.cle_jeu_source = a.cle_jeu_source
group by a.cle_agregat
"""


@pytest.mark.parametrize(
    "degat",
    [
        # The sum of a contract is published although one neighbourhood is withheld: 3 persons.
        f"update mart_agregat_qpv as a set valeur = s.somme + 3 from ({_SOMMES}) as s "
        "where a.cle_agregat = s.cle_agregat and a.methode_agregation = 'somme' and a.nb_qpv_manquants = 1",
        # The difference with a withheld value is published beside the value that is known.
        "update mart_trajectoire set trajectoire = 1 where motif_non_comparable like 'valeur "
        "d''arrivée absente%' "
        "and valeur_t0 is not null and code_comparateur is null",
        # So is the difference with a zone.
        "update mart_ecart_zone as e set ecart_points = 1, cle_observation_zone = (select "
        "min(cle_observation) "
        "from fct_observation where valeur is not null) from dim_indicateur as i "
        "where e.code_indicateur = i.code_indicateur and i.additif = 'sous_conditions' "
        "and e.valeur_qpv is null and e.cle_observation_qpv is not null and e.type_territoire = 'qpv'",
        # The beneficiaries of a scheme are published where their file withholds them.
        "update mart_ciblage_droit_commun set beneficiaires_qpv = 3 where origine = 'fichier' "
        "and beneficiaires_qpv is null and code_statut = 'SECRET' and type_territoire = 'qpv'",
    ],
    ids=["somme", "evolution", "ecart", "beneficiaires"],
)
def test_the_attack_finds_what_an_unprotected_table_gives_away(
    copie: duckdb.DuckDBPyConnection, degat: str
) -> None:
    copie.execute("begin")
    try:
        copie.execute(degat)
        systeme, trouvees = _leaks(lambda requete, *p: copie.execute(requete, list(p)).fetchall())
        assert trouvees
        assert trouvees <= systeme.inconnues
    finally:
        copie.execute("rollback")


def test_the_attack_reads_a_class_that_alone_is_withheld(copie: duckdb.DuckDBPyConnection) -> None:
    """Total and women published, men not: the arithmetic of the producer's own rows is seen too."""
    copie.execute("begin")
    try:
        ((cle,),) = copie.execute(
            "select min(h.cle_observation) from fct_observation as h inner join fct_observation as t "
            "using (code_indicateur, cle_territoire, cle_periode, cle_jeu_source) inner join "
            "fct_observation as f "
            "using (code_indicateur, cle_territoire, cle_periode, cle_jeu_source) "
            "where h.cle_ventilation = 'SEXE=H' and f.cle_ventilation = 'SEXE=F' and "
            "t.cle_ventilation = 'TOTAL' "
            "and h.code_indicateur = 'DE.NB.DEFM.ABC' and h.cle_territoire like 'qpv:%:2015' "
            "and h.valeur is not null and t.valeur is not null and f.valeur is not null "
            "and h.connu_au is null and t.connu_au is null and f.connu_au is null"
        ).fetchall()
        copie.execute(
            "update fct_observation set valeur = null, code_statut = 'SECRET', motif = 'x' where "
            "cle_observation = ?",
            [cle],
        )
        trouvees = published_cells(lambda requete, *p: copie.execute(requete, list(p)).fetchall()).found()
        assert [c[2] for c in trouvees] == ["SEXE=H"]
    finally:
        copie.execute("rollback")


def test_a_release_of_the_real_files_gives_the_attacker_its_tables(
    entrepot_32: tuple[Settings, RunReport], sql_32: Requete
) -> None:
    """The equations of our own come from every mart that could leak, and none of them holds an unknown."""
    assert entrepot_32[1].release is not None
    systeme = published_cells(sql_32)
    avant = len(systeme.equations)
    add_derived_figures(systeme, sql_32)
    assert len(systeme.equations) == avant
