"""The documents that the warehouse quotes, under a name that a reader knows, and words of their tables."""

from __future__ import annotations

DOCUMENTS = {
    "000_0db19e0098e4e125.txt": (
        "Irev, synthèse du cycle « Emplois, insertion et quartiers », Béthune, octobre 2019"
    ),
    "001_27ad682b91ce18c4.txt": "Normanvilles et IRDSU, contrats de ville et emploi, mai 2019",
    "002_cc5e5bd0d40e6d5f.txt": "Villeemploi et Direccte Paca, rencontre de septembre 2019",
    "003_6416adf2b6f214f9.txt": "Irev, dossier ressource sur l'emploi dans les quartiers, mai 2019",
    "004_580ff1ee5acf0e03.txt": "Préfet des Hauts-de-France, séminaire de Roubaix, octobre 2018",
}
QUALIFICATIFS = {
    "exact": "",
    "environ": "environ",
    "plus_de": "plus de",
    "au_moins": "au moins",
    "au_plus": "au plus",
    "borne_basse": "au moins",
    "borne_haute": "au plus",
    "compte": "compté dans le document",
    "calcule": "calculé par le document",
    "probable": "lecture probable",
}


def document(name: str | None) -> str:
    """A document for a reader, with its place if any; several are separated by ``|`` in the data."""
    text = " ; ".join(part for part in (name or "").split("|") if part)
    for file, label in DOCUMENTS.items():
        text = text.replace(file, label)
    return text


def qualificatif(code: str | None) -> str:
    """How sure the document is of a figure; empty when it gives it as exact."""
    return QUALIFICATIFS.get(code or "", (code or "").replace("_", " "))
