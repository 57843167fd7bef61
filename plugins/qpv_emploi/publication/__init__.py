"""From an audited candidate to the files of a release."""

from qpv_emploi.publication.export import published_relations, write_release_files

__all__ = ["published_relations", "write_release_files"]
