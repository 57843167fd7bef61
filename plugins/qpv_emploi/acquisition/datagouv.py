"""data.gouv.fr: from the slug of a dataset to the bytes of a resource.

Paths, fields, the paging of v2, the types of checksum and the 302 or 404 of the stable link were read in the
official code (SOURCES 9.3); no call was made. Inferred: a v1 reply whose ``resources`` is a link is paged by
v2; ``last_modified`` of a resource of type ``remote`` speaks of its record and not of the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from qpv_emploi.acquisition.acces import AccesRefuse
from qpv_emploi.acquisition.http import Fetched, HttpClient, Validators
from qpv_emploi.acquisition.nature import sniff
from qpv_emploi.acquisition.reponses import read_json, require, segment, text, with_params
from qpv_emploi.acquisition.sommes import Checksum, computed

__all__ = ["DataGouvDataset", "Held", "Resource", "dataset", "fetch_resource", "pick", "resources", "sniff"]

PAGE_SIZE = 50
MAX_PAGES = 200
SHOWN_TITLES = 20


@dataclass(frozen=True)
class Resource:
    """A resource as the catalogue describes it; texts are empty when it says nothing.

    Attributes:
        rid: identifier (uuid).
        type_fichier: ``file`` (held by data.gouv.fr) or ``remote`` (a link).
        url, latest: present address, and the stable link given by the catalogue.
        somme: announced checksum, if any.
        octets: announced size in bytes, if any.
        last_modified: date of the last change, as written.
    """

    rid: str
    titre: str
    format: str
    type_fichier: str
    mime: str
    url: str
    latest: str
    somme: Checksum | None
    octets: int | None
    last_modified: str


@dataclass(frozen=True)
class DataGouvDataset:
    """A dataset and its resources, in the order of the catalogue."""

    jeu_id: str
    slug: str
    titre: str
    licence: str
    last_modified: str
    ressources: tuple[Resource, ...]


@dataclass(frozen=True)
class Held:
    """What we hold of a resource: ``last_modified`` of the catalogue, and the validators of the file."""

    last_modified: str = ""
    validateurs: Validators = field(default_factory=Validators)


def dataset(client: HttpClient, base: str, slug: str) -> DataGouvDataset:
    """A dataset by its slug or identifier (``GET /api/1/datasets/{slug}/``).

    Args:
        base: address of the site, for instance ``https://www.data.gouv.fr``.

    Raises:
        AccesRefuse: the dataset does not exist or has another shape.
        AccesImpossible: the service does not answer.
    """
    url = f"{base.rstrip('/')}/api/1/datasets/{segment(slug)}/"
    corps = read_json(client, url)
    require(isinstance(corps, dict) and bool(corps.get("id")), url, "un jeu de données a un champ id")
    liste = corps.get("resources")
    return DataGouvDataset(
        jeu_id=text(corps, "id"),
        slug=text(corps, "slug"),
        titre=text(corps, "title"),
        licence=text(corps, "license"),
        last_modified=text(corps, "last_modified"),
        ressources=(
            _resources(liste, url) if isinstance(liste, list) else resources(client, base, text(corps, "id"))
        ),
    )


def resources(client: HttpClient, base: str, jeu: str) -> tuple[Resource, ...]:
    """All resources of a dataset, page by page (``GET /api/2/datasets/{id}/resources/``).

    Raises:
        AccesRefuse: the dataset does not exist, a page has another shape or comes twice.
        AccesImpossible: the service does not answer.
    """
    depart = f"{base.rstrip('/')}/api/2/datasets/{segment(jeu)}/resources/"
    url = with_params(depart, [("page", "1"), ("page_size", str(PAGE_SIZE))])
    lues: list[Resource] = []
    vues: set[str] = set()
    while url:
        require(url not in vues and len(vues) < MAX_PAGES, url, "la pagination ne finit pas")
        vues.add(url)
        corps = read_json(client, url)
        require(isinstance(corps, dict) and isinstance(corps.get("data"), list), url, "liste data attendue")
        lues += _resources(corps["data"], url)
        suite = text(corps, "next_page")
        url = urljoin(url, suite) if suite else ""
    return tuple(lues)


def pick(ressources: Sequence[Resource], motif_titre: str, formats: Sequence[str] = ()) -> Resource:
    """The one resource whose title matches and whose format is accepted.

    Args:
        motif_titre: regular expression looked for anywhere in the title, in any case.
        formats: accepted formats, without dot, in any case; empty for any. The format is what the publisher
            declared: the nature of the bytes is for ``sniff`` to tell.

    Raises:
        AccesRefuse: none, or several; the message lists the titles.
    """
    retenues = matching(ressources, motif_titre, formats)
    if len(retenues) == 1:
        return retenues[0]
    raise not_one(ressources, retenues, motif_titre, formats)


def matching(ressources: Sequence[Resource], motif_titre: str, formats: Sequence[str] = ()) -> list[Resource]:
    """The resources whose title matches and whose format is accepted. Args: as ``pick``."""
    admis = {format_.lower() for format_ in formats}
    return [
        ressource
        for ressource in ressources
        if re.search(motif_titre, ressource.titre, re.IGNORECASE)
        and (not admis or ressource.format.lower() in admis)
    ]


def not_one(
    ressources: Sequence[Resource], retenues: Sequence[Resource], motif_titre: str, formats: Sequence[str]
) -> AccesRefuse:
    """The refusal of a choice that leads to no resource, or to several; it lists the titles."""
    sujets = retenues or list(ressources)
    titres = " | ".join(f"{r.titre} [{r.format}]" for r in sujets[:SHOWN_TITLES])
    reste = f" | … ({len(sujets) - SHOWN_TITLES} autres)" if len(sujets) > SHOWN_TITLES else ""
    attendu = f"titre de la forme « {motif_titre} »" + (f", format {', '.join(formats)}" if formats else "")
    combien = f"{len(retenues)} ressources répondent" if retenues else "aucune ressource ne répond"
    return AccesRefuse(
        "data.gouv.fr",
        f"{combien} au choix du catalogue ({attendu}) ; "
        f"{'en cause' if retenues else 'titres présents'} : {titres or 'aucun'}{reste}",
        action="ajuster le motif du titre ou le format dans le catalogue",
    )


def fetch_resource(
    client: HttpClient,
    base: str,
    ressource: Resource,
    destination: Path,
    *,
    deja: Held | None = None,
    octets_max: int | None = None,
) -> Fetched:
    """Fetch a resource by its stable link (``/api/1/datasets/r/{rid}``, a 302 to the present file).

    First rung: a resource whose ``last_modified`` has not moved is not asked for (except ``remote`` ones).
    Second rung: conditional GET. The announced checksum is checked before the file takes its place; a ``crc``
    and unknown types cannot be, and the announced size is, for a file that the platform holds.

    Args:
        base: address of the site.
        deja: what we hold of this resource.

    Raises:
        AccesRefuse: deleted resource (404), other host, page instead of a file, other size or checksum.
        AccesImpossible: the service does not answer.
    """
    connu = deja or Held()
    url = stable_link(base, ressource)
    if (
        ressource.type_fichier != "remote"
        and ressource.last_modified
        and ressource.last_modified == connu.last_modified
    ):
        return Fetched(
            statut="non_modifie",
            chemin=None,
            octets=0,
            empreinte_sha256="",
            etag=connu.validateurs.etag,
            last_modified=connu.validateurs.last_modified,
            url_finale=url,
            content_type="",
            tentatives=0,
        )

    def verifier(chemin: Path) -> None:
        _check(ressource, chemin, url)

    try:
        return client.fetch(
            url,
            destination,
            validateurs=connu.validateurs,
            octets_max=octets_max,
            verifier=verifier,
        )
    except AccesRefuse as erreur:
        if erreur.statut_http not in (404, 410):
            raise
        raise AccesRefuse(
            url,
            f"la ressource « {ressource.titre} » a été supprimée de data.gouv.fr ({erreur.statut_http})",
            action="choisir la ressource qui la remplace (motif du titre dans le catalogue)",
            tentatives=erreur.tentatives,
            statut_http=erreur.statut_http,
        ) from None


def _resources(liste: Sequence[Any], url: str) -> tuple[Resource, ...]:
    require(all(isinstance(r, dict) and r.get("id") for r in liste), url, "une ressource a un champ id")
    return tuple(_resource(r) for r in liste)


def _resource(objet: Mapping[str, Any]) -> Resource:
    somme = objet.get("checksum")
    taille = objet.get("filesize")
    return Resource(
        rid=text(objet, "id"),
        titre=text(objet, "title"),
        format=text(objet, "format"),
        type_fichier=text(objet, "filetype"),
        mime=text(objet, "mime"),
        url=text(objet, "url"),
        latest=text(objet, "latest"),
        # sha1 is the default type of the platform.
        somme=(
            Checksum(text(somme, "type") or "sha1", text(somme, "value"))
            if isinstance(somme, dict) and somme.get("value")
            else None
        ),
        octets=taille if isinstance(taille, int) else None,
        last_modified=text(objet, "last_modified"),
    )


def stable_link(base: str, ressource: Resource) -> str:
    """Address that leads to the present file of a resource."""
    return f"{base.rstrip('/')}/api/1/datasets/r/{segment(ressource.rid)}"


def _check(ressource: Resource, chemin: Path, url: str) -> None:
    """Refuse bytes that are not those announced, by their checksum, else by their size."""
    somme = ressource.somme
    taille = chemin.stat().st_size
    if somme is not None and somme.algorithme is not None:
        obtenue = computed(chemin, somme.algorithme)
        if obtenue == somme.valeur.strip().lower():
            return
        raison = (
            f"la somme {somme.type} du fichier reçu ({obtenue}) n'est pas celle du catalogue ({somme.valeur})"
        )
    elif ressource.type_fichier == "file" and ressource.octets not in (None, 0, taille):
        # The platform measures the files it holds; of a link it repeats what was written one day.
        raison = f"le fichier reçu a {taille} octets, le catalogue en annonce {ressource.octets}"
    else:
        return
    raise AccesRefuse(
        url,
        f"{raison} pour « {ressource.titre} »",
        action="relancer (le fichier a pu changer entre les deux lectures) ; si cela dure, prévenir le "
        "producteur",
    )
