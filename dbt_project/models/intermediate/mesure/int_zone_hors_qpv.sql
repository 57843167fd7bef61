-- A commune or an EPCI once all its neighbourhoods are taken out. Only from counts that are additive,
-- published and final on both sides: one withheld, perturbed, rounded or estimated cell, or a
-- neighbourhood that lies on another zone too, and the row says why there is no figure.
with liens as (
    select
        cle_territoire_zone,
        generation,
        case code_comparateur when 'commune' then 'reste_commune' else 'reste_epci' end as code_comparateur,
        cle_territoire_qpv,
        coalesce(est_principal, false) as est_entier
    from {{ ref('int_qpv_zone') }}
    where code_comparateur in ('commune', 'epci')
),

effectifs as (
    select
        cle_territoire_zone,
        generation,
        code_comparateur,
        count(*) as nb_qpv,
        sum(case when est_entier then 0 else 1 end) as nb_partages
    from liens
    group by cle_territoire_zone, generation, code_comparateur
),

-- A count is its own numerator; a rate is carried by its two counts.
mesures as (
    select
        observation.cle_territoire,
        observation.code_indicateur,
        observation.cle_ventilation,
        observation.cle_periode,
        observation.cle_jeu_source,
        observation.cle_observation,
        observation.unite,
        indicateur.additif in ('oui', 'sous_conditions') as est_effectif,
        case
            when indicateur.additif in ('oui', 'sous_conditions') then observation.valeur
            else observation.numerateur
        end as numerateur,
        observation.denominateur,
        observation.code_statut,
        observation.rang_gravite,
        observation.code_statut in ('OK', 'REV', 'PROV') and observation.borne_haute is null as est_nette
    from {{ ref('int_observation_datee') }} as observation
    inner join {{ ref('indicateur') }} as indicateur on observation.code_indicateur = indicateur.code
    where
        observation.est_retenue
        and (
            indicateur.additif in ('oui', 'sous_conditions')
            or (observation.numerateur is not null and observation.denominateur is not null)
        )
),

quartiers as (
    select
        liens.cle_territoire_zone,
        liens.generation,
        liens.code_comparateur,
        mesures.code_indicateur,
        mesures.cle_ventilation,
        mesures.cle_periode,
        count(*) as nb_mesures,
        sum(case when mesures.est_nette then 1 else 0 end) as nb_nettes,
        max(mesures.rang_gravite) as rang_gravite,
        {{ somme_exacte('mesures.numerateur') }} as numerateur,
        {{ somme_exacte('mesures.denominateur') }} as denominateur
    from liens
    inner join mesures on liens.cle_territoire_qpv = mesures.cle_territoire
    group by
        liens.cle_territoire_zone,
        liens.generation,
        liens.code_comparateur,
        mesures.code_indicateur,
        mesures.cle_ventilation,
        mesures.cle_periode
),

couples as (
    select
        quartiers.code_comparateur,
        quartiers.cle_territoire_zone,
        quartiers.generation,
        quartiers.code_indicateur,
        quartiers.cle_ventilation,
        quartiers.cle_periode,
        zone.cle_jeu_source,
        zone.cle_observation,
        zone.unite,
        zone.est_effectif,
        effectifs.nb_qpv,
        zone.numerateur as numerateur_zone,
        zone.denominateur as denominateur_zone,
        quartiers.numerateur as numerateur_qpv,
        quartiers.denominateur as denominateur_qpv,
        greatest(zone.rang_gravite, quartiers.rang_gravite) as rang_gravite,
        case
            when effectifs.nb_partages > 0
                then 'un quartier de la zone déborde sur une autre : sa part n''est pas publiée'
            when quartiers.nb_mesures < effectifs.nb_qpv or quartiers.nb_nettes < quartiers.nb_mesures
                then 'un quartier de la zone est retenu, perturbé, arrondi ou absent : soustraction interdite'
            when not zone.est_nette
                then 'la zone est retenue, perturbée ou arrondie : soustraction interdite'
            when
                zone.numerateur < quartiers.numerateur
                or coalesce(zone.denominateur < quartiers.denominateur, false)
                then 'les quartiers dépassent la zone : les deux sources ne se répondent pas'
            when not zone.est_effectif and zone.denominateur = quartiers.denominateur
                then 'la zone n''a pas d''habitant hors des quartiers'
        end as motif
    from quartiers
    inner join mesures as zone
        on
            quartiers.cle_territoire_zone = zone.cle_territoire
            and quartiers.code_indicateur = zone.code_indicateur
            and quartiers.cle_ventilation = zone.cle_ventilation
            and quartiers.cle_periode = zone.cle_periode
    inner join effectifs
        on
            quartiers.cle_territoire_zone = effectifs.cle_territoire_zone
            and quartiers.generation = effectifs.generation
            and quartiers.code_comparateur = effectifs.code_comparateur
)

select
    couples.code_comparateur,
    couples.cle_territoire_zone,
    couples.generation,
    couples.code_indicateur,
    couples.cle_ventilation,
    couples.cle_periode,
    couples.cle_jeu_source,
    couples.cle_observation,
    couples.unite,
    cast(couples.nb_qpv as integer) as nb_qpv,
    case
        when couples.motif is not null then cast(null as double precision)
        when couples.est_effectif then couples.numerateur_zone - couples.numerateur_qpv
        else
            case when couples.unite = 'pourcent' then 100.0 else 1.0 end
            * {{ zone_hors_qpv(
                'couples.numerateur_zone', 'couples.numerateur_qpv',
                'couples.denominateur_zone', 'couples.denominateur_qpv'
            ) }}
    end as valeur,
    case when couples.motif is null then couples.numerateur_zone - couples.numerateur_qpv end as numerateur,
    case when couples.motif is null then couples.denominateur_zone - couples.denominateur_qpv end
        as denominateur,
    case when couples.motif is null then statut.code else 'NA' end as code_statut,
    couples.motif
from couples
left join {{ ref('statut') }} as statut on couples.rang_gravite = statut.rang_gravite
