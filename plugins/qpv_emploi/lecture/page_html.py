"""A page of a dispositif, as HTML -> grid: its record (one row), or its sections (one row each).

HTML is text here, never markup again: what could be read as a tag was set apart by the parser, and a text
that looks like a formula stays the text it is. The parser is that of the live access (SOURCES 7 and 9.8).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa

from qpv_emploi.acquisition.c2rp import slug_of
from qpv_emploi.acquisition.c2rp_fiche import Fiche, read_fiche
from qpv_emploi.acquisition.pages import canonical_url, decode_page
from qpv_emploi.catalogue import Reading
from qpv_emploi.lecture.grille import Grid
from qpv_emploi.lecture.provenance import Provenance

# No item of a list holds it: the parser cuts on it.
BETWEEN_ITEMS = " | "
_SAVE_AGAIN = "ouvrir l'adresse dans un navigateur et enregistrer de nouveau la page"


def read_page(chemin: Path, lecture: Reading, provenance: Provenance) -> Grid:
    """Read one page; its slug is the name of the file without ``.html``.

    ``ligne`` is 1 for the record and the rank of the section, from 1, for the sections. Lists are joined by
    `` | ``, months are ``AAAA-MM``, what the page lacks is empty. ``empreinte_contenu`` is equal for the same
    words under another markup, another spelling of apostrophes or another order of a list.

    Raises:
        RefusedFile: the page has none of the labels of a dispositif, or no titled section.
    """
    html = decode_page(chemin.read_bytes())
    fiche = read_fiche(html)
    _check_is_a_dispositif(fiche, provenance)
    slug = provenance.fichier.removesuffix(".html")
    chapeau, sections = _parts(fiche)
    if lecture.partie == "sections":
        return _grid(
            [
                {"slug": slug, "ordre": str(rang), "titre_section": titre, "texte": texte}
                for rang, (titre, texte) in enumerate(sections, 1)
            ]
        )
    url = canonical_url(html)
    listes = {"themes": fiche.themes, "publics": fiche.publics, "mots_cles": fiche.mots_cles}
    mois = {"mois_mise_a_jour": fiche.date_mise_a_jour, "mois_parution": fiche.date_parution}
    texte = _digest([chapeau, sections])
    return _grid(
        [
            {
                "slug": slug,
                "url": url,
                "hote": (urlsplit(url).hostname or "") if url else "",
                "slug_canonique": slug_of(url),
                "titre": fiche.titre,
                "chapeau": chapeau,
                **{nom: BETWEEN_ITEMS.join(items) for nom, items in listes.items()},
                **mois,
                "anomalies": " ; ".join(fiche.avertissements),
                "empreinte_texte": texte,
                "empreinte_contenu": _digest(
                    [fiche.titre, *(sorted(items) for items in listes.values()), *mois.values(), texte]
                ),
            }
        ]
    )


def _check_is_a_dispositif(fiche: Fiche, provenance: Provenance) -> None:
    """A page of error, of connection or of bot check has a title and headings, and none of the labels."""
    etiquettes = (fiche.themes, fiche.publics, fiche.mots_cles, fiche.date_mise_a_jour, fiche.date_parution)
    if not any(etiquettes):
        raise provenance.refuse(
            f"la page « {fiche.titre[:60]} » n'a aucune étiquette d'un dispositif",
            attendu="Thèmes, Publics, Date de mise à jour ou Mots clés : la page elle-même, pas une page"
            " d'erreur ou de contrôle",
            action=_SAVE_AGAIN,
        )
    if not any(titre for titre, _ in fiche.sections):
        raise provenance.refuse(
            f"la page « {fiche.titre[:60]} » n'a aucune rubrique titrée",
            attendu="au moins une rubrique (Objectifs, Public, Contenu…)",
            action=_SAVE_AGAIN + ", en entier",
        )


def _parts(fiche: Fiche) -> tuple[str, list[tuple[str, str]]]:
    """What precedes the first titled section, and the titled sections in their order."""
    chapeau = [texte for titre, texte in fiche.sections if not titre]
    return "\n".join(chapeau), [(titre, texte) for titre, texte in fiche.sections if titre]


def _digest(contenu: object) -> str:
    texte = json.dumps(contenu, ensure_ascii=False).replace("’", "'")
    return hashlib.sha256(texte.encode()).hexdigest()


def _grid(rangs: list[dict[str, str]]) -> Grid:
    noms = tuple(rangs[0])
    return Grid(
        entete=noms,
        positions=tuple(range(1, len(noms) + 1)),
        colonnes=tuple(pa.array([rang[nom] for rang in rangs], pa.string()) for nom in noms),
        lignes=np.arange(1, len(rangs) + 1, dtype=np.int32),
    )
