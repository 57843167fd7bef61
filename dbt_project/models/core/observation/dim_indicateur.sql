with paires as (
    select
        code_indicateur,
        non_compare_avec
    from {{ ref('indicateur_non_compare') }}
    union
    select
        non_compare_avec as code_indicateur,
        code_indicateur as non_compare_avec
    from {{ ref('indicateur_non_compare') }}
),

exclusions as (
    select
        code_indicateur,
        string_agg(non_compare_avec, '|' order by non_compare_avec) as non_compare_avec
    from paires
    group by code_indicateur
),

-- A rate computed here from two counts says which indicator its denominator is.
denominateurs as (
    select
        taux.code_indicateur,
        min(variable.code_indicateur) as denominateur_code
    from {{ ref('taux_source') }} as taux
    inner join {{ ref('variable_source') }} as variable
        on
            taux.producteur = variable.producteur
            and taux.jeu = variable.jeu
            and taux.variable_denominateur = variable.code_variable
    group by taux.code_indicateur
)

select
    indicateur.code as code_indicateur,
    '1' as version,
    indicateur.libelle as libelle_indicateur,
    indicateur.definition,
    indicateur.numerateur,
    indicateur.denominateur,
    denominateurs.denominateur_code,
    indicateur.unite,
    indicateur.sens_souhaite,
    indicateur.additif,
    indicateur.famille,
    indicateur.champ,
    indicateur.source_usuelle,
    indicateur.est_derive,
    indicateur.ecart_min_annees,
    case
        when indicateur.est_derive then 'mesure dérivée : ne se compare pas, se recalcule'
        when indicateur.ecart_min_annees is not null
            then
                'même source, même définition ; au moins ' || cast(indicateur.ecart_min_annees as varchar)
                || ' ans entre les deux périodes, sans recouvrement'
        else 'même source, même définition ; périodes sans recouvrement'
    end as regle_comparaison,
    exclusions.non_compare_avec,
    cast(null as date) as valide_du,
    cast(null as date) as valide_au
from {{ ref('indicateur') }} as indicateur
left join exclusions on indicateur.code = exclusions.code_indicateur
left join denominateurs on indicateur.code = denominateurs.code_indicateur
order by indicateur.code
