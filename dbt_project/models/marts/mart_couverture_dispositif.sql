-- Grid of the schemes that residents of a neighbourhood may use. A box that nobody can fill says so.
with beneficiaires as (
    select
        code_dispositif,
        cle_territoire,
        debut,
        fin,
        nombre,
        code_statut,
        row_number() over (
            partition by code_dispositif, cle_territoire, debut, fin
            order by
                case when nombre is null then 2 else 1 end asc,
                cle_jeu_source desc nulls last,
                type_flux asc,
                cle_beneficiaires asc
        ) as rang
    from {{ ref('fct_beneficiaires') }}
    where
        population = 'qpv'
        and cle_ventilation not like '%SEXE=%'
        and cle_ventilation not like '%AGE=%'
        and motif_sortie is null
        and {{ connue_le('connu_du', 'connu_au') }}
),

connues as (
    select
        couverture.cle_couverture,
        couverture.code_dispositif,
        couverture.cle_territoire,
        couverture.debut,
        couverture.fin,
        couverture.present,
        couverture.origine,
        couverture.source,
        beneficiaires.nombre as beneficiaires,
        couverture.nb_lignes_contrat,
        couverture.code_statut,
        couverture.motif,
        couverture.reserve
    from {{ ref('fct_couverture') }} as couverture
    left join beneficiaires
        on
            couverture.code_dispositif = beneficiaires.code_dispositif
            and couverture.cle_territoire = beneficiaires.cle_territoire
            and couverture.debut = beneficiaires.debut
            and couverture.fin = beneficiaires.fin
            and beneficiaires.rang = 1
),

inconnues as (
    select
        dispositif.code_dispositif || '|' || qpv.cle_territoire || '|'
        || cast(generation.valide_du as varchar) || '/'
        || coalesce(cast(generation.valide_au as varchar), '') as cle_couverture,
        dispositif.code_dispositif,
        qpv.cle_territoire,
        generation.valide_du as debut,
        generation.valide_au as fin,
        cast(null as boolean) as present,
        'inconnue' as origine,
        cast(null as varchar) as source,
        cast(null as double precision) as beneficiaires,
        cast(null as integer) as nb_lignes_contrat,
        coalesce(connaissance.code_statut, 'ND') as code_statut,
        coalesce(connaissance.motif, 'Aucune source ne dit si ce dispositif est présent dans le quartier.')
            as motif,
        cast(null as varchar) as reserve
    from {{ ref('dim_qpv') }} as qpv
    inner join {{ ref('generation_qpv') }} as generation
        on qpv.generation = cast(generation.generation as varchar)
    inner join {{ ref('dim_dispositif') }} as dispositif
        on
            dispositif.est_courant
            and dispositif.type_dispositif in ('DC', 'DC_QPV', 'SP')
            -- the scheme and the generation of perimeters meet in time
            and (
                generation.valide_au is null
                or dispositif.valide_du is null
                or generation.valide_au >= dispositif.valide_du
            )
            and (dispositif.valide_au is null or generation.valide_du <= dispositif.valide_au)
    left join {{ ref('connaissance_dispositif') }} as connaissance
        on dispositif.code_dispositif = connaissance.code_dispositif
    left join {{ ref('fct_couverture') }} as couverture
        on
            dispositif.code_dispositif = couverture.code_dispositif
            and qpv.cle_territoire = couverture.cle_territoire
    where couverture.cle_couverture is null
),

reunion as (
    {% for nom in ['connues', 'inconnues'] -%}
    select
        cle_couverture,
        code_dispositif,
        cle_territoire,
        debut,
        fin,
        present,
        origine,
        source,
        beneficiaires,
        nb_lignes_contrat,
        code_statut,
        motif,
        reserve
    from {{ nom }}
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor -%}
)

select
    'mart_couverture_dispositif|' || reunion.cle_couverture as cle_ligne,
    reunion.code_dispositif,
    dispositif.libelle_dispositif,
    dispositif.type_dispositif,
    dispositif.theme,
    reunion.cle_territoire,
    qpv.code_qpv,
    qpv.libelle_qpv,
    qpv.generation,
    qpv.code_departement,
    reunion.debut,
    reunion.fin,
    reunion.present,
    reunion.origine,
    reunion.source,
    reunion.beneficiaires,
    reunion.nb_lignes_contrat,
    reunion.code_statut,
    reunion.motif,
    reunion.reserve,
    qpv.est_fictif
from reunion
inner join {{ ref('dim_qpv') }} as qpv on reunion.cle_territoire = qpv.cle_territoire
inner join {{ ref('dim_dispositif') }} as dispositif
    on reunion.code_dispositif = dispositif.code_dispositif and dispositif.est_courant
order by cle_ligne
