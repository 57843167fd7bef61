-- What became of each contract of 2015, and where each contract of 2024 comes from. The table of events comes
-- first; a contract it does not know is followed through its holder, the SIREN of 2015 being brought to the
-- present one, and this is said to be derived. A contract that nothing follows keeps a row that says so.
with contrats_2015 as (
    select
        code_contrat,
        code_porteur
    from {{ ref('int_contrat_ville') }}
    where generation = '2015'
),

contrats_2024 as (
    select
        code_contrat,
        code_porteur
    from {{ ref('int_contrat_ville') }}
    where generation = '2024'
),

declares as (
    select
        evenement.code_avant as code_contrat_avant,
        evenement.code_apres as code_contrat_apres,
        case evenement.type_evenement
            when 'fusion_contrats' then 'fusion'
            when 'contrat_sans_successeur' then 'fin'
            else 'succession'
        end as nature,
        evenement.date_effet,
        'declare' as origine,
        evenement.source,
        evenement.remarque
    from {{ ref('evenement_territoire') }} as evenement
    inner join contrats_2015 on evenement.code_avant = contrats_2015.code_contrat
    left join contrats_2024 on evenement.code_apres = contrats_2024.code_contrat
    where
        evenement.type_evenement in ('succession_contrat', 'fusion_contrats', 'contrat_sans_successeur')
        -- a successor that the file of 2024 does not have is no successor
        and (evenement.type_evenement = 'contrat_sans_successeur' or contrats_2024.code_contrat is not null)
),

porteurs_courants as (
    select
        code_porteur,
        code_porteur as code_porteur_courant
    from contrats_2015
    union
    select
        siren_avant as code_porteur,
        siren_apres as code_porteur_courant
    from {{ ref('int_epci_succession') }}
),

suivis as (
    select distinct
        contrats_2015.code_contrat as code_contrat_avant,
        contrats_2024.code_contrat as code_contrat_apres
    from contrats_2015
    inner join porteurs_courants on contrats_2015.code_porteur = porteurs_courants.code_porteur
    inner join contrats_2024 on porteurs_courants.code_porteur_courant = contrats_2024.code_porteur
    left join declares on contrats_2015.code_contrat = declares.code_contrat_avant
    where declares.code_contrat_avant is null
),

-- Several contracts of one holder, before or after: nothing says which goes with which.
comptes as (
    select
        code_contrat_avant,
        code_contrat_apres,
        count(*) over (partition by code_contrat_apres) as nb_avant,
        count(*) over (partition by code_contrat_avant) as nb_apres
    from suivis
),

etablis as (
    select
        code_contrat_avant,
        code_contrat_apres,
        nature,
        date_effet,
        origine,
        source,
        remarque
    from declares
    union all
    select
        comptes.code_contrat_avant,
        comptes.code_contrat_apres,
        case
            when comptes.nb_avant > 1 and comptes.nb_apres > 1 then 'a_qualifier'
            when comptes.nb_avant > 1 then 'fusion'
            when comptes.nb_apres > 1 then 'partage'
            else 'succession'
        end as nature,
        generation_contrat.t0 as date_effet,
        'derive' as origine,
        'même porteur, dont le SIREN est suivi (pont_epci_succession)' as source,
        case
            when comptes.nb_avant > 1 and comptes.nb_apres > 1
                then 'plusieurs contrats de chaque génération ont ce porteur'
        end as remarque
    from comptes
    left join {{ ref('generation_contrat') }} as generation_contrat
        on cast(generation_contrat.generation as varchar) = '2024'
)

select
    code_contrat_avant,
    code_contrat_apres,
    nature,
    date_effet,
    origine,
    source,
    remarque
from etablis
union all
select
    contrats_2015.code_contrat as code_contrat_avant,
    cast(null as varchar) as code_contrat_apres,
    'a_qualifier' as nature,
    cast(null as date) as date_effet,
    'derive' as origine,
    'aucun événement tenu' as source,
    'aucun contrat 2024 de même porteur : fin, ou reprise par un autre porteur' as remarque
from contrats_2015
left join etablis on contrats_2015.code_contrat = etablis.code_contrat_avant
where etablis.code_contrat_avant is null
union all
select
    cast(null as varchar) as code_contrat_avant,
    contrats_2024.code_contrat as code_contrat_apres,
    'entrant' as nature,
    cast(null as date) as date_effet,
    'derive' as origine,
    'aucun événement tenu' as source,
    'aucun contrat 2015 de même porteur : contrat nouveau, ou reprise d''un autre porteur' as remarque
from contrats_2024
left join etablis on contrats_2024.code_contrat = etablis.code_contrat_apres
where etablis.code_contrat_apres is null
