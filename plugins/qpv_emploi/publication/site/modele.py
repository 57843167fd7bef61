"""What the pages of the site are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qpv_emploi.publication.site.contexte import SiteContext


@dataclass(frozen=True)
class SearchEntry:
    """What the search of the home page finds.

    Attributes:
        texte: what is typed: a name, a code.
        precision: what tells it from its homonyms.
        nature: ``contrat``, ``quartier``, ``commune``…
        chemin: page it leads to, with its anchor if any.
    """

    texte: str
    precision: str
    nature: str
    chemin: str


@dataclass(frozen=True)
class Page:
    """A page, as it is written.

    Attributes:
        chemin: path from the root of the site, with ``/``.
        titre: title of the page, without that of the site.
        html: the whole document.
        recherche: what leads to it.
    """

    chemin: str
    titre: str
    html: str
    recherche: tuple[SearchEntry, ...] = field(default=())


@dataclass(frozen=True)
class Kind:
    """A kind of page: a module of :mod:`qpv_emploi.publication.site.pages`.

    Attributes:
        nom: name of the module.
        menu: label and place of its entry in the menu, None without any.
        tables: relations without which it has no page.
        plan: paths of its pages.
        render: renders some of them.
    """

    nom: str
    menu: tuple[str, int] | None
    tables: tuple[str, ...]
    plan: Callable[[SiteContext], Sequence[str]]
    render: Callable[[SiteContext, Sequence[str]], Iterable[Page]]
