-- The period that each variable of each vintage measures. A series says its quarter itself. Elsewhere the
-- rule of the variable comes before the rule of its block; a period that nothing documents is said to be
-- unknown, one per dataset and vintage, so that two unknown periods are never taken for the same.
with variables as (
    select distinct
        producteur,
        jeu,
        millesime,
        code_variable,
        bloc,
        trimestre
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
    where variables.trimestre is null
),

lues as (
    select
        variables.producteur,
        variables.jeu,
        variables.millesime,
        variables.code_variable,
        variables.bloc,
        variables.trimestre,
        'TRIM' as type_periode,
        cast(substr(variables.trimestre, 1, 4) as integer) as annee,
        serie.evidence_periode as evidence,
        cast(substr(variables.trimestre, 7, 1) as integer) as numero_trimestre
    from variables
    inner join {{ ref('serie_source') }} as serie
        on variables.producteur = serie.producteur and variables.jeu = serie.jeu
    where variables.trimestre is not null
),

toutes as (
    select
        producteur,
        jeu,
        millesime,
        code_variable,
        bloc,
        cast(null as varchar) as trimestre,
        type_periode,
        annee,
        evidence,
        -- the thematic bases publish fourth quarters only
        4 as numero_trimestre
    from regles
    where rang = 1
    union all
    select
        producteur,
        jeu,
        millesime,
        code_variable,
        bloc,
        trimestre,
        type_periode,
        annee,
        evidence,
        numero_trimestre
    from lues
)

select
    producteur,
    jeu,
    millesime,
    code_variable,
    trimestre,
    type_periode,
    annee,
    evidence as evidence_periode,
    case
        when annee is null
            then
                type_periode || ':inconnue:' || producteur || ':' || jeu || ':' || bloc || ':'
                || millesime
        when type_periode = 'INSTANT' then 'INSTANT:' || cast(annee as varchar) || '-12-31'
        when type_periode = 'TRIM'
            then 'TRIM:' || cast(annee as varchar) || '-T' || cast(numero_trimestre as varchar)
        else type_periode || ':' || cast(annee as varchar)
    end as cle_periode,
    case
        when annee is null then cast(null as date)
        when type_periode = 'INSTANT' then {{ date_de('annee', 12, 31) }}
        when type_periode = 'TRIM' and numero_trimestre = 1 then {{ date_de('annee', 1, 1) }}
        when type_periode = 'TRIM' and numero_trimestre = 2 then {{ date_de('annee', 4, 1) }}
        when type_periode = 'TRIM' and numero_trimestre = 3 then {{ date_de('annee', 7, 1) }}
        when type_periode = 'TRIM' then {{ date_de('annee', 10, 1) }}
        when type_periode = 'FEN5' then {{ date_de('annee - 2', 1, 1) }}
        else {{ date_de('annee', 1, 1) }}
    end as debut,
    case
        when annee is null then cast(null as date)
        when type_periode = 'FEN5' then {{ date_de('annee + 2', 12, 31) }}
        when type_periode = 'TRIM' and numero_trimestre = 1 then {{ date_de('annee', 3, 31) }}
        when type_periode = 'TRIM' and numero_trimestre = 2 then {{ date_de('annee', 6, 30) }}
        when type_periode = 'TRIM' and numero_trimestre = 3 then {{ date_de('annee', 9, 30) }}
        else {{ date_de('annee', 12, 31) }}
    end as fin
from toutes
