"""Models of the catalogue: what a dataset is, how it is recognised, read and interpreted.

The YAML files beside this module are the first place a reader looks. Keys are the French terms that the
published tables use (``dim_jeu_source``), so that a word means one thing from the catalogue to the fiche.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from qpv_emploi.catalogue.acces import Access
from qpv_emploi.catalogue.commun import Model as _Model
from qpv_emploi.catalogue.commun import Regex, check_regex


def _motif_annee(motif: str) -> str:
    if ANNEE not in motif:
        raise ValueError(f"« {motif} » ne contient pas {ANNEE}, les deux derniers chiffres du millésime")
    check_regex(motif.replace(ANNEE, "00"))
    return motif


# Place of the two last digits of a vintage in ``Table.annee_retiree``.
ANNEE = "{aa}"

MotifAnnee = Annotated[str, AfterValidator(_motif_annee)]
Identifiant = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Entry(_Model):
    """How a person fills a column of a form, and what the form checks of each cell.

    The heading that the person reads is the first alias of the column, its help is the description.
    """

    nature: Literal["texte", "liste", "code", "entier", "nombre", "date", "periode"] = Field(
        description="liste : un code d'une liste fermée ; code : la forme du motif, la liste ne fait que"
        " proposer ; entier, nombre : écrits avec une virgule ; date : jour ; periode : AAAA, AAAA-MM ou"
        " AAAA-Tn."
    )
    liste: Identifiant | None = Field(default=None, description="Liste déroulante du modèle.")
    obligatoire: bool = False
    minimum: float | None = Field(default=None, description="Plus petite valeur d'un entier ou d'un nombre.")
    rubrique: bool = Field(
        default=False,
        description="Écrite une fois, sur la feuille d'identité ; répétée sur chaque ligne lue.",
    )

    @model_validator(mode="after")
    def _list_suits_the_nature(self) -> Entry:
        if self.nature == "liste" and self.liste is None:
            raise ValueError("une saisie de nature « liste » nomme sa liste")
        if self.liste is not None and self.nature not in ("liste", "code"):
            raise ValueError("seules les natures « liste » et « code » ont une liste")
        if self.minimum is not None and self.nature not in ("entier", "nombre"):
            raise ValueError("« minimum » borne un entier ou un nombre")
        return self


class Column(_Model):
    """A column that the catalogue knows by name.

    In a wide statistical file only the key, the labels, the notes and the required variables are listed:
    the other variables are those of the dictionary (seed ``variable_source``).
    """

    nom: str = Field(description="Nom de la colonne dans le fichier, sans espace de bord.")
    role: Literal["cle", "code", "attribut", "note", "variable"] = Field(
        default="attribut",
        description="cle : identifie la ligne ; code : code de la zone quand la clé est son libellé ;"
        " attribut : texte ; note : code de bloc ; variable : mesure.",
    )
    type: Literal["code", "texte", "nombre"] = "texte"
    presence: Literal["requise", "usuelle"] = Field(
        default="usuelle",
        description="requise : son absence refuse le fichier ; usuelle : elle est signalée.",
    )
    motif: Regex | None = Field(default=None, description="Expression que chaque valeur non vide respecte.")
    alias: tuple[str, ...] = Field(default=(), description="Autres noms vus chez le producteur.")
    zeros: int | None = Field(
        default=None,
        ge=2,
        description="Longueur d'un code dont un tableur a pu retirer les zéros de tête : un code fait de"
        " chiffres, plus court, est complété, et sa ligne porte code_repare.",
    )
    saisie: Entry | None = Field(
        default=None, description="Règles de saisie d'une colonne de formulaire, et d'elle seule."
    )
    description: str = ""

    @model_validator(mode="after")
    def _repairs_codes_only(self) -> Column:
        if self.zeros is not None and self.type != "code":
            raise ValueError(f"{self.nom} : « zeros » ne complète qu'une colonne de type « code »")
        if self.saisie is not None and not self.alias:
            raise ValueError(f"{self.nom} : l'intitulé d'une colonne saisie est son premier alias")
        if self.saisie is not None and self.saisie.nature == "code" and self.motif is None:
            raise ValueError(f"{self.nom} : une saisie de nature « code » déclare son motif")
        return self

    @property
    def intitule(self) -> str:
        """What a person reads at the head of the column."""
        return self.alias[0] if self.alias else self.nom


class RowFilter(_Model):
    """Rows to read in a file too large to be read whole: those whose text starts with a prefix."""

    colonne: str
    prefixes: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=1)


class Reading(_Model):
    """How the bytes of one file become rows.

    ``famille`` picks the reader; the other fields are its options and keep their default elsewhere.
    """

    famille: Literal[
        "csv", "csv_zip", "tableur", "shapefile_zip", "geojson", "parquet", "page_html", "formulaire"
    ]
    # csv, and csv_zip: the same text, alone or in an archive beside its notice
    separateur: str = Field(
        default=";",
        description="« auto » : celui qui coupe l'en-tête en le plus de noms (copies réenregistrées).",
    )
    encodage: str = "utf-8"
    # numbers, as text (csv) or text cells (tableur)
    decimale: Literal[",", "."] = ","
    # csv_zip
    membre: Regex = Field(
        default=r"(?i)(?!meta_).+\.csv",
        description="Expression que le nom du CSV dans l'archive, sans son dossier, respecte en entier.",
    )
    # tableur; formulaire, where it is also the name of the CSV of the archive
    feuille: str | None = Field(default=None, description="Nom de la feuille.")
    ligne_entete: int = Field(default=1, ge=1, description="Ligne (à partir de 1) qui porte les codes.")
    lignes_sous_entete: int = Field(
        default=0, ge=0, description="Lignes de libellés entre l'en-tête et les données."
    )
    noms_manquants: dict[int, str] = Field(
        default_factory=dict,
        description="Position (à partir de 1) -> nom d'une colonne dont l'en-tête est vide.",
    )
    # shapefile in its archive
    couche: str | None = Field(default=None, description="Nom du shapefile dans l'archive, sans extension.")
    projections: dict[str, int] = Field(
        default_factory=dict,
        description="Préfixe du code de zone -> EPSG métrique pour la surface ; clé « defaut » obligatoire.",
    )
    # geojson
    objet_unique: bool = Field(
        default=False,
        description="Le fichier JSON est un seul objet : une ligne, clés imbriquées jointes par un point.",
    )
    # parquet
    filtre: RowFilter | None = Field(
        default=None, description="Lignes à lire ; les colonnes lues sont celles que la table déclare."
    )
    # page_html
    partie: Literal["fiche", "sections"] | None = Field(
        default=None, description="Ce que la table prend d'une page : sa fiche (une ligne) ou ses rubriques."
    )

    @model_validator(mode="after")
    def _options_suit_the_family(self) -> Reading:
        if self.famille != "tableur" and (self.lignes_sous_entete or self.noms_manquants):
            raise ValueError("« lignes_sous_entete » et « noms_manquants » sont des options d'un tableur")
        if self.famille != "geojson" and self.objet_unique:
            raise ValueError("« objet_unique » est une option d'un JSON")
        if (self.famille == "parquet") != (self.filtre is not None):
            raise ValueError("un Parquet déclare son filtre, et lui seul")
        if (self.famille == "page_html") != (self.partie is not None):
            raise ValueError("une page HTML déclare sa partie, et elle seule")
        return self


class Table(_Model):
    """One bronze table made from one file.

    ``forme`` is ``cellules`` (wide statistical file melted to one row per zone x variable) or ``lignes``
    (one row per row of the file, columns kept by name).
    """

    table: Identifiant | None = Field(
        default=None, description="Suffixe de la table bronze quand un jeu en donne plusieurs."
    )
    forme: Literal["cellules", "lignes"]
    type_territoire: str | None = Field(
        default=None, description="Type des zones de cette table, s'il n'est pas celui du jeu."
    )
    lecture: Reading
    colonnes: tuple[Column, ...]
    motif_variables: Regex | None = Field(
        default=None,
        description="Mesures reconnues à leur nom entier, année retirée. Les groupes « annee » et"
        " « trimestre » disent une période : la dernière est alors celle du millésime.",
    )
    annee_retiree: MotifAnnee | None = Field(
        default=None,
        description="Ce qui est retiré du nom d'une mesure que ni le catalogue ni le dictionnaire ne"
        " connaissent ; {aa} y est l'année du millésime sur deux chiffres (Q217 -> Q2).",
    )
    autres_colonnes: Literal["gardees", "laissees"] = Field(
        default="gardees",
        description="Colonnes que rien ne reconnaît : gardees (et signalées) ou laissees dans le brut.",
    )
    lignes_ignorees: Regex | None = Field(
        default=None,
        description="Clé (vide comprise) d'une ligne qui n'est pas une zone : note de bas de tableau. Une"
        " telle ligne qui porte une mesure refuse le fichier.",
    )
    ligne_controle: Regex | None = Field(
        default=None, description="Clé d'une ligne de total, gardée comme contrôle hors des observations."
    )
    ruptures_zonage: tuple[str, ...] = Field(
        default=(),
        description="Premiers millésimes d'un nouveau découpage : de part et d'autre, les nombres de zones ne"
        " se comparent pas.",
    )
    cle_unique: bool = Field(default=True, description="La clé identifie une seule ligne du fichier.")
    vide_admise: bool = Field(
        default=False, description="La table peut n'avoir aucune ligne : une feuille laissée vide."
    )

    @model_validator(mode="after")
    def _is_coherent(self) -> Table:
        if not self.cle:
            raise ValueError("une table déclare au moins une colonne de rôle « cle »")
        if self.forme == "cellules" and len(self.cle) != 1:
            raise ValueError("une table « cellules » a une seule colonne clé : le code de zone")
        self._check_options_of_cells()
        if self.lecture.famille in ("tableur", "formulaire") and not self.lecture.feuille:
            raise ValueError("un tableur et un formulaire déclarent leur feuille")
        formulaire = self.lecture.famille == "formulaire"
        if any((colonne.saisie is not None) != formulaire for colonne in self.colonnes):
            raise ValueError("les colonnes d'un formulaire déclarent leur saisie, et elles seules")
        if self.lecture.famille == "shapefile_zip":
            if not self.lecture.couche:
                raise ValueError("une archive de shapefile déclare sa couche")
            if "defaut" not in self.lecture.projections:
                raise ValueError("les projections déclarent une clé « defaut »")
        noms = [nom for colonne in self.colonnes for nom in (colonne.nom, *colonne.alias)]
        if len(noms) != len(set(noms)):
            raise ValueError("un nom de colonne est déclaré deux fois")
        filtre = self.lecture.filtre
        if filtre and filtre.colonne not in (c.nom for c in self.colonnes if c.presence == "requise"):
            raise ValueError(f"la colonne du filtre, {filtre.colonne}, est une colonne requise de la table")
        return self

    def _check_options_of_cells(self) -> None:
        if len(self.columns_of("code")) > 1:
            raise ValueError("une table a au plus une colonne de rôle « code »")
        if self.forme == "cellules":
            return
        if self.columns_of("code"):
            raise ValueError("le rôle « code » est celui d'une table « cellules »")
        for option in ("motif_variables", "annee_retiree", "lignes_ignorees"):
            if getattr(self, option) is not None:
                raise ValueError(f"« {option} » est une option d'une table « cellules »")

    @property
    def repare_codes(self) -> bool:
        """Whether rows carry ``code_repare``: a column declares a repair of its leading zeros."""
        return any(colonne.zeros is not None for colonne in self.colonnes)

    @property
    def cle(self) -> tuple[Column, ...]:
        return tuple(c for c in self.colonnes if c.role == "cle")

    def columns_of(self, *roles: str) -> tuple[Column, ...]:
        return tuple(c for c in self.colonnes if c.role in roles)


class FileSpec(_Model):
    """A file that a vintage of the dataset holds, recognised by its name."""

    motif: Regex = Field(description="Expression que le nom du fichier respecte en entier.")
    obligatoire: bool = Field(default=True, description="Sans lui, le millésime est incomplet.")
    plusieurs: bool = Field(
        default=False,
        description="Le millésime peut en tenir plusieurs, un par objet décrit ; leurs lignes se suivent.",
    )
    tables: tuple[Table, ...] = Field(min_length=1)


class Secrecy(_Model):
    """How the producer protects small counts; an attribute of dataset x vintage."""

    methode: Literal["aucune", "masquage", "seuil", "classe", "arrondi", "cle_aleatoire"]
    seuil: int | None = Field(default=None, description="Plus petit effectif publié, s'il est connu.")
    parametre_d: int | None = Field(default=None, description="Amplitude du bruit de la clé aléatoire.")
    arrondi: int | None = None


class VintageForm(_Model):
    """What the name of a vintage looks like and means."""

    motif: Regex = Field(description="Expression que le nom du dossier de millésime respecte.")
    sens: str = Field(description="Ce que le millésime nomme, en une phrase.")
    dans_nom_fichier: Regex | None = Field(
        default=None,
        description="Expression dont le groupe 1 est le millésime porté par le nom du fichier, s'il y est.",
    )


class VintageNote(_Model):
    """What is special about one vintage. A list of remarks, never a permit: an unlisted vintage loads."""

    publie_le: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}(-\d{2})?$")
    colonnes_presentes: tuple[str, ...] = Field(
        default=(), description="Colonnes qui signent ce millésime ; leur absence trahit un autre fichier."
    )
    colonnes_absentes: tuple[str, ...] = Field(
        default=(), description="Colonnes que ce millésime n'a pas ; leur présence trahit un autre fichier."
    )
    secret: Secrecy | None = None
    avertissement: str = ""


class Dataset(_Model):
    """One dataset of one producer."""

    jeu: Identifiant
    titre: str
    description: str
    licence: str
    page: str = ""
    acces: Access
    cadence: Literal["annuelle", "trimestrielle", "mensuelle", "ponctuelle"]
    delai_usuel_jours: int | None = Field(
        default=None, ge=0, description="Jours entre la période mesurée et la publication."
    )
    delai_compte_depuis: Literal["debut", "fin"] = Field(
        default="debut",
        description="D'où compte le délai usuel d'un millésime annuel : du 1er janvier de l'année qu'il nomme"
        " (base N, géographie N) ou de sa fin (année mesurée).",
    )
    delai_remarque: str = Field(default="", description="D'où vient le délai usuel.")
    type_territoire: str = Field(
        description="Type des zones décrites : qpv, commune, epci… ; « plusieurs » quand chaque table dit le"
        " sien."
    )
    generation: Literal["2015", "2024"] | None = Field(
        default=None, description="Génération du périmètre des QPV ; vide hors QPV ou si le millésime la dit."
    )
    usage: Literal["entrepot", "essais"] = Field(
        default="entrepot",
        description="essais : lu et contrôlé, jamais cité parmi les sources d'une version publiée.",
    )
    reference: bool = Field(
        default=False, description="Table de référence dont la construction ne peut se passer."
    )
    octets_repetables: bool = Field(
        default=False,
        description="Les mêmes octets peuvent revenir sous un autre millésime : une page qui retrouve un"
        " texte ancien. Ailleurs, c'est un fichier mal rangé, refusé.",
    )
    secret: Secrecy
    millesime: VintageForm
    fichiers: tuple[FileSpec, ...] = Field(min_length=1)
    millesimes: dict[str, VintageNote] = Field(default_factory=dict)
    avertissement: str = ""

    @model_validator(mode="after")
    def _access_leads_to_its_files(self) -> Dataset:
        for millesime in getattr(self.acces, "millesimes", ()):
            if not re.fullmatch(self.millesime.motif, millesime):
                raise ValueError(f"accès : le millésime {millesime} n'a pas la forme {self.millesime.motif}")
        for nom in self.acces.noms_gardes():
            if not any(re.fullmatch(fichier.motif, nom) for fichier in self.fichiers):
                raise ValueError(f"accès : aucun fichier du jeu ne porte un nom comme {nom}")
        return self

    def secrecy_of(self, millesime: str) -> Secrecy:
        """The secrecy regime of a vintage: its own when the catalogue states one, else the dataset's."""
        particulier = self.millesimes.get(millesime)
        return particulier.secret if particulier and particulier.secret else self.secret


class Producer(_Model):
    """One YAML file: a producer and its datasets."""

    producteur: Identifiant
    titre: str
    jeux: tuple[Dataset, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _datasets_are_distinct(self) -> Producer:
        noms = [jeu.jeu for jeu in self.jeux]
        if len(noms) != len(set(noms)):
            raise ValueError("un jeu est déclaré deux fois")
        return self


class SourceVariable(_Model):
    """A row of the dictionary of variables: what a producer's column measures.

    Source of truth of two questions: which indicator and breakdown a variable feeds, and in which vintages
    it is expected (``attendu_du`` / ``attendu_au``, inclusive, empty = open).
    """

    producteur: Identifiant
    jeu: Identifiant
    code_variable: str
    code_indicateur: Annotated[str, Field(pattern=r"^[A-Z]{2,4}(\.[A-Z0-9_]+){3}$")]
    cle_ventilation: str
    bloc: Identifiant
    nature: Literal["effectif", "taux", "montant", "rapport"]
    attendu_du: str = ""
    attendu_au: str = ""
    sans_objet_si_zero: str = ""
    base_libelle: Literal["officiel", "derive", "verifie", "infere"]
    remarque: str = ""

    def is_expected(self, millesime: str) -> bool:
        return (not self.attendu_du or millesime >= self.attendu_du) and (
            not self.attendu_au or millesime <= self.attendu_au
        )
