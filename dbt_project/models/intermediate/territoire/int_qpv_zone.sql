-- The territory that each comparator is for each QPV, where the comparator is defined and a territory is it.
-- A QPV on several communes has several zones and none is the main one. An EPCI of 2015 whose SIREN changed
-- gives two rows, one that the observations of its time meet and one for those that follow.
with qpv as (
    select
        qpv.cle_territoire,
        qpv.code_qpv,
        qpv.generation,
        qpv.code_departement,
        qpv.code_region,
        coalesce(region.champ, 'outre-mer') as champ
    from {{ ref('int_qpv') }} as qpv
    left join {{ ref('region') }} as region on qpv.code_region = region.code_region
),

communes as (
    select
        code_qpv,
        generation,
        code_commune,
        millesime_geo
    from {{ ref('int_qpv_commune') }}
    where code_commune is not null
),

par_commune as (
    select
        code_qpv,
        generation,
        'commune' as code_comparateur,
        'commune' as type_territoire,
        code_commune as code_territoire,
        millesime_geo as annee_geo,
        'commune' as mode_rattachement
    from communes
),

zone_courante as (
    select millesime from {{ ref('int_millesime_courant') }}
    where producteur = 'insee' and jeu = 'zone_emploi'
),

compositions as (
    select
        composition.code_commune,
        composition.code_zone_emploi,
        composition.code_partie_regionale,
        composition.millesime
    from {{ ref('stg_insee__zone_emploi__composition') }} as composition
    inner join zone_courante on composition.millesime = zone_courante.millesime
),

par_zone_emploi as (
    select distinct
        communes.code_qpv,
        communes.generation,
        'zone_emploi' as code_comparateur,
        'zone_emploi' as type_territoire,
        compositions.code_zone_emploi as code_territoire,
        compositions.millesime as annee_geo,
        'commune' as mode_rattachement
    from communes
    inner join compositions on communes.code_commune = compositions.code_commune
),

par_partie as (
    select distinct
        communes.code_qpv,
        communes.generation,
        'partie_regionale_zone_emploi' as code_comparateur,
        'partie_regionale_zone_emploi' as type_territoire,
        compositions.code_partie_regionale as code_territoire,
        compositions.millesime as annee_geo,
        'commune' as mode_rattachement
    from communes
    inner join compositions on communes.code_commune = compositions.code_commune
    where compositions.code_partie_regionale is not null
),

par_unite_urbaine as (
    select distinct
        communes.code_qpv,
        communes.generation,
        'unite_urbaine' as code_comparateur,
        'unite_urbaine' as type_territoire,
        unite_urbaine.code_unite_urbaine as code_territoire,
        unite_urbaine.millesime_geo as annee_geo,
        'commune' as mode_rattachement
    from communes
    inner join {{ ref('int_unite_urbaine') }} as unite_urbaine
        on communes.code_commune = unite_urbaine.code_commune
),

epci_courant as (
    select
        siren_epci,
        millesime_geo
    from {{ ref('int_epci') }}
    where est_courant
),

epci_des_communes as (
    select distinct
        communes.code_qpv,
        communes.generation,
        epci_courant.siren_epci
    from communes
    inner join {{ ref('stg_insee__epci__composition') }} as composition
        on communes.code_commune = composition.code_commune
    inner join epci_courant
        on
            composition.siren_epci = epci_courant.siren_epci
            and composition.millesime = epci_courant.millesime_geo
),

-- A SIREN that still exists is met in its present version, whatever the year of the link.
par_epci as (
    select
        qpv_epci.code_qpv,
        qpv_epci.generation,
        'epci' as code_comparateur,
        'epci' as type_territoire,
        qpv_epci.siren_epci as code_territoire,
        coalesce(epci_courant.millesime_geo, qpv_epci.millesime_geo) as annee_geo,
        case
            when qpv_epci.generation = '2024' then 'commune'
            when epci_courant.siren_epci is not null then 'epci_meme_siren'
            else 'epci_d_epoque'
        end as mode_rattachement
    from {{ ref('int_qpv_epci') }} as qpv_epci
    left join epci_courant on qpv_epci.siren_epci = epci_courant.siren_epci
),

-- An EPCI that was shared out is followed into the part that holds a commune of the QPV.
par_succession as (
    select distinct
        par_epci.code_qpv,
        par_epci.generation,
        'epci' as code_comparateur,
        'epci' as type_territoire,
        succession.siren_apres as code_territoire,
        epci_courant.millesime_geo as annee_geo,
        'epci_succession' as mode_rattachement
    from par_epci
    inner join {{ ref('int_epci_succession') }} as succession
        on par_epci.code_territoire = succession.siren_avant
    inner join epci_courant on succession.siren_apres = epci_courant.siren_epci
    left join epci_des_communes
        on
            par_epci.code_qpv = epci_des_communes.code_qpv
            and par_epci.generation = epci_des_communes.generation
            and succession.siren_apres = epci_des_communes.siren_epci
    where
        par_epci.mode_rattachement = 'epci_d_epoque'
        and (succession.nature <> 'partage' or epci_des_communes.siren_epci is not null)
),

par_departement as (
    select
        code_qpv,
        generation,
        'departement' as code_comparateur,
        'departement' as type_territoire,
        code_departement as code_territoire,
        cast(null as varchar) as annee_geo,
        'code_qpv' as mode_rattachement
    from qpv
),

par_region as (
    select
        code_qpv,
        generation,
        'region' as code_comparateur,
        'region' as type_territoire,
        code_region as code_territoire,
        cast(null as varchar) as annee_geo,
        'code_qpv' as mode_rattachement
    from qpv
),

par_pays as (
    select
        code_qpv,
        generation,
        'france' as code_comparateur,
        'france' as type_territoire,
        'france' as code_territoire,
        cast(null as varchar) as annee_geo,
        'pays' as mode_rattachement
    from qpv
),

par_metropole as (
    select
        code_qpv,
        generation,
        'metropole' as code_comparateur,
        'france_metropolitaine' as type_territoire,
        'france_metropolitaine' as code_territoire,
        cast(null as varchar) as annee_geo,
        'pays' as mode_rattachement
    from qpv
    where champ <> 'outre-mer'
),

liens as (
    {% for nom in [
        'par_commune', 'par_zone_emploi', 'par_partie', 'par_unite_urbaine', 'par_epci', 'par_succession',
        'par_departement', 'par_region', 'par_pays', 'par_metropole'
    ] %}
    select
        code_qpv,
        generation,
        code_comparateur,
        type_territoire,
        code_territoire,
        annee_geo,
        mode_rattachement
    from {{ nom }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

territoires as (
    select
        qpv.cle_territoire as cle_territoire_qpv,
        liens.code_qpv,
        liens.generation,
        liens.code_comparateur,
        code.cle_territoire as cle_territoire_zone,
        liens.annee_geo,
        liens.mode_rattachement,
        -- two EPCI of 2015 may have become one: it is met once
        row_number() over (
            partition by liens.code_qpv, liens.generation, liens.code_comparateur, code.cle_territoire
            order by liens.mode_rattachement
        ) as rang
    from liens
    inner join qpv on liens.code_qpv = qpv.code_qpv and liens.generation = qpv.generation
    inner join {{ ref('int_territoire_code') }} as code
        on liens.type_territoire = code.type_territoire and liens.code_territoire = code.code_territoire
),

-- Zones of its time and present zones are counted apart: a QPV 2015 has one EPCI of each.
comptes as (
    select
        code_qpv,
        generation,
        code_comparateur,
        count(case when mode_rattachement <> 'epci_succession' then 1 end) as nb_epoque,
        count(case when mode_rattachement <> 'epci_d_epoque' then 1 end) as nb_present
    from territoires
    where rang = 1
    group by code_qpv, generation, code_comparateur
)

select
    territoires.cle_territoire_qpv,
    territoires.code_qpv,
    territoires.generation,
    territoires.code_comparateur,
    territoires.cle_territoire_zone,
    territoires.annee_geo,
    case
        when territoires.mode_rattachement = 'epci_d_epoque' and comptes.nb_epoque = 1 then true
        when territoires.mode_rattachement = 'epci_succession' and comptes.nb_present = 1 then true
        when
            territoires.mode_rattachement not in ('epci_d_epoque', 'epci_succession')
            and comptes.nb_epoque = 1
            and comptes.nb_present = 1
            then true
    end as est_principal,
    territoires.mode_rattachement
from territoires
inner join comptes
    on
        territoires.code_qpv = comptes.code_qpv
        and territoires.generation = comptes.generation
        and territoires.code_comparateur = comptes.code_comparateur
where territoires.rang = 1
