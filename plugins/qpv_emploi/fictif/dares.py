"""Files of the Dares: job seekers by commune (extract and export of the portal), monthly series of POEM."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qpv_emploi.fictif.alea import Entiers, arrondir, flux
from qpv_emploi.fictif.codes import NOM_REGION_FICTIVE, REGION_FICTIVE
from qpv_emploi.fictif.ecriture_csv import ecrire_table
from qpv_emploi.fictif.region import Region

_AGES = {"Moins de 25 ans": 0.14, "De 25 à 49 ans": 0.58, "50 ans et plus": 0.28}
_SEXES = {"Hommes": 0.52, "Femmes": 0.48}
_PREMIERE_ANNEE = 2015
# slug -> (label, flux or stock, first month, number of months, level)
_SERIES = {
    "emplois-francs-entrees": ("Emplois francs - entrées", "flux", "2020-01", 25, 2_200),
    "parcours-emploi-competences-entrees": ("PEC - entrées", "flux", "2022-01", 32, 6_000),
    "parcours-emploi-competences-stocks": ("PEC - stocks", "stock", "2020-01", 36, 60_000),
    "contrat-engagement-jeune-entrees": ("CEJ - entrées hors renouvellements", "flux", "2022-01", 31, 24_000),
    "garantie-jeunes-entrees": ("Garantie jeunes - entrées (série close)", "flux", "2021-01", 26, 14_000),
    "iae-ei-stocks": ("IAE, entreprises d'insertion - stocks", "stock", "2023-01", 25, 19_000),
}


def ecrire_defm_extrait(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Communes of the first département, with the columns that a third party computed (SOURCES 6.1)."""
    entete = (
        "code_region,region,code_departement,departement,code_commune,commune,codgeo,"
        "nombre_de_demandeurs_d_emploi,p23_pop,ratio_ABC_pop_commune,ratio_ABC_pop_dep,T3_2025_departement,"
        "T3_2025_proxy_commune"
    )
    territoire = region.territoire
    effectifs = _effectifs(region, int(millesime[:4])).tolist()
    rangs = [rang for rang, commune in enumerate(territoire.communes) if commune.departement == 0]
    ratio = sum(effectifs[r] for r in rangs) / sum(territoire.communes[r].pop_2018 for r in rangs)
    lignes = []
    for rang in rangs:
        commune = territoire.communes[rang]
        part = effectifs[rang] / commune.pop_2018
        lignes.append(
            [
                *(REGION_FICTIVE, NOM_REGION_FICTIVE, *region.departement_de(commune), commune.code),
                *(commune.nom.libelle, commune.code, effectifs[rang], float(commune.pop_2018)),
                *(part, ratio, "10.3", round(part / ratio * 10.3, 2)),
            ]
        )
    chemin = dossier / f"defm_abc_{millesime.lower()}_fictif_extract.csv"
    ecrire_table(chemin, entete, lignes, fin="\r\n")
    return [chemin]


def ecrire_defm_export(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Export of the portal: every 4th quarter since 2015, by sex and age, with ``Total`` rows (SOURCES 9.5).

    Each cell is rounded to 5 on its own, so that parts and total differ a little.
    """
    entete = (
        "date;code_region;region;code_departement;departement;code_commune;commune;type_de_donnees;categorie;"
        "sexe;tranche_d_age;nombre_de_demandeurs_d_emploi"
    )
    territoire = region.territoire
    lignes: list[list[str]] = []
    for annee in range(_PREMIERE_ANNEE, int(millesime[:4]) + 1):
        effectifs = _effectifs(region, annee).tolist()
        communs = [f"{annee}-T4", REGION_FICTIVE, NOM_REGION_FICTIVE]
        suite = ["Brutes", "ABC"]
        for commune, effectif in zip(territoire.communes, effectifs, strict=True):
            lieu = [*region.departement_de(commune), commune.code, commune.nom.libelle]
            for sexe, part_sexe in {"Total": 1.0, **_SEXES}.items():
                for age, part_age in {"Total": 1.0, **_AGES}.items():
                    valeur = str(_au_multiple(effectif * part_sexe * part_age))
                    lignes.append([*communs, *lieu, *suite, sexe, age, valeur])
        for rang, departement in enumerate(territoire.departements):
            somme = sum(
                effectif
                for commune, effectif in zip(territoire.communes, effectifs, strict=True)
                if commune.departement == rang
            )
            lieu = [departement.code, departement.nom.libelle, "Total", f"Total {departement.nom.libelle}"]
            lignes.append([*communs, *lieu, *suite, "Total", "Total", str(somme)])
    chemin = dossier / f"dares_defm_communales-brutes_{millesime}.csv"
    ecrire_table(chemin, entete, lignes, separateur=";", fin="\r\n", encodage="utf-8-sig")
    return [chemin]


def ecrire_poem(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Monthly series, imagined like the rest: one month is not yet available, one cannot be computed."""
    entete = "serie_slug;libelle;nature;page_mise_a_jour;champ;mois;valeur"
    publie_le, champ = f"{millesime}-01-31", "France entière"
    lignes = []
    for rang, (slug, (libelle, nature, debut, nombre, niveau)) in enumerate(_SERIES.items()):
        alea = flux(region.territoire.graine, f"poem {slug}")
        valeurs = np.rint(niveau * np.exp(alea.normal(0.0, 0.1, nombre))).astype(np.int64).tolist()
        textes = [str(valeur) for valeur in valeurs]
        if slug == "contrat-engagement-jeune-entrees":
            # It began in March 2022: true zeros.
            textes[:2] = ["0", "0"]
        if rang == 0:
            textes[-1], textes[3] = "-", "NC"
        premiere = 12 * int(debut[:4]) + int(debut[5:]) - 1
        for ecart, texte in enumerate(textes):
            annee, mois = divmod(premiere + ecart, 12)
            lignes.append([slug, libelle, nature, publie_le, champ, f"{annee}-{mois + 1:02d}", texte])
    chemin = dossier / "poem_france_entiere_mensuel.csv"
    ecrire_table(chemin, entete, lignes, separateur=";", fin="\r\n")
    return [chemin]


def _effectifs(region: Region, annee: int) -> Entiers:
    """Job seekers of each commune, a multiple of 5, more than in its QPV; the smallest commune has none."""
    communes, qpv = region.territoire.communes, region.territoire.qpv
    population = np.array([commune.pop_2018 for commune in communes], dtype=np.float64)
    en_qpv = np.zeros(len(communes))
    np.add.at(en_qpv, [indices[0] for indices in qpv.communes], qpv.pop_2018)
    parts = flux(region.territoire.graine, "defm communales").uniform(0.05, 0.09, len(communes))
    tendance = np.exp(-0.02 * (annee - 2015) + flux(region.territoire.graine, "defm", annee).normal(0, 0.03))
    effectifs = arrondir((population * parts + 0.16 * en_qpv) * tendance / 5) * 5
    effectifs[int(np.argmin(population))] = 0
    return effectifs


def _au_multiple(valeur: float) -> int:
    return int(5 * np.rint(valeur / 5))
