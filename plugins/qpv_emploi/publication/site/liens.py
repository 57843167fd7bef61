"""Every link of a built site that stays inside it leads to a file, and to an anchor of that file."""

from __future__ import annotations

import posixpath
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote

_LINK = re.compile(r"""<[a-zA-Z][^>]*?\s(?:href|src)="([^"]*)\"""")
_ANCHOR = re.compile(r"""\sid="([^"]*)\"""")
_OUTSIDE = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:|^//")


def broken_links(folder: Path) -> list[tuple[str, str]]:
    """(page, link) of the links that lead nowhere, sorted.

    Links to another site are not followed. Files outside the folder (the files of the publication beside the
    site) are looked for on the disk.
    """
    anchors: dict[str, frozenset[str]] = {}
    links: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(folder).as_posix()
        anchors[name] = frozenset(unescape(one) for one in _ANCHOR.findall(text))
        links[name] = sorted({unescape(one) for one in _LINK.findall(text)})
    broken = []
    for page, found in links.items():
        for link in found:
            if _OUTSIDE.match(link):
                continue
            target, _, anchor = link.partition("#")
            here = posixpath.dirname(page)
            reached = posixpath.normpath(posixpath.join(here, unquote(target))) if target else page
            if reached in anchors:
                if anchor and unquote(anchor) not in anchors[reached]:
                    broken.append((page, link))
            elif not (folder / reached).is_file():
                broken.append((page, link))
    return broken
