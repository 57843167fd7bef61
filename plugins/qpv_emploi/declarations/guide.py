"""Text of the guide: how to fill the form, in the words of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from qpv_emploi.catalogue import Table
from qpv_emploi.declarations.listes import Lists
from qpv_emploi.lecture.formulaire import IDENTITE

Style = Literal["titre", "section", "texte"]

BANDEAU = "DONNÉES FICTIVES : région imaginaire 99, aucun chiffre ne décrit un territoire réel."

# What each status says to a partner; the label itself is that of the seed.
_STATUTS = {
    "ND": "la valeur existe, mais elle ne vous est pas donnée",
    "NC": "personne ne la relève : la source ignore si les personnes habitent un quartier",
    "NA": "la question n'a pas de sens ici (dispositif absent du territoire ou de la période)",
    "SECRET": "la valeur est sous le seuil de secret de votre organisme",
}


def guide(tables: Sequence[Table], listes: Lists, *, fictif: bool) -> list[tuple[Style, str]]:
    """Lines of the guide, each with its style.

    Args:
        tables: tables of the form.
        listes: lists of the template; ``contrat`` and ``qpv`` name what it was prepared for.
        fictif: the template is that of the fictional region.
    """
    lignes: list[tuple[Style, str]] = [("titre", "Déclaration locale d'un contrat de ville")]
    if fictif:
        lignes.append(("titre", BANDEAU))
    contrats = listes.get("contrat", {})
    if len(contrats) == 1:
        ((code, libelle),) = contrats.items()
        quoi = f" – {libelle}, {len(listes.get('qpv', {}))} quartier(s)" if libelle else ""
        lignes.append(("texte", f"Modèle préparé pour le contrat {code}{quoi}."))
    lignes += [
        ("section", "Remplir"),
        ("texte", f"1. Signer la feuille {IDENTITE} : sans auteur ni date de saisie, rien n'est reçu."),
        (
            "texte",
            "2. Écrire une ligne par énoncé, sous les intitulés, sur les feuilles qui vous concernent ;"
            " laisser les autres vides.",
        ),
        (
            "texte",
            "3. Choisir dans les listes déroulantes ; un code (CEJ) peut être suivi de son libellé.",
        ),
        (
            "texte",
            "4. Ne renommer, ne déplacer ni ne supprimer aucune feuille ni aucun intitulé. Pas de formule :"
            " coller les valeurs.",
        ),
        ("texte", "5. Faire contrôler le fichier : qpv verifier <fichier> cite chaque case à corriger."),
        ("section", "Une valeur manque"),
        (
            "texte",
            "Une case vide n'est jamais un zéro. Écrire 0 quand le nombre est zéro. Quand il n'est pas connu,"
            " choisir un statut et l'expliquer en une phrase : elle sera imprimée à la place de la valeur.",
        ),
    ]
    lignes += [("texte", f"{code} – {nom} : {_STATUTS[code]}.") for code, nom in listes["statut"].items()]
    lignes += [
        ("section", "Vie privée et secret"),
        (
            "texte",
            "Aucune donnée personnelle : ni nom, ni courriel, ni téléphone, ni cas que l'on reconnaîtrait.",
        ),
        (
            "texte",
            f"Aucun effectif sous le seuil de secret de votre organisme : l'inscrire sur la feuille"
            f" {IDENTITE}, et choisir le statut SECRET pour les nombres plus petits.",
        ),
        ("section", "À qui s'adresser"),
        (
            "texte",
            "Un code, une liste, une règle : la personne qui vous a envoyé ce modèle. Un chiffre :"
            " l'organisme qui le produit, à citer dans la colonne Source.",
        ),
    ]
    for table in tables:
        lignes.append(("section", f"Feuille {table.lecture.feuille}"))
        for colonne in table.colonnes:
            if colonne.saisie is not None and not colonne.saisie.rubrique:
                besoin = " (obligatoire)" if colonne.saisie.obligatoire else ""
                lignes.append(("texte", f"{colonne.intitule}{besoin} : {colonne.description}."))
    return lignes
