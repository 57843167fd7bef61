"""The catalogue as a page that a person reads: Markdown, in French, nothing that the YAML does not say."""

from __future__ import annotations

from qpv_emploi.catalogue.models import Dataset, Producer


def producer_page(producer: Producer) -> str:
    """The datasets of a producer: a table to choose from, then what is to be known of each."""
    rows = "\n".join(
        f"| `{jeu.jeu}` | {_cell(jeu.titre)} | {jeu.cadence} | {_cell(jeu.acces.libelle)} |"
        for jeu in producer.jeux
    )
    details = "\n\n".join(dataset_page(jeu) for jeu in producer.jeux)
    return f"| jeu | contenu | cadence | arrive par |\n|---|---|---|---|\n{rows}\n\n{details}\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def vintage_forms(producer: Producer) -> str:
    """The names of vintages that a person may ask of a producer: one line per form, with its datasets."""
    forms: dict[str, list[str]] = {}
    for jeu in producer.jeux:
        forms.setdefault(f"`{jeu.millesime.motif}`, {jeu.millesime.sens}", []).append(f"`{jeu.jeu}`")
    return "\n".join(f"- {form} : {', '.join(jeux)}" for form, jeux in forms.items())


def dataset_page(jeu: Dataset) -> str:
    """What is to be known of a dataset."""
    delai = "non établi"
    if jeu.delai_usuel_jours is not None:
        delai = f"{jeu.delai_usuel_jours} jours"
        delai += f" ({' '.join(jeu.delai_remarque.split())})" if jeu.delai_remarque else ""
    facts = {
        "Licence": jeu.licence,
        "Cadence": f"{jeu.cadence} ; délai usuel de publication : {delai}",
        "Arrive par": " ; ".join(filter(None, (jeu.acces.libelle, jeu.acces.remarque))),
        "Millésime": f"`{jeu.millesime.motif}`, {jeu.millesime.sens}",
        "Page": f"<{jeu.page}>" if jeu.page else "",
        "Avertissement": jeu.avertissement,
        **{
            f"Avertissement, millésime {millesime}": note.avertissement
            for millesime, note in jeu.millesimes.items()
        },
        "Usage": "essais : lu et contrôlé, jamais publié" if jeu.usage == "essais" else "",
    }
    lines = [f"- **{name}** : {' '.join(fact.split())}" for name, fact in facts.items() if fact]
    return "\n".join((f"#### {jeu.titre} (`{jeu.jeu}`)", "", " ".join(jeu.description.split()), "", *lines))
