"""One module per kind of page: see :mod:`qpv_emploi.publication.site`."""
