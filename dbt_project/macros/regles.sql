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

{# A day that a person typed: AAAA-MM-JJ, or JJ/MM/AAAA as a French spreadsheet writes it. #}
{% macro date_saisie(colonne) -%}
    cast(
        case
            when trim({{ colonne }}) like '__/__/____'
                then
                    substr(trim({{ colonne }}), 7, 4) || '-' || substr(trim({{ colonne }}), 4, 2) || '-'
                    || substr(trim({{ colonne }}), 1, 2)
            else nullif(trim({{ colonne }}), '')
        end as date
    )
{%- endmacro %}

{# Staging of a melted statistical file: rename, nothing else. Every version of the file is there, with the days
   between which it was known: whoever reads the present only keeps `est_version_courante`. #}
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
    valeur,
    connu_du,
    connu_au,
    est_version_courante,
    est_premiere_version
from {{ relation }}
{%- endmacro %}

{# Staging of a melted statistical file about zones that are not QPV: rename, and name the type of the zones.
   `code` and `libelle` are the columns that hold the code and, where the key of the file is a label, the label. #}
{% macro staging_cellules_zone(relation, type_territoire, code='code_zone', libelle=none, code_repare=false) -%}
select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    '{{ type_territoire }}' as type_territoire,
    {{ code }} as code_zone,
    {%- if libelle %}
    {{ libelle }} as libelle_zone,
    {%- endif %}
    {%- if code_repare %}
    code_repare,
    {%- endif %}
    est_controle,
    variable as code_variable,
    role,
    colonne as colonne_numero,
    valeur_texte,
    valeur,
    connu_du,
    connu_au,
    est_version_courante,
    est_premiere_version
from {{ relation }}
{%- endmacro %}

{# Staging of a quarterly series written wide: one row per zone and quarter. The attributes of the zones are left
   in bronze; the quarter is the name of the column, in the producer's terms. #}
{% macro staging_trimestres(relation, type_territoire, motif, code='code_zone', libelle=none, code_repare=false) -%}
select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    '{{ type_territoire }}' as type_territoire,
    {{ code }} as code_zone,
    {%- if libelle %}
    {{ libelle }} as libelle_zone,
    {%- endif %}
    {%- if code_repare %}
    code_repare,
    {%- endif %}
    variable as periode_source,
    colonne as colonne_numero,
    valeur_texte,
    valeur,
    connu_du,
    connu_au,
    est_version_courante,
    est_premiere_version
from {{ relation }}
where role = 'variable' and {{ correspond('variable', motif) }}
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

{# True for the version of a statement known at the end of the day `connu_le`, or now when the variable is empty. #}
{% macro connue_le(connu_du, connu_au) -%}
    {%- if var('connu_le') -%}
    {{ connu_du }} <= cast('{{ var("connu_le") }}' as date)
    and ({{ connu_au }} is null or {{ connu_au }} > cast('{{ var("connu_le") }}' as date))
    {%- else -%}
    {{ connu_au }} is null
    {%- endif %}
{%- endmacro %}
