{# Everything that differs between database engines, and nothing else. #}

{# Schema of a layer. #}
{% macro schema_de_couche(couche) -%}
    {{ return(adapter.dispatch('schema_de_couche', 'qpv_emploi')(couche)) }}
{%- endmacro %}

{% macro default__schema_de_couche(couche) -%}
    {{ return(couche) }}
{%- endmacro %}

{% macro postgres__schema_de_couche(couche) -%}
    {{ return(target.schema ~ '_' ~ couche) }}
{%- endmacro %}

{# Statistics of a table just built, without which the planner guesses (hook after each table). #}
{% macro statistiques(relation) -%}
    {{ return(adapter.dispatch('statistiques', 'qpv_emploi')(relation)) }}
{%- endmacro %}

{% macro default__statistiques(relation) -%}
{%- endmacro %}

{% macro postgres__statistiques(relation) -%}
    analyze {{ relation }}
{%- endmacro %}

{# True when the whole text respects the pattern. #}
{% macro correspond(expression, motif) -%}
    {{ return(adapter.dispatch('correspond', 'qpv_emploi')(expression, motif)) }}
{%- endmacro %}

{% macro default__correspond(expression, motif) -%}
    regexp_full_match({{ expression }}, '{{ motif }}')
{%- endmacro %}

{# `(?p)`: a dot stands for any character but the end of a line. #}
{% macro postgres__correspond(expression, motif) -%}
    ({{ expression }} ~ '(?p)^({{ motif }})$')
{%- endmacro %}

{# Rows of a text list: one row per element of `expression`, split on `separateur`. Used in a `cross join`. #}
{% macro elements(expression, separateur, alias, colonne) -%}
    {{ return(adapter.dispatch('elements', 'qpv_emploi')(expression, separateur, alias, colonne)) }}
{%- endmacro %}

{% macro default__elements(expression, separateur, alias, colonne) -%}
    unnest(string_split({{ expression }}, '{{ separateur }}')) with ordinality as {{ alias }} ({{ colonne }}, rang)
{%- endmacro %}

{# An empty text is a list of one empty element, as it is for DuckDB. #}
{% macro postgres__elements(expression, separateur, alias, colonne) -%}
    unnest(
        case when {{ expression }} = '' then array[''] else string_to_array({{ expression }}, '{{ separateur }}') end
    ) with ordinality as {{ alias }} ({{ colonne }}, rang)
{%- endmacro %}

{# A date from a year (integer expression), a month and a day. #}
{% macro date_de(annee, mois, jour) -%}
    cast(
        cast({{ annee }} as varchar) || '-{{ "%02d" | format(mois) }}-{{ "%02d" | format(jour) }}' as date
    )
{%- endmacro %}

{# A number as French readers write it: narrow no-break space (U+202F) between thousands, decimal comma, true minus;
   rounded half away from zero. #}
{% macro nombre_affiche(expression, decimales=0) -%}
    {{ return(adapter.dispatch('nombre_affiche', 'qpv_emploi')(expression, decimales)) }}
{%- endmacro %}

{% macro default__nombre_affiche(expression, decimales) -%}
    translate(
        format('{:,.{{ decimales }}f}', round(cast({{ expression }} as double precision), {{ decimales }}) + 0.0),
        ',.-', chr(8239) || ',−'
    )
{%- endmacro %}

{# Through the text, the only exact way from a double to a decimal: a cast keeps fifteen digits, and 16.15, just below
   its own half once multiplied by ten, would be rounded up by one engine and down by the other. #}
{% macro postgres__nombre_affiche(expression, decimales) -%}
    translate(
        to_char(
            round(
                cast(cast(cast({{ expression }} as double precision) * 1{{ '0' * decimales }} as text) as numeric)
            ){% if decimales %} * 0.{{ '0' * (decimales - 1) }}1{% endif %},
            'FM999,999,999,999,999,990{% if decimales %}.{{ '0' * decimales }}{% endif %}'
        ),
        ',.-', chr(8239) || ',−'
    )
{%- endmacro %}

{# In the place of dbt-postgres's: a table under contract is created from its query, then told which columns refuse
   nulls. An `insert` may fill the blanks of earlier pages, and the rows of a release would lose their order. #}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {%- set contrat = config.get('contract').enforced and not temporary -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif %}
    create {% if temporary %}temporary{% elif config.get('unlogged', default=false) %}unlogged{% endif %}
    table {{ relation }} as (
        {{ get_select_subquery(sql) if contrat else sql }}
    );
    {%- if contrat %}
    {%- for colonne in model['columns'].values() if colonne['constraints'] %}
    alter table {{ relation }} alter column {{ colonne['name'] }} set not null;
    {%- endfor %}
    {%- endif %}
{%- endmacro %}
