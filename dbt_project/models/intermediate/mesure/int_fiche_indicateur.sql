-- The indicators of the page, with their names.
select
    fiche.code_indicateur,
    fiche.cle_ventilation,
    fiche.code_indicateur || '|' || fiche.cle_ventilation as code_ligne,
    fiche.ordre,
    fiche.code_comparateur,
    indicateur.libelle
    || case when fiche.cle_ventilation = 'TOTAL' then '' else ', ' || ventilation.libelle end as libelle,
    indicateur.unite,
    indicateur.sens_souhaite,
    indicateur.additif in ('oui', 'sous_conditions') as est_additif,
    contexte.code_indicateur is not null as est_contexte
from {{ ref('indicateur_fiche') }} as fiche
inner join {{ ref('indicateur') }} as indicateur on fiche.code_indicateur = indicateur.code
inner join {{ ref('ventilation') }} as ventilation on fiche.cle_ventilation = ventilation.cle_ventilation
left join {{ ref('indicateur_contexte') }} as contexte
    on fiche.code_indicateur = contexte.code_indicateur
