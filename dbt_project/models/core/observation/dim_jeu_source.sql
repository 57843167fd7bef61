with sources as (
    select
        producteur,
        jeu,
        millesime,
        titre,
        description,
        licence,
        page,
        publie_le,
        recupere_le,
        fichiers,
        nb_fichiers,
        empreinte_sha256,
        type_territoire,
        generation,
        methode_secret,
        seuil,
        parametre_d,
        arrondi,
        cadence,
        delai_usuel_jours,
        avertissement,
        est_fictif,
        case
            when {{ correspond('millesime', '20[0-9]{2}.*') }} then cast(substr(millesime, 1, 4) as integer)
        end as annee_base
    from {{ ref('stg_entrepot__jeu_source') }}
),

-- What is known of the period of each block of the file, and on what ground.
regles as (
    select
        sources.producteur,
        sources.jeu,
        sources.millesime,
        string_agg(
            distinct coalesce(regle.code_variable, bloc.libelle) || ' : ' || regle.remarque, ' | '
            order by coalesce(regle.code_variable, bloc.libelle) || ' : ' || regle.remarque
        ) as regle_periode
    from sources
    inner join {{ ref('regle_periode') }} as regle
        on
            sources.producteur = regle.producteur
            and sources.jeu = regle.jeu
            and sources.millesime >= coalesce(cast(regle.millesime_du as varchar), '0000')
            and sources.millesime <= coalesce(cast(regle.millesime_au as varchar), '9999')
    inner join {{ ref('bloc_source') }} as bloc
        on
            regle.producteur = bloc.producteur
            and regle.jeu = bloc.jeu
            and regle.bloc = bloc.bloc
    group by sources.producteur, sources.jeu, sources.millesime
)

select
    sources.producteur || ':' || sources.jeu || ':' || sources.millesime as cle_jeu_source,
    sources.producteur,
    sources.jeu,
    sources.millesime,
    sources.titre,
    sources.description,
    sources.licence,
    sources.page,
    sources.publie_le,
    sources.recupere_le,
    sources.fichiers,
    sources.nb_fichiers,
    sources.empreinte_sha256,
    sources.annee_base,
    coalesce(regles.regle_periode, serie.remarque) as regle_periode,
    sources.type_territoire,
    sources.generation,
    case
        when geographie.millesime_geo = 'millesime' then cast(sources.annee_base as varchar)
        else geographie.millesime_geo
    end as millesime_geo,
    sources.methode_secret,
    sources.seuil,
    sources.parametre_d,
    sources.arrondi,
    sources.cadence,
    sources.delai_usuel_jours,
    sources.avertissement,
    sources.est_fictif
from sources
left join regles
    on
        sources.producteur = regles.producteur
        and sources.jeu = regles.jeu
        and sources.millesime = regles.millesime
left join {{ ref('serie_source') }} as serie
    on sources.producteur = serie.producteur and sources.jeu = serie.jeu
left join {{ ref('geographie_source') }} as geographie
    on sources.producteur = geographie.producteur and sources.jeu = geographie.jeu
order by sources.producteur, sources.jeu, sources.millesime
