"""The sources: each dataset × vintage, its licence, its days, its secrecy, its files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.contexte import SiteContext
from qpv_emploi.publication.site.fiche import grouped_by
from qpv_emploi.publication.site.fraicheur import freshness
from qpv_emploi.publication.site.modele import Page
from qpv_emploi.publication.site.pages.indicateurs import SECRET

MENU = ("Sources", 80)
TABLES = ("dim_correction", "dim_jeu_source")

PRODUCTEURS = {
    "c2rp": "Carif-Oref Hauts-de-France (C2RP)",
    "dares": "Dares",
    "france_travail": "France Travail",
    "geo": "Contours et zonages (IGN, Insee, géographie administrative)",
    "insee": "Insee",
    "local": "Déclarations locales",
    "sig_ville": "SIG Ville (ANCT)",
    "tiers": "Copies faites par des tiers",
}


def plan(context: SiteContext) -> Sequence[str]:
    return [chemins.SOURCES]


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    rows = context.rows(
        "select cle_jeu_source, producteur, jeu, millesime, titre, description, licence, page, publie_le, "
        "recupere_le, regle_periode, generation, methode_secret, seuil, "
        "parametre_d, arrondi, cadence, delai_usuel_jours, avertissement from dim_jeu_source "
        "order by producteur, jeu, millesime"
    )
    states = freshness(context)
    corrections = grouped_by(
        context.rows(
            "select cle_jeu_source, fichier, ligne_source, repere_source, colonne_source, valeur_publiee, "
            "valeur_corrigee, motif_correction from dim_correction order by cle_jeu_source, cle_correction"
        ),
        "cle_jeu_source",
    )
    files = {
        (entry["producteur"], entry["jeu"], entry["millesime"]): [
            (file["fichier"], file["empreinte_sha256"]) for file in entry["fichiers"]
        ]
        for entry in context.release.entrees
    }
    producers = []
    for producer, own in grouped_by(rows, "producteur").items():
        datasets = []
        for name, vintages in grouped_by(own, "jeu").items():
            for vintage in vintages:
                vintage["liste"] = files.get((producer, name, vintage["millesime"]), [])
                vintage["corrections"] = corrections.get(vintage["cle_jeu_source"], [])
            datasets.append((vintages[-1], vintages, states.get((producer, name))))
        producers.append((producer, PRODUCTEURS.get(producer, producer), datasets))
    for path in paths:
        yield context.page(
            path,
            "sources.html.j2",
            titre="Sources",
            producteurs=producers,
            secret=SECRET,
            nb_millesimes=len(rows),
        )
