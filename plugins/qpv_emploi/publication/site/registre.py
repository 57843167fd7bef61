"""The kinds of pages: every module of :mod:`qpv_emploi.publication.site.pages`."""

from __future__ import annotations

import importlib
import pkgutil

from qpv_emploi.publication.site import pages
from qpv_emploi.publication.site.modele import Kind


def kinds() -> tuple[Kind, ...]:
    """The kinds of pages, sorted by the name of their module."""
    found = []
    for info in sorted(pkgutil.iter_modules(pages.__path__), key=lambda module: module.name):
        module = importlib.import_module(f"{pages.__name__}.{info.name}")
        menu, tables = getattr(module, "MENU", None), getattr(module, "TABLES", ())
        found.append(Kind(info.name, menu, tables, module.plan, module.render))
    return tuple(found)
