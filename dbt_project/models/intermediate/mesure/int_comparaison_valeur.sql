-- The figures of the comparators, under one form: those published for a zone, those of the rest of a zone,
-- and those of neighbourhoods taken together when they are rates (a total is not a comparator).
select
    cle_territoire as cle_comparateur,
    'zone' as nature,
    cle_territoire as cle_territoire_zone,
    code_indicateur,
    cle_ventilation,
    cle_periode,
    debut,
    fin,
    ordre_periode,
    valeur,
    unite,
    code_statut,
    rang_gravite,
    est_connue,
    motif,
    cle_observation,
    cle_jeu_source
from {{ ref('int_observation_datee') }}
where est_retenue and type_territoire <> 'qpv'
union all
select
    reste.code_comparateur || '|' || reste.generation || '|' || reste.cle_territoire_zone as cle_comparateur,
    'reste' as nature,
    reste.cle_territoire_zone,
    reste.code_indicateur,
    reste.cle_ventilation,
    reste.cle_periode,
    periode.debut,
    periode.fin,
    periode.fin as ordre_periode,
    reste.valeur,
    reste.unite,
    reste.code_statut,
    statut.rang_gravite,
    reste.valeur is not null as est_connue,
    reste.motif,
    reste.cle_observation,
    reste.cle_jeu_source
from {{ ref('int_zone_hors_qpv') }} as reste
inner join {{ ref('int_periode') }} as periode on reste.cle_periode = periode.cle_periode
inner join {{ ref('statut') }} as statut on reste.code_statut = statut.code
union all
select
    case type_territoire
        when 'contrat_ville' then 'qpv_contrat'
        when 'departement' then 'qpv_departement'
        else 'qpv_region'
    end || '|' || generation || '|' || cle_territoire as cle_comparateur,
    'agregat' as nature,
    cle_territoire as cle_territoire_zone,
    code_indicateur,
    cle_ventilation,
    cle_periode,
    debut,
    fin,
    ordre_periode,
    valeur,
    unite,
    code_statut,
    rang_gravite,
    valeur is not null as est_connue,
    motif,
    cast(null as varchar) as cle_observation,
    cle_jeu_source
from {{ ref('int_agregat_qpv') }}
where est_retenu and methode_agregation = 'rapport_de_sommes'
