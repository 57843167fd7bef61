"""What we fetch and how we read it: YAML per producer, validated."""

from qpv_emploi.catalogue.loading import (
    SCHEMA,
    BronzeTable,
    Catalogue,
    bronze_name,
    json_schema,
    load_catalogue,
    load_producer,
)
from qpv_emploi.catalogue.models import Column, Dataset, FileSpec, Producer, Reading, SourceVariable, Table

__all__ = [
    "SCHEMA",
    "BronzeTable",
    "Catalogue",
    "Column",
    "Dataset",
    "FileSpec",
    "Producer",
    "Reading",
    "SourceVariable",
    "Table",
    "bronze_name",
    "json_schema",
    "load_catalogue",
    "load_producer",
]
