"""Survey of the dépôt: folders ``<producteur>/<jeu>/<millesime>/<file>`` filled by hand, or by a reception.

A survey reads names and sizes; it opens files only to tell whether two of them are the same.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from qpv_emploi.acquisition.refus import refusal_for
from qpv_emploi.catalogue import Catalogue, Dataset, FileSpec
from qpv_emploi.conservation.empreinte import file_digest
from qpv_emploi.errors import RefusedFile, SettingsError

# Present at the root of a dépôt written by the generator of the fictional region.
FICTIONAL_MARKER = "FICTIF.json"
# Notes, unfinished downloads and droppings of the desktop; compared in lower case.
IGNORED = (".*", "readme*", "*.md", "*.part", "*.crdownload", "*.tmp", "~$*", "thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class DepositedFile:
    """A file of a vintage, and the specification that recognises its name."""

    chemin: Path
    fichier: str
    spec: FileSpec

    @property
    def famille(self) -> str:
        """Family of the file, for ``check_bytes``: the tables of a file share it."""
        return self.spec.tables[0].lecture.famille


@dataclass(frozen=True)
class Deposit:
    """One folder of vintage: the files that may be read, and what is wrong.

    A refused file is never among ``fichiers``. A refusal without file name speaks of the whole folder; that
    of several files for one place names them all, separated by a comma. ``dossier`` is the folder itself.
    """

    producteur: str
    jeu: str
    millesime: str
    fichiers: tuple[DepositedFile, ...]
    refus: tuple[RefusedFile, ...]
    dossier: Path


@dataclass(frozen=True)
class Survey:
    """What a dépôt holds, sorted by producer, dataset and vintage.

    Attributes:
        deposits: one per folder of vintage of a dataset of the catalogue.
        hors_catalogue: folders ``<producteur>/<jeu>`` the catalogue does not know.
        est_fictif: the dépôt holds the fictional region.
        egares: files left outside a folder of vintage, relative to the dépôt; nothing will read them.
        ecartes: folders of vintage of the receptions that the dépôt holds too, and that are not read.
    """

    deposits: tuple[Deposit, ...]
    hors_catalogue: tuple[str, ...]
    est_fictif: bool
    egares: tuple[str, ...] = ()
    ecartes: tuple[str, ...] = ()


def survey(depot: Path, catalogue: Catalogue, *, recu: Path | None = None) -> Survey:
    """Walk the dépôt, then the folder of receptions, by the same rules.

    Hidden files, README and Markdown notes, unfinished downloads and temporary files are ignored. A vintage
    that both hold is read in the dépôt: what a person dropped wins over what was fetched. A dépôt of the
    fictional region is read alone.

    Args:
        depot: root of the dépôt; it may be missing when the folder of receptions holds something.
        catalogue: the datasets we know.
        recu: root of what was fetched from the producers, laid out like the dépôt; it may not exist.

    Raises:
        SettingsError: there is neither dépôt nor reception.
    """
    est_fictif = (depot / FICTIONAL_MARKER).is_file()
    receptions = [] if recu is None or est_fictif else [recu]
    racines = [racine for racine in (depot, *receptions) if racine.is_dir()]
    if depot not in racines and not any(list(_folders(_entries(racine))) for racine in racines):
        raise SettingsError(
            f"le dépôt {depot} n'existe pas ou n'est pas un dossier ; à faire : le créer et y ranger les "
            f"fichiers sous <producteur>/<jeu>/<millesime>/, ou donner son chemin dans QPV_DEPOT"
        )
    marche = _Walk({(producteur, jeu.jeu): jeu for producteur, jeu in catalogue.datasets()})
    for racine in racines:
        marche.visit(racine, prefixe="" if racine is depot else f"{racine.name}/")
    deposits: list[Deposit] = []
    for (producteur, nom), dossiers in sorted(marche.dossiers.items()):
        jeu = marche.connus[producteur, nom]
        examens = [_examine(producteur, jeu, dossier) for _, dossier in sorted(dossiers.items())]
        if not jeu.octets_repetables:
            _refuse_same_bytes(examens, jeu)
        deposits += [examen.deposit() for examen in examens]
    return Survey(
        deposits=tuple(deposits),
        hors_catalogue=tuple(marche.hors_catalogue),
        est_fictif=est_fictif,
        egares=tuple(marche.egares),
        ecartes=tuple(marche.ecartes),
    )


def datasets_absent(releve: Survey, catalogue: Catalogue) -> tuple[tuple[str, str], ...]:
    """Pairs (producteur, jeu) of the catalogue without any folder of vintage, in its order."""
    presents = {(deposit.producteur, deposit.jeu) for deposit in releve.deposits}
    cles = ((producteur, jeu.jeu) for producteur, jeu in catalogue.datasets())
    return tuple(cle for cle in cles if cle not in presents)


@dataclass
class _Walk:
    """Folders of vintage met so far, by dataset then by vintage, and what nothing will read."""

    connus: dict[tuple[str, str], Dataset]
    dossiers: dict[tuple[str, str], dict[str, Path]] = field(default_factory=dict)
    hors_catalogue: list[str] = field(default_factory=list)
    egares: list[str] = field(default_factory=list)
    ecartes: list[str] = field(default_factory=list)

    def visit(self, racine: Path, *, prefixe: str) -> None:
        """Add what a root holds; a vintage met in a former root stays there."""
        for producteur in _folders(_entries(racine)):
            entrees = _entries(producteur)
            self.egares += _strays(racine, entrees, prefixe)
            for jeu in _folders(entrees):
                self._visit_dataset(racine, jeu, prefixe)

    def _visit_dataset(self, racine: Path, dossier: Path, prefixe: str) -> None:
        cle = (dossier.parent.name, dossier.name)
        if cle not in self.connus:
            self.hors_catalogue.append(prefixe + dossier.relative_to(racine).as_posix())
            return
        entrees = _entries(dossier)
        self.egares += _strays(racine, entrees, prefixe)
        for millesime in _folders(entrees):
            tenus = self.dossiers.setdefault(cle, {})
            if millesime.name in tenus:
                self.ecartes.append(prefixe + millesime.relative_to(racine).as_posix())
            else:
                tenus[millesime.name] = millesime


@dataclass
class _Examination:
    """A deposit in the making."""

    producteur: str
    jeu: str
    dossier: Path
    reconnus: list[DepositedFile] = field(default_factory=list)
    refus: list[RefusedFile] = field(default_factory=list)
    noms_refuses: set[str] = field(default_factory=set)

    def refuse(self, *fichiers: str, raison: str, attendu: str = "", action: str = "") -> None:
        builder = refusal_for(self.producteur, self.jeu, self.millesime, ", ".join(fichiers))
        self.refus.append(builder(raison=raison, attendu=attendu, action=action))
        self.noms_refuses.update(fichiers)

    def deposit(self) -> Deposit:
        fichiers = tuple(f for f in self.reconnus if f.fichier not in self.noms_refuses)
        return Deposit(
            self.producteur, self.jeu, self.millesime, fichiers, tuple(self.refus), dossier=self.dossier
        )

    @property
    def millesime(self) -> str:
        return self.dossier.name


# Files with the same content, each with its vintage.
_Twins = list[tuple[_Examination, DepositedFile]]


def _entries(dossier: Path) -> list[Path]:
    return sorted(
        chemin
        for chemin in dossier.iterdir()
        if not any(fnmatchcase(chemin.name.lower(), motif) for motif in IGNORED)
    )


def _folders(entrees: Iterable[Path]) -> Iterator[Path]:
    return (entree for entree in entrees if entree.is_dir())


def _strays(racine: Path, entrees: Iterable[Path], prefixe: str) -> list[str]:
    return [prefixe + entree.relative_to(racine).as_posix() for entree in entrees if not entree.is_dir()]


def _examine(producteur: str, jeu: Dataset, dossier: Path) -> _Examination:
    examen = _Examination(producteur, jeu.jeu, dossier)
    if not re.fullmatch(jeu.millesime.motif, dossier.name):
        examen.refuse(
            raison=f"« {dossier.name} » n'est pas un millésime de ce jeu",
            attendu=f"un nom de dossier de la forme {jeu.millesime.motif} ({jeu.millesime.sens})",
            action="renommer le dossier",
        )
        return examen
    for chemin in _entries(dossier):
        _recognise(examen, jeu, chemin)
    _refuse_duplicates(examen)
    _refuse_missing(examen, jeu)
    _refuse_other_vintages(examen, jeu)
    return examen


def _recognise(examen: _Examination, jeu: Dataset, chemin: Path) -> None:
    nom = chemin.name
    if chemin.is_dir():
        examen.refuse(
            nom,
            raison="sous-dossier dans un dossier de millésime",
            attendu="les fichiers directement sous le dossier du millésime",
            action="remonter les fichiers d'un niveau",
        )
        return
    spec = next((spec for spec in jeu.fichiers if re.fullmatch(spec.motif, nom)), None)
    if spec is None:
        examen.refuse(
            nom,
            raison="fichier non reconnu",
            attendu="un nom de la forme " + " ou ".join(spec.motif for spec in jeu.fichiers),
            action="rendre au fichier le nom que lui donne le producteur, ou le retirer du dossier",
        )
        return
    examen.reconnus.append(DepositedFile(chemin, nom, spec))
    if not chemin.is_file():
        examen.refuse(
            nom,
            raison="ce n'est pas un fichier ordinaire, ou c'est un lien rompu",
            action="le remplacer par le fichier lui-même",
        )
    elif not os.access(chemin, os.R_OK):
        examen.refuse(
            nom,
            raison="le fichier ne se lit pas : droits insuffisants",
            action="donner le droit de lecture au compte qui exécute l'ingestion (chmod a+r)",
        )


def _is_readable(chemin: Path) -> bool:
    return chemin.is_file() and os.access(chemin, os.R_OK)


def _refuse_duplicates(examen: _Examination) -> None:
    par_motif: dict[str, list[DepositedFile]] = defaultdict(list)
    for depose in examen.reconnus:
        par_motif[depose.spec.motif].append(depose)
    for motif, deposes in par_motif.items():
        if len(deposes) == 1 or deposes[0].spec.plusieurs:
            continue
        noms = [depose.fichier for depose in deposes]
        examen.refuse(
            *noms,
            raison=f"{len(noms)} fichiers pour une même place : {', '.join(noms)}",
            attendu=f"un seul fichier de la forme {motif}",
            action="ne laisser que le bon fichier dans le dossier",
        )


def _refuse_missing(examen: _Examination, jeu: Dataset) -> None:
    presents = {depose.spec.motif for depose in examen.reconnus}
    for spec in jeu.fichiers:
        if spec.obligatoire and spec.motif not in presents:
            examen.refuse(
                raison="il manque un fichier obligatoire",
                attendu=f"un fichier dont le nom est de la forme {spec.motif}",
                action="compléter le dossier avec le fichier du producteur",
            )


def _vintages_in_name(jeu: Dataset, fichier: str) -> list[str]:
    """Vintages that a file name carries, in the order of the name."""
    motif = jeu.millesime.dans_nom_fichier
    if motif is None:
        return []
    return [trouve.group(1) for trouve in re.finditer(motif, fichier) if trouve.group(1)]


def _carries(jeu: Dataset, fichier: str, millesime: str) -> bool:
    return millesime.lower() in (porte.lower() for porte in _vintages_in_name(jeu, fichier))


def _refuse_other_vintages(examen: _Examination, jeu: Dataset) -> None:
    for depose in examen.reconnus:
        portes = _vintages_in_name(jeu, depose.fichier)
        if not portes or _carries(jeu, depose.fichier, examen.millesime):
            continue
        examen.refuse(
            depose.fichier,
            raison=f"le nom porte {', '.join(dict.fromkeys(portes))}, le dossier {examen.millesime}",
            attendu=f"un fichier du millésime {examen.millesime} ({jeu.millesime.sens})",
            action="ranger le fichier dans le dossier de son millésime",
        )


def _refuse_same_bytes(examens: list[_Examination], jeu: Dataset) -> None:
    """Refuse one content given for several vintages, except under the vintage its only witness names."""
    groupes = _same_bytes(examens)
    if jeu.reference and len(jeu.fichiers) > 1:
        groupes = _of_copied_vintages(groupes, examens)
    for jumeaux in groupes:
        gardes = {e.millesime for e, depose in jumeaux if _carries(jeu, depose.fichier, e.millesime)}
        for examen, depose in jumeaux:
            # One reason is enough for a file refused already.
            if gardes == {examen.millesime} or depose.fichier in examen.noms_refuses:
                continue
            autres = sorted({autre.millesime for autre, _ in jumeaux} - {examen.millesime})
            examen.refuse(
                depose.fichier,
                raison=f"mêmes octets que sous {', '.join(autres)}"
                + (f", dont le nom du fichier dit qu'il est de {min(gardes)}" if len(gardes) == 1 else ""),
                attendu="un contenu propre à chaque millésime",
                action=f"déposer le vrai fichier du millésime {examen.millesime}, ou retirer celui-ci",
            )


def _of_copied_vintages(groupes: list[_Twins], examens: list[_Examination]) -> list[_Twins]:
    """Keep the groups that touch a vintage of which every file is repeated.

    A list of départements may stay the same from one year to the next while the communes move: a reference
    vintage is suspect only when nothing in it is its own.
    """
    repetes = Counter(examen.millesime for groupe in groupes for examen, _ in groupe)
    copies = {examen.millesime for examen in examens if repetes[examen.millesime] == len(examen.reconnus)}
    return [groupe for groupe in groupes if any(examen.millesime in copies for examen, _ in groupe)]


def _same_bytes(examens: list[_Examination]) -> list[_Twins]:
    """Groups of readable files with the same content under at least two vintages."""
    par_taille: dict[int, _Twins] = defaultdict(list)
    for examen in examens:
        for depose in examen.reconnus:
            if _is_readable(depose.chemin):
                par_taille[depose.chemin.stat().st_size].append((examen, depose))
    groupes: list[_Twins] = []
    for taille, candidats in par_taille.items():
        # Empty files are alike; ``check_bytes`` says what is wrong with them.
        if taille == 0 or len(candidats) == 1:
            continue
        par_empreinte: dict[str, _Twins] = defaultdict(list)
        for examen, depose in candidats:
            par_empreinte[file_digest(depose.chemin)].append((examen, depose))
        groupes += [g for g in par_empreinte.values() if len({examen.millesime for examen, _ in g}) > 1]
    return groupes
