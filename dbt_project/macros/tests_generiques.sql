{# Generic tests of ours. Each one is shown failing on bad data in tests/integration/test_dbt_generic_tests.py. #}

{# The columns together identify one row. #}
{% test cle_unique(model, colonnes) %}
select {{ colonnes | join(', ') }}, count(*) as nb
from {{ model }}
group by {{ colonnes | join(', ') }}
having count(*) > 1
{% endtest %}

{# Each code that is present respects its whole pattern. #}
{% test code_format(model, column_name, motif) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} is not null and not {{ correspond(column_name, motif) }}
{% endtest %}

{# A missing value has a missing status and a reason; a value has neither. `NA` is missing without fault. #}
{% test statut_coherent(model, valeur='valeur', statut='code_statut', motif='motif') %}
select observation.{{ statut }}, observation.{{ valeur }}, observation.{{ motif }}
from {{ model }} as observation
left join {{ ref('dim_statut') }} as statut on observation.{{ statut }} = statut.code_statut
where
    statut.code_statut is null
    or (
        observation.{{ valeur }} is null
        and (
            observation.{{ motif }} is null
            or (statut.compte_comme_manquant = 'non' and statut.code_statut <> 'NA')
        )
    )
    or (
        observation.{{ valeur }} is not null
        and (
            observation.{{ motif }} is not null
            or statut.compte_comme_manquant like 'oui%'
            or statut.code_statut = 'NA'
        )
    )
{% endtest %}
