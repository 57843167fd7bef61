{%- set mois = [
    'janvier', 'février', 'mars', 'avril', 'mai', 'juin', 'juillet', 'août', 'septembre', 'octobre', 'novembre',
    'décembre'
] -%}
with periodes as (
    select
        cle_periode,
        type_periode,
        debut,
        fin,
        annee,
        millesime,
        jeu,
        cast(extract(month from debut) as integer) as mois
    from {{ ref('int_periode') }}
)

select
    cle_periode,
    type_periode,
    debut,
    fin,
    annee as annee_centrale,
    fin is not null as est_connue,
    case
        when fin is null then 'période non documentée (' || jeu || ', millésime ' || millesime || ')'
        when type_periode = 'INSTANT' then '31 décembre ' || cast(annee as varchar)
        when type_periode = 'MOIS'
            then
                case mois
                    {% for nom in mois %}
                    when {{ loop.index }} then '{{ nom }}'
                    {% endfor %}
                end || ' ' || cast(annee as varchar)
        when type_periode = 'TRIM' and mois = 1 then '1er trimestre ' || cast(annee as varchar)
        when type_periode = 'TRIM'
            then
                case mois when 4 then '2' when 7 then '3' else '4' end || 'e trimestre '
                || cast(annee as varchar)
        when type_periode = 'FEN5'
            then
                'recensement ' || cast(annee as varchar) || ' (enquêtes ' || cast(annee - 2 as varchar) || '-'
                || cast(annee + 2 as varchar) || ')'
        else 'année ' || cast(annee as varchar)
    end as libelle_periode
from periodes
order by cle_periode
