{# Periods as the documents write them: 2017, 2018-09, 2018-T1, 2018-12-31, 2014/2019. #}

{# First day of a quoted period; null when nothing is quoted. #}
{% macro debut_periode_citee(texte) -%}
    case
        when {{ texte }} like '____/____' then cast(substr({{ texte }}, 1, 4) || '-01-01' as date)
        when {{ texte }} like '____-T_'
            then cast(
                substr({{ texte }}, 1, 4)
                || case substr({{ texte }}, 7, 1)
                    when '1' then '-01-01' when '2' then '-04-01' when '3' then '-07-01' when '4' then '-10-01'
                end as date
            )
        when length({{ texte }}) = 4 then cast({{ texte }} || '-01-01' as date)
        when length({{ texte }}) = 7 then cast({{ texte }} || '-01' as date)
        when length({{ texte }}) = 10 then cast({{ texte }} as date)
    end
{%- endmacro %}

{# Last day of a quoted period; null when nothing is quoted. #}
{% macro fin_periode_citee(texte) -%}
    case
        when {{ texte }} like '____/____' then cast(substr({{ texte }}, 6, 4) || '-12-31' as date)
        when {{ texte }} like '____-T_'
            then cast(
                substr({{ texte }}, 1, 4)
                || case substr({{ texte }}, 7, 1)
                    when '1' then '-03-31' when '2' then '-06-30' when '3' then '-09-30' when '4' then '-12-31'
                end as date
            )
        when length({{ texte }}) = 4 then cast({{ texte }} || '-12-31' as date)
        when length({{ texte }}) = 7
            then cast(cast({{ texte }} || '-01' as date) + interval '1 month' - interval '1 day' as date)
        when length({{ texte }}) = 10 then cast({{ texte }} as date)
    end
{%- endmacro %}
