"""From an audited candidate to the files of a release."""

from qpv_emploi.publication.export import DATABASE, published_relations, write_release_files

__all__ = ["DATABASE", "published_relations", "write_release_files"]
