"""The page of each dispositif: versions, filiation, targets, who benefits, where it is present."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qpv_emploi.publication.site import chemins
from qpv_emploi.publication.site.contexte import Row, SiteContext
from qpv_emploi.publication.site.fiche import grouped_by
from qpv_emploi.publication.site.modele import Page, SearchEntry

MENU = ("Dispositifs", 40)
TABLES = ("dim_dispositif", "fct_beneficiaires", "mart_ciblage_droit_commun", "mart_couverture_dispositif")

TYPES = {
    "DC": "Droit commun",
    "DC_QPV": "Droit commun avec un quota ou une priorité pour les QPV",
    "SP": "Spécifique à la politique de la ville",
    "REG": "Dispositif de la Région, ou de l'État et de la Région",
    "LOC": "Action locale",
    "EXP": "Expérimentation, appel à projets",
    "NON_QUALIFIE": "Répertoire du C2RP : pages que rien ne rapproche des dispositifs ci-dessus",
}
THEMES = {
    "REP": "repérage, aller vers",
    "FOR": "formation",
    "APP": "apprentissage",
    "ACC": "accès à l'emploi",
    "ORI": "orientation des jeunes",
    "MOB": "mobilité",
    "ENT": "entreprises",
    "CRE": "création d'entreprise",
    "CMD": "commande publique",
    "COO": "coordination, médiation",
    "NON_QUALIFIE": "non qualifié",
}
NATURES = {
    "remplacement": "remplacé par",
    "composante": "composante de",
}
LOCALISATION = {
    "residence": "résidence de la personne",
    "lieu_de_travail": "lieu de travail",
    "adresse_employeur": "adresse de l'employeur",
    "adresse_mission_locale": "adresse de la mission locale",
    "non_etablie": "règle non établie",
}


def plan(context: SiteContext) -> Sequence[str]:
    return [chemins.DISPOSITIFS, *(chemins.dispositif(code) for code in _versions(context))]


def render(context: SiteContext, paths: Sequence[str]) -> Iterable[Page]:
    known = _versions(context)
    if chemins.DISPOSITIFS in paths:
        by_type = grouped_by((versions[-1] for versions in known.values()), "type_dispositif")
        yield context.page(
            chemins.DISPOSITIFS,
            "dispositifs.html.j2",
            titre="Dispositifs",
            # A type without a label is shown under its code rather than left out.
            types=[(kind, TYPES.get(kind, kind), by_type[kind]) for kind in sorted(by_type, key=_rank)],
            themes=THEMES,
            presents={
                row["code_dispositif"]: row["nb"]
                for row in context.rows(
                    "select code_dispositif, count(distinct code_qpv) as nb from mart_couverture_dispositif "
                    "where present group by code_dispositif order by code_dispositif"
                )
            },
        )
    chosen = [code for code in known if chemins.dispositif(code) in paths]
    if chosen:
        yield from _pages(context, known, chosen)


def _rank(kind: str) -> tuple[int, str]:
    known = list(TYPES)
    return (known.index(kind) if kind in TYPES else len(known), kind)


def _versions(context: SiteContext) -> dict[str, list[Row]]:
    # A release made before the pages of the directory were kept has no such columns.
    held = context.value(
        "select count(*) from information_schema.columns where table_schema = 'main' "
        "and table_name = 'dim_dispositif' and column_name in ('page_url', 'page_vue_le')"
    )
    page, seen = ("page_url", "page_vue_le") if held == 2 else ("null", "null")
    rows = context.rows(
        "select code_dispositif, version, libelle_dispositif, type_dispositif, theme, public_vise, porteur, "
        "financeur, territoire_cite, debut_cite, fin_cite, valide_du, valide_au, base_legale, documents, "
        f"est_courant, {page} as page_url, {seen} as page_vue_le from dim_dispositif "
        "order by code_dispositif, version"
    )
    return grouped_by(rows, "code_dispositif")


def _pages(context: SiteContext, known: dict[str, list[Row]], chosen: Sequence[str]) -> Iterable[Page]:
    links = context.rows(
        "select code_avant, code_apres, nature, date_effet, precision_date, source, remarque "
        "from pont_dispositif_filiation order by code_avant, code_apres"
    )
    targets = grouped_by(
        context.rows(
            "select code_dispositif, code_cible, texte_fixant, valeur_cible, unite, echeance, en_vigueur_du, "
            "en_vigueur_au, territoire_cite, est_complete, motif_incomplete from fct_cible "
            "where code_dispositif in (select unnest(?)) order by code_dispositif, code_cible",
            chosen,
        ),
        "code_dispositif",
    )
    cover = grouped_by(
        context.rows(
            "select code_dispositif, generation, origine, coalesce(source, '') as source, code_statut, "
            "coalesce(motif, '') as motif, min(debut) as debut, max(fin) as fin, "
            "count(distinct code_qpv) filter (where present) as nb_presents, "
            "count(distinct code_qpv) as nb_qpv from mart_couverture_dispositif "
            "where code_dispositif in (select unnest(?)) group by all "
            "order by code_dispositif, generation, origine, source, code_statut, motif",
            chosen,
        ),
        "code_dispositif",
    )
    shares = grouped_by(
        context.rows(
            "select code_dispositif, libelle_territoire, debut, fin, type_flux, regle_localisation, "
            "libelle_base_parite, beneficiaires_qpv, beneficiaires_total, part_qpv, part_parite, "
            "indice_ciblage, motif_indice, valeur_cible, est_cible_atteinte, est_parite_atteinte, "
            "code_statut, motif, cle_ligne from mart_ciblage_droit_commun "
            "where (type_territoire in ('france', 'region') or part_qpv is not null) "
            "and code_dispositif in (select unnest(?)) order by code_dispositif, cle_ligne",
            chosen,
        ),
        "code_dispositif",
    )
    series = grouped_by(
        context.rows(
            "select b.code_dispositif, t.type_territoire, b.population, b.type_flux, b.regle_localisation, "
            "min(b.debut) as debut, max(b.fin) as fin, count(*) as nb, count(b.nombre) as nb_valeurs "
            "from fct_beneficiaires as b "
            "inner join dim_territoire as t on b.cle_territoire = t.cle_territoire "
            "where b.connu_au is null and b.code_dispositif in (select unnest(?)) group by all "
            "order by b.code_dispositif, t.type_territoire, b.population, b.type_flux, b.regle_localisation",
            chosen,
        ),
        "code_dispositif",
    )
    # The pages of the C2RP are known by their address only: their licence does not let their text out.
    c2rp = context.rows(
        "select page, licence from dim_jeu_source where producteur = 'c2rp' order by cle_jeu_source"
    )
    for code in chosen:
        versions = known[code]
        last = versions[-1]
        yield context.page(
            chemins.dispositif(code),
            "dispositif.html.j2",
            titre=last["libelle_dispositif"],
            fil=[("Dispositifs", chemins.DISPOSITIFS)],
            recherche=[SearchEntry(last["libelle_dispositif"], code, "dispositif", chemins.dispositif(code))],
            dispositif=last,
            versions=versions,
            types=TYPES,
            themes=THEMES,
            natures=NATURES,
            localisation=LOCALISATION,
            libelles={code: rows[-1]["libelle_dispositif"] for code, rows in known.items()},
            avant=[link for link in links if link["code_apres"] == code],
            apres=[link for link in links if link["code_avant"] == code],
            cibles=targets.get(code, []),
            couverture=cover.get(code, []),
            parts=shares.get(code, []),
            series=series.get(code, []),
            c2rp=c2rp[0] if c2rp else None,
        )
