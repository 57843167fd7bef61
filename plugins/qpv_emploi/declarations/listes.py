"""Lists of the form: closed ones, which a value must belong to, and territories, which are only proposed."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from qpv_emploi.errors import SettingsError

# List -> code -> label, in the order shown.
Lists = Mapping[str, Mapping[str, str]]
Query = Callable[[str], Sequence[Sequence[Any]]]

# Statuses that a partner may state; the others say what a producer or the warehouse did (DOMAIN 8).
STATUTS = ("ND", "NC", "NA", "SECRET")

# Reading of DOMAIN 3, 10.2 and of the evaluation questions Q06, Q08 and Q10.
_LISTES: dict[str, dict[str, str]] = {
    "population": {
        "qpv": "habitants des quartiers prioritaires",
        "total": "tous les publics, quartiers compris",
    },
    "type_flux": {
        "entrees": "entrées pendant la période",
        "premieres_entrees": "premières entrées pendant la période",
        "stock": "personnes présentes à la fin de la période",
        "sorties": "sorties pendant la période",
    },
    "motif_sortie": {
        "emploi": "vers un emploi",
        "formation": "vers une formation",
        "terme": "au terme du parcours, sans emploi ni formation",
        "abandon": "avant le terme",
        "autre": "autre motif",
    },
    "sexe": {"F": "femmes", "H": "hommes"},
    "tranche_age": {
        "M26": "moins de 26 ans",
        "15_17": "15 à 17 ans",
        "16_25": "16 à 25 ans",
        "18_24": "18 à 24 ans",
        "26_49": "26 à 49 ans",
        "50_PLUS": "50 ans et plus",
    },
    "famille": {
        "diagnostic": "situation des habitants",
        "actions": "actions et moyens propres du contrat",
        "droit_commun": "politiques ordinaires utilisées par les habitants",
        "gouvernance": "gouvernance",
    },
    "suite_proposee": {
        "garder": "garder l'action",
        "repenser": "repenser l'action",
        "arreter": "arrêter l'action",
        "ajouter": "action à ajouter",
    },
    "theme": {
        "pilotage": "pilotage et instances",
        "participation": "participation des habitants, conseil citoyen",
        "partenariat": "partenariat et engagements signés",
        "droit_commun": "mobilisation du droit commun",
        "moyens": "ingénierie et moyens",
        "evaluation": "suivi et évaluation",
    },
    "mesure_clause": {
        "heures": "heures d'insertion réalisées",
        "beneficiaires": "personnes bénéficiaires",
    },
    "duree_contrat": {
        "moins_1_mois": "moins d'un mois",
        "1_a_6_mois": "d'un mois à moins de six mois",
        "6_mois_et_plus": "six mois et plus, à durée déterminée",
        "cdi": "à durée indéterminée",
    },
    "qualification": {
        "non_qualifie": "ouvrier ou employé non qualifié",
        "qualifie": "ouvrier ou employé qualifié",
        "intermediaire_cadre": "profession intermédiaire ou cadre",
    },
}


def closed_lists(dbt_dir: Path) -> dict[str, dict[str, str]]:
    """Lists that do not depend on the territory: those of this module, and those of the seeds.

    Args:
        dbt_dir: the dbt project, whose seeds name the dispositifs, the statuses and the questions.
    """
    statuts = _seed(dbt_dir, "statut")
    return {
        **_LISTES,
        "dispositif": _seed(dbt_dir, "dispositif"),
        "statut": {code: statuts[code] for code in STATUTS},
        "question": _seed(dbt_dir, "question_evaluative"),
    }


def territory_lists(lire: Query, contrats: Collection[str] = ()) -> dict[str, dict[str, str]]:
    """Contracts and QPV of a release.

    Args:
        lire: runs one SQL query on the release and gives its rows.
        contrats: codes of the contracts to keep, with their QPV; all when empty.

    Raises:
        SettingsError: a contract is not in the release.
    """
    connus = {
        code: f"{libelle} ({generation})"
        for code, libelle, generation in lire(
            "select code_contrat, libelle_contrat, generation from dim_contrat_ville"
            " order by generation desc, code_contrat"
        )
    }
    inconnus = [code for code in contrats if code not in connus]
    if inconnus:
        raise SettingsError(
            f"contrat(s) {', '.join(inconnus)} absent(s) de la version courante, qui en tient {len(connus)}"
            " ; à faire : prendre le code dans la réponse de "
            '`qpv sql "select code_contrat, libelle_contrat from dim_contrat_ville"`'
        )
    liens = lire(
        "select distinct pont_qpv_contrat.code_contrat, dim_qpv.code_qpv, dim_qpv.libelle_qpv"
        " from pont_qpv_contrat inner join dim_qpv"
        " on pont_qpv_contrat.code_qpv = dim_qpv.code_qpv"
        " and pont_qpv_contrat.generation = dim_qpv.generation"
        " order by dim_qpv.code_qpv"
    )
    gardes = set(contrats) or set(connus)
    return {
        "contrat": {code: libelle for code, libelle in connus.items() if code in gardes},
        "qpv": {code: libelle for contrat, code, libelle in liens if contrat in gardes},
    }


def _seed(dbt_dir: Path, nom: str) -> dict[str, str]:
    with (dbt_dir / "seeds" / f"{nom}.csv").open(encoding="utf-8", newline="") as flux:
        return {ligne["code"]: ligne["libelle"] for ligne in csv.DictReader(flux, delimiter=";")}
