-- A vintage holds the pages that were new or changed that day: a version runs until the next vintage in which
-- the page has another content. The same content received again, next in time, is the same version.
with releves as (
    select
        millesime,
        fichier,
        empreinte_sha256,
        releve_le,
        slug,
        url,
        hote,
        titre,
        themes,
        publics,
        mots_cles,
        mois_mise_a_jour,
        mois_parution,
        empreinte_texte,
        empreinte_contenu,
        lag(empreinte_contenu) over (partition by slug order by releve_le) as empreinte_precedente
    from {{ ref('stg_c2rp__pages__fiches') }}
),

numerotes as (
    select
        slug,
        releve_le,
        sum(case when empreinte_contenu = empreinte_precedente then 0 else 1 end)
            over (partition by slug order by releve_le) as numero_version
    from releves
),

bornes as (
    select
        slug,
        cast(numero_version as integer) as numero_version,
        min(releve_le) as valide_du,
        max(releve_le) as dernier_releve_le
    from numerotes
    group by slug, numero_version
),

rubriques as (
    select
        slug,
        millesime,
        cast(count(*) as integer) as nb_rubriques,
        string_agg(titre_section, ' | ' order by ordre) as rubriques
    from {{ ref('stg_c2rp__pages__sections') }}
    group by slug, millesime
),

versions as (
    select
        bornes.slug,
        bornes.numero_version,
        bornes.valide_du,
        bornes.dernier_releve_le,
        releves.millesime,
        releves.fichier,
        releves.empreinte_sha256,
        releves.url,
        releves.hote,
        releves.titre,
        releves.themes,
        releves.publics,
        releves.mots_cles,
        releves.mois_mise_a_jour,
        releves.mois_parution,
        releves.empreinte_texte,
        releves.empreinte_contenu,
        rubriques.rubriques,
        rubriques.nb_rubriques,
        lead(bornes.valide_du) over (partition by bornes.slug order by bornes.valide_du) as suivante_du,
        lag(releves.titre) over (partition by bornes.slug order by bornes.valide_du) as titre_avant,
        lag(releves.themes) over (partition by bornes.slug order by bornes.valide_du) as themes_avant,
        lag(releves.publics) over (partition by bornes.slug order by bornes.valide_du) as publics_avant,
        lag(releves.mots_cles) over (partition by bornes.slug order by bornes.valide_du) as mots_cles_avant,
        lag(releves.empreinte_texte) over (partition by bornes.slug order by bornes.valide_du) as texte_avant
    from bornes
    inner join releves
        on bornes.slug = releves.slug and bornes.valide_du = releves.releve_le
    left join rubriques
        on releves.slug = rubriques.slug and releves.millesime = rubriques.millesime
)

select
    slug || '@' || cast(valide_du as varchar) as cle_page_version,
    slug,
    numero_version,
    titre,
    url,
    hote,
    themes,
    publics,
    mots_cles,
    mois_mise_a_jour,
    mois_parution,
    rubriques,
    coalesce(nb_rubriques, 0) as nb_rubriques,
    numero_version > 1 and coalesce(titre, '') <> coalesce(titre_avant, '') as titre_change,
    numero_version > 1 and coalesce(themes, '') <> coalesce(themes_avant, '') as themes_changes,
    numero_version > 1 and coalesce(publics, '') <> coalesce(publics_avant, '') as publics_changes,
    numero_version > 1 and coalesce(mots_cles, '') <> coalesce(mots_cles_avant, '') as mots_cles_changes,
    numero_version > 1 and coalesce(empreinte_texte, '') <> coalesce(texte_avant, '') as texte_change,
    valide_du,
    cast(suivante_du - 1 as date) as valide_au,
    suivante_du is null as est_courant,
    dernier_releve_le,
    empreinte_contenu,
    millesime,
    fichier,
    empreinte_sha256
from versions
