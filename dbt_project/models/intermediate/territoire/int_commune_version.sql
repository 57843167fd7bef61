-- Versions of the communes since 2015, the start of the history that is kept: the present ones, and those
-- that a change of name, code or territory ended. A commune whose code lives on is the same commune in two
-- versions; one whose code is gone has none but the old one.
with mouvements as (
    select
        mouvement.code_commune_avant,
        mouvement.libelle_commune_avant,
        mouvement.code_commune_apres,
        cast(mouvement.date_effet as date) as date_effet
    from {{ ref('stg_insee__cog__mouvements') }} as mouvement
    inner join {{ ref('int_millesime_courant') }} as courant
        on
            mouvement.millesime = courant.millesime
            and courant.producteur = 'insee'
            and courant.jeu = 'cog'
    where
        mouvement.type_commune_avant = 'COM'
        and mouvement.type_commune_apres = 'COM'
        -- name, creation, restoration, suppression, mergers, change of code; the others leave the commune as
        -- is
        and mouvement.code_mouvement in ('10', '20', '21', '30', '31', '32', '33', '41', '50')
        and mouvement.date_effet > '2015-01-01'
),

fins as (
    select
        code_commune_avant as code_commune,
        date_effet,
        min(libelle_commune_avant) as libelle_commune,
        -- the last 1 January that this version saw
        cast(cast(extract(year from date_effet - 1) as integer) as varchar) as millesime_geo
    from mouvements
    group by code_commune_avant, date_effet
),

-- Two changes within one year leave one version for its 1 January: the first one ends it.
anciennes as (
    select
        code_commune,
        libelle_commune,
        millesime_geo,
        date_effet,
        case
            when substr(code_commune, 1, 2) = '97' then substr(code_commune, 1, 3)
            else substr(code_commune, 1, 2)
        end as code_departement,
        lag(date_effet) over (partition by code_commune order by date_effet) as debut,
        row_number() over (partition by code_commune, millesime_geo order by date_effet) as rang
    from fins
),

debuts as (
    select
        code_commune_apres as code_commune,
        max(date_effet) as debut
    from mouvements
    group by code_commune_apres
)

select
    commune.code_commune,
    commune.libelle_commune,
    commune.millesime_geo,
    commune.code_departement,
    commune.code_region,
    coalesce(debuts.debut, {{ date_de('2015', 1, 1) }}) as valide_du,
    cast(null as date) as valide_au,
    true as est_courant
from {{ ref('int_commune') }} as commune
left join debuts on commune.code_commune = debuts.code_commune
where commune.type_commune = 'COM'
union all
select
    anciennes.code_commune,
    anciennes.libelle_commune,
    anciennes.millesime_geo,
    anciennes.code_departement,
    departement.code_region,
    coalesce(anciennes.debut, {{ date_de('2015', 1, 1) }}) as valide_du,
    anciennes.date_effet - 1 as valide_au,
    false as est_courant
from anciennes
inner join {{ ref('int_departement') }} as departement
    on anciennes.code_departement = departement.code_departement
where anciennes.rang = 1 and anciennes.millesime_geo < departement.millesime_geo
