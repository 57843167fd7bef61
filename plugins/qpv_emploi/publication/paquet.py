"""Machine descriptions of a publication: Data Package (Frictionless) and DCAT-AP-FR."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qpv_emploi.publication.contexte import PUBLISHER, Context
from qpv_emploi.publication.empreintes import FileFact
from qpv_emploi.publication.version import BANNER, FICTIONAL, Column, Relation

_TYPES = {
    "VARCHAR": "string",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "datetime",
    "DOUBLE": "number",
    "FLOAT": "number",
    "INTEGER": "integer",
    "BIGINT": "integer",
    "HUGEINT": "integer",
    "SMALLINT": "integer",
}
_LICENCES = "versions_des_sources.csv"
_KEYWORDS = ("emploi", "quartier prioritaire de la politique de la ville", "QPV", "contrat de ville")


def slug(text: str) -> str:
    """A name that a Data Package accepts: lower case letters, digits, dots, dashes and underscores."""
    return re.sub(r"[^a-z0-9._/-]+", "-", text.lower()).strip("-")


def data_package(context: Context, files: Mapping[str, FileFact]) -> dict[str, Any]:
    """The content of ``datapackage.json``: one tabular resource per machine CSV.

    Args:
        files: relative path -> size and digest of each file written so far.
    """
    release = context.release
    inside = {relation.nom: relation for relation in context.relations if f"csv/{relation.nom}.csv" in files}
    return {
        "profile": "tabular-data-package",
        "name": slug(f"emploi-qpv-{release.region}"),
        "id": release.identifiant,
        "title": context.titre,
        "description": (f"{BANNER}. " if release.est_fictif else "")
        + "Étoile et vues d'évaluation : une ligne par énoncé, chaque chiffre avec son statut et sa source.",
        "version": release.identifiant,
        "created": release.publie_le,
        FICTIONAL: release.est_fictif,
        "keywords": list(_KEYWORDS),
        "contributors": [{"title": PUBLISHER, "role": "publisher"}],
        "licenses": [{"path": _LICENCES, "title": "Celle de chaque source, colonne « licence »"}],
        "sources": _package_sources(context),
        "resources": [_resource(relation, files, inside) for relation in inside.values()],
    }


def _package_sources(context: Context) -> list[dict[str, str]]:
    return [
        {
            "title": f"{source['titre']} ({source['producteur']}/{source['jeu']}, {source['millesime']})",
            **({"path": source["page"]} if source["page"] else {}),
            "licence": source["licence"],
        }
        for source in context.sources
    ]


def _resource(
    relation: Relation, files: Mapping[str, FileFact], inside: Mapping[str, Relation]
) -> dict[str, Any]:
    path = f"csv/{relation.nom}.csv"
    return {
        "name": relation.nom,
        "path": path,
        "profile": "tabular-data-resource",
        "title": relation.nom,
        "description": f"{relation.description} Une ligne : {relation.grain}.",
        "scheme": "file",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": files[path].octets,
        "hash": f"sha256:{files[path].sha256}",
        "dialect": {"delimiter": ",", "lineTerminator": "\n", "quoteChar": '"', "doubleQuote": True},
        "schema": _schema(relation, inside),
    }


def _schema(relation: Relation, inside: Mapping[str, Relation]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "fields": [_field(column) for column in relation.colonnes],
        "missingValues": [""],
    }
    required = {column.nom for column in relation.colonnes if column.est_obligatoire}
    # A key of which a part may be null is a key of ours, not one of Table Schema.
    if relation.cle and required.issuperset(relation.cle):
        schema["primaryKey"] = list(relation.cle)
    references = [
        {
            "fields": [column.nom],
            "reference": {
                "resource": "" if column.reference[0] == relation.nom else column.reference[0],
                "fields": [column.reference[1]],
            },
        }
        for column in relation.colonnes
        if column.reference and _refers(column.reference, inside)
    ]
    if references:
        schema["foreignKeys"] = references
    return schema


def _refers(reference: tuple[str, str], inside: Mapping[str, Relation]) -> bool:
    return reference[0] in inside and inside[reference[0]].column(reference[1]) is not None


def _field(column: Column) -> dict[str, Any]:
    kind = "number" if column.type.startswith("DECIMAL") else _TYPES.get(column.type, "string")
    constraints: dict[str, Any] = {}
    if column.est_obligatoire:
        constraints["required"] = True
    if column.valeurs and kind == "string":
        constraints["enum"] = list(column.valeurs)
    return {
        "name": column.nom,
        "type": kind,
        "description": column.description,
        **({"trueValues": ["true"], "falseValues": ["false"]} if kind == "boolean" else {}),
        **({"constraints": constraints} if constraints else {}),
    }


# Folder or file -> what a catalogue is told of it: title, media type, IANA or EU file type.
_FORMATS = {
    "parquet": ("Parquet", "application/vnd.apache.parquet", "PARQUET"),
    "csv": ("CSV pour les machines (virgule, point)", "text/csv", "CSV"),
    "csv_excel": ("CSV pour un tableur français (point-virgule, virgule)", "text/csv", "CSV"),
    "xlsx": ("Classeur", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "XLSX"),
    "geojson": ("Périmètres en GeoJSON", "application/geo+json", "GEOJSON"),
    "geoparquet": ("Périmètres en GeoParquet", "application/vnd.apache.parquet", "PARQUET"),
    "duckdb": ("Base DuckDB", "application/octet-stream", "BIN"),
}
_AUTHORITY = "http://publications.europa.eu/resource/authority"


def dcat_catalogue(
    context: Context, files: Mapping[str, FileFact], *, period: tuple[str, str] | None, address: str = ""
) -> dict[str, Any]:
    """The content of ``dcat.jsonld``: a catalogue of one dataset with its distributions (DCAT-AP-FR).

    Args:
        files: relative path -> size and digest of each file written so far.
        period: first and last ISO day that the observations speak of, None without any.
        address: public address of the folder, ending with ``/``; without it the addresses are relative.
    """
    release = context.release
    dataset: dict[str, Any] = {
        "@id": f"{address}#jeu",
        "@type": "dcat:Dataset",
        "dct:identifier": f"emploi-qpv-{release.region}",
        "dct:title": _french(context.titre),
        "dct:description": _french(
            (f"{BANNER}. " if release.est_fictif else "")
            + "Indicateurs d'emploi, de précarité et de population des quartiers prioritaires, comparateurs, "
            "cibles et dispositifs, pour l'évaluation des contrats de ville ; chaque chiffre porte son "
            "statut, sa période et sa source."
        ),
        "dct:publisher": {"@type": "foaf:Agent", "foaf:name": _french(PUBLISHER)},
        "dct:issued": {"@value": release.jour, "@type": "xsd:date"},
        "dct:modified": {"@value": release.jour, "@type": "xsd:date"},
        "dct:language": {"@id": f"{_AUTHORITY}/language/FRA"},
        "dcat:theme": [
            {"@id": f"{_AUTHORITY}/data-theme/SOCI"},
            {"@id": f"{_AUTHORITY}/data-theme/REGI"},
        ],
        "dcat:keyword": [_french(word) for word in _KEYWORDS],
        "dct:spatial": _spatial(context),
        "owl:versionInfo": release.identifiant,
        "dct:accessRights": {"@id": f"{_AUTHORITY}/access-right/PUBLIC"},
        "dct:source": [{"@id": page} for page in sorted({s["page"] for s in context.sources if s["page"]})],
        "adms:versionNotes": _french("Ce qui change : comparaison/index.html, s'il y a une version d'avant."),
        "dcat:distribution": [
            _distribution(path, files[path], address)
            for path in sorted(files)
            if _format_of(path) is not None
        ],
    }
    if period:
        dataset["dct:temporal"] = {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": {"@value": period[0], "@type": "xsd:date"},
            "dcat:endDate": {"@value": period[1], "@type": "xsd:date"},
        }
    return {
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
            "spdx": "http://spdx.org/rdf/terms#",
            "adms": "http://www.w3.org/ns/adms#",
            "owl": "http://www.w3.org/2002/07/owl#",
            "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@id": f"{address}#catalogue",
        "@type": "dcat:Catalog",
        "dct:title": _french(f"Catalogue. {context.titre}"),
        "dct:description": _french("Les fichiers d'une version publiée de l'entrepôt."),
        "dct:publisher": {"@type": "foaf:Agent", "foaf:name": _french(PUBLISHER)},
        "dct:language": {"@id": f"{_AUTHORITY}/language/FRA"},
        "dct:issued": {"@value": release.jour, "@type": "xsd:date"},
        "dcat:dataset": [dataset],
    }


def _french(text: str) -> dict[str, str]:
    return {"@value": text, "@language": "fr"}


def _spatial(context: Context) -> dict[str, Any]:
    region = context.release.region
    if context.release.est_fictif:
        return {"@type": "dct:Location", "rdfs:label": _french("région fictive")}
    if region == "france":
        return {"@id": f"{_AUTHORITY}/country/FRA", "@type": "dct:Location"}
    return {
        "@id": f"http://id.insee.fr/geo/region/{region}",
        "@type": "dct:Location",
        "rdfs:label": _french(context.libelle_region),
    }


def _format_of(path: str) -> str | None:
    name = Path(path)
    folder = name.parts[0] if len(name.parts) > 1 else ""
    if folder == "perimetres":
        return {".geojson": "geojson", ".parquet": "geoparquet"}.get(name.suffix)
    if folder in _FORMATS:
        return folder
    return "duckdb" if name.suffix == ".duckdb" else None


def _distribution(path: str, fact: FileFact, address: str) -> dict[str, Any]:
    title, media, kind = _FORMATS[str(_format_of(path))]
    return {
        "@id": f"{address}{path}",
        "@type": "dcat:Distribution",
        "dct:title": _french(f"{Path(path).stem} : {title}"),
        "dcat:accessURL": {"@id": f"{address}{path}"},
        "dcat:downloadURL": {"@id": f"{address}{path}"},
        "dcat:mediaType": {"@id": f"http://www.iana.org/assignments/media-types/{media}"},
        "dct:format": {"@id": f"{_AUTHORITY}/file-type/{kind}"},
        "dcat:byteSize": {"@value": str(fact.octets), "@type": "xsd:nonNegativeInteger"},
        # The whole gathers sources of several licences, which the table of versions names one by one.
        "dct:license": {"@id": f"{address}{_LICENCES}"},
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
            "spdx:checksumValue": {"@value": fact.sha256, "@type": "xsd:hexBinary"},
        },
    }
