"""From an audited candidate to the files of a release."""

from qpv_emploi.publication.dictionary import DICTIONARY, read_dictionary, write_dictionary
from qpv_emploi.publication.documentation import DOCUMENTATION, write_documentation
from qpv_emploi.publication.export import DATABASE, published_relations, write_release_files

__all__ = [
    "DATABASE",
    "DICTIONARY",
    "DOCUMENTATION",
    "published_relations",
    "read_dictionary",
    "write_dictionary",
    "write_documentation",
    "write_release_files",
]
