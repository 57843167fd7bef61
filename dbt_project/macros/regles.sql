{# The label without case, accents, ligatures or punctuation, to read the producers' lists of names. #}
{% macro libelle_normalise(expression) -%}
    trim(
        replace(
            replace(
                translate(
                    replace(replace(replace(upper({{ expression }}), 'Œ', 'OE'), 'œ', 'OE'), 'Æ', 'AE'),
                    'ÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸ-''’.,',
                    'AAACEEEEIIOOUUUY     '
                ),
                '  ', ' '
            ),
            '  ', ' '
        )
    )
{%- endmacro %}

{# True when a row belongs to the region of this build; `france` keeps the whole country. #}
{% macro dans_la_region(code_region) -%}
    ('{{ var("region") }}' = 'france' or {{ code_region }} = '{{ var("region") }}')
{%- endmacro %}

{# Département of a QPV, from the three characters of its code: 059 -> 59, 02A -> 2A, 971 -> 971. #}
{% macro departement_du_qpv(code_qpv) -%}
    case
        when substr({{ code_qpv }}, 3, 1) = '0' then substr({{ code_qpv }}, 4, 2)
        else substr({{ code_qpv }}, 3, 3)
    end
{%- endmacro %}

{# Staging of a melted statistical file: rename, nothing else. #}
{% macro staging_cellules(relation) -%}
select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    code_zone as code_qpv,
    est_controle,
    variable as code_variable,
    role,
    colonne as colonne_numero,
    valeur_texte,
    valeur
from {{ relation }}
{%- endmacro %}

{# Place of a whole period (not of its centre) against the start of the contract: avant, a_cheval, apres. #}
{% macro position_t0(debut, fin, t0) -%}
    case
        when {{ debut }} is null or {{ fin }} is null or {{ t0 }} is null then 'inconnue'
        when {{ fin }} < {{ t0 }} then 'avant'
        when {{ debut }} >= {{ t0 }} then 'apres'
        else 'a_cheval'
    end
{%- endmacro %}
