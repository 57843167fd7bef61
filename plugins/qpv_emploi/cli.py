"""Command line ``qpv``: the same functions as the DAGs, without Airflow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table as RichTable

from qpv_emploi import __version__
from qpv_emploi.errors import QPVError, SettingsError
from qpv_emploi.settings import Settings, load_settings

if TYPE_CHECKING:
    from qpv_emploi.entrepot import Release

app = typer.Typer(
    help="Entrepôt de l'emploi dans les quartiers prioritaires de la politique de la ville.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
catalogue_app = typer.Typer(help="Le catalogue des jeux de données.", no_args_is_help=True)
app.add_typer(catalogue_app, name="catalogue")

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Dossier de données (sinon QPV_DATA_DIR, sinon ./data).")
]
Region = Annotated[
    str | None, typer.Option("--region", help="Code région de l'Insee (32, 11…), ou « france ».")
]
Depot = Annotated[Path | None, typer.Option("--depot", help="Dossier du dépôt (sinon QPV_DEPOT).")]

# Outcome of the ledger -> how it is said, and its colour.
_ISSUES = {
    "nouveau": ("nouveau", "green"),
    "revise": ("révisé", "yellow"),
    "refuse": ("refusé", "red"),
    "absent": ("absent", "dim"),
    "inchange": ("inchangé", "dim"),
}


@contextmanager
def _said() -> Iterator[None]:
    """Our errors are one line for a person, not a traceback."""
    try:
        yield
    except QPVError as error:
        errors.print(f"[red]Erreur[/red] : {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(1) from error


def _settings(data_dir: Path | None = None, depot: Path | None = None, region: str | None = None) -> Settings:
    return load_settings(data_dir=data_dir, depot=depot, region=region)


def _issue(code: str, width: int = 0) -> str:
    said, colour = _ISSUES[code]
    return f"[{colour}]{said:<{width}}[/{colour}]"


@app.command()
def run(
    depot: Depot = None,
    region: Region = None,
    data_dir: DataDir = None,
    force: Annotated[
        bool, typer.Option("--force", help="Reconstruire et publier même si rien n'a changé.")
    ] = False,
) -> None:
    """Toute la chaîne : recevoir, lire, contrôler, construire, auditer, publier."""
    from qpv_emploi import pipeline
    from qpv_emploi.conservation import Issue, Outcome

    with _said():
        settings = _settings(data_dir, depot, region)
        outcomes: list[Outcome] = []

        def show(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if outcome.issue is Issue.INCHANGE:
                return
            name = "/".join(filter(None, (outcome.producteur, outcome.jeu, outcome.millesime)))
            # The line of a refusal begins with the name of the file.
            detail = outcome.raison if outcome.issue is Issue.REFUSE else f"{name}  {outcome.raison}".strip()
            console.print(f"{_issue(outcome.issue, 9)} {escape(detail)}", soft_wrap=True)
            if outcome.rapport:
                console.print(f"          rapport : {settings.paths.root / outcome.rapport}", soft_wrap=True)
            if outcome.colonnes_inconnues:
                console.print(
                    f"          variables non reliées : {escape(', '.join(outcome.colonnes_inconnues))} "
                    "(une ligne dans dbt_project/seeds/variable_source.csv en fait des indicateurs)",
                    soft_wrap=True,
                )

        received, unknown = pipeline.ingest_all(settings, show)
        unchanged = sum(outcome.issue is Issue.INCHANGE for outcome in received)
        if unchanged:
            console.print(f"{_issue(Issue.INCHANGE, 9)} {unchanged} jeu(x) × millésime(s)", soft_wrap=True)
        if unknown:
            console.print(
                f"[yellow]non lu   [/yellow] hors du catalogue ou d'un dossier de millésime : "
                f"{escape(', '.join(unknown))}",
                soft_wrap=True,
            )
        with _spinner("Construction et contrôles dbt"):
            candidate = pipeline.build(settings, force=force)
        if candidate is None:
            console.print("Rien de nouveau à publier : une version gardée a ces entrées.", soft_wrap=True)
            _print_current(settings)
        else:
            with _spinner("Audit et publication"):
                for warning in pipeline.audit(settings, candidate):
                    console.print(f"[yellow]attention[/yellow] {escape(warning)}", soft_wrap=True)
                release = pipeline.publish(settings, candidate)
            console.print(
                f"[green]publié[/green]    version {release.identifiant}, région {release.region} : "
                f"{release.comptes.get('dim_qpv', 0)} QPV, "
                f"{release.comptes.get('fct_observation', 0)} observations{_fictional(release)}",
                soft_wrap=True,
            )
            console.print(f"          {escape(str(settings.paths.courant))}", soft_wrap=True)
        if any(outcome.issue is Issue.REFUSE for outcome in received):
            # The rest is published; the refusal must still be seen by whoever scheduled the run.
            raise typer.Exit(2)


@contextmanager
def _spinner(label: str) -> Iterator[None]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    # In the log of a scheduler it would only leave blank lines.
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        progress.add_task(label, total=None)
        yield


@contextmanager
def _progress(label: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal; in the log of a scheduler, a line at each tenth of the work."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(label, total=None)

        def show(step: str, done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, description=f"{label} : {escape(step)}")
            if not errors.is_terminal and 10 * done // total > 10 * (done - 1) // total:
                errors.print(f"{label} : {done}/{total} ({escape(step)})", soft_wrap=True)

        yield show


@app.command()
def status(data_dir: DataDir = None) -> None:
    """Ce que l'entrepôt tient de chaque jeu : millésimes, fraîcheur, dernière issue, version courante."""
    from qpv_emploi.status import dataset_states

    with _said():
        settings = _settings(data_dir)
        states = dataset_states(settings)
        width = max(len(f"{state.producteur}/{state.jeu}") for state in states)
        for state in states:
            # Lines rather than a table: a table folds its words on a narrow terminal.
            name = f"{state.producteur}/{state.jeu}"
            vintages = ", ".join(state.millesimes) or "aucun millésime"
            console.print(f"[bold]{name:<{width}}[/bold]  {escape(vintages)}", soft_wrap=True)
            facts = [
                f"reçu le {state.recu_le}" if state.recu_le else "jamais accepté",
                _issue(state.derniere_issue) if state.derniere_issue else "",
                state.fraicheur if state.millesimes else "",
            ]
            console.print(f"  {' · '.join(filter(None, facts))}", soft_wrap=True)
            if state.raison:
                console.print(f"  {escape(state.raison)}", soft_wrap=True)
        _print_current(settings)


def _print_current(settings: Settings) -> None:
    from qpv_emploi.entrepot import current_release

    release = current_release(settings.paths)
    if release is None:
        console.print("Aucune version publiée.")
        return
    console.print(
        f"Version courante : {release.identifiant}, région {release.region}{_fictional(release)}",
        soft_wrap=True,
    )


def _fictional(release: Release) -> str:
    return " [red](données fictives)[/red]" if release.est_fictif else ""


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="Requête SQL, en lecture seule sur la version courante.")],
    data_dir: DataDir = None,
    csv: Annotated[bool, typer.Option("--csv", help="Écrire du CSV sur la sortie.")] = False,
    limit: Annotated[int, typer.Option("--limite", help="Lignes affichées (le CSV les donne toutes).")] = 50,
) -> None:
    """Interroger la version courante."""
    from qpv_emploi.consultation import query_current

    with _said():
        frame = query_current(_settings(data_dir), query)
    if csv:
        sys.stdout.write(frame.to_csv(index=False))
        return
    table = RichTable(show_edge=False, pad_edge=False)
    for column in frame.columns:
        table.add_column(escape(str(column)), overflow="fold")
    for row in (
        frame.head(limit).astype(object).where(frame.head(limit).notna(), None).itertuples(index=False)
    ):
        table.add_row(*("" if value is None else escape(str(value)) for value in row))
    console.print(table)
    if len(frame) > limit:
        console.print(f"… {limit} lignes sur {len(frame)} (--limite, ou --csv pour tout)")


@app.command()
def releases(data_dir: DataDir = None) -> None:
    """Les versions publiées, de la plus ancienne à la plus récente."""
    from qpv_emploi.entrepot import list_releases

    with _said():
        found = list_releases(_settings(data_dir).paths)
        if not found:
            console.print("Aucune version publiée.")
        for release in found:
            mark = "[green]●[/green]" if release.est_courante else " "
            console.print(
                f"{mark} {release.identifiant}  région {release.region}  {release.publie_le[:16]}Z  "
                f"{release.comptes.get('fct_observation', 0)} observations{_fictional(release)}",
                soft_wrap=True,
            )


@app.command()
def rollback(
    version: Annotated[
        str | None, typer.Argument(help="Version à rétablir ; par défaut la précédente.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Rétablir une version antérieure. Elle reste courante tant qu'aucune entrée ne change."""
    from qpv_emploi.entrepot import rollback as restore

    with _said():
        release = restore(_settings(data_dir).paths, version)
    console.print(f"Version courante : {release.identifiant}", soft_wrap=True)


@app.command()
def publish(
    version: Annotated[
        str | None, typer.Argument(help="Version à diffuser ; par défaut la version courante.")
    ] = None,
    address: Annotated[
        str, typer.Option("--adresse", help="Adresse publique du dossier des fichiers, pour les catalogues.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Refaire une diffusion déjà faite.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Faire d'une version tout ce que l'on emporte : classeurs, CSV, Parquet, périmètres, descriptions."""
    from qpv_emploi.diffusion import publish_release
    from qpv_emploi.publication.tout import CURRENT

    with _said():
        settings = _settings(data_dir)
        with _progress("Diffusion") as progress:
            made = publish_release(settings, version, progress=progress, address=address, force=force)
    said = "[green]diffusé[/green]  " if made.est_nouvelle else "déjà fait"
    console.print(f"{said} version {made.identifiant}", soft_wrap=True)
    console.print(f"          {escape(str(settings.paths.publications / CURRENT))}", soft_wrap=True)


@app.command()
def diff(
    before: Annotated[
        str | None, typer.Argument(help="Version de départ ; par défaut la précédente.", metavar="AVANT")
    ] = None,
    after: Annotated[
        str | None, typer.Argument(help="Version d'arrivée ; par défaut la courante.", metavar="APRÈS")
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--vers", help="Dossier où écrire la page et les données.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Ce qui change d'une version à l'autre : schéma, lignes, et valeurs par source."""
    from qpv_emploi.diffusion import diff_releases
    from qpv_emploi.publication.comparaison_fichiers import PAGE, comparison_lines

    with _said():
        with _progress("Comparaison") as progress:
            found = diff_releases(_settings(data_dir), before, after, target=target, progress=progress)
        for line in comparison_lines(found):
            console.print(escape(line), soft_wrap=True)
        if target is not None:
            console.print(escape(str(target / PAGE)), soft_wrap=True)


@app.command()
def reconstruire(
    connu_le: Annotated[
        str, typer.Option("--connu-le", help="Jour (AAAA-MM-JJ) dont on veut l'état de la connaissance.")
    ],
    target: Annotated[Path, typer.Option("--vers", help="Dossier à créer, hors des versions publiées.")],
    region: Region = None,
    data_dir: DataDir = None,
) -> None:
    """Reconstruire l'entrepôt tel qu'il était connu un jour passé. La version courante ne change pas."""
    from datetime import date

    from qpv_emploi import pipeline

    with _said():
        try:
            day = date.fromisoformat(connu_le)
        except ValueError:
            raise SettingsError(f"« {connu_le} » n'est pas un jour ; attendu : AAAA-MM-JJ") from None
        with _spinner(f"Reconstruction au {day}"):
            rebuilt = pipeline.rebuild_as_known(_settings(data_dir, region=region), day, target)
    for warning in rebuilt.avertissements:
        console.print(f"[yellow]attention[/yellow] {escape(warning)}", soft_wrap=True)
    console.print(
        f"[green]reconstruit[/green] tel que connu le {day} : {rebuilt.comptes.get('dim_qpv', 0)} QPV, "
        f"{rebuilt.comptes.get('fct_observation', 0)} observations",
        soft_wrap=True,
    )
    console.print(f"          {escape(str(rebuilt.dossier))}", soft_wrap=True)


@app.command()
def dictionnaire(
    target: Annotated[
        Path | None,
        typer.Option("--vers", help="Fichier à écrire : .csv, .md ou .xlsx ; sinon la liste s'affiche."),
    ] = None,
) -> None:
    """Le dictionnaire des données : tables, colonnes, contrôles et sources, tirés du projet dbt."""
    from tempfile import TemporaryDirectory

    from qpv_emploi.entrepot.dbt import parse_project
    from qpv_emploi.publication import read_dictionary, write_dictionary

    with _said():
        if target is not None and not target.resolve().parent.is_dir():
            raise SettingsError(f"{target.parent} n'est pas un dossier ; à faire : le créer")
        with TemporaryDirectory() as folder, _spinner("Lecture du projet dbt"):
            entries = read_dictionary(parse_project(_settings(), Path(folder)))
        if target is not None:
            write_dictionary(entries, target)
    relations = [entry for entry in entries if not entry.colonne]
    if target is None:
        for entry in relations:
            console.print(f"[bold]{entry.relation}[/bold]  {escape(entry.grain)}", soft_wrap=True)
    columns = len(entries) - len(relations)
    console.print(
        f"{len(relations)} tables et vues, {columns} colonnes"
        + (f" dans {escape(str(target))}" if target is not None else ""),
        soft_wrap=True,
    )


@app.command()
def fictif(
    target: Annotated[Path, typer.Argument(help="Dossier où écrire le dépôt fictif.")],
    qpv: Annotated[int, typer.Option("--qpv", min=1, max=100_000, help="Nombre de QPV.")] = 40,
    seed: Annotated[int, typer.Option("--graine", help="Graine : même graine, mêmes fichiers.")] = 2015,
    vintage: Annotated[
        list[str] | None,
        typer.Option("--millesime", help="jeu=N,N… pour remplacer les millésimes d'un jeu (répétable)."),
    ] = None,
) -> None:
    """Écrire le dépôt d'une région fictive (99), dans les formats exacts des sources."""
    from qpv_emploi.fictif import generate

    with _said():
        chosen = {}
        for item in vintage or []:
            name, sep, values = item.partition("=")
            if not sep:
                raise typer.BadParameter(f"« {item} » : attendu jeu=N,N…")
            chosen[name] = values.split(",")
        try:
            written = generate(target, graine=seed, nb_qpv=qpv, millesimes=chosen or None)
        except (ValueError, FileExistsError) as error:
            raise SettingsError(str(error)) from error
    console.print(f"{len(written)} fichiers fictifs dans {escape(str(target))}", soft_wrap=True)


@app.command()
def doctor(data_dir: DataDir = None, depot: Depot = None) -> None:
    """Vérifier l'installation."""
    from qpv_emploi.doctor import examine

    with _said():
        findings = examine(_settings(data_dir, depot))
    for finding in findings:
        mark = {
            "ok": "[green]ok[/green]       ",
            "attention": "[yellow]attention[/yellow]",
            "erreur": "[red]erreur[/red]   ",
        }
        console.print(f"{mark[finding.niveau]} {escape(finding.message)}", soft_wrap=True)
    if any(finding.niveau == "erreur" for finding in findings):
        raise typer.Exit(1)


@app.command()
def version() -> None:
    """Version de l'outil."""
    console.print(__version__)


@catalogue_app.command("list")
def catalogue_list() -> None:
    """Les jeux du catalogue."""
    from qpv_emploi.catalogue import load_catalogue

    with _said():
        catalogue = load_catalogue(_settings().dbt_dir)
        table = RichTable("jeu", "titre", "territoire", "cadence", "secret", show_edge=False, pad_edge=False)
        for producteur, jeu in catalogue.datasets():
            table.add_row(
                f"{producteur}/{jeu.jeu}", jeu.titre, jeu.type_territoire, jeu.cadence, jeu.secret.methode
            )
        console.print(table)


@catalogue_app.command("show")
def catalogue_show(
    name: Annotated[str, typer.Argument(help="producteur/jeu, par exemple insee/insertion_professionnelle.")],
) -> None:
    """Tout ce que le catalogue dit d'un jeu."""
    import yaml

    from qpv_emploi.catalogue import load_catalogue

    with _said():
        producteur, _, jeu = name.partition("/")
        catalogue = load_catalogue(_settings().dbt_dir)
        dataset = catalogue.dataset(producteur, jeu)
        variables = catalogue.variables_of(producteur, jeu)
    content = dataset.model_dump(mode="json", exclude_defaults=True)
    console.print(yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100), markup=False)
    console.print(f"{len(variables)} variable(s) au dictionnaire.")


@catalogue_app.command("check")
def catalogue_check(
    write: Annotated[
        bool, typer.Option("--ecrire-schema", help="Réécrire schema.json depuis les modèles.")
    ] = False,
) -> None:
    """Valider le catalogue, le dictionnaire des variables, les suites et le schéma des éditeurs."""
    from qpv_emploi.catalogue import SCHEMA, json_schema
    from qpv_emploi.doctor import check_catalogue

    with _said():
        if write:
            SCHEMA.write_text(json_schema(), encoding="utf-8")
        summary = check_catalogue(_settings())
    console.print(f"[green]ok[/green] {escape(summary)}", soft_wrap=True)


if __name__ == "__main__":
    app()
