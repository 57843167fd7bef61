-- The period that each variable of each vintage measures. The rule of the variable comes before the rule of
-- its block; a period that nothing documents is said to be unknown, one per dataset and vintage, so that two
-- unknown periods are never taken for the same.
with variables as (
    select distinct
        producteur,
        jeu,
        millesime,
        code_variable,
        bloc
    from {{ ref('int_observation__attendue') }}
),

regles as (
    select
        variables.producteur,
        variables.jeu,
        variables.millesime,
        variables.code_variable,
        variables.bloc,
        regle.type_periode,
        coalesce(
            regle.annee_fixe,
            cast(substr(variables.millesime, 1, 4) as integer) + regle.decalage_annees
        ) as annee,
        regle.evidence,
        row_number() over (
            partition by variables.producteur, variables.jeu, variables.millesime, variables.code_variable
            order by case when regle.code_variable is null then 2 else 1 end
        ) as rang
    from variables
    inner join {{ ref('regle_periode') }} as regle
        on
            variables.producteur = regle.producteur
            and variables.jeu = regle.jeu
            and variables.bloc = regle.bloc
            and (regle.code_variable is null or variables.code_variable = regle.code_variable)
            and variables.millesime >= coalesce(cast(regle.millesime_du as varchar), '0000')
            and variables.millesime <= coalesce(cast(regle.millesime_au as varchar), '9999')
)

select
    producteur,
    jeu,
    millesime,
    code_variable,
    type_periode,
    annee,
    evidence as evidence_periode,
    case
        when annee is null
            then
                type_periode || ':inconnue:' || producteur || ':' || jeu || ':' || bloc || ':'
                || millesime
        when type_periode = 'INSTANT' then 'INSTANT:' || cast(annee as varchar) || '-12-31'
        when type_periode = 'TRIM' then 'TRIM:' || cast(annee as varchar) || '-T4'
        else type_periode || ':' || cast(annee as varchar)
    end as cle_periode,
    case
        when annee is null then cast(null as date)
        when type_periode = 'INSTANT' then {{ date_de('annee', 12, 31) }}
        when type_periode = 'TRIM' then {{ date_de('annee', 10, 1) }}
        when type_periode = 'FEN5' then {{ date_de('annee - 2', 1, 1) }}
        else {{ date_de('annee', 1, 1) }}
    end as debut,
    case
        when annee is null then cast(null as date)
        when type_periode = 'FEN5' then {{ date_de('annee + 2', 12, 31) }}
        else {{ date_de('annee', 12, 31) }}
    end as fin
from regles
where rang = 1
