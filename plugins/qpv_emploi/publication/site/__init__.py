"""The site of a release: static pages in French, read without a server, without JavaScript, offline.

To add a kind of page:

1. ``pages/<kind>.py`` with ``plan(context) -> Sequence[str]``, the paths of its pages
   (``"sources/index.html"``), and ``render(context, paths) -> Iterable[Page]``, which renders those of
   ``paths`` only: pages are shared between processes. Each module is found; nothing else to declare.
2. Constants of the module: ``TABLES = ("dim_jeu_source",)``, relations without which it has no page, and
   ``MENU = ("Sources", 60)``, label and place of the entry of the menu, which leads to the first path of the
   plan; both may be left out.
3. ``gabarits/<kind>.html.j2`` starts with ``{% extends "base.html.j2" %}`` and
   ``{% import "composants.html.j2" as c with context %}``; render it with
   ``context.page(path, template, titre=…, …)``. Query with ``context.rows(sql, …)`` (rows as mappings), a few
   queries for all paths rather than one per page.
4. Link with ``{{ c.lien(chemins.qpv(code), texte) }}``: plain text when that page is not planned. Paths of
   the pages of others are in :mod:`chemins`. Filters (``nombre``, ``valeur``, ``ecart``, ``jour``…) are in
   :mod:`formats`. Components: ``c.tableau``, ``c.statut``, ``c.trace``, ``c.figure`` (see the template).
5. No ``style=`` nor ``on…=`` attribute and no ``|safe``: the policy of content refuses them, and a test too.
"""

from qpv_emploi.publication.site.construction import SiteReport, build_site

__all__ = ["SiteReport", "build_site"]
