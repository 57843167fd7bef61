-- The QPV of the region: those of the perimeters, then those that only a statistical file names.
-- The official label is that of the perimeter; a label is never a key.
with perimetres as (
    select
        code_qpv,
        libelle_qpv,
        communes,
        surface_m2,
        longitude,
        latitude,
        geometrie_reparee
    from {{ ref('stg_sig_ville__qpv_2015') }}
),

populations as (
    select
        code_qpv,
        max(case when code_variable = 'nom_qp' then nullif(trim(valeur_texte), '') end) as libelle_qpv,
        max(
            case when code_variable = 'liste_des_communes' then nullif(trim(valeur_texte), '') end
        ) as communes
    from {{ ref('stg_insee__population_qpv') }}
    where role = 'attribut'
    group by code_qpv
),

codes as (
    select code_qpv from perimetres
    union
    select code_qpv from populations
    union
    select code_qpv from {{ ref('stg_insee__insertion_professionnelle') }}
    where not est_controle
    union
    select code_qpv from {{ ref('stg_insee__demographie_qpv') }}
    where not est_controle
    union
    select code_qpv from {{ ref('stg_insee__revenus_qpv') }}
    where not est_controle
),

situes as (
    select
        codes.code_qpv,
        {{ departement_du_qpv('codes.code_qpv') }} as code_departement
    from codes
)

select
    situes.code_qpv,
    '2015' as generation,
    'qpv:' || situes.code_qpv || ':2015' as cle_territoire,
    coalesce(perimetres.libelle_qpv, populations.libelle_qpv) as libelle_qpv,
    coalesce(populations.communes, perimetres.communes) as communes,
    situes.code_departement,
    departement.code_region,
    perimetres.surface_m2,
    perimetres.longitude,
    perimetres.latitude,
    perimetres.geometrie_reparee
from situes
left join perimetres on situes.code_qpv = perimetres.code_qpv
left join populations on situes.code_qpv = populations.code_qpv
left join {{ ref('int_departement') }} as departement
    on situes.code_departement = departement.code_departement
where {{ dans_la_region('departement.code_region') }}
