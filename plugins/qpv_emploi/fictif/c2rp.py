"""Pages of the C2RP: notes of the first collection, and pages as HTML in successive versions (SOURCES 7).

Invented dispositifs, on a host that cannot exist (``.invalid``). The pages show what the real ones do: two
hosts, typographic and straight apostrophes, no-break spaces, two forms of dates, texts that must stay texts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qpv_emploi.fictif.ecriture_csv import ecrire_table
from qpv_emploi.fictif.region import Region

_SITE = "https://www.c2rp.invalid"
_AUTRE_SITE = "http://c2rp.invalid"
# Days of collection; the third one brings back the text of the first.
JOURS_DES_PAGES = ("2026-01-05", "2026-03-09", "2026-06-01")


@dataclass(frozen=True)
class _Page:
    """A page of a dispositif; ``contenu`` is the text that its versions change."""

    slug: str
    titre: str
    themes: str
    publics: str
    date: str
    mots_cles: str
    contenu: str
    site: str = _SITE


_CHEQUE = _Page(
    "cheque-songe-formation",
    "Chèque Songe Formation",
    "Formation",
    "Demandeur d’emploi",
    "janvier, 2026",
    "Aide | Formation",
    "Il faut au moins 500 euros sur le compte imaginaire.",
)
_PASS = _Page(
    "pass-chimere-emploi",
    "Pass Chimère : l'emploi près de chez soi",
    "Emploi, Insertion",
    "Jeune | Habitant d’un quartier prioritaire",
    "décembre 2025",
    "=1+1 | Emploi | Mobilité",
    "Une aide de 1&nbsp;000 euros &amp; un parrain. Si 2 &lt; 3 &lt;b&gt;alors&lt;/b&gt;.",
    _AUTRE_SITE,
)
_ATELIER = _Page(
    "atelier-des-mirages",
    "Atelier des mirages",
    "Insertion",
    "Salarié",
    "octobre, 2025",
    "Atelier",
    "Deux jours par semaine dans un atelier qui n'existe pas.",
)
_BOURSE = _Page(
    "bourse-du-reve",
    "Bourse du rêve",
    "Orientation",
    "Jeune",
    "mars, 2026",
    "Bourse | Orientation",
    "Une bourse pour imaginer son métier.",
)
_VERSIONS: dict[str, tuple[_Page, ...]] = {
    "2026-01-05": (_CHEQUE, _PASS, _ATELIER),
    "2026-03-09": (
        replace(
            _CHEQUE,
            publics="Demandeur d’emploi | Salarié",
            date="mars, 2026",
            contenu="Il faut au moins 250 euros sur le compte imaginaire.",
        ),
        replace(_ATELIER, contenu="Trois jours par semaine dans un atelier qui n'existe pas."),
        _BOURSE,
    ),
    "2026-06-01": (_ATELIER,),
}


def ecrire_pages(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Pages new or changed on one day, ``<slug>.html``."""
    chemins = []
    for page in _VERSIONS[millesime]:
        chemin = dossier / f"{page.slug}.html"
        chemin.write_bytes(_html(page).encode())
        chemins.append(chemin)
    return chemins


def ecrire_dispositifs(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Notes on pages: one dispositif in two states, a publication, a page of the region, known addresses."""
    fiche: dict[str, Any] = {
        "url": f"{_SITE}/dispositifs/{_CHEQUE.slug}",
        "titre": _CHEQUE.titre,
        "metadata": {
            "Thèmes | Sous thèmes": ["Formation"],
            "Publics": ["Demandeur d'emploi"],
            "Date de mise à jour": "août, 2020",
            "Mots clés": ["Aide", "Formation"],
        },
        "sections_in_order": ["Objectifs", "Public", "Contenu"],
    }
    publication = {
        "url": f"{_SITE}/publications/les-quartiers-imaginaires",
        "titre": "Les quartiers imaginaires : rapport d’un programme",
        "metadata": {
            "Fichier attaché": "quartier-imaginaire.jpg",
            "Type": "Autres types",
            "Date de parution": "juin 2022",
            "themes_line_without_label": "Emploi/Formation, Dispositifs",
            "Producteur": "Autres producteurs",
        },
    }
    apres = {
        **fiche,
        "url": f"{_AUTRE_SITE}/dispositifs/{_CHEQUE.slug}",
        "metadata": {**fiche["metadata"], "Date de mise à jour": "décembre, 2020"},
    }
    region_ = {
        "url": "https://aides.region-fictive.invalid/dispositif99",
        "sections_in_order": ["Objectif(s)", "Bénéficiaires", "Forme", "Instruction", "A voir aussi"],
    }
    notes = {
        f"dispositif_{_CHEQUE.slug}_2020-08.json": fiche,
        f"dispositif_{_CHEQUE.slug}_2020-12.json": apres,
        "publication_quartiers-imaginaires_2022-06.json": publication,
        "guide-aides-fictif_dispositif99.json": region_,
    }
    chemins = []
    for nom, contenu in notes.items():
        chemin = dossier / nom
        chemin.write_bytes((json.dumps(contenu, ensure_ascii=False, indent=1) + "\n").encode())
        chemins.append(chemin)
    adresses = dossier / "known_urls.csv"
    lignes = [
        (f"{_SITE}/dispositifs", ""),
        (apres["url"], "maj décembre, 2020"),
        (fiche["url"], "maj août, 2020"),
    ]
    ecrire_table(adresses, "url,note", lignes, fin="\r\n")
    return [*chemins, adresses]


def _html(page: _Page) -> str:
    return f"""<!DOCTYPE html>
<html lang="fr"><head><meta charset="utf-8"><title>{page.titre} | C2RP fictif</title>
<link rel="canonical" href="{page.site}/dispositifs/{page.slug}"></head>
<body><nav><a href="/dispositifs">Dispositifs</a></nav><main>
<h1>{page.titre}</h1>
<p>Thèmes | Sous thèmes&nbsp;:<br>{page.themes}</p>
<p>Publics&nbsp;:<br>{page.publics}</p>
<p><strong>Date de mise à jour&nbsp;:</strong> {page.date}</p>
<p>Mots clés : {page.mots_cles}</p>
<p>Page imaginaire&nbsp;: ce dispositif n’existe pas.</p>
<h2>Objectifs</h2><p>Aider les habitants d’une région qui n’existe pas.</p>
<h2>Public</h2><ul><li>{page.publics}</li></ul>
<h2>Contenu</h2><p>{page.contenu}</p><script>var visite = 1;</script>
</main><footer>Région fictive 99</footer></body></html>
"""
