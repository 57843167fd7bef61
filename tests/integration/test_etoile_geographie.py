"""Geography of the star schema on the real dépôt, Hauts-de-France: both generations and what ties them.

Figures: SOURCES sections 1.1, 4 and 5, DOMAIN section 6; those marked « counted » were counted in the files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from qpv_emploi.conservation import Lock

pytestmark = pytest.mark.depot

Requete = Callable[..., list[Any]]

PRESUMEES = [
    ("QP059056", "QN05922M"),
    ("QP059068", "QN05966M"),
    ("QP062052", "QN06252M"),
    ("QP062054", "QN06252M"),
]
SUSPECTES = [("QP059057", "QN05956M"), ("QP059058", "QN05957M")]
A_DEUX_CONTRATS = [
    "QN05920M",
    "QN05921M",
    "QN05922M",
    "QN05930M",
    "QN06216M",
    "QN06243M",
    "QN06245M",
    "QN06247M",
]


def test_letters_of_2024(sql_32: Requete) -> None:
    assert sql_32("select lettre, count(*) from dim_qpv where generation = '2024' group by 1 order by 1") == [
        ("I", 10),
        ("M", 186),
        ("N", 8),
    ]
    assert sql_32("select distinct lettre from dim_qpv where generation = '2015'") == [(None,)]
    assert sql_32(
        "select count(*) from dim_qpv where generation = '2024' and right(code_qpv, 1) <> lettre"
    ) == [(0,)]


def test_validity_of_each_generation(sql_32: Requete) -> None:
    assert sql_32(
        "select generation, valide_du::varchar, valide_au::varchar from dim_qpv group by all order by 1"
    ) == [("2015", "2015-01-01", "2023-12-31"), ("2024", "2024-01-01", None)]
    # Only the two outlines of the sample are held for 2024.
    assert sql_32(
        "select code_qpv from dim_qpv where generation = '2024' and surface_ha is not null order by 1"
    ) == [("QN00212M",), ("QN00213M",)]


def test_labels_that_differ_between_sources(sql_32: Requete) -> None:
    """Three of SOURCES 4.6; that of QN05910M differs by a double space only, which is taken off."""
    assert sql_32(
        "select code_qpv, libelle_qpv, sources from dim_qpv_libelle where not est_retenu order by 1"
    ) == [
        ("QN05994I", "Quartier prioritaire d'Hornaing", "sig_ville:passage_qpv_2015_2024"),
        ("QN06259M", "Quartier Bonnettes - St Pol - Baudimont", "sig_ville:passage_qpv_2015_2024"),
    ]
    assert sql_32(
        "select count(*) from dim_qpv as qpv join dim_qpv_libelle as libelle "
        "on qpv.cle_territoire = libelle.cle_territoire and libelle.est_retenu "
        "and qpv.libelle_qpv = libelle.libelle_qpv"
    ) == [(403,)]


def test_relations_of_the_passage(sql_32: Requete) -> None:
    assert sql_32(
        "select relation, origine, methode_poids, count(*) from pont_qpv_generation group by all order by all"
    ) == [
        ("a_qualifier", "declare", "aucune", 2),
        ("a_qualifier", "derive", "aucune", 4),
        ("entrant", "declare", "aucune", 8),
        ("identique", "declare", "lettre", 10),
        ("modifie", "declare", "aucune", 178),
        ("modifie", "declare", "surface", 2),
        ("scission", "declare", "aucune", 4),
        ("sortant", "derive", "aucune", 1),
    ]


@pytest.mark.parametrize(
    ("condition", "couples"),
    [
        ("relation = 'sortant'", [("QP060015", None)]),
        ("qualite = 'presume' and relation = 'a_qualifier'", PRESUMEES),
        ("qualite = 'suspect'", SUSPECTES),
        (
            "relation = 'scission'",
            [
                ("QP059019", "QN05918M"),
                ("QP059019", "QN05919M"),
                ("QP062061", "QN06259M"),
                ("QP062061", "QN06260M"),
            ],
        ),
        ("code_qpv_2015 in ('QP059001', 'QP059002')", [("QP059001", "QN05994I"), ("QP059002", "QN05901M")]),
    ],
)
def test_known_pairs(sql_32: Requete, condition: str, couples: list[tuple[str, str | None]]) -> None:
    assert (
        sql_32(f"select code_qpv_2015, code_qpv_2024 from pont_qpv_generation where {condition} order by all")
        == couples
    )


def test_weights_of_the_sample_match_the_overlap_of_sources(sql_32: Requete) -> None:
    """SOURCES 4.4: intersection over union of 0,893 and 0,967."""
    parts = sql_32(
        "select part_2015_vers_2024 / 100, part_2024_depuis_2015 / 100 from pont_qpv_generation "
        "where methode_poids = 'surface' order by code_qpv_2015"
    )
    assert [1 / (1 / avant + 1 / apres - 1) for avant, apres in parts] == [
        pytest.approx(0.893, abs=0.0006),
        pytest.approx(0.967, abs=0.0006),
    ]
    assert sql_32(
        "select distinct part_2015_vers_2024, part_2024_depuis_2015 from pont_qpv_generation "
        "where methode_poids = 'lettre'"
    ) == [(100.0, 100.0)]


def test_discordances_of_the_passage_are_all_known(sql_32: Requete) -> None:
    """Two crossed labels and five QPV 2015 without a declared successor; the two outlines held agree."""
    assert sql_32("select statut, nb_ecarts from audit.noeud where nom = 'discordance_nouvelle'") == [
        ("pass", 0)
    ]
    assert sql_32("select count(*) from pont_qpv_generation where qualite in ('presume', 'suspect')") == [
        (7,)
    ]


def test_qpv_on_two_contracts(sql_32: Requete) -> None:
    codes = sql_32(
        "select distinct code_qpv from pont_qpv_contrat where est_partage and generation = '2024' order by 1"
    )
    assert [code for (code,) in codes] == A_DEUX_CONTRATS
    # A sum over contracts counts them twice: 212 links for 204 QPV.
    assert sql_32(
        "select count(*), count(distinct code_qpv), count(distinct code_contrat) from pont_qpv_contrat "
        "where generation = '2024'"
    ) == [(212, 204, 39)]
    assert sql_32(
        "select distinct contrat.libelle_contrat from pont_qpv_contrat as lien "
        "join dim_contrat_ville as contrat on lien.cle_territoire_contrat = contrat.cle_territoire "
        "where lien.mode_rattachement = 'commune' order by 1"
    ) == [("Caudry",), ("Fourmies",), ("Le Quesnoy",), ("Ostricourt",)]


def test_the_attachment_is_that_of_the_derived_table(entrepot_32: Any, sql_32: Requete) -> None:
    """The 286 pairs of ``geo/qpv_2024_communes_contrats_hdf`` give the same communes, EPCI and contracts."""
    paths = entrepot_32[0].paths
    (fichier,) = Lock(paths.verrou).read()["geo", "qpv_2024_communes_contrats_hdf", "2025"].fichiers
    lignes = pq.read_table(paths.root / fichier.bronze["geo__qpv_2024_communes_contrats_hdf"]).to_pylist()
    assert len(lignes) == 286
    for pont, colonne, source in (
        ("pont_qpv_commune", "code_commune", "insee_com"),
        ("pont_qpv_epci", "siren_epci", "epci"),
        ("pont_qpv_contrat", "code_contrat", "code_cv"),
    ):
        liens = set(sql_32(f"select code_qpv, {colonne} from {pont} where generation = '2024'"))
        assert liens == {(ligne["code_qp"], ligne[source]) for ligne in lignes}, pont


def test_successions_of_contracts(sql_32: Requete) -> None:
    assert sql_32(
        "select nature, origine, count(*), count(distinct code_contrat_avant), "
        "count(distinct code_contrat_apres) from pont_contrat_succession group by all order by all"
    ) == [("fin", "declare", 1, 1, 0), ("fusion", "declare", 6, 6, 3), ("succession", "declare", 36, 36, 36)]
    assert sql_32(
        "select code_contrat_apres, list(code_contrat_avant order by code_contrat_avant) "
        "from pont_contrat_succession where nature = 'fusion' group by 1 order by 1"
    ) == [
        ("CN00201M", ["CV008", "CV009"]),
        ("CN06201M", ["CV221", "CV223"]),
        ("CN06206M", ["CV218", "CV220"]),
    ]
    assert sql_32("select code_contrat_avant from pont_contrat_succession where nature = 'fin'") == [
        ("CV209",)
    ]


def test_siren_of_2015_that_no_longer_exist(sql_32: Requete) -> None:
    assert sql_32(
        "select count(*), count(distinct siren_avant), count(distinct siren_apres) from pont_epci_succession"
    ) == [(17, 17, 14)]
    assert sql_32(
        "select count(*), count(siren_courant) from dim_contrat_ville "
        "where generation = '2015' and siren_courant <> siren_signature"
    ) == [(17, 17)]
    assert sql_32(
        "select siren_apres, date_effet::varchar, statut_date from pont_epci_succession "
        "where siren_avant = '245900410'"
    ) == [("200093201", "2020-03-14", "a_verifier")]
    # The version of 2015 ends the day before, and the one that follows begins that day.
    assert sql_32(
        "select cle_territoire, valide_du::varchar, valide_au::varchar from dim_territoire "
        "where code_territoire in ('245900410', '200093201') order by 1"
    ) == [
        ("epci:200093201:2023", "2020-03-14", None),
        ("epci:245900410:2015", "2015-01-01", "2020-03-13"),
    ]


@pytest.mark.parametrize(
    ("code_qpv", "comparateur", "zones"),
    [
        # Métropole de Lille: the SIREN of the observations to 2019, then the one that follows.
        ("QP059071", "epci", [("epci:200093201:2023", True), ("epci:245900410:2015", True)]),
        # Valenciennes and Porte du Hainaut keep their SIREN: one version, no main one.
        ("QP059021", "epci", [("epci:200042190:2023", None), ("epci:245901160:2023", None)]),
        # Béthune-Bruay and Artois Lys became one EPCI.
        (
            "QP062006",
            "epci",
            [("epci:200044055:2015", None), ("epci:200072460:2023", True), ("epci:246200802:2015", None)],
        ),
        ("QN05971M", "unite_urbaine", [("unite_urbaine:59702:2020", True)]),
        ("QN05971M", "metropole", [("france_metropolitaine", True)]),
        ("QN05971M", "uu_environnante", []),
    ],
)
def test_zones_of_a_qpv(
    sql_32: Requete, code_qpv: str, comparateur: str, zones: list[tuple[str, bool | None]]
) -> None:
    assert (
        sql_32(
            "select cle_territoire_zone, est_principal from pont_qpv_zone "
            "where code_qpv = ? and code_comparateur = ? order by 1",
            code_qpv,
            comparateur,
        )
        == zones
    )


def test_every_qpv_has_each_zone(sql_32: Requete) -> None:
    """The part of a zone d'emploi exists only for the zones that cross the border of the region."""
    comptes = sql_32(
        "select code_comparateur, generation, count(distinct code_qpv) from pont_qpv_zone "
        "group by all order by all"
    )
    complets = {"2015": 199, "2024": 204}
    assert {c for c, g, nb in comptes if nb == complets[g]} == {
        *("commune", "departement", "epci", "france", "metropole", "region", "unite_urbaine", "zone_emploi"),
    }
    assert [(c, g, nb) for c, g, nb in comptes if nb != complets[g]] == [
        ("partie_regionale_zone_emploi", "2015", 4),
        ("partie_regionale_zone_emploi", "2024", 4),
    ]


def test_former_versions_of_communes(sql_32: Requete) -> None:
    assert sql_32(
        "select cle_territoire, libelle_territoire, valide_au::varchar, est_courant from dim_territoire "
        "where code_territoire in ('59404', '59586') and type_territoire = 'commune' order by 1"
    ) == [
        ("commune:59404:2015", "Les Moëres", "2015-12-31", False),
        ("commune:59586:2015", "Templeuve", "2015-11-18", False),
        ("commune:59586:2024", "Templeuve-en-Pévèle", None, True),
    ]
    # A version follows the one before without a hole.
    assert (
        sql_32(
            "select avant.cle_territoire from dim_territoire as avant join dim_territoire as apres "
            "on avant.type_territoire = apres.type_territoire "
            "and avant.code_territoire = apres.code_territoire "
            "and avant.type_territoire = 'commune' and not avant.est_courant and apres.est_courant "
            "where apres.valide_du <= avant.valide_au"
        )
        == []
    )


def test_codes_of_the_sources_meet_one_territory(sql_32: Requete) -> None:
    """`1` is metropolitan France, `3254` the part of 0054 in the region, a SIREN of 2015 its own version."""
    assert sql_32(
        "select distinct cle_territoire from fct_observation where cle_territoire like 'france%' "
        "or cle_territoire like 'partie%' or cle_territoire like '%:245900410:%' "
        "or cle_territoire like '%:200072031:%' or cle_territoire like '%:245901160:%' order by 1"
    ) == [
        *(("epci:200072031:2023",), ("epci:245900410:2015",), ("epci:245901160:2023",)),
        *(("france",), ("france_metropolitaine",)),
        *(("partie_regionale_zone_emploi:0054-32:2023",), ("partie_regionale_zone_emploi:0058-32:2023",)),
    ]
    assert (
        sql_32(
            "select distinct observation.cle_territoire from fct_observation as observation "
            "anti join dim_territoire as territoire on observation.cle_territoire = territoire.cle_territoire"
        )
        == []
    )


def test_comparators_of_the_documents(sql_32: Requete) -> None:
    """DOMAIN 6.5 names 21 zones; none that the documents leave undefined is a territory."""
    nommees = {
        *("uu_environnante", "uu_englobante", "autres_quartiers_uu_englobante", "autres_quartiers_uu"),
        *("autres_quartiers_urbains", "moyenne_uu_environnante", "agglomeration_environnante"),
        *(
            "aire_urbaine_environnante",
            "environnement_urbain",
            "hors_qpv",
            "commune",
            "epci",
            "reste_commune",
        ),
        *("reste_epci", "zone_emploi", "departement", "region", "metropole", "france", "reste_france"),
        "moyenne_nationale",
    }
    zones = dict(
        sql_32(
            "select code_comparateur, type_territoire from dim_comparateur where nature_comparateur = 'zone'"
        )
    )
    assert nommees <= set(zones)
    # `qpv_…` are sums of QPV computed here, not zones of a producer.
    assert {code for code, type_ in zones.items() if type_ and not code.startswith("qpv_")} == {
        *("commune", "epci", "unite_urbaine", "zone_emploi", "partie_regionale_zone_emploi", "departement"),
        *("region", "metropole", "france"),
    }


def test_another_region_says_what_it_does_not_know(sql_11: Requete) -> None:
    """No list of correspondence is held for Île-de-France: only the letters speak."""
    assert sql_11(
        "select relation, methode_poids, count(*) from pont_qpv_generation group by all order by all"
    ) == [("a_qualifier", "aucune", 272 + 258), ("entrant", "aucune", 40)]
    assert sql_11(
        "select count(*) from pont_qpv_generation where relation = 'a_qualifier' and remarque is null"
    ) == [(0,)]
    assert sql_11(
        "select count(*) from dim_contrat_ville as contrat left join pont_contrat_succession as lien "
        "on contrat.code_contrat = lien.code_contrat_avant "
        "where contrat.generation = '2015' and lien.nature is null"
    ) == [(0,)]
