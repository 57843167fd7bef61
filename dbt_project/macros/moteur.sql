{# Everything that differs between database engines, and nothing else. #}

{# True when the whole text respects the pattern. #}
{% macro correspond(expression, motif) -%}
    {{ return(adapter.dispatch('correspond', 'qpv_emploi')(expression, motif)) }}
{%- endmacro %}

{% macro default__correspond(expression, motif) -%}
    regexp_full_match({{ expression }}, '{{ motif }}')
{%- endmacro %}

{% macro postgres__correspond(expression, motif) -%}
    ({{ expression }} ~ '^({{ motif }})$')
{%- endmacro %}

{# Rows of a text list: one row per element of `expression`, split on `separateur`. Used in a `cross join`. #}
{% macro elements(expression, separateur, alias, colonne) -%}
    {{ return(adapter.dispatch('elements', 'qpv_emploi')(expression, separateur, alias, colonne)) }}
{%- endmacro %}

{% macro default__elements(expression, separateur, alias, colonne) -%}
    unnest(string_split({{ expression }}, '{{ separateur }}')) with ordinality as {{ alias }} ({{ colonne }}, rang)
{%- endmacro %}

{% macro postgres__elements(expression, separateur, alias, colonne) -%}
    unnest(string_to_array({{ expression }}, '{{ separateur }}')) with ordinality as {{ alias }} ({{ colonne }}, rang)
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

{% macro postgres__nombre_affiche(expression, decimales) -%}
    translate(
        to_char(
            round(cast({{ expression }} as numeric), {{ decimales }}),
            'FM999,999,999,990{% if decimales %}.{{ '0' * decimales }}{% endif %}'
        ),
        ',.-', chr(8239) || ',−'
    )
{%- endmacro %}
