"""Invented names: plausible, and obviously imaginary."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import product

import numpy as np

# (article, name): the article makes the TNCC code of the COG.
_RADICAUX = (
    ("", "Fictiville"), ("", "Rêvecœur"), ("", "Chimerac"), ("", "Songeville"), ("La", "Brumelune"),
    ("", "Mirageac"), ("", "Fablecourt"), ("Le", "Contefable"), ("", "Utopigny"), ("L'", "Imaginaire"),
    ("", "Féericourt"), ("", "Illusigny"), ("", "Merveillac"), ("", "Étrangefort"), ("", "Invenville"),
    ("", "Œuvrefée"), ("", "Aucunlieu"), ("", "Nullepart"), ("La", "Nébuleuse"), ("Les", "Songes-Creux"),
    ("", "Conjecture"), ("", "Hypothésy"), ("", "Énigmeval"), ("", "Mystérieux"), ("", "Lunequest"),
    ("L'", "Outremonde"), ("", "Rimailles"), ("", "Châteaurêve"), ("", "Vraisemblay"), ("", "Simulacre"),
    ("", "Apocrypheim"), ("", "Légendrey"), ("", "Mythincourt"), ("Le", "Faux-Semblant"), ("", "Balivernes"),
    ("", "Sornettes"), ("", "Chansonnay"), ("", "Nuageux"), ("", "Vaguemont"), ("", "Prétexte"),
)  # fmt: skip
_PREFIXES = (
    "", "Saint-", "Mont-", "Vieux-", "Grand-", "Petit-", "Neuf-", "Haut-", "Bas-", "Val-", "Pont-", "Fort-",
)  # fmt: skip
_SUFFIXES = (
    "", "-sur-Brume", "-lès-Chimères", "-en-Fiction", "-la-Fable", "-sous-Nuage", "-l'Inventée",
    "-aux-Fées", "-d'Imagine", "-le-Rêvé", "-sur-Songe", "-en-Utopie", "-les-Contes", "-du-Néant",
    "-sur-Légende", "-en-Mirage", "-la-Feinte", "-sous-Lune", "-l'Énigme", "-aux-Œillets", "-d'Ailleurs",
    "-le-Supposé", "-sur-Merveille", "-en-Songe",
)  # fmt: skip
_DEPARTEMENTS = (
    "Haute-Fiction", "Songe-et-Brume", "Cœur-d'Imagine", "Basse-Chimère", "Îles-du-Mirage", "Val-d'Utopie",
    "Monts-de-Légende", "Rives-de-Féerie", "Fable-et-Conte",
)  # fmt: skip
_RIVIERES = (
    "Brume", "Songe", "Chimère", "Mirage", "Légende", "Fable", "Féerie", "Nuage", "Utopie", "Merveille",
    "Conte", "Rêverie", "Illusion", "Énigme", "Lune", "Hypothèse", "Fantaisie", "Œuvre",
)  # fmt: skip
_QUARTIERS = (
    "Les Hauts-Fictifs", "Cœur d'Imagine", "Bel Air Imaginaire", "La Cité Rêvée", "Le Grand Songe",
    "Quartier de l'Œillet Bleu", "Résidence Nulle-Part", "Les Chimères", "Plateau des Brumes",
    "La Fontaine aux Contes", "Nouvelle Utopie", "L'Île aux Mots", "Faubourg des Mirages", "Champ du Rêve",
    "Tour d'Ivoire", "Les Sœurs Légende", "Parc de la Licorne", "Rue des Énigmes", "Le Pré aux Fées",
    "Moulin à Paroles", "Croix de Bois Dormant", "Les Châteaux en Espagne", "La Lune Basse",
    "Zup de l'Avenir Supposé", "Les Nuages - La Pluie",
)  # fmt: skip
QUARTIER_COMMUN = "Centre Ville"
QUARTIER_COMMUN_REBAPTISE = "Centre-Ville"

_TNCC_DES_ARTICLES = {"Le": "2", "La": "3", "Les": "4", "L'": "5"}
_VOYELLES = frozenset("AEIOUYH")


def majuscules_sans_accent(nom: str) -> str:
    """Name in capitals without accents or punctuation, like NCC in the COG (``œ`` gives ``OE``)."""
    texte = nom.upper().replace("Œ", "OE").replace("'", " ").replace("-", " ")
    return "".join(c for c in unicodedata.normalize("NFD", texte) if not unicodedata.combining(c))


@dataclass(frozen=True)
class Toponyme:
    """A place name as the COG splits it: article and rich name."""

    article: str
    nom: str

    @property
    def libelle(self) -> str:
        if not self.article:
            return self.nom
        return self.article + ("" if self.article.endswith("'") else " ") + self.nom

    @property
    def ncc(self) -> str:
        return majuscules_sans_accent(self.nom)

    @property
    def tncc(self) -> str:
        """Type of clear name: 0 or 1 without article (consonant, vowel), 2 to 5 by article."""
        if self.article:
            return _TNCC_DES_ARTICLES[self.article]
        return "1" if self.ncc[0] in _VOYELLES else "0"


def communes(alea: np.random.Generator, nombre: int) -> list[Toponyme]:
    """Distinct commune names, those of one or two words before the longer ones.

    Raises:
        ValueError: more names are asked for than can be invented.
    """
    courts: list[Toponyme] = []
    longs: list[Toponyme] = []
    for prefixe, suffixe, (article, nom) in product(_PREFIXES, _SUFFIXES, _RADICAUX):
        toponyme = Toponyme("" if prefixe else article, prefixe + nom + suffixe)
        (longs if prefixe and suffixe else courts).append(toponyme)
    if nombre > len(courts) + len(longs):
        raise ValueError(f"{nombre} noms de commune demandés, {len(courts) + len(longs)} possibles")
    ordre = [courts[rang] for rang in alea.permutation(len(courts))]
    ordre += [longs[rang] for rang in alea.permutation(len(longs))]
    return ordre[:nombre]


def departements(nombre: int) -> list[Toponyme]:
    """Distinct département names, always in the same order."""
    paires = (f"{a}-et-{b}" for a, b in product(_RIVIERES, _RIVIERES) if a != b)
    noms = [*_DEPARTEMENTS, *(nom for nom in paires if nom not in _DEPARTEMENTS)]
    return [Toponyme("", nom) for nom in noms[:nombre]]


def quartiers(alea: np.random.Generator, nombre: int) -> list[str]:
    """QPV names; several may share one, as in reality (one in twelve is « Centre Ville »)."""
    premiers = alea.integers(len(_QUARTIERS), size=nombre).tolist()
    seconds = alea.integers(len(_QUARTIERS), size=nombre).tolist()
    composes = (alea.random(nombre) < 0.2).tolist()
    noms = [
        f"{_QUARTIERS[a]} - {_QUARTIERS[b]}" if compose and a != b else _QUARTIERS[a]
        for a, b, compose in zip(premiers, seconds, composes, strict=True)
    ]
    # The usual name of several neighbourhoods, and the two names the tests of encodings look for.
    for rang in range(2, nombre, 12):
        noms[rang] = QUARTIER_COMMUN
    for rang in range(5, nombre, 24):
        noms[rang] = QUARTIER_COMMUN
    if nombre > 1:
        noms[0], noms[1] = _QUARTIERS[0], _QUARTIERS[1]
    return noms
