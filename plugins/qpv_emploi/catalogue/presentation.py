"""The catalogue as a page that a person reads: Markdown, in French, nothing that the YAML does not say."""

from __future__ import annotations

from qpv_emploi.catalogue.models import Dataset, Producer


def producer_page(producer: Producer) -> str:
    """The datasets of a producer: a table to choose from, then what is to be known of each."""
    rows = "\n".join(
        f"| `{jeu.jeu}` | {_cell(jeu.titre)} | {jeu.cadence} | {_cell(jeu.acces.libelle)} |"
        for jeu in producer.jeux
    )
    details = "\n\n".join(_dataset(jeu) for jeu in producer.jeux)
    return f"| jeu | contenu | cadence | arrive par |\n|---|---|---|---|\n{rows}\n\n{details}\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _dataset(jeu: Dataset) -> str:
    delai = "non établi" if jeu.delai_usuel_jours is None else f"{jeu.delai_usuel_jours} jours"
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
