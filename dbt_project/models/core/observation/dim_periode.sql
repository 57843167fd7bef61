with periodes as (
    select
        cle_periode,
        type_periode,
        debut,
        fin,
        annee,
        min(millesime) as millesime,
        min(jeu) as jeu
    from {{ ref('int_observation') }}
    group by cle_periode, type_periode, debut, fin, annee
)

select
    cle_periode,
    type_periode,
    debut,
    fin,
    case when type_periode = 'FEN5' then annee end as annee_centrale,
    fin is not null as est_connue,
    case
        when fin is null then 'période non documentée (' || jeu || ', millésime ' || millesime || ')'
        when type_periode = 'INSTANT' then '31 décembre ' || cast(annee as varchar)
        when type_periode = 'TRIM' then '4e trimestre ' || cast(annee as varchar)
        when type_periode = 'FEN5'
            then
                'recensement ' || cast(annee as varchar) || ' (enquêtes ' || cast(annee - 2 as varchar) || '-'
                || cast(annee + 2 as varchar) || ')'
        else 'année ' || cast(annee as varchar)
    end as libelle_periode
from periodes
order by cle_periode
