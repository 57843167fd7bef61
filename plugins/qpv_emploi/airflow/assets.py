"""Assets: the names under which datasets and the published warehouse wake the DAGs that depend on them."""

from __future__ import annotations

from airflow.sdk import Asset, AssetAlias

from qpv_emploi.catalogue import Producer, load_producer
from qpv_emploi.settings import load_settings

# The scheme is ours: Airflow never tries to open an address, it only compares it.
SCHEME = "x-qpv"


def _asset(nom: str) -> Asset:
    return Asset(name=nom, uri=f"{SCHEME}://{nom}")


WAREHOUSE_PUBLISHED = _asset("entrepot/publie")

# Under this name one task updates the assets of the folders that changed, and of no other.
DEPOSITS_CHANGED = AssetAlias("depot/change")


def producers() -> tuple[Producer, ...]:
    """Producers of the catalogue, in the order of the files. Reads the YAML files and nothing else.

    Raises:
        SettingsError: naming the file and the faulty key; Airflow shows it as an import error.
    """
    return tuple(load_producer(chemin) for chemin in sorted(load_settings().catalogue_dir.glob("*.yml")))


def deposit_asset(producteur: str) -> Asset:
    """The asset updated when the folder of a producer, in the dépôt, has changed."""
    return _asset(f"depot/{producteur}")


def dataset_asset(producteur: str, jeu: str) -> Asset:
    """The asset that an accepted vintage of a dataset updates."""
    return _asset(f"{producteur}/{jeu}")


def dataset_assets() -> list[Asset]:
    """The assets of all datasets of the catalogue."""
    return [
        dataset_asset(producteur.producteur, jeu.jeu) for producteur in producers() for jeu in producteur.jeux
    ]
