-- A figure may stand in several groups, and a group may hold targets beside figures.
select
    groupes.code_groupe,
    'fait' as nature_ligne,
    fait.code_fait as code_ligne
from {{ ref('fct_fait_documentaire') }} as fait
cross join {{ elements('fait.groupe_contradiction', '|', 'groupes', 'code_groupe') }}
where fait.groupe_contradiction is not null
union all
select
    groupes.code_groupe,
    'cible' as nature_ligne,
    cible.code_cible as code_ligne
from {{ ref('fct_cible') }} as cible
cross join {{ elements('cible.groupe_contradiction', '|', 'groupes', 'code_groupe') }}
where cible.groupe_contradiction is not null
order by code_groupe, nature_ligne, code_ligne
