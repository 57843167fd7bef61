"""Where each page lives: the one place that builds a path, so that links agree with pages."""

from __future__ import annotations

import re

ACCUEIL = "index.html"
CONTRATS = "contrats/index.html"
QUARTIERS = "quartiers/index.html"
COMMUNES = "communes/index.html"
INDICATEURS = "indicateurs/index.html"
DISPOSITIFS = "dispositifs/index.html"
CIBLES = "cibles/index.html"
DISPONIBILITE = "disponibilite/index.html"
CONTRADICTIONS = "contradictions/index.html"
SOURCES = "sources/index.html"
CHANGEMENTS = "changements/index.html"
DICTIONNAIRE = "dictionnaire/index.html"
CONTROLES = "dictionnaire/controles.html"
GUIDE_EVALUATEUR = "guides/evaluateur.html"
GUIDE_ANALYSTE = "guides/analyste.html"

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


def nom(code: str) -> str:
    """A code as a file name or an anchor: letters, digits, ``_``, ``.`` and ``-``, never a hidden file."""
    return _UNSAFE.sub("-", code).lstrip(".") or "-"


def contrat(code: str) -> str:
    """Page of a contract; the code says the generation (``CV…`` 2015, ``CN…`` 2024)."""
    return f"contrats/{nom(code)}.html"


def qpv(code: str) -> str:
    """Page of a neighbourhood; the code says the generation (``QP…`` 2015, ``QN…`` 2024)."""
    return f"quartiers/{nom(code)}.html"


def indicateur(code: str) -> str:
    """Page of an indicator."""
    return f"indicateurs/{nom(code)}.html"


def dispositif(code: str) -> str:
    """Page of a dispositif."""
    return f"dispositifs/{nom(code)}.html"


def source(cle_jeu_source: str) -> str:
    """Place of a dataset × vintage on the page of the sources."""
    return f"{SOURCES}#{ancre(cle_jeu_source)}"


def relation(nom_relation: str) -> str:
    """Place of a table in the dictionary."""
    return f"{DICTIONNAIRE}#{ancre(nom_relation)}"


def cible(code: str) -> str:
    """Place of a target."""
    return f"{CIBLES}#{ancre(code)}"


def ancre(text: str) -> str:
    """A text as the ``id`` of an element; begins with a letter."""
    return "a-" + nom(text)


def relatif(depuis: str, vers: str) -> str:
    """The link from a page to a path of the site (with its anchor, if any)."""
    target, mark, anchor = vers.partition("#")
    if target == depuis:
        return mark + anchor if mark else target.rsplit("/", 1)[-1]
    here = depuis.split("/")[:-1]
    there = target.split("/")
    shared = 0
    while shared < min(len(here), len(there) - 1) and here[shared] == there[shared]:
        shared += 1
    return "../" * (len(here) - shared) + "/".join(there[shared:]) + mark + anchor
