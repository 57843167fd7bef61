"""Where things are: settings read from the environment, and the layout of the data directory.

Everything the pipeline writes lies below one directory (``QPV_DATA_DIR``), a copy of what the object storage
keeps when there is one (``QPV_STOCKAGE``); everything it reads that is not code lies below the project
(``QPV_PROJECT_DIR``) or the dépôt (``QPV_DEPOT``).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from qpv_emploi.errors import SettingsError

FICTIONAL_REGION = "99"
WHOLE_COUNTRY = "france"

_CREDENTIALS = re.compile(r"//[^/]*@")


class Settings(BaseSettings):
    """Settings of one installation. Environment variables are prefixed with ``QPV_``.

    Attributes:
        data_dir: root of everything the pipeline writes.
        depot: folder ``<producteur>/<jeu>/<millesime>/<file>`` filled by hand.
        region: INSEE region code (text, ``32``), or ``france`` for the whole country.
        project_dir: folder that holds ``dbt_project/`` and ``expectations/``.
        catalogue_dir: folder of the YAML files of the catalogue; by default those of this package.
        versions_gardees: releases that retention keeps besides the current one and those held by hand.
        en_ligne: ask the producers over the network. Off, only files already here are read.
        contact: address or page a webmaster may write to, sent with each request (ASCII).
        pools_par_hote: one Airflow pool per host, which must exist, for the tasks that ask producers.
        postgres: connection string of the PostgreSQL database that serves the releases; empty: none. Never
            shown: it may hold a password.
        postgres_schema: name of the schema that serves them.
        moteur: engine that builds the warehouse: ``duckdb``, in a file, or ``postgres``, on a server.
        moteur_dsn: connection string of the database where the engine ``postgres`` works. Never shown.
        autoriser_http_local: accept plain HTTP for 127.0.0.1 and localhost (tests, local mirror).
        connexion_smtp, connexion_webhook: names of the connections of Airflow that carry notifications.
        stockage: fsspec URL (``s3://bucket/prefix``) of what is kept; empty, the data directory keeps it.
        stockage_options: JSON object of options for the driver of this URL; may hold secrets.
    """

    model_config = SettingsConfigDict(env_prefix="QPV_", extra="ignore", hide_input_in_errors=True)

    data_dir: Path = Path("data")
    depot: Path = Path("depot")
    region: str = Field(default="32", pattern=r"^(\d{2}|france)$")
    project_dir: Path = Path(__file__).resolve().parents[2]
    catalogue_dir: Path = Path(__file__).resolve().parent / "catalogue"
    versions_gardees: int = Field(default=12, ge=1)
    en_ligne: bool = False
    contact: str = Field(default="", pattern=r"^[ -~]*$")
    pools_par_hote: bool = False
    postgres: SecretStr = SecretStr("")
    postgres_schema: str = "qpv"
    moteur: Literal["duckdb", "postgres"] = "duckdb"
    moteur_dsn: SecretStr = SecretStr("")
    autoriser_http_local: bool = False
    connexion_smtp: str = "qpv_smtp"
    connexion_webhook: str = "qpv_webhook"
    # No « @ »: an address that holds credentials would be shown with them.
    stockage: str = Field(default="", pattern=r"^([a-z][a-z0-9+.-]*://[^\s?#@]+)?$")
    stockage_options: SecretStr = SecretStr("")

    @property
    def paths(self) -> Paths:
        return Paths(self.data_dir.resolve(), self.stockage, self.stockage_options.get_secret_value())

    @property
    def dbt_dir(self) -> Path:
        return self.project_dir / "dbt_project"

    @property
    def expectations_dir(self) -> Path:
        return self.project_dir / "expectations"

    @property
    def is_fictional(self) -> bool:
        return self.region == FICTIONAL_REGION


def load_settings(
    *,
    data_dir: Path | None = None,
    depot: Path | None = None,
    region: str | None = None,
    en_ligne: bool | None = None,
    moteur: str | None = None,
) -> Settings:
    """Settings of the environment, with those given here in their place.

    Raises:
        SettingsError: naming each setting that is wrong and its value.
    """
    given = {
        "data_dir": data_dir,
        "depot": depot,
        "region": region,
        "en_ligne": en_ligne,
        "moteur": moteur,
    }
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        faults = ", ".join(
            f"QPV_{str(f['loc'][0]).upper()} = « {_CREDENTIALS.sub('//***@', str(f['input']))} »"
            for f in error.errors()
        )
        raise SettingsError(
            f"réglage refusé : {faults} ; attendu : pour la région, un code de deux chiffres (32, 11…) ou "
            "« france » ; pour QPV_VERSIONS_GARDEES, un entier d'au moins 1 ; pour QPV_MOTEUR, duckdb ou "
            "postgres ; pour un oui ou un non, 1 ou 0 ; pour QPV_CONTACT, de "
            "l'ASCII ; pour QPV_STOCKAGE, une adresse sans identifiants (s3://seau/dossier) ; pour le reste, "
            "des chemins"
        ) from error


class Paths:
    """Layout of the data directory. Only names: no folder is created here.

    Args:
        root: the data directory.
        stockage: URL of the object storage that keeps the files, empty for the data directory.
        options_stockage: JSON object of its options, never to be shown.
    """

    def __init__(self, root: Path, stockage: str = "", options_stockage: str = "") -> None:
        self.root = root
        self.stockage = stockage
        self.options_stockage = options_stockage
        # Immutable copies of received files, named by their SHA-256, and the manifest of receptions.
        self.brut = root / "brut"
        self.manifeste = root / "brut" / "manifeste.jsonl"
        # Append-only ledger of outcomes: one line per dataset x vintage and attempt.
        self.journal = root / "journal.jsonl"
        # dataset x vintage -> SHA-256: the only input of a build.
        self.verrou = root / "verrou.json"
        # Files fetched from the producers, laid out like the dépôt, and what the producers said of them.
        self.recu = root / "recu"
        self.etat_recu = root / "recu" / ".etat.json"
        self.bronze = root / "bronze"
        self.quarantaine = root / "quarantaine"
        # Private work databases; nothing here is ever read by a consumer.
        self.travail = root / "travail"
        self.publie = root / "publie"
        self.versions = root / "publie" / "versions"
        self.courant = root / "publie" / "courant"
        # What people take away from a release, and a link to the one that readers see.
        self.publications = root / "publications"
