-- A territory beside its comparators: difference and ratio, or the reason why there is none.
select
    'mart_ecart_zone|' || comparaison.cle_territoire || '|' || comparaison.generation || '|'
    || comparaison.code_indicateur || '|' || comparaison.cle_ventilation || '|' || comparaison.cle_periode
    || '|' || comparaison.code_comparateur || '|' || coalesce(comparaison.cle_territoire_zone, '')
        as cle_trace,
    comparaison.cle_territoire,
    territoire.type_territoire,
    territoire.code_territoire,
    territoire.libelle_territoire,
    case when territoire.type_territoire = 'qpv' then territoire.code_territoire end as code_qpv,
    comparaison.generation,
    territoire.code_departement,
    territoire.code_region,
    comparaison.code_indicateur,
    indicateur.libelle_indicateur,
    indicateur.famille,
    comparaison.code_comparateur,
    comparateur.libelle_comparateur,
    comparaison.cle_territoire_zone,
    zone.libelle_territoire as libelle_zone,
    comparateur.hors_qpv,
    comparaison.cle_ventilation,
    comparaison.cle_periode,
    periode.libelle_periode,
    comparaison.portee,
    comparaison.valeur_qpv,
    comparaison.valeur_zone,
    comparaison.unite,
    case
        when comparaison.motif is null
            then {{ ecart('comparaison.valeur_qpv', 'comparaison.valeur_zone') }}
    end as ecart_points,
    {{ unite_ecart('comparaison.unite') }} as unite_ecart,
    case
        when comparaison.motif is null
            then {{ rapport('comparaison.valeur_qpv', 'comparaison.valeur_zone') }}
    end as rapport,
    cast(indicateur.sens_souhaite as integer) as sens_souhaite,
    case
        when comparaison.motif is null
            then
                {{ lecture(
                    'indicateur.sens_souhaite',
                    ecart('comparaison.valeur_qpv', 'comparaison.valeur_zone')
                ) }}
    end as lecture,
    comparaison.code_statut,
    comparaison.motif,
    case
        when comparaison.motif is not null then cast(null as varchar)
        when comparaison.code_statut = 'PERT'
            then 'valeur perturbée par clé aléatoire : un écart de l''ordre du bruit ne se lit pas'
        when comparaison.valeur_zone = 0 then 'rapport sans objet : le comparateur vaut 0'
        when comparateur.hors_qpv = 'non' then 'le comparateur contient ses quartiers prioritaires'
    end as reserve,
    comparaison.cle_observation_qpv,
    comparaison.cle_observation_zone,
    comparaison.cle_jeu_source_qpv,
    comparaison.cle_jeu_source_zone,
    territoire.est_fictif
from {{ ref('int_comparaison') }} as comparaison
inner join {{ ref('dim_territoire') }} as territoire
    on comparaison.cle_territoire = territoire.cle_territoire
left join {{ ref('dim_territoire') }} as zone on comparaison.cle_territoire_zone = zone.cle_territoire
inner join {{ ref('dim_indicateur') }} as indicateur
    on comparaison.code_indicateur = indicateur.code_indicateur
inner join {{ ref('dim_comparateur') }} as comparateur
    on comparaison.code_comparateur = comparateur.code_comparateur
inner join {{ ref('dim_periode') }} as periode on comparaison.cle_periode = periode.cle_periode
order by cle_trace
