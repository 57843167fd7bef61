"""What a producer holds of a dataset, and how each file is taken: one function per mode of access.

Each lists files without fetching them, unless the vintage can only be read in the data themselves.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from qpv_emploi.acquisition.acces import AccesRefuse, ErreurAcces, mask
from qpv_emploi.acquisition.datagouv import (
    Held,
    Resource,
    dataset,
    fetch_resource,
    matching,
    not_one,
    pick,
    stable_link,
)
from qpv_emploi.acquisition.echange import Fetched, Validators
from qpv_emploi.acquisition.http import HttpClient
from qpv_emploi.acquisition.insee_api import bdm_csv, melodi_csv
from qpv_emploi.acquisition.insee_page import FileLink, fetch_file, find_files, not_found
from qpv_emploi.acquisition.lignes_csv import WrittenCsv
from qpv_emploi.acquisition.opendatasoft import Opendatasoft, Query
from qpv_emploi.catalogue.acces import (
    MILLESIME,
    REGION,
    BdmAccess,
    DataGouvAccess,
    DataGouvFile,
    DatedAccess,
    Extraction,
    HttpAccess,
    InseePageAccess,
    MelodiAccess,
    OpendatasoftAccess,
    file_name,
    fill,
)
from qpv_emploi.conservation import ReceivedFile
from qpv_emploi.settings import WHOLE_COUNTRY

# Takes a file to a path, given what is known of the version we hold.
Take = Callable[[Path, ReceivedFile | None], Fetched]


@dataclass(frozen=True)
class Remote:
    """A file that a producer holds, or should hold.

    Attributes:
        millesime, fichier: vintage, and name to keep.
        place: rank of the file in the declaration of the access; one file per place and vintage.
        demande: address to ask, secrets masked.
        marque: date or state given by the producer's catalogue; empty when it gives none.
        obligatoire: without it nothing of the vintage is received.
        prendre: takes the file; raises ``ErreurAcces``.
    """

    millesime: str
    fichier: str
    place: int
    demande: str
    marque: str
    obligatoire: bool
    prendre: Take


@dataclass(frozen=True)
class Context:
    """What a connector works with: the client, the region asked for, and a folder for its own use."""

    client: HttpClient
    region: str
    atelier: Path

    def fill(self, gabarit: str, millesime: str = "") -> str:
        """A template with the vintage and the region of this context."""
        return fill(gabarit, millesime=millesime, region=self.region)


def remotes(contexte: Context, acces: DatedAccess) -> list[Remote]:
    """Files that a producer holds of a dataset.

    Raises:
        AccesRefuse, AccesImpossible: the producer's list cannot be read, or holds nothing of the dataset.
    """
    connecteur: Callable[[Context, Any], Iterator[Remote]] = _CONNECTORS[acces.mode]
    return list(connecteur(contexte, acces))


def _http(contexte: Context, acces: HttpAccess) -> Iterator[Remote]:
    for millesime in acces.millesimes:
        for place, fichier in enumerate(acces.fichiers):
            url = contexte.fill(fichier.adresse, millesime)
            nom = contexte.fill(fichier.nom, millesime) or file_name(url)
            prendre = partial(_get, contexte.client, url)
            yield Remote(millesime, nom, place, mask(url), "", fichier.obligatoire, prendre)


def _get(client: HttpClient, url: str, destination: Path, connu: ReceivedFile | None) -> Fetched:
    return client.fetch(url, destination, validateurs=_validators(connu))


def _datagouv(contexte: Context, acces: DataGouvAccess) -> Iterator[Remote]:
    ressources = dataset(contexte.client, acces.base, acces.slug).ressources
    for place, fichier in enumerate(acces.fichiers):
        for millesime in acces.millesimes:
            titre = contexte.fill(fichier.titre, re.escape(millesime))
            try:
                ressource = pick(ressources, titre, fichier.formats)
            except AccesRefuse as erreur:
                yield _missing(millesime, place, erreur, obligatoire=fichier.obligatoire)
            else:
                yield _resource(contexte, acces, place, millesime, ressource)
        if acces.extrait:
            yield from _dated_resources(contexte, acces, place, fichier, ressources, acces.extrait)


def _dated_resources(
    contexte: Context,
    acces: DataGouvAccess,
    place: int,
    fichier: DataGouvFile,
    ressources: Sequence[Resource],
    extrait: Extraction,
) -> Iterator[Remote]:
    retenues = matching(ressources, fichier.titre, fichier.formats)
    if not retenues and fichier.obligatoire:
        raise not_one(ressources, retenues, fichier.titre, fichier.formats)
    for ressource in retenues:
        textes = {"nom": file_name(ressource.url), "titre": ressource.titre, "date": ressource.last_modified}
        millesime = extrait.vintage(textes[extrait.dans])
        if extrait.wants(millesime):
            yield _resource(contexte, acces, place, millesime, ressource)


def _resource(
    contexte: Context, acces: DataGouvAccess, place: int, millesime: str, ressource: Resource
) -> Remote:
    fichier = acces.fichiers[place]

    def prendre(destination: Path, connu: ReceivedFile | None) -> Fetched:
        deja = Held(connu.marque, _validators(connu)) if connu else None
        return fetch_resource(contexte.client, acces.base, ressource, destination, deja=deja)

    return Remote(
        millesime,
        contexte.fill(fichier.nom, millesime) or file_name(ressource.url),
        place,
        stable_link(acces.base, ressource),
        # A link elsewhere may change behind a record that does not move.
        "" if ressource.type_fichier == "remote" else ressource.last_modified,
        fichier.obligatoire,
        prendre,
    )


def _opendatasoft(contexte: Context, acces: OpendatasoftAccess) -> Iterator[Remote]:
    portail = Opendatasoft(contexte.client, acces.base)
    jeu_id = portail.resolve(acces.jeu)
    etat = portail.describe(jeu_id).etat
    marque = f"{etat.modified} {etat.data_processed}".strip()
    millesimes = acces.millesimes
    if acces.extrait:
        toutes = Query() if MILLESIME in acces.where else Query(where=_where(contexte, acces, ""))
        dernier = acces.extrait.vintage(portail.latest(jeu_id, acces.extrait.colonne, toutes))
        millesimes = (dernier,) if acces.extrait.wants(dernier) else ()
    for millesime in millesimes:
        requete = Query(select=acces.select, where=_where(contexte, acces, millesime))
        url = portail.export_url(jeu_id, acces.format, requete)

        def prendre(
            destination: Path, connu: ReceivedFile | None, requete: Query = requete, url: str = url
        ) -> Fetched:
            if connu and marque and connu.marque == marque:
                return _not_asked(url, connu)
            return portail.export(jeu_id, destination, format_=acces.format, requete=requete)

        yield Remote(millesime, contexte.fill(acces.nom, millesime), 0, url, marque, True, prendre)


def _where(contexte: Context, acces: OpendatasoftAccess, millesime: str) -> str:
    if REGION in acces.where and contexte.region == WHOLE_COUNTRY:
        return ""
    return contexte.fill(acces.where, millesime)


def _insee_page(contexte: Context, acces: InseePageAccess) -> Iterator[Remote]:
    if acces.extrait:
        motifs = [fichier.cherche for fichier in acces.fichiers]
        liens = find_files(contexte.client, acces.page, motifs, motif_page=acces.suivre)
        for place, motif in enumerate(motifs):
            for lien in _links_of(liens, motif):
                millesime = acces.extrait.vintage(lien.nom)
                if acces.extrait.wants(millesime):
                    yield _linked(contexte, acces, place, millesime, lien)
        return
    attendus = [
        (millesime, place, contexte.fill(fichier.cherche, re.escape(millesime)))
        for millesime in acces.millesimes
        for place, fichier in enumerate(acces.fichiers)
    ]
    liens = find_files(
        contexte.client, acces.page, [motif for *_, motif in attendus], motif_page=acces.suivre
    )
    for millesime, place, motif in attendus:
        trouves = _links_of(liens, motif)
        if not trouves:
            erreur = not_found(acces.page, motif, liens)
            yield _missing(millesime, place, erreur, obligatoire=acces.fichiers[place].obligatoire)
        for lien in trouves:
            yield _linked(contexte, acces, place, millesime, lien)


def _links_of(liens: Sequence[FileLink], motif: str) -> list[FileLink]:
    return [lien for lien in liens if re.fullmatch(motif, lien.nom, re.IGNORECASE)]


def _linked(contexte: Context, acces: InseePageAccess, place: int, millesime: str, lien: FileLink) -> Remote:
    fichier = acces.fichiers[place]

    def prendre(destination: Path, connu: ReceivedFile | None) -> Fetched:
        return fetch_file(contexte.client, lien, destination, validateurs=_validators(connu))

    nom = contexte.fill(fichier.nom, millesime) or lien.nom
    return Remote(millesime, nom, place, lien.url, "", fichier.obligatoire, prendre)


def _melodi(contexte: Context, acces: MelodiAccess) -> Iterator[Remote]:
    def write(destination: Path, millesime: str) -> WrittenCsv:
        filtres = [(nom, contexte.fill(valeur, millesime)) for nom, valeur in acces.filtres]
        return melodi_csv(contexte.client, acces.base, acces.jeu, destination, filtres=filtres)

    yield from _written(contexte, acces, write)


def _bdm(contexte: Context, acces: BdmAccess) -> Iterator[Remote]:
    def write(destination: Path, millesime: str) -> WrittenCsv:
        parametres = [(nom, contexte.fill(valeur, millesime)) for nom, valeur in acces.parametres]
        return bdm_csv(
            contexte.client, acces.base, acces.jeu, destination, cle=acces.cle, parametres=parametres
        )

    yield from _written(contexte, acces, write)


def _written(
    contexte: Context, acces: MelodiAccess | BdmAccess, write: Callable[[Path, str], WrittenCsv]
) -> Iterator[Remote]:
    """Files that we write from the replies of an API: it gives no validator, only bytes to compare."""
    url = f"{acces.base.rstrip('/')}/data/{acces.jeu}"
    if acces.extrait is None:
        for millesime in acces.millesimes:

            def prendre(destination: Path, _: ReceivedFile | None, millesime: str = millesime) -> Fetched:
                return _from_rows(write(destination, millesime), url)

            nom = contexte.fill(acces.nom, millesime)
            yield Remote(millesime, nom, 0, url, "", True, prendre)
        return
    ecrit = write(contexte.atelier / "reponse.csv", "")
    dernier = acces.extrait.vintage(_largest(ecrit.chemin, acces.extrait.colonne, url))
    if acces.extrait.wants(dernier):

        def deplacer(destination: Path, _: ReceivedFile | None) -> Fetched:
            return _from_rows(ecrit, url, ecrit.chemin.rename(destination))

        yield Remote(dernier, contexte.fill(acces.nom, dernier), 0, url, "", True, deplacer)


def _largest(chemin: Path, colonne: str, url: str) -> str:
    with chemin.open(encoding="utf-8", newline="") as flux:
        lecteur = csv.DictReader(flux, delimiter=";")
        if colonne not in (lecteur.fieldnames or ()):
            raise AccesRefuse(
                url,
                f"pas de colonne {colonne} dans la réponse ; lues : {', '.join(lecteur.fieldnames or ())}",
                action="corriger dans le catalogue la colonne où lire le millésime",
            )
        return max(ligne[colonne] for ligne in lecteur)


def _from_rows(ecrit: WrittenCsv, url: str, chemin: Path | None = None) -> Fetched:
    return Fetched(
        statut="nouveau",
        chemin=chemin or ecrit.chemin,
        octets=ecrit.octets,
        empreinte_sha256=ecrit.empreinte_sha256,
        etag="",
        last_modified="",
        url_finale=url,
        content_type="text/csv",
        tentatives=1,
    )


def _not_asked(url: str, connu: ReceivedFile) -> Fetched:
    """The producer's catalogue says that the version we hold is the present one."""
    return Fetched(
        statut="non_modifie",
        chemin=None,
        octets=0,
        empreinte_sha256="",
        etag=connu.etag,
        last_modified=connu.last_modified,
        url_finale=url,
        content_type="",
        tentatives=0,
    )


def _validators(connu: ReceivedFile | None) -> Validators:
    return Validators(connu.etag, connu.last_modified) if connu else Validators()


def _missing(millesime: str, place: int, erreur: ErreurAcces, *, obligatoire: bool) -> Remote:
    """A file that the producer's list does not hold."""

    def prendre(destination: Path, connu: ReceivedFile | None) -> NoReturn:
        raise erreur

    return Remote(millesime, "", place, "", "", obligatoire, prendre)


_CONNECTORS: dict[str, Callable[[Context, Any], Iterator[Remote]]] = {
    "http": _http,
    "datagouv": _datagouv,
    "opendatasoft": _opendatasoft,
    "insee_page": _insee_page,
    "melodi": _melodi,
    "bdm": _bdm,
}
