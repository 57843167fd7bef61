"""Command line ``qpv``: the same functions as the DAGs, without Airflow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
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
    from qpv_emploi.conservation import Outcome
    from qpv_emploi.entrepot import Release
    from qpv_emploi.veille.calendrier import Expectation

app = typer.Typer(
    help="Entrepôt de l'emploi dans les quartiers prioritaires de la politique de la ville.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
catalogue_app = typer.Typer(help="Le catalogue des jeux de données.", no_args_is_help=True)
app.add_typer(catalogue_app, name="catalogue")
veille_app = typer.Typer(
    help="Ce qui est en retard, nouveau, abîmé ou de trop : les tâches du DAG veille.", no_args_is_help=True
)
app.add_typer(veille_app, name="veille")
stockage_app = typer.Typer(help="Le stockage d'objets, quand QPV_STOCKAGE le donne.", no_args_is_help=True)
app.add_typer(stockage_app, name="stockage")

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
    "recu": ("reçu", "cyan"),
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


def _settings(
    data_dir: Path | None = None,
    depot: Path | None = None,
    region: str | None = None,
    en_ligne: bool | None = None,
    moteur: str | None = None,
) -> Settings:
    return load_settings(data_dir=data_dir, depot=depot, region=region, en_ligne=en_ligne, moteur=moteur)


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
    online: Annotated[
        bool | None,
        typer.Option(
            "--en-ligne/--hors-ligne", help="Interroger les producteurs (sinon QPV_EN_LIGNE, sinon non)."
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            help="Moteur de la construction : duckdb, ou postgres sur le serveur de QPV_MOTEUR_DSN "
            "(sinon QPV_MOTEUR, sinon duckdb).",
        ),
    ] = None,
) -> None:
    """Toute la chaîne : recevoir, lire, contrôler, construire, auditer, publier."""
    from qpv_emploi import pipeline
    from qpv_emploi.conservation import Issue

    with _said():
        settings = _settings(data_dir, depot, region, online, target)
        outcomes: list[Outcome] = []

        def show(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if outcome.issue is not Issue.INCHANGE:
                _print_outcome(settings, outcome)

        received, unknown = pipeline.ingest_all(settings, show)
        unchanged = sum(
            outcome.issue is Issue.INCHANGE and outcome.etape == "ingestion" for outcome in received
        )
        if unchanged:
            console.print(f"{_issue(Issue.INCHANGE, 9)} {unchanged} jeu(x) × millésime(s)", soft_wrap=True)
        if unknown:
            console.print(
                f"[yellow]non lu   [/yellow] hors du catalogue ou d'un dossier de millésime, ou remplacé : "
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


def _seen(outcome: Outcome) -> str:
    """What a line says of an outcome: a file that came has still to be read."""
    came = outcome.etape == "reception" and outcome.issue in ("nouveau", "revise")
    return "recu" if came else outcome.issue


def _print_outcome(settings: Settings, outcome: Outcome) -> None:
    name = "/".join(filter(None, (outcome.producteur, outcome.jeu, outcome.millesime)))
    # The line of a refusal begins with the name of the file.
    detail = outcome.raison if outcome.issue == "refuse" else f"{name}  {outcome.raison}".strip()
    console.print(f"{_issue(_seen(outcome), 9)} {escape(detail)}", soft_wrap=True)
    if outcome.rapport:
        console.print(f"          rapport : {settings.paths.root / outcome.rapport}", soft_wrap=True)
    if outcome.colonnes_inconnues:
        console.print(
            f"          variables non reliées : {escape(', '.join(outcome.colonnes_inconnues))} "
            "(une ligne dans dbt_project/seeds/variable_source.csv en fait des indicateurs)",
            soft_wrap=True,
        )


@app.command()
def fetch(
    name: Annotated[
        str, typer.Argument(help="producteur, ou producteur/jeu ; par défaut tout ce qui se reçoit en ligne.")
    ] = "",
    depot: Depot = None,
    region: Region = None,
    data_dir: DataDir = None,
) -> None:
    """Interroger les producteurs, sans rien lire ni construire ; `qpv run` lit ensuite ce qui est reçu."""
    from qpv_emploi import pipeline
    from qpv_emploi.conservation import Issue

    with _said():
        settings = _settings(data_dir, depot, region)
        producteur, _, jeu = name.partition("/")
        outcomes = pipeline.fetch(
            settings, producteur, jeu, lambda outcome: _print_outcome(settings, outcome)
        )
    if any(outcome.issue is Issue.REFUSE for outcome in outcomes):
        raise typer.Exit(2)


@app.command()
def ingest(
    name: Annotated[str, typer.Argument(help="producteur, ou producteur/jeu.")],
    vintages: Annotated[
        list[str] | None,
        typer.Option("--millesime", help="Ce millésime seulement (répétable) ; par défaut tous."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Relire et contrôler même si rien n'a changé.")
    ] = False,
    depot: Depot = None,
    data_dir: DataDir = None,
) -> None:
    """Recevoir un jeu ou un producteur, sans construire : les autres jeux ne sont pas touchés."""
    from qpv_emploi import pipeline
    from qpv_emploi.conservation import Issue

    with _said():
        settings = _settings(data_dir, depot)
        chosen = [
            (producteur, jeu, millesime)
            for producteur, jeu in _named_datasets(settings, name)
            for millesime in pipeline.vintages_in_depot(settings, producteur, jeu, vintages or ())
        ]
        if not chosen:
            raise SettingsError(
                f"rien à lire : {name} n'a pas reçu {', '.join(vintages or ()) or 'de millésime'} ; à faire "
                f": le déposer dans {settings.depot}/<producteur>/<jeu>/<millesime>/"
            )
        outcomes = []
        for producteur, jeu, millesime in chosen:
            outcomes.append(pipeline.ingest_vintage(settings, producteur, jeu, millesime, force=force))
            _print_outcome(settings, outcomes[-1])
    if any(outcome.issue is Issue.REFUSE for outcome in outcomes):
        raise typer.Exit(2)


def _named_datasets(settings: Settings, name: str) -> list[tuple[str, str]]:
    """Pairs (producteur, jeu) of a producer, or of one dataset; all of them for an empty name."""
    from qpv_emploi.catalogue import load_catalogue

    found = [
        (producteur, jeu.jeu)
        for producteur, jeu in load_catalogue(settings.dbt_dir, settings.catalogue_dir).datasets()
        if name in ("", producteur, f"{producteur}/{jeu.jeu}")
    ]
    if not found:
        raise SettingsError(
            f"« {name} » n'est ni un producteur ni un jeu du catalogue ; voir `qpv catalogue list`"
        )
    return found


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
def status(
    name: Annotated[
        str, typer.Argument(help="producteur, ou producteur/jeu ; par défaut tous les jeux.")
    ] = "",
    data_dir: DataDir = None,
) -> None:
    """Ce que l'entrepôt tient de chaque jeu : millésimes, arrivée, prochain millésime, dernière issue."""
    from qpv_emploi.status import dataset_states, freshness_tally

    with _said():
        settings = _settings(data_dir)
        named = set(_named_datasets(settings, name))
        states = [state for state in dataset_states(settings) if (state.producteur, state.jeu) in named]
        width = max(len(f"{state.producteur}/{state.jeu}") for state in states)
        for state in states:
            # Lines rather than a table: a table folds its words on a narrow terminal.
            label = f"{state.producteur}/{state.jeu}"
            vintages = ", ".join(state.millesimes) or "aucun millésime"
            console.print(f"[bold]{label:<{width}}[/bold]  {escape(vintages)}", soft_wrap=True)
            console.print(f"  arrive par : {escape(state.arrivee)}", soft_wrap=True)
            if state.millesimes:
                _print_expected("  prochain : ", state.attendu)
                late = f", {state.jours} jours après le jour usuel" if state.jours else ""
                console.print(f"  fraîcheur : {state.etat.value}{late}", soft_wrap=True)
            facts = f"reçu le {state.recu_le}" if state.recu_le else "jamais accepté"
            if state.derniere_issue:
                reason = f" : {escape(state.raison)}" if state.raison else ""
                facts += f" · {_issue(state.derniere_issue)} le {state.issue_le}{reason}"
            console.print(f"  {facts}", soft_wrap=True)
        console.print(f"Fraîcheur : {freshness_tally(states)}.", soft_wrap=True)
        _print_current(settings)


def _print_expected(label: str, expected: Expectation) -> None:
    colour = "yellow" if expected.retard_jours else "default"
    console.print(f"{escape(label)}[{colour}]{escape(expected.annonce)}[/{colour}]", soft_wrap=True)


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
    postgres: Annotated[
        str,
        typer.Option(
            "--postgres",
            metavar="DSN",
            help="Servir aussi la version dans cette base PostgreSQL (sinon QPV_POSTGRES, sinon aucune) ; "
            "le mot de passe plutôt dans ~/.pgpass.",
        ),
    ] = "",
    schema: Annotated[
        str, typer.Option("--schema", help="Schéma servi (sinon QPV_POSTGRES_SCHEMA, sinon qpv).")
    ] = "",
    data_dir: DataDir = None,
) -> None:
    """Faire d'une version tout ce que l'on emporte : classeurs, CSV, Parquet, périmètres, site, base."""
    from qpv_emploi.diffusion import publish_release, serve_release
    from qpv_emploi.publication.tout import CURRENT

    with _said():
        settings = _settings(data_dir)
        with _progress("Diffusion") as progress:
            made = publish_release(settings, version, progress=progress, address=address, force=force)
    said = "[green]diffusé[/green]  " if made.est_nouvelle else "déjà fait"
    console.print(f"{said} version {made.identifiant}", soft_wrap=True)
    console.print(f"          {escape(str(settings.paths.publications / CURRENT))}", soft_wrap=True)
    with _said(), _progress("PostgreSQL") as progress:
        served = serve_release(settings, version, dsn=postgres, schema=schema, progress=progress, force=force)
    if served is None:
        return
    said = "[green]chargé[/green]   " if served.est_nouvelle else "déjà là  "
    console.print(
        f"{said} PostgreSQL, schéma {served.schema}, lecture par le rôle {served.role}", soft_wrap=True
    )
    if served.vues_anciennes:
        console.print(
            f"[yellow]attention[/yellow] vues à refaire, elles lisent la version précédente : "
            f"{escape(', '.join(served.vues_anciennes))}",
            soft_wrap=True,
        )


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
    short: Annotated[
        bool, typer.Option("--court", help="Peu de jeux et de millésimes, pour une démonstration rapide.")
    ] = False,
) -> None:
    """Écrire le dépôt d'une région fictive (99), dans les formats exacts des sources."""
    from qpv_emploi.fictif import MILLESIMES_COURTS, generate

    with _said():
        chosen: dict[str, Sequence[str]] = dict(MILLESIMES_COURTS) if short else {}
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
def modele(
    target: Annotated[Path, typer.Argument(help="Dossier où écrire les modèles de déclaration.")],
    contract: Annotated[
        list[str] | None,
        typer.Option("--contrat", help="Code du contrat de ville, par exemple CN05911M (répétable)."),
    ] = None,
    region: Region = None,
    data_dir: DataDir = None,
) -> None:
    """Écrire les modèles que les partenaires remplissent : bénéficiaires, clauses, actions, gouvernance."""
    from qpv_emploi.catalogue import load_catalogue
    from qpv_emploi.consultation import query_current
    from qpv_emploi.declarations import JEU, prepare
    from qpv_emploi.entrepot import current_release

    with _said():
        settings = _settings(data_dir, None, region)
        release = current_release(settings.paths)
        (spec,) = load_catalogue(settings.dbt_dir, settings.catalogue_dir).dataset(*JEU).fichiers

        def read(query: str) -> list[tuple[str, ...]]:
            return list(query_current(settings, query).itertuples(index=False, name=None))

        written = prepare(
            target,
            spec.tables,
            settings.dbt_dir,
            contrats=contract or [],
            lire=read if release else None,
            fictif=release.est_fictif if release else settings.is_fictional,
        )
    for warning in written.avertissements:
        console.print(f"[yellow]attention[/yellow] {escape(warning)}", soft_wrap=True)
    for workbook, folder in zip(written.classeurs, written.dossiers, strict=True):
        console.print(
            f"[green]modèle[/green]    {escape(str(workbook))} (ou, en CSV, {escape(str(folder))})",
            soft_wrap=True,
        )


@app.command()
def verifier(
    source: Annotated[
        Path,
        typer.Argument(exists=True, help="Modèle rempli : classeur XLSX, archive ZIP ou dossier de ses CSV."),
    ],
) -> None:
    """Contrôler une déclaration remplie, sans la charger : chaque case à corriger, une par ligne."""
    from qpv_emploi.acquisition import check_bytes, refusal_for
    from qpv_emploi.catalogue import load_catalogue
    from qpv_emploi.conservation import now_utc
    from qpv_emploi.declarations import JEU, capped, check_form, closed_lists, day_in_france
    from qpv_emploi.lecture import Provenance

    with _said():
        settings = _settings()
        (spec,) = load_catalogue(settings.dbt_dir, settings.catalogue_dir).dataset(*JEU).fichiers
        provenance = Provenance(*JEU, "à vérifier", source.name, "")
        if source.is_file():
            famille = spec.tables[0].lecture.famille
            check_bytes(source, famille, refuse=refusal_for(*JEU, provenance.millesime, source.name))
        report = check_form(
            source,
            spec.tables,
            closed_lists(settings.dbt_dir),
            provenance=provenance,
            aujourdhui=day_in_france(now_utc()),
        )
    for line in capped([fault.ligne() for fault in report.erreurs]):
        console.print(f"[red]erreur[/red]    {escape(line)}", soft_wrap=True)
    for remark in report.remarques:
        console.print(f"[yellow]attention[/yellow] {escape(remark)}", soft_wrap=True)
    counts = ", ".join(f"{sheet} {number}" for sheet, number in report.lignes.items())
    if report.erreurs:
        console.print(f"{len(report.erreurs)} erreur(s) ; lignes lues : {escape(counts)}", soft_wrap=True)
        raise typer.Exit(1)
    console.print(f"[green]ok[/green]        lignes lues : {escape(counts)}", soft_wrap=True)
    where = "<dépôt>/local/declarations/AAAA-MM-JJ/"
    what = "réunir ces CSV dans une archive ZIP, à déposer" if source.is_dir() else "à déposer"
    console.print(f"          {what} dans {where}, jour de la campagne", soft_wrap=True)


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
        settings = _settings()
        catalogue = load_catalogue(settings.dbt_dir, settings.catalogue_dir)
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
        settings = _settings()
        catalogue = load_catalogue(settings.dbt_dir, settings.catalogue_dir)
        dataset = catalogue.dataset(producteur, jeu)
        variables = catalogue.variables_of(producteur, jeu)
        corrections = [found.correction for found in catalogue.corrections_of(producteur, jeu)]
    content = dataset.model_dump(mode="json", exclude_defaults=True)
    console.print(yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100), markup=False)
    if corrections:
        console.print(f"{len(corrections)} correction(s) d'erreurs connues du producteur :")
    for correction in corrections:
        vintages = correction.millesimes
        said = vintages if vintages == "tous" else ", ".join(vintages)
        console.print(
            f"  {correction.code} ({said}) : {correction.repere}, {correction.colonne} "
            f"« {correction.valeur_attendue} » -> « {correction.valeur_corrigee} »",
            markup=False,
            soft_wrap=True,
        )
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


@veille_app.command("retards")
def veille_retards(data_dir: DataDir = None) -> None:
    """Les jeux en retard sur leur cadence et leur délai usuel."""
    from qpv_emploi.status import late_datasets

    with _said():
        late = late_datasets(_settings(data_dir))
    for state in late:
        _print_expected(f"{state.producteur}/{state.jeu} : ", state.attendu)
    console.print(f"{len(late)} jeu(x) en retard (délai usuel dépassé de moitié).")


@veille_app.command("nouveautes")
def veille_nouveautes(data_dir: DataDir = None, depot: Depot = None) -> None:
    """Ce que la prochaine ingestion lira et, avec QPV_EN_LIGNE=1, ce que les producteurs ont de nouveau."""
    from qpv_emploi.veille.nouveautes import novelties

    with _said():
        news = novelties(_settings(data_dir, depot))
    for novelty in news.nouveautes:
        console.print(escape(novelty.line()), soft_wrap=True)
    for silent in news.non_consultes:
        console.print(f"[yellow]attention[/yellow] {escape(silent.line())}", soft_wrap=True)
    console.print(f"{len(news.nouveautes)} nouveauté(s).")


@veille_app.command("integrite")
def veille_integrite(data_dir: DataDir = None) -> None:
    """Relire chaque fichier brut et recalculer son empreinte. Sortie 1 si l'un est altéré ou absent."""
    from qpv_emploi.veille.integrite import check_integrity

    with _said():
        settings = _settings(data_dir)
        columns = (TextColumn("Fichiers bruts"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
            bar = progress.add_task("")
            found = check_integrity(
                settings, lambda done, total: progress.update(bar, completed=done, total=total)
            )
    for damage in found.atteints:
        console.print(f"[red]atteint  [/red] {escape(damage.line())}", soft_wrap=True)
    for damage in found.bronze_absents:
        console.print(f"[yellow]attention[/yellow] {escape(damage.line())}", soft_wrap=True)
    console.print(
        f"{found.nb_fichiers} fichier(s) brut(s), {_size(found.octets)} : {len(found.atteints)} atteint(s) ; "
        f"{len(found.bronze_absents)} fichier(s) bronze absent(s)."
    )
    if found.atteints:
        raise typer.Exit(1)


@stockage_app.command("envoyer")
def stockage_envoyer(data_dir: DataDir = None) -> None:
    """Copier ce que garde le dossier de données vers QPV_STOCKAGE, encore vide (docs/stockage.md)."""
    from qpv_emploi.conservation.envoi import send_all

    with _said():
        settings = _settings(data_dir)
        sent = send_all(settings.paths)
    console.print(
        f"{settings.stockage} tient {sent.bruts} fichier(s) brut(s), {sent.bronze} fichier(s) bronze et "
        f"{sent.millesimes} millésime(s) en usage.",
        soft_wrap=True,
    )


@veille_app.command("menage")
def veille_menage(
    keep: Annotated[
        int | None,
        typer.Option("--garder", min=1, help="Versions gardées (sinon QPV_VERSIONS_GARDEES, sinon 12)."),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--appliquer", help="Supprimer ; sans cette option, montrer seulement.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Rétention des versions et restes d'exécutions interrompues. Aucun fichier brut n'est supprimé."""
    from qpv_emploi.conservation import now_utc
    from qpv_emploi.veille.menage import apply_cleanup, plan_cleanup

    with _said():
        settings = _settings(data_dir)
        plan = plan_cleanup(settings, garder=keep or settings.versions_gardees, now=now_utc())
        removed = apply_cleanup(settings, plan) if apply else []
    for kept in plan.gardees:
        console.print(f"[green]gardée   [/green] {kept.identifiant}  {escape(kept.raison)}", soft_wrap=True)
    for removal in plan.a_supprimer:
        mark = "[red]supprimé [/red]" if removal in removed else "[dim]de trop  [/dim]"
        place = escape(str(removal.chemin.relative_to(settings.paths.root)))
        console.print(f"{mark} {place}  {_size(removal.octets)}, {removal.raison}", soft_wrap=True)
    for remark in plan.remarques:
        console.print(f"[yellow]attention[/yellow] {escape(remark)}", soft_wrap=True)
    if not plan.a_supprimer:
        console.print("Rien à supprimer.")
    elif apply:
        console.print(f"{len(removed)} élément(s) supprimé(s), {_size(sum(r.octets for r in removed))}.")
    else:
        console.print(
            f"{len(plan.a_supprimer)} élément(s) à supprimer, {_size(plan.octets)} ; à faire : --appliquer."
        )


def _size(octets: int) -> str:
    """A size for a person, with a decimal comma."""
    if octets < 1_000_000:
        return f"{octets / 1000:.0f} ko"
    return f"{octets / 1_000_000:.1f} Mo".replace(".", ",")


if __name__ == "__main__":
    app()
