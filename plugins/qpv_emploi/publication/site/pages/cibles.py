"""The targets of the texts, each with what is observed, its validity and its parity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.contexte import SiteContext
from qpv_emploi.publication.site.fiche import grouped_by
from qpv_emploi.publication.site.modele import Page

MENU = ("Cibles", 50)
TABLES = ("fct_cible", "mart_suivi_cibles")

TYPES = {
    "niveau": "atteindre un niveau",
    "variation": "ajouter à la situation de départ",
    "multiplication": "multiplier la situation de départ",
    "part": "part de résidents de QPV",
    "reduction_ecart": "réduire un écart",
}
VALIDITE = {
    "avant": "avant la validité de la cible",
    "pendant": "pendant la validité",
    "apres": "après la validité : de l'histoire, pas un échec",
    "a_cheval": "à cheval sur la validité",
    "inconnue": "validité non établie, ou sans date",
}


def plan(context: SiteContext) -> Sequence[str]:
    return [chemins.CIBLES]


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    targets = context.rows(
        "select c.code_cible, c.code_dispositif, d.libelle_dispositif, c.code_indicateur, c.type_cible, "
        "c.valeur_cible, c.unite, c.valeur_base, c.annee_base, c.echeance, c.en_vigueur_du, c.en_vigueur_au, "
        "c.est_complete, c.motif_incomplete, c.population_de_reference, c.libelle_base_parite, "
        "c.texte_fixant, c.generation, c.document, c.section, c.territoire_cite, c.code_comparateur, "
        "c.code_cible_liee, c.groupe_contradiction, c.remarque from fct_cible as c "
        "left join dim_dispositif as d on c.code_dispositif = d.code_dispositif and d.est_courant "
        "order by c.texte_fixant, c.code_cible"
    )
    lines = grouped_by(
        context.rows(
            "select code_cible, nature_ligne, territoire_cite, debut, fin, valeur_observee, unite_observee, "
            "qualificatif, code_fait, position_validite, taux_atteinte, motif_taux, libelle_base_parite, "
            "part_parite, indice_ciblage, indice_a_la_cible, code_statut, motif, reserve "
            "from mart_suivi_cibles order by cle_ligne"
        ),
        "code_cible",
    )
    for path in paths:
        yield context.page(
            path,
            "cibles.html.j2",
            titre="Cibles",
            textes=sorted(grouped_by(targets, "texte_fixant").items(), key=lambda pair: str(pair[0])),
            lignes=lines,
            types=TYPES,
            validite=VALIDITE,
        )
