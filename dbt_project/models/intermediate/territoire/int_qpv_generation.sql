{#- A common part below this share of both outlines is a drawing difference, not a tie [prop]. -#}
{%- set seuil = 10 -%}
-- What ties a QPV 2015 to a QPV 2024. Three origins are kept apart: what the list of correspondence declares,
-- what the outlines show when both generations are held, what the table of events presumes. The list holds no
-- weight: only the letter I gives one (100 %), and a measured overlap, which is a share of area and not of
-- population. A QPV that nothing ties keeps a row that says why. A label never ties anything.
with qpv_2015 as (
    select
        code_qpv,
        code_region,
        surface_m2 is not null as est_contour_tenu
    from {{ ref('int_qpv') }}
    where generation = '2015'
),

qpv_2024 as (
    select
        code_qpv,
        code_region,
        lettre,
        surface_m2 is not null as est_contour_tenu
    from {{ ref('int_qpv') }}
    where generation = '2024'
),

passage as (
    select
        code_qpv_2024,
        code_qpv_2015_1,
        code_qpv_2015_2,
        code_qpv_2015_3,
        row_number() over (
            partition by code_qpv_2024 order by millesime desc nulls last, ligne_source asc
        ) as rang
    from {{ ref('stg_sig_ville__passage_qpv_2015_2024') }}
),

-- The list speaks of a region when it names one of its QPV.
regions_listees as (
    select distinct qpv_2024.code_region
    from passage
    inner join qpv_2024 on passage.code_qpv_2024 = qpv_2024.code_qpv
),

declares as (
    {% for numero in [1, 2, 3] %}
    select
        passage.code_qpv_2015_{{ numero }} as code_qpv_2015,
        passage.code_qpv_2024
    from passage
    inner join qpv_2024 on passage.code_qpv_2024 = qpv_2024.code_qpv
    where passage.rang = 1 and passage.code_qpv_2015_{{ numero }} is not null
    {% if not loop.last %}union{% endif %}
    {% endfor %}
),

mesures as (
    select
        code_qpv_2015,
        code_qpv_2024,
        part_2015,
        part_2024,
        part_2015 >= {{ seuil }} or part_2024 >= {{ seuil }} as est_net
    from {{ ref('stg_entrepot__recouvrement_qpv') }}
),

presumes as (
    select
        evenement.code_avant as code_qpv_2015,
        evenement.code_apres as code_qpv_2024,
        min(evenement.remarque) as remarque
    from {{ ref('evenement_territoire') }} as evenement
    where evenement.type_evenement = 'fusion_qpv_presumee'
    group by evenement.code_avant, evenement.code_apres
),

suspects as (
    select
        code_avant as code_qpv_2015,
        code_apres as code_qpv_2024,
        min(remarque) as remarque
    from {{ ref('evenement_territoire') }}
    where type_evenement = 'correspondance_suspecte'
    group by code_avant, code_apres
),

sortants as (
    select
        code_avant as code_qpv_2015,
        min(remarque) as remarque
    from {{ ref('evenement_territoire') }}
    where type_evenement = 'qpv_sortant'
    group by code_avant
),

couples as (
    select
        code_qpv_2015,
        code_qpv_2024
    from declares
    union
    select
        presumes.code_qpv_2015,
        presumes.code_qpv_2024
    from presumes
    inner join qpv_2015 on presumes.code_qpv_2015 = qpv_2015.code_qpv
    inner join qpv_2024 on presumes.code_qpv_2024 = qpv_2024.code_qpv
    union
    select
        mesures.code_qpv_2015,
        mesures.code_qpv_2024
    from mesures
    inner join qpv_2015 on mesures.code_qpv_2015 = qpv_2015.code_qpv
    inner join qpv_2024 on mesures.code_qpv_2024 = qpv_2024.code_qpv
    where mesures.est_net
),

qualifies as (
    select
        couples.code_qpv_2015,
        couples.code_qpv_2024,
        qpv_2024.lettre,
        declares.code_qpv_2024 is not null as est_declare,
        suspects.code_qpv_2024 is not null as est_suspect,
        presumes.remarque as remarque_presume,
        suspects.remarque as remarque_suspect,
        coalesce(qpv_2015.est_contour_tenu, false) and coalesce(qpv_2024.est_contour_tenu, false)
            as est_mesurable,
        coalesce(mesures.est_net, false) as est_net,
        mesures.part_2015,
        mesures.part_2024
    from couples
    left join qpv_2015 on couples.code_qpv_2015 = qpv_2015.code_qpv
    left join qpv_2024 on couples.code_qpv_2024 = qpv_2024.code_qpv
    left join declares
        on couples.code_qpv_2015 = declares.code_qpv_2015 and couples.code_qpv_2024 = declares.code_qpv_2024
    left join mesures
        on couples.code_qpv_2015 = mesures.code_qpv_2015 and couples.code_qpv_2024 = mesures.code_qpv_2024
    left join presumes
        on couples.code_qpv_2015 = presumes.code_qpv_2015 and couples.code_qpv_2024 = presumes.code_qpv_2024
    left join suspects
        on couples.code_qpv_2015 = suspects.code_qpv_2015 and couples.code_qpv_2024 = suspects.code_qpv_2024
),

-- A tie is established when it is declared and nothing speaks against it, or measured.
etablis as (
    select
        code_qpv_2015,
        code_qpv_2024,
        lettre,
        est_declare,
        est_suspect,
        remarque_presume,
        remarque_suspect,
        est_mesurable,
        est_net,
        part_2015,
        part_2024,
        est_net or (est_declare and not est_suspect and not est_mesurable) as est_etabli
    from qualifies
),

comptes as (
    select
        code_qpv_2015,
        code_qpv_2024,
        lettre,
        est_declare,
        est_suspect,
        remarque_presume,
        remarque_suspect,
        est_mesurable,
        est_net,
        part_2015,
        part_2024,
        est_etabli,
        sum(case when est_etabli then 1 else 0 end) over (partition by code_qpv_2015) as nb_apres,
        sum(case when est_etabli then 1 else 0 end) over (partition by code_qpv_2024) as nb_avant
    from etablis
),

lies as (
    select
        code_qpv_2015,
        code_qpv_2024,
        case
            when not est_etabli then 'a_qualifier'
            when nb_avant > 1 and nb_apres > 1 then 'a_qualifier'
            when nb_avant > 1 then 'fusion'
            when nb_apres > 1 then 'scission'
            when lettre = 'I' and est_declare then 'identique'
            else 'modifie'
        end as relation,
        case when est_declare then 'declare' else 'derive' end as origine,
        case
            when est_declare and est_net then 'confirme'
            when est_declare and est_mesurable then 'contredit'
            when est_suspect then 'suspect'
            when est_declare then 'declare'
            when est_net then 'mesure'
            else 'presume'
        end as qualite,
        case
            when est_etabli and est_declare and lettre = 'I' and nb_avant = 1 and nb_apres = 1 then 'lettre'
            when est_net then 'surface'
            else 'aucune'
        end as methode_poids,
        part_2015,
        part_2024,
        case
            when not est_declare and not est_net then remarque_presume
            when est_declare and not est_net and est_mesurable
                then 'couple déclaré, mais les deux contours ne se recoupent pas'
            when est_suspect then remarque_suspect
            when est_etabli and nb_avant > 1 and nb_apres > 1
                then 'plusieurs quartiers de chaque génération se répondent'
            when est_net and not est_declare then 'couple non déclaré, établi par les contours'
        end as remarque
    from comptes
),

-- Letter N: new in 2024 by decree, with or without the list. Any other letter announces a predecessor.
sans_avant as (
    select
        cast(null as varchar) as code_qpv_2015,
        qpv_2024.code_qpv as code_qpv_2024,
        case when qpv_2024.lettre = 'N' then 'entrant' else 'a_qualifier' end as relation,
        case when qpv_2024.lettre = 'N' then 'declare' else 'derive' end as origine,
        case when qpv_2024.lettre = 'N' then 'declare' else 'inconnu' end as qualite,
        case
            when qpv_2024.lettre = 'N' then cast(null as varchar)
            when qpv_2024.lettre not in ('M', 'I') or qpv_2024.lettre is null
                then 'lettre ' || coalesce(qpv_2024.lettre, 'absente') || ' : sens non documenté'
            when regions_listees.code_region is null
                then
                    'lettre ' || qpv_2024.lettre
                    || ' : un quartier 2015 le précède, la liste de correspondance n''est pas tenue ici'
            else
                'lettre ' || qpv_2024.lettre
                || ' : la liste de correspondance ne dit pas quel quartier le précède'
        end as remarque
    from qpv_2024
    left join lies on qpv_2024.code_qpv = lies.code_qpv_2024
    left join regions_listees on qpv_2024.code_region = regions_listees.code_region
    where lies.code_qpv_2024 is null
),

sans_apres as (
    select
        qpv_2015.code_qpv as code_qpv_2015,
        cast(null as varchar) as code_qpv_2024,
        case when sortants.code_qpv_2015 is not null then 'sortant' else 'a_qualifier' end as relation,
        'derive' as origine,
        case when sortants.code_qpv_2015 is not null then 'presume' else 'inconnu' end as qualite,
        case
            when sortants.code_qpv_2015 is not null
                then coalesce(sortants.remarque, 'sorti de la géographie prioritaire')
            when regions_listees.code_region is null
                then 'la liste de correspondance n''est pas tenue ici : devenir inconnu'
            else 'absent de la liste de correspondance : sortie ou fusion non déclarée'
        end as remarque
    from qpv_2015
    left join lies on qpv_2015.code_qpv = lies.code_qpv_2015
    left join sortants on qpv_2015.code_qpv = sortants.code_qpv_2015
    left join regions_listees on qpv_2015.code_region = regions_listees.code_region
    where lies.code_qpv_2015 is null
)

select
    code_qpv_2015,
    code_qpv_2024,
    relation,
    case
        when methode_poids = 'lettre' then cast(100 as double precision)
        when methode_poids = 'surface' then part_2015
    end as part_2015_vers_2024,
    case
        when methode_poids = 'lettre' then cast(100 as double precision)
        when methode_poids = 'surface' then part_2024
    end as part_2024_depuis_2015,
    methode_poids,
    origine,
    qualite,
    remarque
from lies
{% for nom in ['sans_avant', 'sans_apres'] %}
union all
select
    code_qpv_2015,
    code_qpv_2024,
    relation,
    cast(null as double precision) as part_2015_vers_2024,
    cast(null as double precision) as part_2024_depuis_2015,
    'aucune' as methode_poids,
    origine,
    qualite,
    remarque
from {{ nom }}
{% endfor %}
