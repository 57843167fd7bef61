-- Block 2 of the page: the last usable figure of each indicator for each neighbourhood, with its
-- comparator or the reason why there is none; and for the contract the sum of its neighbourhoods, or their
-- spread where nothing adds up.
with fiche as (
    select
        code_indicateur,
        cle_ventilation,
        code_ligne,
        ordre,
        code_comparateur,
        libelle,
        unite,
        sens_souhaite,
        est_additif
    from {{ ref('int_fiche_indicateur') }}
),

membres as (
    select
        membre.cle_territoire,
        membre.generation,
        membre.cle_territoire_ligne,
        membre.niveau,
        membre.nb_qpv,
        generation_contrat.t0
    from {{ ref('int_fiche_membre') }} as membre
    left join {{ ref('generation_contrat') }} as generation_contrat
        on membre.generation = cast(generation_contrat.generation as varchar)
),

attentes as (
    select
        code_indicateur,
        generation,
        code_statut,
        motif
    from {{ ref('indicateur_attendu') }}
    where niveau = 'qpv'
),

utiles as (
    select
        observation.cle_observation,
        observation.cle_territoire,
        observation.generation,
        observation.code_indicateur,
        observation.cle_ventilation,
        observation.cle_periode,
        observation.debut,
        observation.fin,
        observation.valeur,
        observation.code_statut,
        observation.motif,
        case
            when observation.denominateur < 100
                then
                    coalesce(observation.reserve || ' ; ', '')
                    || 'petit effectif : dénominateur inférieur à 100'
            when not observation.est_plus_recente
                then
                    coalesce(observation.reserve || ' ; ', '')
                    || 'la période la plus récente est retenue ou non diffusée'
            when observation.evidence_periode = 'infere'
                then
                    coalesce(observation.reserve || ' ; ', '')
                    || 'période déduite, non dite par le producteur'
            else observation.reserve
        end as reserve,
        fiche.code_ligne,
        fiche.code_comparateur
    from {{ ref('int_observation_utile') }} as observation
    inner join fiche
        on
            observation.code_indicateur = fiche.code_indicateur
            and observation.cle_ventilation = fiche.cle_ventilation
),

-- The comparison at the period of the figure, else the refusal; the first zone when there are several.
comparaisons as (
    select
        utiles.cle_territoire,
        utiles.code_ligne,
        comparaison.valeur_qpv,
        comparaison.valeur_zone,
        comparaison.motif,
        row_number() over (
            partition by utiles.cle_territoire, utiles.code_ligne
            order by
                case when comparaison.motif is null then 1 else 2 end asc,
                case when comparaison.portee = 'cellule' then 1 else 2 end asc,
                comparaison.cle_territoire_zone asc
        ) as numero
    from utiles
    inner join {{ ref('int_comparaison') }} as comparaison
        on
            utiles.cle_territoire = comparaison.cle_territoire
            and utiles.generation = comparaison.generation
            and utiles.code_indicateur = comparaison.code_indicateur
            and utiles.code_comparateur = comparaison.code_comparateur
            and (
                comparaison.portee = 'indicateur'
                or (
                    comparaison.portee = 'cellule'
                    and utiles.cle_ventilation = comparaison.cle_ventilation
                    and utiles.cle_periode = comparaison.cle_periode
                )
            )
),

-- The series of the zone where no figure exists for a neighbourhood: its last period.
derniers_contextes as (
    select
        comparaison.cle_territoire,
        comparaison.generation,
        fiche.code_ligne,
        comparaison.cle_territoire_zone,
        comparaison.valeur_zone,
        comparaison.code_statut,
        comparaison.motif,
        comparaison.cle_periode,
        rank() over (
            partition by comparaison.cle_territoire, comparaison.generation, fiche.code_ligne
            order by comparaison.cle_periode desc nulls last
        ) as numero
    from {{ ref('int_comparaison') }} as comparaison
    inner join fiche
        on
            comparaison.code_indicateur = fiche.code_indicateur
            and comparaison.code_comparateur = fiche.code_comparateur
            and comparaison.cle_ventilation = fiche.cle_ventilation
    where comparaison.portee = 'contexte'
),

contextes as (
    select
        membres.cle_territoire,
        membres.cle_territoire_ligne,
        contexte.code_ligne,
        max(contexte.code_statut) as code_statut,
        max(contexte.motif) as motif,
        max(contexte.cle_periode) as cle_periode,
        count(distinct contexte.cle_territoire_zone) as nb_zones,
        min(contexte.valeur_zone) as valeur_min,
        max(contexte.valeur_zone) as valeur_max
    from membres
    inner join membres as quartiers
        on
            membres.cle_territoire = quartiers.cle_territoire
            and quartiers.niveau = 'qpv'
            and (
                membres.niveau = 'contrat'
                or membres.cle_territoire_ligne = quartiers.cle_territoire_ligne
            )
    inner join derniers_contextes as contexte
        on
            quartiers.cle_territoire_ligne = contexte.cle_territoire
            and quartiers.generation = contexte.generation
            and contexte.numero = 1
    group by membres.cle_territoire, membres.cle_territoire_ligne, contexte.code_ligne
),

-- The neighbourhoods of the contract together: the last period that gives a sum, else the last one.
agregats as (
    select
        agregat.cle_territoire,
        fiche.code_ligne,
        agregat.cle_periode,
        agregat.debut,
        agregat.fin,
        agregat.valeur,
        agregat.borne_basse,
        agregat.code_statut,
        agregat.motif,
        agregat.reserve,
        agregat.cle_agregat,
        row_number() over (
            partition by agregat.cle_territoire, fiche.code_ligne
            order by
                case when agregat.valeur is null then 2 else 1 end asc,
                agregat.ordre_periode desc nulls last,
                agregat.cle_agregat asc
        ) as numero
    from {{ ref('int_agregat_qpv') }} as agregat
    inner join fiche
        on
            agregat.code_indicateur = fiche.code_indicateur
            and agregat.cle_ventilation = fiche.cle_ventilation
    where agregat.type_territoire = 'contrat_ville' and agregat.est_retenu
),

-- Where nothing adds up, the spread of the neighbourhoods at the period that most of them share.
etendues as (
    select
        membres.cle_territoire,
        utiles.code_ligne,
        utiles.cle_periode,
        min(utiles.debut) as debut,
        min(utiles.fin) as fin,
        min(utiles.valeur) as valeur_min,
        max(utiles.valeur) as valeur_max,
        count(utiles.valeur) as nb_connues,
        row_number() over (
            partition by membres.cle_territoire, utiles.code_ligne
            order by count(utiles.valeur) desc nulls last, utiles.cle_periode desc nulls last
        ) as numero
    from membres
    inner join utiles on membres.cle_territoire_ligne = utiles.cle_territoire
    where membres.niveau = 'qpv'
    group by membres.cle_territoire, utiles.code_ligne, utiles.cle_periode
),

quartiers as (
    select
        membres.cle_territoire,
        membres.generation,
        membres.niveau,
        membres.cle_territoire_ligne,
        fiche.code_ligne,
        fiche.code_indicateur,
        fiche.ordre,
        fiche.libelle,
        cast(null as varchar) as texte,
        utiles.valeur,
        fiche.unite,
        fiche.code_comparateur,
        coalesce(comparaisons.valeur_zone, case when contextes.nb_zones = 1 then contextes.valeur_min end)
            as valeur_comparateur,
        case
            when comparaisons.motif is null
                then {{ ecart('comparaisons.valeur_qpv', 'comparaisons.valeur_zone') }}
        end as ecart_points,
        case
            when comparaisons.motif is null
                then {{ rapport('comparaisons.valeur_qpv', 'comparaisons.valeur_zone') }}
        end as rapport,
        fiche.sens_souhaite,
        coalesce(utiles.code_statut, contextes.code_statut, attentes.code_statut, 'ND') as code_statut,
        case
            when utiles.cle_observation is not null then utiles.motif
            else coalesce(contextes.motif, attentes.motif, 'aucun fichier tenu ne donne cet indicateur')
        end as motif,
        case
            when utiles.cle_observation is null then 'aucune valeur du quartier à comparer'
            when comparaisons.cle_territoire is null then 'comparateur sans donnée'
            else comparaisons.motif
        end as motif_comparaison,
        utiles.reserve,
        coalesce(utiles.cle_periode, contextes.cle_periode) as cle_periode,
        case
            when utiles.cle_observation is not null
                then {{ position_t0('utiles.debut', 'utiles.fin', 'membres.t0') }}
        end as position_t0,
        utiles.cle_observation,
        cast(null as varchar) as cle_agregat
    from membres
    cross join fiche
    left join utiles
        on
            membres.cle_territoire_ligne = utiles.cle_territoire
            and fiche.code_ligne = utiles.code_ligne
    left join comparaisons
        on
            membres.cle_territoire_ligne = comparaisons.cle_territoire
            and fiche.code_ligne = comparaisons.code_ligne
            and comparaisons.numero = 1
    left join contextes
        on
            utiles.cle_observation is null
            and membres.cle_territoire = contextes.cle_territoire
            and membres.cle_territoire_ligne = contextes.cle_territoire_ligne
            and fiche.code_ligne = contextes.code_ligne
    left join attentes
        on
            fiche.code_indicateur = attentes.code_indicateur
            and (attentes.generation is null or membres.generation = attentes.generation)
    where membres.niveau = 'qpv'
),

contrats as (
    select
        membres.cle_territoire,
        membres.generation,
        membres.niveau,
        membres.cle_territoire_ligne,
        fiche.code_ligne,
        fiche.code_indicateur,
        fiche.ordre,
        fiche.libelle,
        case
            when agregats.valeur is not null then cast(null as varchar)
            when fiche.est_additif and agregats.borne_basse is not null
                then 'au moins ' || {{ valeur_avec_unite('agregats.borne_basse', 'fiche.unite') }}
            when fiche.est_additif then cast(null as varchar)
            when etendues.nb_connues > 1 and etendues.valeur_min < etendues.valeur_max
                then
                    'de ' || {{ valeur_avec_unite('etendues.valeur_min', 'fiche.unite') }} || ' à '
                    || {{ valeur_avec_unite('etendues.valeur_max', 'fiche.unite') }}
                    || ' selon le quartier (' || cast(etendues.nb_connues as varchar) || ' sur '
                    || cast(membres.nb_qpv as varchar) || ')'
            when etendues.nb_connues >= 1
                then
                    {{ valeur_avec_unite('etendues.valeur_min', 'fiche.unite') }} || ' ('
                    || cast(etendues.nb_connues as varchar) || ' quartier sur '
                    || cast(membres.nb_qpv as varchar) || ')'
        end as texte,
        agregats.valeur,
        fiche.unite,
        fiche.code_comparateur,
        case when contextes.nb_zones = 1 then contextes.valeur_min end as valeur_comparateur,
        cast(null as double precision) as ecart_points,
        cast(null as double precision) as rapport,
        fiche.sens_souhaite,
        case
            when agregats.cle_agregat is not null then agregats.code_statut
            else coalesce(contextes.code_statut, attentes.code_statut, 'ND')
        end as code_statut,
        case
            when agregats.cle_agregat is not null then agregats.motif
            else
                coalesce(
                    contextes.motif, attentes.motif,
                    'aucun fichier tenu ne donne cet indicateur pour ces quartiers'
                )
        end as motif,
        case
            when contextes.nb_zones > 1
                then
                    'plusieurs zones : de ' || {{ valeur_avec_unite('contextes.valeur_min', 'fiche.unite') }}
                    || ' à ' || {{ valeur_avec_unite('contextes.valeur_max', 'fiche.unite') }}
            when contextes.nb_zones = 1 then 'zone donnée comme contexte, sans écart'
            when agregats.cle_agregat is null then 'aucune valeur à comparer'
            when fiche.est_additif
                then
                    'un effectif ne se compare pas à celui d''un territoire d''une autre taille : il se lit '
                    || 'rapporté à une population'
            else 'indicateur non additif : la comparaison se lit quartier par quartier'
        end as motif_comparaison,
        agregats.reserve,
        case
            when agregats.valeur is not null or agregats.borne_basse is not null then agregats.cle_periode
            else coalesce(etendues.cle_periode, contextes.cle_periode)
        end as cle_periode,
        case
            when agregats.valeur is not null or agregats.borne_basse is not null
                then {{ position_t0('agregats.debut', 'agregats.fin', 'membres.t0') }}
            when etendues.cle_periode is not null
                then {{ position_t0('etendues.debut', 'etendues.fin', 'membres.t0') }}
        end as position_t0,
        cast(null as varchar) as cle_observation,
        case when agregats.valeur is not null then agregats.cle_agregat end as cle_agregat
    from membres
    cross join fiche
    left join agregats
        on
            membres.cle_territoire = agregats.cle_territoire
            and fiche.code_ligne = agregats.code_ligne
            and agregats.numero = 1
    left join etendues
        on
            not fiche.est_additif
            and membres.cle_territoire = etendues.cle_territoire
            and fiche.code_ligne = etendues.code_ligne
            and etendues.numero = 1
    left join contextes
        on
            membres.cle_territoire = contextes.cle_territoire
            and membres.cle_territoire_ligne = contextes.cle_territoire_ligne
            and fiche.code_ligne = contextes.code_ligne
    left join attentes
        on
            fiche.code_indicateur = attentes.code_indicateur
            and (attentes.generation is null or membres.generation = attentes.generation)
    where membres.niveau = 'contrat'
)

{% for nom in ['contrats', 'quartiers'] %}
select
    cle_territoire,
    generation,
    niveau,
    cle_territoire_ligne,
    code_ligne,
    code_indicateur,
    ordre,
    libelle,
    texte,
    valeur,
    unite,
    code_comparateur,
    valeur_comparateur,
    ecart_points,
    rapport,
    {{ lecture('sens_souhaite', 'ecart_points') }} as lecture,
    code_statut,
    motif,
    motif_comparaison,
    reserve,
    cle_periode,
    position_t0,
    cle_observation,
    cle_agregat
from {{ nom }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
