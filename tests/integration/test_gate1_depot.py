"""Gate 1 on the real files: all accepted, and refused once damaged in the ways that happen."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from qpv_emploi.catalogue import Catalogue, load_catalogue
from qpv_emploi.lecture import Provenance, ReadTable, read_file
from qpv_emploi.qualite import Verdict
from qpv_emploi.qualite.gate import count_zones, judge
from qpv_emploi.settings import Settings

pytestmark = pytest.mark.depot

IPRO = "insee__insertion_professionnelle"
Lectures = dict[tuple[str, str], ReadTable]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(Settings().dbt_dir)


@pytest.fixture(scope="module")
def lectures(depot_reel: Path, catalogue: Catalogue) -> Lectures:
    """(bronze table, vintage) -> result, for every file that the catalogue knows."""
    resultat: Lectures = {}
    for bronze in catalogue.tables():
        for chemin in sorted((depot_reel / bronze.producteur / bronze.jeu.jeu).glob("*/*")):
            if re.fullmatch(bronze.fichier.motif, chemin.name):
                millesime = chemin.parent.name
                # A place for several files gives one result each.
                cle = (bronze.nom, f"{millesime}/{chemin.name}" if bronze.fichier.plusieurs else millesime)
                empreinte = hashlib.sha256(chemin.read_bytes()).hexdigest()
                provenance = Provenance(bronze.producteur, bronze.jeu.jeu, millesime, chemin.name, empreinte)
                (resultat[cle],) = read_file(chemin, [bronze], provenance, catalogue.variables)
    return resultat


def _judge(lue: ReadTable, catalogue: Catalogue, zones_connues: Mapping[str, int]) -> Verdict:
    return judge(
        lue,
        expectations_dir=Settings().expectations_dir,
        variables=catalogue.variables,
        zones_connues=zones_connues,
    )


def _zones(lectures: Lectures, table: str, sauf: str) -> dict[str, int]:
    return {
        millesime: count_zones(lue)
        for (nom, millesime), lue in lectures.items()
        if nom == table and millesime != sauf and lue.table.table.forme == "cellules"
    }


def test_every_real_file_is_accepted(lectures: Lectures, catalogue: Catalogue) -> None:
    refus = {}
    for (nom, millesime), lue in lectures.items():
        verdict = _judge(lue, catalogue, _zones(lectures, nom, millesime))
        assert any(c.reussi for c in verdict.controles)
        if not verdict.accepte:
            refus[nom, millesime] = verdict.raison()
    assert refus == {}


def test_known_oddities_of_the_producers_are_reported(lectures: Lectures, catalogue: Catalogue) -> None:
    def warnings(nom: str, millesime: str) -> dict[str, int]:
        verdict = _judge(lectures[nom, millesime], catalogue, {})
        return {c.colonne: c.nb_ecarts for c in verdict.avertissements}

    assert warnings("insee__demographie_qpv", "2018") == {"POP_COM ≥ POP_COM_QP": 1}
    assert warnings("sig_ville__contrats_ville", "2015") == {"insee_dep": 3}
    assert warnings("sig_ville__contrats_ville", "2024") == {"insee_dep": 1, "longitude": 1, "latitude": 1}
    assert warnings(IPRO, "2021") == {}


def test_blanks_read_as_zeros_refuse_a_real_file(lectures: Lectures, catalogue: Catalogue) -> None:
    lue = lectures[IPRO, "2021"]
    vide = pc.and_(pc.equal(lue.donnees["role"], "variable"), pc.is_null(lue.donnees["valeur"]))
    valeurs = pc.if_else(vide, 0.0, lue.donnees["valeur"])
    rang = lue.donnees.schema.get_field_index("valeur")
    verdict = _judge(replace(lue, donnees=lue.donnees.set_column(rang, "valeur", valeurs)), catalogue, {})
    sous_seuil = {c.colonne: c.nb_ecarts for c in verdict.bloquants if c.nom == "effectif_sous_seuil"}
    # SOURCES 2.1: CA is blank for 744 of the 1,345 QPV.
    assert sous_seuil["CA"] == 744
    assert "vide lu comme zéro" in verdict.raison()


def test_a_truncated_real_file_is_refused(lectures: Lectures, catalogue: Catalogue) -> None:
    lue = lectures[IPRO, "2021"]
    moitie = lue.donnees.filter(pc.less(lue.donnees["ligne"], 700))
    verdict = _judge(replace(lue, donnees=moitie), catalogue, _zones(lectures, IPRO, "2021"))
    assert [c.nom for c in verdict.bloquants] == ["couverture"]
    assert "contre 1345 au millésime 2020" in verdict.raison()


def test_two_swapped_columns_of_a_real_file_are_refused(lectures: Lectures, catalogue: Catalogue) -> None:
    lue = lectures[IPRO, "2021"]
    noms = np.array(lue.donnees["variable"].to_pylist(), dtype=object)
    femmes, total = noms == "ABC_F", noms == "ABC"
    noms[femmes], noms[total] = "ABC", "ABC_F"
    rang = lue.donnees.schema.get_field_index("variable")
    echange = lue.donnees.set_column(rang, "variable", pa.array(noms.tolist(), pa.string()))
    verdict = _judge(replace(lue, donnees=echange), catalogue, {})
    assert "identite:abc_par_sexe" in {c.nom for c in verdict.bloquants}
