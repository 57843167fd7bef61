"""What we fetch and how we read it: YAML per producer, validated."""

from qpv_emploi.catalogue.correction import Correction
from qpv_emploi.catalogue.loading import (
    SCHEMA,
    BronzeTable,
    Catalogue,
    TableCorrection,
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
    "Correction",
    "Dataset",
    "FileSpec",
    "Producer",
    "Reading",
    "SourceVariable",
    "Table",
    "TableCorrection",
    "bronze_name",
    "json_schema",
    "load_catalogue",
    "load_producer",
]
