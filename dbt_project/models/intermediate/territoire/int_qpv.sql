-- The QPV of the region, both generations: those of the perimeters and lists, then those that only a
-- statistical file names. A QPV 2015 and a QPV 2024 are two territories, whatever their labels.
with perimetres_2015 as (
    select
        code_qpv,
        communes,
        surface_m2,
        longitude,
        latitude,
        geometrie_reparee,
        row_number() over (partition by code_qpv order by millesime desc nulls last, ligne_source asc) as rang
    from {{ ref('stg_sig_ville__qpv_2015') }}
),

perimetres_2024 as (
    select
        code_qpv,
        communes,
        surface_m2,
        longitude,
        latitude,
        geometrie_reparee,
        row_number() over (partition by code_qpv order by millesime desc nulls last, ligne_source asc) as rang
    from {{ ref('stg_sig_ville__qpv_2024__perimetres') }}
),

perimetres as (
    {% for generation in ['2015', '2024'] %}
    select
        code_qpv,
        communes,
        surface_m2,
        longitude,
        latitude,
        geometrie_reparee
    from perimetres_{{ generation }}
    where rang = 1
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

populations as (
    select
        code_qpv,
        max(
            case when code_variable = 'liste_des_communes' then nullif(trim(valeur_texte), '') end
        ) as communes
    from {{ ref('stg_insee__population_qpv') }}
    where role = 'attribut' and est_version_courante
    group by code_qpv
),

codes as (
    select
        code_qpv,
        '2015' as generation
    from perimetres_2015
    union
    select
        code_qpv,
        '2015' as generation
    from populations
    {% for jeu in ['insertion_professionnelle', 'demographie_qpv', 'revenus_qpv'] %}
    union
    select
        code_qpv,
        '2015' as generation
    from {{ ref('stg_insee__' ~ jeu) }}
    where not est_controle
    {% endfor %}
    union
    select
        code_qpv,
        '2024' as generation
    from perimetres_2024
    union
    select
        code_qpv,
        '2024' as generation
    from {{ ref('stg_sig_ville__qpv_2024__codes') }}
    union
    select
        code_qpv,
        '2024' as generation
    from {{ ref('stg_sig_ville__qpv_2024_liste') }}
    union
    select
        code_qpv,
        '2024' as generation
    from {{ ref('int_qpv_2024_commune') }}
    {% for jeu in ['defm_qpv_2024', 'filosofi_qpv_2024', 'cnaf_qpv_2024'] %}
    union
    select
        code_qpv,
        '2024' as generation
    from {{ ref('stg_insee__' ~ jeu) }}
    where not est_controle
    {% endfor %}
),

situes as (
    select
        codes.code_qpv,
        codes.generation,
        {{ departement_du_qpv('codes.code_qpv') }} as code_departement
    from codes
)

select
    situes.code_qpv,
    situes.generation,
    'qpv:' || situes.code_qpv || ':' || situes.generation as cle_territoire,
    -- N new, M outline changed, I unchanged, C (Mayotte) not documented; the codes of 2015 have none
    case when situes.generation = '2024' then substr(situes.code_qpv, 8, 1) end as lettre,
    coalesce(
        nom.libelle_qpv,
        'QPV ' || situes.code_qpv || ' (libellé non tenu)'
    ) as libelle_qpv,
    case
        when situes.generation = '2015' then coalesce(populations.communes, perimetres.communes)
    end as communes,
    situes.code_departement,
    departement.code_region,
    perimetres.surface_m2,
    perimetres.longitude,
    perimetres.latitude,
    perimetres.geometrie_reparee
from situes
left join perimetres on situes.code_qpv = perimetres.code_qpv
left join populations on situes.code_qpv = populations.code_qpv
left join {{ ref('int_qpv_libelle') }} as nom
    on situes.code_qpv = nom.code_qpv and nom.est_retenu
left join {{ ref('int_departement') }} as departement
    on situes.code_departement = departement.code_departement
where {{ dans_la_region('departement.code_region') }}
