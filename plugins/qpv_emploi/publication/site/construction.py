"""Building the site: plan all pages, render them in several processes, check every link."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from qpv_emploi.errors import QPVError
from qpv_emploi.publication.avancement import Progress, Steps, silent
from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.contexte import SiteContext, open_context
from qpv_emploi.publication.site.liens import broken_links
from qpv_emploi.publication.site.modele import SearchEntry
from qpv_emploi.publication.site.registre import kinds

STATIC = "statique"
INDEX = f"{STATIC}/recherche-index.js"
PAGES_PER_TASK = 48
MAX_PROCESSES = 4
# Starting processes takes longer than rendering so few pages.
FEW_PAGES = 30
_SHOWN = 10


@dataclass(frozen=True)
class SiteReport:
    """What was built.

    Attributes:
        dossier: the folder.
        comptes: number of pages of each kind.
        octets: size of all files.
        plus_lourde: path and size of the heaviest page, in bytes.
    """

    dossier: Path
    comptes: dict[str, int]
    octets: int
    plus_lourde: tuple[str, int]

    @property
    def nb_pages(self) -> int:
        return sum(self.comptes.values())


@dataclass(frozen=True)
class _Frame:
    """What every process is told: the arguments of the context."""

    release: Path
    folder: Path
    plan: frozenset[str]
    menu: tuple[tuple[str, str], ...]
    fichiers: str
    comparaison: Path | None

    def open(self) -> SiteContext:
        return open_context(self.release, self.plan, self.menu, self.fichiers, self.comparaison)


@dataclass(frozen=True)
class _Task:
    """Some pages of one kind."""

    kind: str
    paths: tuple[str, ...]


def build_site(
    release: Path, folder: Path, progress: Progress = silent, *, processes: int | None = None
) -> SiteReport:
    """Build the site of a release.

    Nothing of the clock enters: the same release and the same code give the same bytes.

    Args:
        release: directory of the release; only its manifest and its database are read.
        folder: empty or missing folder.
        progress: told after each batch of pages.
        processes: how many render, None for one per core, at most ``MAX_PROCESSES``; 1 stays in this
            process, and so do few pages and a process that may not start others.

    Raises:
        QPVError: the release cannot be read, two kinds plan the same page, or a link leads nowhere.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plan, menu = _plan(release)
    tasks = [
        _Task(kind, tuple(paths[start : start + PAGES_PER_TASK]))
        for kind, paths in plan.items()
        for start in range(0, len(paths), PAGES_PER_TASK)
    ]
    planned = frozenset(path for paths in plan.values() for path in paths)
    # The files of a publication lie beside its site.
    files = "../fichiers/" if (folder.parent / "fichiers").is_dir() else ""
    frame = _Frame(release, folder, planned, menu, files, _comparison(folder))
    steps = Steps(progress, len(tasks) + 1)
    entries: dict[_Task, list[SearchEntry]] = {}
    wanted = processes or min(os.cpu_count() or 1, MAX_PROCESSES)
    for task, found in _run(frame, tasks, wanted):
        entries[task] = found
        steps.step(f"site/{task.kind} ({len(task.paths)})")
    _write_static(folder)
    _write_index(folder, [entry for task in tasks for entry in entries[task]])
    broken = broken_links(folder)
    if broken:
        shown = " ; ".join(f"{page} → {link}" for page, link in broken[:_SHOWN])
        raise QPVError(f"site : {len(broken)} lien(s) internes rompus, dont {shown}")
    steps.step("site/liens")
    sizes = {path: path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()}
    pages = {p: size for p, size in sizes.items() if p.suffix == ".html"}
    heaviest = max(pages, key=lambda path: pages[path])
    return SiteReport(
        folder,
        {kind: len(paths) for kind, paths in plan.items()},
        sum(sizes.values()),
        (heaviest.relative_to(folder).as_posix(), pages[heaviest]),
    )


def _comparison(folder: Path) -> Path | None:
    """What was compared with the previous release, among the files of the same publication."""
    made = folder.parent / "fichiers" / "comparaison"
    return made if made.is_dir() else None


def _plan(release: Path) -> tuple[dict[str, list[str]], tuple[tuple[str, str], ...]]:
    context = open_context(release)
    try:
        # A release made before a table was: the pages that read it are not made.
        plan = {
            kind.nom: list(kind.plan(context)) if context.relations.issuperset(kind.tables) else []
            for kind in kinds()
        }
    finally:
        context.connection.close()
    seen: dict[str, str] = {}
    for kind, paths in plan.items():
        for path in paths:
            if path in seen:
                raise QPVError(f"site : la page {path} est prévue deux fois ({seen[path]}, {kind})")
            seen[path] = kind
    entries = [
        (kind.menu[1], kind.menu[0], plan[kind.nom][0]) for kind in kinds() if kind.menu and plan[kind.nom]
    ]
    return plan, tuple((label, path) for _, label, path in sorted(entries))


def _run(frame: _Frame, tasks: Sequence[_Task], processes: int) -> Iterator[tuple[_Task, list[SearchEntry]]]:
    # A task of a Celery worker is a daemonic process, which may not start others.
    alone = multiprocessing.current_process().daemon
    if alone or processes == 1 or len(frame.plan) <= FEW_PAGES:
        for task in tasks:
            yield task, _render(frame, task)
        return
    # Spawned: a forked process would share the threads and files of DuckDB.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        running = {pool.submit(_render, frame, task): task for task in tasks}
        for done in as_completed(running):
            yield running[done], done.result()


def _render(frame: _Frame, task: _Task) -> list[SearchEntry]:
    """Render and write the pages of a task; what leads to them."""
    (kind,) = (kind for kind in kinds() if kind.nom == task.kind)
    context = frame.open()
    entries: list[SearchEntry] = []
    written = set()
    try:
        for page in kind.render(context, task.paths):
            if page.chemin not in task.paths or page.chemin in written:
                raise QPVError(f"site : {kind.nom} rend {page.chemin}, qui ne lui est pas demandée")
            target = frame.folder / page.chemin
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(page.html, encoding="utf-8", newline="\n")
            written.add(page.chemin)
            entries.extend(page.recherche)
    finally:
        context.connection.close()
    missing = set(task.paths) - written
    if missing:
        raise QPVError(f"site : {kind.nom} n'a pas rendu {', '.join(sorted(missing)[:_SHOWN])}")
    return entries


def _write_static(folder: Path) -> None:
    source = resources.files("qpv_emploi.publication.site") / STATIC
    target = folder / STATIC
    target.mkdir(exist_ok=True)
    for resource in sorted(source.iterdir(), key=lambda one: one.name):
        with resources.as_file(resource) as path:
            shutil.copyfile(path, target / path.name)


def _write_index(folder: Path, entries: Sequence[SearchEntry]) -> None:
    """A script and not JSON: a page opened from a disk may not read another file."""
    rows = sorted({(e.texte, e.precision, e.nature, e.chemin) for e in entries if e.chemin})
    text = json.dumps(rows, ensure_ascii=True, separators=(",", ":"))
    (folder / INDEX).write_text(f"window.INDEX_RECHERCHE={text};\n", encoding="utf-8", newline="\n")


def home(folder: Path) -> Path:
    """The home page of a built site."""
    return folder / chemins.ACCUEIL
