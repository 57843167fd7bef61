"""Codes of the fictional region: well formed, and used by no official nomenclature."""

from __future__ import annotations

REGION_FICTIVE = "99"
NOM_REGION_FICTIVE = "Région fictive"

# Three-character département codes that exist nowhere (overseas départements stop at 988), in order of use.
DEPARTEMENTS_FICTIFS: tuple[str, ...] = tuple(
    str(code)
    for plage in (range(991, 1000), range(900, 970), range(800, 900), range(700, 800))
    for code in plage
)
QPV_PAR_DEPARTEMENT_MAX = 999
# Two digits after the département, and the codes from 91 on are kept for communes that no longer exist.
COMMUNES_PAR_DEPARTEMENT_MAX = 90
# Codes CV900 to CV998: one contract, hence one EPCI, per code.
EPCI_MAX = 95

# Zones d'emploi 9901, 9902, …; the interregional one is written like 0054 Beauvais (0054-32).
ZONE_INTERREGIONALE = "0099"
ZONES_MAX = 98


def cle_de_luhn(chiffres: str) -> str:
    """Luhn check digit of a string of digits, as in a SIREN."""
    somme = 0
    for rang, chiffre in enumerate(reversed(chiffres)):
        valeur = int(chiffre) * (2 if rang % 2 == 0 else 1)
        somme += valeur - 9 if valeur > 9 else valeur
    return str(-somme % 10)


def siren(rang: int) -> str:
    """A SIREN that no one holds: nine digits, the first four are zero, valid for Luhn (rank 1 to 9999)."""
    if not 1 <= rang <= 9999:
        raise ValueError(f"rang de SIREN hors de 1..9999 : {rang}")
    racine = f"0000{rang:04d}"
    return racine + cle_de_luhn(racine)


# The first EPCI changed SIREN after 2015, like the métropole de Lille: the contracts of 2015 and the
# population of 2013 carry the old one, everything later the new one. Constant, so that a correspondence
# table can name them.
EPCI_ANCIEN_SIREN = siren(1)
EPCI_NOUVEAU_SIREN = siren(9001)


def departements(nombre: int) -> list[str]:
    """The first département codes.

    Raises:
        ValueError: there are not enough fictional codes.
    """
    if not 1 <= nombre <= len(DEPARTEMENTS_FICTIFS):
        raise ValueError(f"{nombre} départements demandés, {len(DEPARTEMENTS_FICTIFS)} codes fictifs")
    return list(DEPARTEMENTS_FICTIFS[:nombre])


def code_qpv(departement: str, rang: int) -> str:
    """Code of a QPV of generation 2015: ``QP`` + département + rank on 3 digits."""
    return f"QP{departement}{rang:03d}"


def code_qpv_2024(departement: str, rang: int, lettre: str) -> str:
    """Code of a QPV of generation 2024: ``QN`` + département + rank on 2 digits + N, M or I."""
    if not 1 <= rang <= 99:
        raise ValueError(f"rang de QPV 2024 hors de 1..99 : {rang}")
    return f"QN{departement}{rang:02d}{lettre}"


def code_commune(departement: str, rang: int) -> str:
    """Commune code: département on 3 characters + rank on 2 digits, as overseas."""
    return f"{departement}{rang:02d}"


def code_contrat_2015(rang: int) -> str:
    """Code of a contract of 2015: ``CV900`` to ``CV999`` (the real ones stop at 434)."""
    if not 0 <= rang <= 99:
        raise ValueError(f"rang de contrat hors de 0..99 : {rang}")
    return f"CV9{rang:02d}"


def code_contrat_2024(departement: str, rang: int, lettre: str) -> str:
    """Code of a contract of 2024: ``CN`` + département + rank on 2 digits + N, M or I."""
    if not 1 <= rang <= 99:
        raise ValueError(f"rang de contrat hors de 1..99 : {rang}")
    return f"CN{departement}{rang:02d}{lettre}"
