"""How a dataset reaches us: by hand in the dépôt, or from the producer, in one of seven ways.

Whatever the mode, the file can also be dropped in the dépôt. Texts marked « gabarit » may hold
``{millesime}``, replaced by the vintage asked for, and ``{region}``, by the region of the installation.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Annotated, ClassVar, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, model_validator

from qpv_emploi.catalogue.commun import Model, Regex

MILLESIME = "{millesime}"
REGION = "{region}"

# Plain HTTP is for the tests and a local mirror; the client refuses it unless the installation allows it.
_ADDRESS = re.compile(r"https://[^/{}\s]+(/\S*)?|http://(127\.0\.0\.1|localhost)(:\d+)?(/\S*)?")


def _address(texte: str) -> str:
    if not _ADDRESS.fullmatch(texte):
        raise ValueError(f"« {texte} » n'est pas une adresse https:// dont l'hôte est écrit en entier")
    return texte


Address = Annotated[str, AfterValidator(_address)]


def host_of(adresse: str) -> str:
    """Host of an address, in lower case."""
    return (urlsplit(adresse).hostname or "").lower()


def file_name(adresse: str) -> str:
    """Name of the file at the end of an address, decoded; empty when it ends with a slash."""
    return unquote(urlsplit(adresse).path.rpartition("/")[2])


class Extraction(Model):
    """How a vintage is read in what the producer says of a file."""

    motif: Regex = Field(
        description="Expression cherchée dans le texte : le groupe 1 est le millésime ; ou les groupes"
        " « annee » et « trimestre » (2021T4), ou « annee » et « mois » (2021-04)."
    )
    dans: Literal["nom", "titre", "date", "colonne"] = Field(
        description="nom : nom du fichier ; titre, date : titre et date de modification de la ressource ;"
        " colonne : plus grande valeur d'une colonne des données."
    )
    colonne: str = Field(default="", description="Nom de cette colonne.")
    depuis: str = Field(default="", description="Plus ancien millésime à demander ; vide : tous.")

    @model_validator(mode="after")
    def _is_coherent(self) -> Extraction:
        groupes = set(re.compile(self.motif).groupindex)
        if groupes and groupes not in ({"annee", "trimestre"}, {"annee", "mois"}):
            raise ValueError("les groupes nommés sont « annee » et « trimestre », ou « annee » et « mois »")
        if not re.compile(self.motif).groups:
            raise ValueError(f"« {self.motif} » n'a pas de groupe pour le millésime")
        if (self.dans == "colonne") != bool(self.colonne):
            raise ValueError("« colonne » se donne avec « dans: colonne », et là seulement")
        return self

    def vintage(self, texte: str) -> str:
        """The vintage that a text says; empty when it says none."""
        trouve = re.search(self.motif, texte)
        if trouve is None:
            return ""
        parties = trouve.groupdict()
        if "trimestre" in parties:
            return f"{parties['annee']}T{parties['trimestre']}"
        if "mois" in parties:
            return f"{parties['annee']}-{parties['mois']}"
        return trouve.group(1) or ""

    def wants(self, millesime: str) -> bool:
        """Whether a vintage found is one to fetch."""
        return bool(millesime) and millesime >= self.depuis


def fill(gabarit: str, *, millesime: str = "", region: str = "") -> str:
    """A template with the vintage and the region in their places."""
    return gabarit.replace(MILLESIME, millesime).replace(REGION, region)


class _Access(Model):
    remarque: str = Field(
        default="", description="Ce qui a été vu, ce qui est déduit, ce qui reste à confirmer."
    )

    def noms_gardes(self) -> tuple[str, ...]:
        """Names that received files will bear, as far as the catalogue can tell them."""
        return ()


class DepositAccess(_Access):
    """By hand only."""

    mode: Literal["depot"]

    @property
    def libelle(self) -> str:
        """How the dataset comes, in a few words, in French."""
        return "dépôt"


class _Live(_Access):
    hotes: tuple[str, ...] = Field(
        default=(), description="Hôtes admis en plus de celui de l'adresse : ceux des redirections."
    )
    delai_s: float = Field(
        default=0.0, ge=0, le=120, description="Secondes entre deux requêtes au même hôte, au moins."
    )

    @property
    @abstractmethod
    def adresse_de_base(self) -> str:
        """Address whose host is always allowed."""

    @property
    def hotes_admis(self) -> frozenset[str]:
        """Every host that may be asked, redirects included."""
        return frozenset((host_of(self.adresse_de_base), *(hote.lower() for hote in self.hotes)))

    @property
    def libelle(self) -> str:
        """How the dataset comes, in a few words, in French."""
        return f"{host_of(self.adresse_de_base)} (en ligne) ou dépôt"


class _Dated(_Live):
    millesimes: tuple[str, ...] = Field(default=(), description="Millésimes à demander.")
    extrait: Extraction | None = Field(
        default=None,
        description="Sinon, où le lire : un nouveau millésime est alors reçu sans rien déclarer.",
    )

    # Where each mode can read a vintage.
    _LUS: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _says_its_vintages(self) -> _Dated:
        if bool(self.millesimes) == bool(self.extrait):
            raise ValueError("« millesimes » ou « extrait », l'un des deux et un seul")
        if self.extrait and self.extrait.dans not in self._LUS:
            raise ValueError(f"« dans: {self.extrait.dans} » ne se lit pas par ce mode d'accès")
        return self

    @abstractmethod
    def gabarits_de_nom(self) -> tuple[str, ...]:
        """Templates of the names to keep."""

    def noms_gardes(self) -> tuple[str, ...]:
        # Without a listed vintage, a template that holds one cannot be filled yet.
        return tuple(
            fill(gabarit, millesime=millesime, region="32")
            for gabarit in self.gabarits_de_nom()
            for millesime in (self.millesimes or ("",))
            if gabarit and (self.millesimes or MILLESIME not in gabarit)
        )


class HttpFile(Model):
    """A file at a known address."""

    adresse: Address = Field(description="Gabarit.")
    nom: str = Field(default="", description="Gabarit. Nom gardé ; vide : la fin de l'adresse.")
    obligatoire: bool = Field(default=True, description="Sans lui, rien du millésime n'est reçu.")


class HttpAccess(_Dated):
    """Files at known addresses."""

    mode: Literal["http"]
    fichiers: tuple[HttpFile, ...] = Field(min_length=1)

    @property
    def adresse_de_base(self) -> str:
        return self.fichiers[0].adresse

    def gabarits_de_nom(self) -> tuple[str, ...]:
        return tuple(fichier.nom or file_name(fichier.adresse) for fichier in self.fichiers)


class DataGouvFile(Model):
    """A resource of a dataset of data.gouv.fr."""

    titre: Regex = Field(description="Gabarit. Expression cherchée dans le titre, sans égard à la casse.")
    formats: tuple[str, ...] = Field(default=(), description="Formats déclarés admis ; vide : tous.")
    nom: str = Field(default="", description="Gabarit. Nom gardé ; vide : celui du fichier.")
    obligatoire: bool = Field(default=True, description="Sans lui, rien du millésime n'est reçu.")


class DataGouvAccess(_Dated):
    """Resources of one dataset of data.gouv.fr, chosen by title and format."""

    _LUS: ClassVar[frozenset[str]] = frozenset({"nom", "titre", "date"})

    mode: Literal["datagouv"]
    base: Address
    slug: str
    fichiers: tuple[DataGouvFile, ...] = Field(min_length=1)

    @property
    def adresse_de_base(self) -> str:
        return self.base

    def gabarits_de_nom(self) -> tuple[str, ...]:
        return tuple(fichier.nom for fichier in self.fichiers)


class OpendatasoftAccess(_Dated):
    """Export of one dataset of an Opendatasoft portal."""

    _LUS: ClassVar[frozenset[str]] = frozenset({"colonne"})

    mode: Literal["opendatasoft"]
    base: Address
    jeu: str = Field(description="Identifiant, * et ? admis ; « _ » et « - » y sont le même signe.")
    format: Literal["csv", "parquet"] = "csv"
    select: str = ""
    where: str = Field(
        default="",
        description="Gabarit. Clause ODSQL ; laissée de côté pour la France entière si elle tient {region}.",
    )
    nom: str = Field(description="Gabarit. Nom gardé.")

    @property
    def adresse_de_base(self) -> str:
        return self.base

    def gabarits_de_nom(self) -> tuple[str, ...]:
        return (self.nom,)


class InseeFile(Model):
    """A file that a page of insee.fr links to."""

    cherche: Regex = Field(
        description="Gabarit. Expression que le nom du fichier respecte en entier, sans égard à la casse."
    )
    nom: str = Field(default="", description="Gabarit. Nom gardé ; vide : celui du fichier.")
    obligatoire: bool = Field(default=True, description="Sans lui, rien du millésime n'est reçu.")


class InseePageAccess(_Dated):
    """Files linked from a product page of insee.fr, or from the pages it leads to."""

    _LUS: ClassVar[frozenset[str]] = frozenset({"nom"})

    mode: Literal["insee_page"]
    page: Address
    suivre: Regex = Field(
        default="",
        description="Texte des liens à suivre quand la page ne porte pas les fichiers ; vide : tous.",
    )
    fichiers: tuple[InseeFile, ...] = Field(min_length=1)

    @property
    def adresse_de_base(self) -> str:
        return self.page

    def gabarits_de_nom(self) -> tuple[str, ...]:
        return tuple(fichier.nom for fichier in self.fichiers)


class MelodiAccess(_Dated):
    """Observations of the Melodi API of the Insee, written as one CSV."""

    _LUS: ClassVar[frozenset[str]] = frozenset({"colonne"})

    mode: Literal["melodi"]
    base: Address
    jeu: str
    filtres: tuple[tuple[str, str], ...] = Field(
        default=(), description="Couples (dimension, valeur) ; la valeur est un gabarit."
    )
    nom: str = Field(description="Gabarit. Nom gardé.")

    @property
    def adresse_de_base(self) -> str:
        return self.base

    def gabarits_de_nom(self) -> tuple[str, ...]:
        return (self.nom,)


class BdmAccess(_Dated):
    """Series of the BDM of the Insee (SDMX), written as one CSV."""

    _LUS: ClassVar[frozenset[str]] = frozenset({"colonne"})

    mode: Literal["bdm"]
    base: Address
    jeu: str
    cle: str = Field(default="", description="Clé SDMX ; vide : toutes les séries du jeu.")
    parametres: tuple[tuple[str, str], ...] = Field(
        default=(), description="Couples (paramètre, valeur) ; la valeur est un gabarit."
    )
    nom: str = Field(description="Gabarit. Nom gardé.")

    @property
    def adresse_de_base(self) -> str:
        return self.base

    def gabarits_de_nom(self) -> tuple[str, ...]:
        return (self.nom,)


class C2rpAccess(_Live):
    """Pages of dispositifs of the C2RP: the vintage is a day, and holds the pages new or changed that day."""

    mode: Literal["c2rp"]
    base: Address
    liste: str = Field(default="/dispositifs", description="Chemin de la page qui liste les dispositifs.")

    @property
    def adresse_de_base(self) -> str:
        return self.base


LiveAccess = (
    HttpAccess | DataGouvAccess | OpendatasoftAccess | InseePageAccess | MelodiAccess | BdmAccess | C2rpAccess
)
DatedAccess = HttpAccess | DataGouvAccess | OpendatasoftAccess | InseePageAccess | MelodiAccess | BdmAccess
Access = Annotated[DepositAccess | LiveAccess, Field(discriminator="mode")]


def is_live(acces: DepositAccess | LiveAccess) -> bool:
    """Whether the producer can be asked for the dataset."""
    return acces.mode != "depot"
