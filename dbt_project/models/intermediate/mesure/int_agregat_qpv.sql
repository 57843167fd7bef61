-- What all the neighbourhoods of a contract, a département or a region weigh together. Counts are added,
-- rates are Σ numerator ÷ Σ denominator, the rest is not additive and says so. One cell withheld and there
-- is no sum: with two or more, the known part is a lower bound; with exactly one it is not given, since
-- whoever learns the total by another way would read the cell in it.
with membres as (
    select
        cle_territoire,
        type_territoire,
        generation,
        cle_territoire_qpv,
        est_partage
    from {{ ref('int_agregat_membre') }}
),

effectifs as (
    select
        cle_territoire,
        generation,
        count(*) as nb_qpv,
        sum(case when est_partage then 1 else 0 end) as nb_qpv_partages
    from membres
    group by cle_territoire, generation
),

sommes as (
    select
        membres.cle_territoire,
        membres.type_territoire,
        membres.generation,
        observation.code_indicateur,
        observation.cle_ventilation,
        observation.cle_periode,
        observation.cle_jeu_source,
        min(observation.millesime) as millesime,
        min(observation.type_periode) as type_periode,
        min(observation.debut) as debut,
        min(observation.fin) as fin,
        min(observation.ordre_periode) as ordre_periode,
        min(observation.methode_secret) as methode_secret,
        min(observation.unite) as unite,
        count(*) as nb_lignes,
        sum(case when observation.est_connue then 1 else 0 end) as nb_connues,
        sum(case when observation.code_statut = 'NA' then 1 else 0 end) as nb_sans_objet,
        sum(case when not observation.est_connue and observation.code_statut <> 'NA' then 1 else 0 end)
            as nb_retenues,
        max(observation.rang_gravite) as rang_gravite,
        {{ somme_exacte('observation.valeur') }} as somme,
        {{ somme_exacte('coalesce(observation.borne_basse, observation.valeur)') }} as somme_basse,
        {{ somme_exacte('coalesce(observation.borne_haute, observation.valeur)') }} as somme_haute,
        count(observation.borne_haute) as nb_bornees,
        sum(
            case when observation.est_connue and observation.code_statut = 'PERT' then 1 else 0 end
        ) as nb_perturbees,
        {{ somme_exacte('observation.numerateur') }} as numerateur,
        {{ somme_exacte('observation.denominateur') }} as denominateur,
        sum(
            case
                when
                    observation.est_connue
                    and observation.numerateur is not null
                    and observation.denominateur is not null
                    then 1
                else 0
            end
        ) as nb_fractions
    from membres
    inner join {{ ref('int_observation_datee') }} as observation
        on membres.cle_territoire_qpv = observation.cle_territoire
    group by
        membres.cle_territoire,
        membres.type_territoire,
        membres.generation,
        observation.code_indicateur,
        observation.cle_ventilation,
        observation.cle_periode,
        observation.cle_jeu_source
),

methodes as (
    select
        sommes.cle_territoire,
        sommes.type_territoire,
        sommes.generation,
        sommes.code_indicateur,
        sommes.cle_ventilation,
        sommes.cle_periode,
        sommes.cle_jeu_source,
        sommes.millesime,
        sommes.type_periode,
        sommes.debut,
        sommes.fin,
        sommes.ordre_periode,
        sommes.methode_secret,
        sommes.unite,
        indicateur.additif,
        effectifs.nb_qpv,
        effectifs.nb_qpv_partages,
        sommes.nb_connues,
        sommes.nb_sans_objet,
        -- a neighbourhood that the file leaves out is as unknown as a withheld one
        sommes.nb_retenues + effectifs.nb_qpv - sommes.nb_lignes as nb_manquantes,
        effectifs.nb_qpv - sommes.nb_lignes as nb_absentes,
        sommes.nb_perturbees,
        sommes.nb_bornees,
        sommes.rang_gravite,
        sommes.somme,
        sommes.somme_basse,
        sommes.somme_haute,
        sommes.numerateur,
        sommes.denominateur,
        case when sommes.unite = 'pourcent' then 100.0 else 1.0 end as facteur,
        case
            when indicateur.additif in ('oui', 'sous_conditions') then 'somme'
            when sommes.nb_fractions > 0 and sommes.nb_fractions = sommes.nb_connues then 'rapport_de_sommes'
            else 'non_additif'
        end as methode_agregation
    from sommes
    inner join effectifs
        on sommes.cle_territoire = effectifs.cle_territoire and sommes.generation = effectifs.generation
    inner join {{ ref('indicateur') }} as indicateur on sommes.code_indicateur = indicateur.code
),

calculs as (
    select
        cle_territoire,
        type_territoire,
        generation,
        code_indicateur,
        cle_ventilation,
        cle_periode,
        cle_jeu_source,
        millesime,
        type_periode,
        debut,
        fin,
        ordre_periode,
        methode_secret,
        unite,
        methode_agregation,
        nb_qpv,
        nb_qpv_partages,
        nb_connues,
        nb_manquantes,
        nb_perturbees,
        -- known cells cannot speak for the neighbourhoods that the file leaves out
        case when nb_absentes > 0 and nb_absentes = nb_manquantes then 'ND' end as statut_absence,
        rang_gravite,
        case
            when nb_manquantes > 0 or nb_connues = 0 then cast(null as double precision)
            when methode_agregation = 'somme' then somme
            when methode_agregation = 'rapport_de_sommes'
                then facteur * numerateur / nullif(denominateur, 0)
        end as valeur,
        case
            when methode_agregation = 'rapport_de_sommes' and nb_manquantes = 0 then numerateur
        end as numerateur,
        case
            when methode_agregation = 'rapport_de_sommes' and nb_manquantes = 0 then denominateur
        end as denominateur,
        case
            when methode_agregation <> 'somme' or nb_connues = 0 then cast(null as double precision)
            when nb_manquantes >= 2 then somme_basse
            when nb_manquantes = 0 and nb_bornees = nb_connues then somme_basse
        end as borne_basse,
        case
            when
                methode_agregation = 'somme'
                and nb_manquantes = 0
                and nb_bornees > 0
                and nb_bornees = nb_connues
                then somme_haute
        end as borne_haute
    from methodes
),

statues as (
    select
        calculs.cle_territoire,
        calculs.type_territoire,
        calculs.generation,
        calculs.code_indicateur,
        calculs.cle_ventilation,
        calculs.cle_periode,
        calculs.cle_jeu_source,
        calculs.millesime,
        calculs.type_periode,
        calculs.debut,
        calculs.fin,
        calculs.ordre_periode,
        calculs.methode_secret,
        calculs.unite,
        calculs.methode_agregation,
        calculs.nb_qpv,
        calculs.nb_connues,
        calculs.nb_manquantes,
        calculs.nb_qpv_partages,
        calculs.valeur,
        calculs.numerateur,
        calculs.denominateur,
        calculs.borne_basse,
        calculs.borne_haute,
        case
            when calculs.methode_agregation = 'non_additif' then 'NA'
            when calculs.nb_connues = 0 and calculs.nb_manquantes = 0 then 'NA'
            when calculs.nb_manquantes = 0 and calculs.valeur is null then 'NA'
            else coalesce(calculs.statut_absence, statut.code)
        end as code_statut,
        case
            when calculs.methode_agregation = 'non_additif'
                then
                    'non_additif : ni une médiane ni un taux sans numérateur ni dénominateur publiés ne '
                    || 's''additionnent d''un quartier à l''autre'
            when calculs.nb_connues = 0 and calculs.nb_manquantes = 0
                then 'sans objet dans chacun des quartiers'
            when calculs.nb_manquantes = 0 and calculs.valeur is null
                then 'taux sans objet : la somme des dénominateurs vaut 0'
            when calculs.nb_manquantes > 0
                then
                    'valeur retenue ou non diffusée dans ' || cast(calculs.nb_manquantes as varchar)
                    || ' quartier(s) sur ' || cast(calculs.nb_qpv as varchar)
        end as motif,
        case
            when calculs.methode_agregation = 'non_additif' then cast(null as varchar)
            when calculs.valeur is not null and calculs.nb_perturbees > 0 and calculs.borne_haute is null
                then 'somme de valeurs perturbées par clé aléatoire ; amplitude du bruit inconnue'
            when calculs.valeur is not null and calculs.nb_perturbees > 0
                then 'somme de valeurs perturbées par clé aléatoire : l''intervalle en est la borne'
            when calculs.borne_basse is not null and calculs.valeur is null
                then 'la borne basse est la somme des quartiers connus'
        end as reserve_somme
    from calculs
    left join {{ ref('statut') }} as statut on calculs.rang_gravite = statut.rang_gravite
)

select
    'agregat_qpv|' || statues.cle_territoire || '|' || statues.generation || '|' || statues.code_indicateur
    || '|' || statues.cle_ventilation || '|' || statues.cle_periode || '|' || statues.cle_jeu_source
        as cle_agregat,
    statues.cle_territoire,
    statues.type_territoire,
    statues.generation,
    statues.code_indicateur,
    statues.cle_ventilation,
    statues.cle_periode,
    statues.type_periode,
    statues.debut,
    statues.fin,
    statues.ordre_periode,
    statues.cle_jeu_source,
    statues.methode_secret,
    statues.methode_agregation,
    cast(statues.nb_qpv as integer) as nb_qpv,
    cast(statues.nb_connues as integer) as nb_qpv_connus,
    cast(statues.nb_manquantes as integer) as nb_qpv_manquants,
    cast(statues.nb_qpv_partages as integer) as nb_qpv_partages,
    statues.valeur,
    statues.numerateur,
    statues.denominateur,
    statues.borne_basse,
    statues.borne_haute,
    statues.unite,
    statues.code_statut,
    statut.rang_gravite,
    statues.motif,
    case
        when statues.nb_qpv_partages > 0 and statues.methode_agregation <> 'non_additif'
            then
                coalesce(statues.reserve_somme || ' ; ', '') || cast(statues.nb_qpv_partages as varchar)
                || ' quartier(s) partagé(s) avec un autre contrat, compté(s) dans chacun'
        else statues.reserve_somme
    end as reserve,
    row_number() over (
        partition by
            statues.cle_territoire, statues.generation, statues.code_indicateur, statues.cle_ventilation,
            statues.cle_periode
        order by
            case when statues.valeur is null then 2 else 1 end asc,
            statues.millesime desc nulls last,
            statues.cle_jeu_source asc
    ) = 1 as est_retenu
from statues
inner join {{ ref('statut') }} as statut on statues.code_statut = statut.code
