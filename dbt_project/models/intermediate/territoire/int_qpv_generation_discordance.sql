{#- Tolerances of this project [prop]: the producer states none (DOMAIN, GC22). -#}
{%- set identique = 99 -%}
{%- set inchange = 95 -%}
{%- set net = 10 -%}
-- Where the list of correspondence, the letters, the labels and the outlines do not agree, one row each. To
-- read and to settle, never to correct here.
with qpv as (
    select
        code_qpv,
        generation,
        lettre,
        libelle_qpv,
        code_departement,
        surface_m2 is not null as est_contour_tenu
    from {{ ref('int_qpv') }}
),

liens as (
    select
        code_qpv_2015,
        code_qpv_2024,
        origine
    from {{ ref('int_qpv_generation') }}
),

declares as (
    select
        liens.code_qpv_2015,
        liens.code_qpv_2024,
        avant.libelle_qpv as libelle_2015,
        apres.libelle_qpv as libelle_2024,
        apres.lettre,
        avant.code_departement,
        avant.est_contour_tenu and apres.est_contour_tenu as est_mesurable,
        coalesce(mesure.part_2015, 0) as part_2015,
        coalesce(mesure.part_2024, 0) as part_2024
    from liens
    inner join qpv as avant on liens.code_qpv_2015 = avant.code_qpv and avant.generation = '2015'
    inner join qpv as apres on liens.code_qpv_2024 = apres.code_qpv and apres.generation = '2024'
    left join {{ ref('stg_entrepot__recouvrement_qpv') }} as mesure
        on liens.code_qpv_2015 = mesure.code_qpv_2015 and liens.code_qpv_2024 = mesure.code_qpv_2024
    where liens.origine = 'declare'
),

non_declares as (
    select
        mesure.code_qpv_2015,
        mesure.code_qpv_2024,
        apres.lettre,
        mesure.part_2015,
        mesure.part_2024
    from {{ ref('stg_entrepot__recouvrement_qpv') }} as mesure
    inner join qpv as avant on mesure.code_qpv_2015 = avant.code_qpv
    inner join qpv as apres on mesure.code_qpv_2024 = apres.code_qpv
    left join declares
        on mesure.code_qpv_2015 = declares.code_qpv_2015 and mesure.code_qpv_2024 = declares.code_qpv_2024
    where
        declares.code_qpv_2024 is null
        and (mesure.part_2015 >= {{ net }} or mesure.part_2024 >= {{ net }})
),

-- Two QPV that exchange their labels from one generation to the next, in one département: a sign to check on
-- the outlines. The codes tie the rows, the labels are only compared.
croises as (
    select
        premier.code_qpv_2015,
        premier.code_qpv_2024,
        'libelles_croises' as nature,
        'le libellé 2024 « ' || premier.libelle_2024 || ' » est celui de ' || second.code_qpv_2015
        || ', lié à ' || second.code_qpv_2024 as motif
    from declares as premier
    inner join declares as second
        on
            premier.code_departement = second.code_departement
            and premier.code_qpv_2024 <> second.code_qpv_2024
            and premier.code_qpv_2015 <> second.code_qpv_2015
    where
        {{ libelle_normalise('premier.libelle_2024') }} = {{ libelle_normalise('second.libelle_2015') }}
        and {{ libelle_normalise('second.libelle_2024') }} = {{ libelle_normalise('premier.libelle_2015') }}
        and {{ libelle_normalise('premier.libelle_2024') }} <> {{ libelle_normalise('premier.libelle_2015') }}
),

discordances as (
    select
        code_qpv_2015,
        code_qpv_2024,
        'declare_sans_recouvrement' as nature,
        'couple déclaré, mais les deux contours ne se recoupent pas' as motif,
        part_2015,
        part_2024
    from declares
    where est_mesurable and part_2015 < {{ net }} and part_2024 < {{ net }}
    union all
    select
        code_qpv_2015,
        code_qpv_2024,
        'inchange_contour_different' as nature,
        'lettre I, mais les contours diffèrent de plus de {{ 100 - inchange }} %' as motif,
        part_2015,
        part_2024
    from declares
    where est_mesurable and lettre = 'I' and (part_2015 < {{ inchange }} or part_2024 < {{ inchange }})
    union all
    select
        code_qpv_2015,
        code_qpv_2024,
        'modifie_contour_identique' as nature,
        'lettre M, mais les contours se recouvrent à {{ identique }} % au moins' as motif,
        part_2015,
        part_2024
    from declares
    where est_mesurable and lettre = 'M' and part_2015 >= {{ identique }} and part_2024 >= {{ identique }}
    union all
    select
        code_qpv_2015,
        code_qpv_2024,
        case when lettre = 'N' then 'nouveau_sur_qpv_2015' else 'recouvrement_non_declare' end as nature,
        case
            when lettre = 'N' then 'lettre N, mais le contour reprend un quartier 2015'
            else 'les contours se recoupent, la liste de correspondance ne lie pas ces deux quartiers'
        end as motif,
        part_2015,
        part_2024
    from non_declares
    union all
    select
        code_qpv_2015,
        code_qpv_2024,
        nature,
        min(motif) as motif,
        cast(null as double precision) as part_2015,
        cast(null as double precision) as part_2024
    from croises
    group by code_qpv_2015, code_qpv_2024, nature
    union all
    select
        avant.code_qpv as code_qpv_2015,
        cast(null as varchar) as code_qpv_2024,
        'sans_successeur_declare' as nature,
        'absent de la liste de correspondance de sa région' as motif,
        cast(null as double precision) as part_2015,
        cast(null as double precision) as part_2024
    from qpv as avant
    left join declares on avant.code_qpv = declares.code_qpv_2015
    where
        avant.generation = '2015'
        and declares.code_qpv_2015 is null
        and avant.code_departement in (select liste.code_departement from declares as liste)
)

select
    nature || '|' || coalesce(code_qpv_2015, '') || '|' || coalesce(code_qpv_2024, '') as cle_discordance,
    code_qpv_2015,
    code_qpv_2024,
    nature,
    motif,
    part_2015,
    part_2024
from discordances
