"""What every page needs: the release, its database, its labels, the templates and the links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import duckdb
import jinja2
from markupsafe import Markup

from qpv_emploi.publication.contexte import TITLE, Status
from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.formats import FILTERS
from qpv_emploi.publication.site.modele import Page, SearchEntry
from qpv_emploi.publication.version import BANNER, SourceRelease, read_release

Row = dict[str, Any]

TITRE = "Emploi dans les quartiers prioritaires"


@dataclass
class SiteContext:
    """The release as the pages read it. One per process: the connection is not shared.

    Attributes:
        release: the release.
        connection: its database, read-only.
        plan: paths of all pages of the site.
        menu: (label, path) of the entries of the menu, in order.
        fichiers: where the files of the same publication lie beside the site (``../fichiers/``), empty when
            they are not there.
        comparaison: folder of the comparison with the previous release, None without any.
    """

    release: SourceRelease
    connection: duckdb.DuckDBPyConnection
    plan: frozenset[str] = frozenset()
    menu: tuple[tuple[str, str], ...] = ()
    fichiers: str = ""
    comparaison: Path | None = None
    _caches: dict[str, dict[Any, Any]] = field(default_factory=dict, repr=False)

    def cache(self, name: str) -> dict[Any, Any]:
        """Something read once for all the pages of a process."""
        return self._caches.setdefault(name, {})

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        """The rows of a query, as mappings. Give it an ``order by``: a page is the same each time."""
        cursor = self.connection.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def value(self, sql: str, *parameters: object) -> Any:
        """The only value of a query, None without a row."""
        rows = self.connection.execute(sql, list(parameters)).fetchall()
        return rows[0][0] if rows else None

    @cached_property
    def relations(self) -> frozenset[str]:
        """Names of the tables and views that the release holds; those of ``audit`` begin with ``audit.``."""
        return frozenset(
            row["table_name"]
            if row["table_schema"] == "main"
            else f"{row['table_schema']}.{row['table_name']}"
            for row in self.rows("select table_schema, table_name from information_schema.tables")
        )

    @cached_property
    def libelle_region(self) -> str:
        """Name of the region of the release."""
        if self.release.region == "france":
            return "France"
        if "dim_territoire" not in self.relations:
            return f"région {self.release.region}"
        name = self.value(
            "select libelle_territoire from dim_territoire where type_territoire = 'region' "
            "and code_territoire = ? order by cle_territoire desc limit 1",
            self.release.region,
        )
        return str(name) if name else f"région {self.release.region}"

    @cached_property
    def statuts(self) -> Mapping[str, Status]:
        """The statuses of a value, by code, the least severe first."""
        if "dim_statut" not in self.relations:
            return {}
        return {
            row["code_statut"]: Status(
                row["code_statut"],
                row["libelle_statut"],
                row["definition"] or "",
                row["compte_comme_manquant"] != "non",
            )
            for row in self.rows(
                "select code_statut, libelle_statut, definition, compte_comme_manquant from dim_statut "
                "order by coalesce(rang_gravite, 99), code_statut"
            )
        }

    @cached_property
    def indicateurs(self) -> Mapping[str, Row]:
        """The indicators in force, by code."""
        return {
            row["code_indicateur"]: row
            for row in self.rows(
                "select code_indicateur, libelle_indicateur, definition, numerateur, denominateur, unite, "
                "sens_souhaite, additif, famille, champ, est_derive from dim_indicateur "
                "order by code_indicateur, version"
            )
        }

    def indicateur(self, code: str | None) -> str:
        """Label of an indicator, its code when it has none."""
        row = self.indicateurs.get(code or "")
        return str(row["libelle_indicateur"]) if row else code or ""

    @cached_property
    def comparateurs(self) -> Mapping[str, str]:
        """Labels of the zones of comparison, by code."""
        if "dim_comparateur" not in self.relations:
            return {}
        rows = self.rows(
            "select code_comparateur, libelle_comparateur from dim_comparateur order by code_comparateur"
        )
        return {row["code_comparateur"]: row["libelle_comparateur"] for row in rows}

    def comparateur(self, code: str | None) -> str:
        """Label of a zone of comparison, its code when it has none."""
        return self.comparateurs.get(code or "", code or "")

    def is_planned(self, chemin: str) -> bool:
        """There is such a page, and such a dataset on the page of the sources."""
        page, _, anchor = chemin.partition("#")
        return page in self.plan and (page != chemins.SOURCES or not anchor or anchor in self._sources)

    @cached_property
    def _sources(self) -> frozenset[str]:
        return frozenset(
            chemins.ancre(row["cle_jeu_source"])
            for row in self.rows("select cle_jeu_source from dim_jeu_source")
        )

    @cached_property
    def environment(self) -> jinja2.Environment:
        """The templates. Every text of the data is escaped."""
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("qpv_emploi.publication.site", "gabarits"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters.update(FILTERS)
        environment.globals.update(
            titre_site=TITRE,
            titre_long=TITLE,
            region=self.libelle_region,
            version=self.release,
            banniere=BANNER if self.release.est_fictif else "",
            menu=self.menu,
            fichiers=self.fichiers,
            statuts=self.statuts,
            chemins=chemins,
            libelle_indicateur=self.indicateur,
            libelle_comparateur=self.comparateur,
        )
        return environment

    def page(
        self,
        chemin: str,
        gabarit: str,
        *,
        titre: str,
        fil: Iterable[tuple[str, str]] = (),
        recherche: Iterable[SearchEntry] = (),
        **values: Any,
    ) -> Page:
        """Render a page.

        Args:
            chemin: its path, one of the plan.
            gabarit: its template.
            titre: its title.
            fil: (label, path) of the pages above it, for the trail at the top.
            recherche: what leads to it in the search.
            values: what the template reads.
        """
        html = self.environment.get_template(gabarit).render(
            titre=titre,
            fil=tuple(fil),
            chemin=chemin,
            href=partial(chemins.relatif, chemin),
            est_page=self.is_planned,
            **values,
        )
        return Page(chemin, titre, html, tuple(recherche))


def open_context(
    release: Path,
    plan: frozenset[str] = frozenset(),
    menu: tuple[tuple[str, str], ...] = (),
    fichiers: str = "",
    comparaison: Path | None = None,
) -> SiteContext:
    """Open a release for rendering; close its ``connection`` when done. Arguments as in ``SiteContext``.

    Raises:
        QPVError: the release cannot be read.
    """
    source = read_release(release)
    connection = duckdb.connect(str(source.base), read_only=True)
    # Both cores render: a query must not take both.
    connection.execute("set threads = 1")
    return SiteContext(source, connection, plan, menu, fichiers, comparaison)


def inline_svg(svg: str) -> Markup:
    """An image made by our own code, whose texts are already escaped, to be put into a page."""
    return Markup(svg)
