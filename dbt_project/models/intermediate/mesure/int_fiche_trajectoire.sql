-- Block 3 of the page: since the first period, alone and beside the comparator of the page; the last
-- period that compares, else the reason of the last one.
with fiche as (
    select
        code_indicateur,
        cle_ventilation,
        code_ligne,
        ordre,
        code_comparateur,
        libelle,
        unite,
        est_additif
    from {{ ref('int_fiche_indicateur') }}
    where not est_contexte
),

evolutions as (
    select
        trajectoire.cle_territoire,
        trajectoire.generation,
        fiche.code_ligne,
        trajectoire.code_comparateur is null as est_seule,
        trajectoire.trajectoire,
        trajectoire.variation_zone,
        trajectoire.trajectoire_relative,
        trajectoire.cle_periode_t0,
        trajectoire.cle_periode_t,
        trajectoire.code_statut,
        trajectoire.motif_non_comparable,
        trajectoire.cle_trajectoire,
        row_number() over (
            partition by
                trajectoire.cle_territoire, trajectoire.generation, fiche.code_ligne,
                trajectoire.code_comparateur
            order by
                case when trajectoire.trajectoire is null then 2 else 1 end asc,
                coalesce(periode.fin, cast('1900-01-01' as date)) desc nulls last,
                trajectoire.cle_trajectoire asc
        ) as numero
    from {{ ref('int_trajectoire') }} as trajectoire
    inner join fiche
        on
            trajectoire.code_indicateur = fiche.code_indicateur
            and trajectoire.cle_ventilation = fiche.cle_ventilation
            and (
                trajectoire.code_comparateur is null
                or trajectoire.code_comparateur = fiche.code_comparateur
            )
    inner join {{ ref('int_periode') }} as periode on trajectoire.cle_periode_t = periode.cle_periode
)

select
    membre.cle_territoire,
    membre.generation,
    membre.niveau,
    membre.cle_territoire_ligne,
    fiche.code_ligne,
    fiche.code_indicateur,
    fiche.ordre,
    fiche.libelle || ' : évolution' as libelle,
    seules.trajectoire as valeur,
    {{ unite_ecart('fiche.unite') }} as unite,
    fiche.code_comparateur,
    relatives.variation_zone as valeur_comparateur,
    relatives.trajectoire_relative as ecart_points,
    case
        when seules.cle_trajectoire is not null then seules.code_statut
        when membre.niveau = 'contrat' and not fiche.est_additif then 'NA'
        else 'ND'
    end as code_statut,
    case
        when seules.cle_trajectoire is not null then seules.motif_non_comparable
        when membre.niveau = 'contrat' and not fiche.est_additif
            then 'indicateur non additif : l''évolution se lit quartier par quartier'
        else 'deux mesures au moins sont nécessaires'
    end as motif,
    case
        when seules.trajectoire is null then 'aucune évolution à comparer'
        when relatives.cle_trajectoire is not null then relatives.motif_non_comparable
        when fiche.est_additif
            then 'l''évolution d''un effectif ne se compare pas à celle d''un territoire d''une autre taille'
        else 'aucun fichier tenu ne donne ce comparateur aux deux périodes'
    end as motif_comparaison,
    seules.cle_periode_t0,
    seules.cle_periode_t,
    seules.cle_trajectoire
from {{ ref('int_fiche_membre') }} as membre
cross join fiche
left join evolutions as seules
    on
        membre.cle_territoire_ligne = seules.cle_territoire
        and membre.generation = seules.generation
        and fiche.code_ligne = seules.code_ligne
        and seules.est_seule
        and seules.numero = 1
left join evolutions as relatives
    on
        membre.cle_territoire_ligne = relatives.cle_territoire
        and membre.generation = relatives.generation
        and fiche.code_ligne = relatives.code_ligne
        and not relatives.est_seule
        and seules.cle_periode_t0 = relatives.cle_periode_t0
        and seules.cle_periode_t = relatives.cle_periode_t
        and relatives.numero = 1
