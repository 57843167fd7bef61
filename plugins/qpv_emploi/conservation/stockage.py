"""Object storage: what is kept lies below an fsspec URL (``s3://…``), and the data directory is its cache.

Without ``QPV_STOCKAGE`` nothing here is used: files are kept in the data directory, as the other modules of
this package write them. With it, the object storage is the only truth, and every worker keeps local copies
under the same names, each compared with its SHA-256 before it is read.

Only two promises are asked of a storage: an object appears whole or not at all, and of several writers that
create the same name one succeeds and the others are told (``If-None-Match`` on S3). ``probe`` checks the
second one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from qpv_emploi.conservation.empreinte import file_digest
from qpv_emploi.conservation.errors import ConservationError, StorageUnavailable
from qpv_emploi.conservation.fichiers import flush_to_disk, sync_folder, temporary_file
from qpv_emploi.errors import SettingsError
from qpv_emploi.settings import Paths

IDENTITY = "identite.json"
PROBE = ".essai"
_BLOCK_BYTES = 8 << 20
_FOLDER_PROTOCOLS = ("file", "local")

# An unreachable server is said within a minute, not after botocore's own hour of patience.
_PATIENCE: dict[str, dict[str, Any]] = {
    "s3": {"config_kwargs": {"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 2}}}
}
_SECRET = re.compile(r"secret|password|passwd|token|key|credential|connection_string", re.IGNORECASE)


@dataclass(frozen=True)
class ObjectState:
    """An object: its size in bytes, and the ETag of the server, empty where there is none."""

    octets: int
    etag: str


def storage_of(paths: Paths) -> ObjectStorage | None:
    """The object storage of an installation, None when files are kept in the data directory.

    Raises:
        SettingsError: the URL or the options are wrong.
    """
    if not paths.stockage:
        return None
    return _storage(paths.stockage, paths.options_stockage, paths.root)


@cache
def _storage(url: str, options: str, racine: Path) -> ObjectStorage:
    """One per process and address: it remembers the identity of the storage, and no connection."""
    kind = SharedFolder if url.partition("://")[0] in _FOLDER_PROTOCOLS else ObjectStorage
    return kind(url, parse_options(options), racine)


def parse_options(texte: str) -> dict[str, Any]:
    """Options of the storage, from the JSON object of ``QPV_STOCKAGE_OPTIONS``.

    Raises:
        SettingsError: it is not a JSON object. The text is not repeated: it may hold a secret.
    """
    try:
        options = json.loads(texte or "{}")
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise SettingsError(
            "QPV_STOCKAGE_OPTIONS n'est pas un objet JSON ; attendu : par exemple "
            '{"endpoint_url": "https://s3.exemple.fr"} ; à faire : corriger cette variable'
        )
    return options


class ObjectStorage:
    """A folder of an object storage, through fsspec.

    Args:
        url: address of the folder, without credentials.
        options: what fsspec gives to the file system; never shown.
        racine: data directory, where local copies lie.
    """

    def __init__(self, url: str, options: Mapping[str, Any], racine: Path) -> None:
        self.url = url.rstrip("/")
        self._options = options
        self._racine = racine
        self._identity = ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def address(self, nom: str) -> str:
        """The address of an object, to be shown."""
        return f"{self.url}/{nom}"

    def read(self, nom: str) -> bytes | None:
        """The bytes of a small object, none of which is empty; None when there is none.

        Raises:
            StorageUnavailable: the storage does not answer or refuses.
        """
        with self._told(nom):
            try:
                # With a start, the driver of S3 does not ask for the size first.
                return bytes(self._fs().cat_file(self._path(nom), start=0))
            except FileNotFoundError:
                return None

    def create(self, nom: str, contenu: bytes) -> bool:
        """Write a small object that does not exist.

        Returns:
            False when another writer has created it first: its bytes stay.

        Raises:
            StorageUnavailable: the storage does not answer or refuses.
        """
        with self._told(nom):
            try:
                self._fs().pipe_file(self._path(nom), contenu, mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                # S3 answers 409 to writers that meet: nothing of ours was written.
                if "ConditionalRequestConflict" not in repr(error):
                    raise
                return False
            return True

    def replace(self, nom: str, contenu: bytes) -> None:
        """Write a small object, in place of what was there.

        Raises:
            StorageUnavailable: the storage does not answer or refuses.
        """
        with self._told(nom):
            self._fs().pipe_file(self._path(nom), contenu)

    def state(self, nom: str) -> ObjectState | None:
        """Size and ETag of an object, None when there is none.

        Raises:
            StorageUnavailable: the storage does not answer or refuses.
        """
        with self._told(nom):
            try:
                info = self._fs().info(self._path(nom))
            except FileNotFoundError:
                return None
        if info.get("type") == "directory":
            return None
        return ObjectState(int(info["size"]), str(info.get("ETag", "")).strip('"'))

    def digest(self, nom: str) -> str:
        """SHA-256 (hex) of an object, read whole.

        Raises:
            StorageUnavailable: the storage does not answer or refuses, or has no such object.
        """
        condense = hashlib.sha256()
        with self._told(nom), self._fs().open(self._path(nom), "rb", block_size=_BLOCK_BYTES) as flux:
            while bloc := flux.read(_BLOCK_BYTES):
                condense.update(bloc)
        return condense.hexdigest()

    def send(self, chemin: Path, nom: str, empreinte: str, *, replace: bool = False) -> None:
        """Keep a copy of a local file; one that is there already is left as it is.

        What was written is proved: by the ETag where it is the MD5 of the file, else by reading it again.

        Args:
            empreinte: SHA-256 (hex) of the file.
            replace: write over an object that is there.

        Raises:
            ConservationError: what is there, or what was written, is not these bytes.
            StorageUnavailable: the storage does not answer or refuses.
        """
        octets = chemin.stat().st_size
        if not replace and (found := self.state(nom)) is not None:
            if found.octets != octets:
                raise self._altered(nom, f"{octets} octets", f"{found.octets} octets")
            return
        # Another worker may have just sent it: the name tells the bytes.
        with self._told(nom), contextlib.suppress(FileExistsError):
            self._put(chemin, nom, replace)
        self._prove(chemin, nom, empreinte, octets)

    def fetch(self, nom: str, cible: Path, empreinte: str, *, mode: int = 0o644) -> None:
        """Lay a local copy of an object; a reader meets none or the whole one.

        Args:
            empreinte: SHA-256 (hex) that the bytes must give.
            mode: rights of the copy.

        Raises:
            ConservationError: the bytes give another SHA-256; no copy is left.
            StorageUnavailable: the storage does not answer or refuses, or has no such object.
        """
        with temporary_file(cible.parent) as (flux, provisoire):
            condense = hashlib.sha256()
            with self._told(nom), self._fs().open(self._path(nom), "rb", block_size=_BLOCK_BYTES) as source:
                while bloc := source.read(_BLOCK_BYTES):
                    condense.update(bloc)
                    flux.write(bloc)
            flush_to_disk(flux)
            if condense.hexdigest() != empreinte:
                raise self._altered(nom, f"l'empreinte {empreinte}", condense.hexdigest())
            provisoire.chmod(mode)
            provisoire.replace(cible)
        sync_folder(cible.parent)

    def cached(self, nom: str, *, again: bool = False) -> Path | None:
        """A local copy of a small object that never changes, None when there is no such object.

        Copies lie under the identity of the storage: one that was emptied and filled anew is another one.

        Args:
            again: the copy is damaged, ask for it again.

        Raises:
            StorageUnavailable: the storage does not answer or refuses.
        """
        place = self._racine / "cache" / self.identity() / nom
        if place.is_file() and not again:
            return place
        contenu = self.read(nom)
        if contenu is None:
            return None
        with temporary_file(place.parent) as (flux, provisoire):
            flux.write(contenu)
            flux.flush()
            provisoire.replace(place)
        return place

    def identity(self) -> str:
        """Identifier of this storage, drawn by its first user.

        Raises:
            StorageUnavailable: the storage does not answer or refuses.
            ConservationError: the object that holds it is damaged.
        """
        if not self._identity:
            contenu = self.read(IDENTITY)
            if contenu is None:
                drawn = json.dumps({"identifiant": uuid.uuid4().hex}).encode() + b"\n"
                contenu = drawn if self.create(IDENTITY, drawn) else self.read(IDENTITY)
            found = re.fullmatch(rb'\{"identifiant": "([0-9a-f]{32})"\}\n', contenu or b"")
            if found is None:
                raise ConservationError(
                    f"{self.address(IDENTITY)} : objet illisible ; attendu : l'identifiant que l'outil y a "
                    "écrit ; à faire : le restaurer depuis une sauvegarde"
                )
            self._identity = found[1].decode()
        return self._identity

    def probe(self) -> None:
        """Check that we may write, and that the storage never lets two writers create one name.

        Raises:
            StorageUnavailable: it does not answer or refuses.
            ConservationError: it lets a second writer overwrite the first.
        """
        self.identity()
        self.create(PROBE, b"essai de QPV_STOCKAGE\n")
        if self.create(PROBE, b"second essai\n"):
            raise ConservationError(
                f"{self.url} : ce stockage laisse écrire deux fois sous un même nom ; attendu : les "
                "écritures conditionnelles (If-None-Match), sans lesquelles deux workers s'effaceraient des "
                "lignes ; à faire : mettre ce serveur à jour, ou en prendre un autre"
            )

    def _fs(self) -> Any:
        try:
            import fsspec
        except ImportError as error:
            raise SettingsError("QPV_STOCKAGE demande le paquet fsspec ; à faire : make setup") from error
        protocol = self.url.partition("://")[0]
        # fsspec keeps one instance per process, so that a forked worker never inherits a connection.
        options = {"use_listings_cache": False, **_PATIENCE.get(protocol, {}), **self._options}
        try:
            return fsspec.filesystem(protocol, **options)
        except (ImportError, ValueError) as error:
            raise SettingsError(
                f"QPV_STOCKAGE = « {self.url} » : protocole sans pilote ({self._masked(error)}) ; attendu : "
                "s3://, ou un protocole de fsspec dont le paquet est installé ; à faire : pour s3, installer "
                "les dépendances « serveur »"
            ) from error

    def _path(self, nom: str) -> str:
        return f"{self.url.partition('://')[2]}/{nom}"

    def _put(self, chemin: Path, nom: str, replace: bool) -> None:
        mode = {} if replace else {"mode": "create"}
        self._fs().put_file(str(chemin), self._path(nom), **mode)

    def _prove(self, chemin: Path, nom: str, empreinte: str, octets: int) -> None:
        found = self.state(nom)
        if found is None or found.octets != octets:
            trouve = f"{found.octets} octets" if found else "aucun objet"
            raise self._altered(nom, f"{octets} octets", trouve)
        if found.etag:
            with chemin.open("rb") as flux:
                md5 = hashlib.file_digest(flux, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            if md5 == found.etag:
                return
        if (constatee := self.digest(nom)) != empreinte:
            raise self._altered(nom, f"l'empreinte {empreinte}", constatee)

    def _altered(self, nom: str, attendu: str, trouve: str) -> ConservationError:
        return ConservationError(
            f"{self.address(nom)} : objet altéré ; attendu : {attendu}, trouvé : {trouve} ; à faire : le "
            "restaurer depuis une sauvegarde, ou l'écarter et reprendre l'ingestion"
        )

    @contextmanager
    def _told(self, nom: str) -> Iterator[None]:
        """Say on one line what the storage answers. FileExistsError and FileNotFoundError pass to the caller
        who expects them inside."""
        try:
            yield
        except (ConservationError, SettingsError):
            raise
        except PermissionError as error:
            raise StorageUnavailable(
                f"{self.address(nom)} : accès refusé par le stockage ({self._masked(error)}) ; à faire : "
                "vérifier les identifiants (variables AWS_… ou QPV_STOCKAGE_OPTIONS) et leurs droits de "
                "lire, lister et écrire"
            ) from error
        except FileNotFoundError as error:
            raise StorageUnavailable(
                f"{self.address(nom)} : objet ou seau introuvable ({self._masked(error)}) ; à faire : "
                "vérifier QPV_STOCKAGE, créer le seau, ou restaurer l'objet depuis une sauvegarde"
            ) from error
        # Each driver has its own errors (botocore's are no OSError): all mean the same here.
        except Exception as error:
            raise StorageUnavailable(
                f"{self.address(nom)} : stockage injoignable ou en panne ({self._masked(error)}) ; à faire : "
                "vérifier que le serveur répond à l'adresse donnée, puis relancer"
            ) from error

    def _masked(self, error: Exception) -> str:
        texte = " ".join(f"{type(error).__name__} : {error}".split())
        for secret in sorted(_secrets(self._options), key=len, reverse=True):
            texte = texte.replace(secret, "***")
        return texte


class SharedFolder(ObjectStorage):
    """A folder that several machines mount: the same layout, written aside and named at the end."""

    def create(self, nom: str, contenu: bytes) -> bool:
        """Write a small object that does not exist; see ``ObjectStorage``."""
        with self._told(nom):
            return self._name(nom, contenu, replace=False)

    def replace(self, nom: str, contenu: bytes) -> None:
        """Write a small object, in place of what was there; see ``ObjectStorage``."""
        with self._told(nom):
            self._name(nom, contenu, replace=True)

    def _put(self, chemin: Path, nom: str, replace: bool) -> None:
        if not self._name(nom, chemin, replace=replace):
            raise FileExistsError(nom)

    def _name(self, nom: str, contenu: bytes | Path, *, replace: bool) -> bool:
        cible = Path(self._path(nom))
        with temporary_file(cible.parent) as (flux, provisoire):
            if isinstance(contenu, bytes):
                flux.write(contenu)
            else:
                with contenu.open("rb") as source:
                    shutil.copyfileobj(source, flux, _BLOCK_BYTES)
            flush_to_disk(flux)
            if replace:
                provisoire.replace(cible)
            else:
                try:
                    # A link is refused where the name exists: a rename would overwrite it.
                    os.link(provisoire, cible)
                except FileExistsError:
                    return False
        sync_folder(cible.parent)
        return True


def _secrets(valeur: object, est_secret: bool = False) -> Iterator[str]:
    """Texts of the options that must not be shown."""
    if isinstance(valeur, Mapping):
        for nom, contenu in valeur.items():
            yield from _secrets(contenu, est_secret or _SECRET.search(str(nom)) is not None)
    elif isinstance(valeur, list):
        for contenu in valeur:
            yield from _secrets(contenu, est_secret)
    elif est_secret and isinstance(valeur, str) and len(valeur) > 2:
        yield valeur


def up_to_date_copy(chemin: Path, empreinte: str) -> bool:
    """Whether a local copy is there and gives this SHA-256."""
    with contextlib.suppress(FileNotFoundError):
        return file_digest(chemin) == empreinte
    return False
