{# Derived measures on observations, one formula each (DOMAIN, « Derived measures and their guards »). A macro
   computes; the model that calls it holds the guards. Shares and rates run from 0 to 100. #}

{# Difference between a territory and its comparator, in the unit of the indicator: points for a percentage. #}
{% macro ecart(valeur, valeur_zone) -%}
    ({{ valeur }} - {{ valeur_zone }})
{%- endmacro %}

{# Ratio of the two, always printed beside the difference; null when the comparator is worth 0. #}
{% macro rapport(valeur, valeur_zone) -%}
    ({{ valeur }} / nullif({{ valeur_zone }}, 0))
{%- endmacro %}

{# What a difference reads, in view of the desired direction. Equality is read at the ninth decimal. #}
{% macro lecture(sens_souhaite, ecart) -%}
    case
        when {{ ecart }} is null then cast(null as varchar)
        when {{ sens_souhaite }} is null or {{ sens_souhaite }} = 0 then 'sans sens'
        when abs({{ ecart }}) < 0.000000001 then 'égal'
        when {{ sens_souhaite }} * {{ ecart }} > 0 then 'favorable'
        else 'défavorable'
    end
{%- endmacro %}

{# Unit of a difference. #}
{% macro unite_ecart(unite) -%}
    case when {{ unite }} = 'pourcent' then 'points' else {{ unite }} end
{%- endmacro %}

{# Rate of a zone once its neighbourhoods are taken out, from additive published counts. #}
{% macro zone_hors_qpv(numerateur_zone, numerateur_qpv, denominateur_zone, denominateur_qpv) -%}
    (
        ({{ numerateur_zone }} - {{ numerateur_qpv }})
        / nullif({{ denominateur_zone }} - {{ denominateur_qpv }}, 0)
    )
{%- endmacro %}

{# Share of a difference that is gone between T0 and t, in %. #}
{% macro part_ecart_resorbee(ecart_t0, ecart_t) -%}
    (100.0 * (1 - {{ ecart_t }} / nullif({{ ecart_t0 }}, 0)))
{%- endmacro %}

{# Bounds of a rate whose two counts carry a noise of at most `d` (cell keys): (a - D) / (b + D) and
   (a + D) / (b - D), kept between 0 and `facteur`. #}
{% macro bruit_bas(numerateur, denominateur, d, facteur=100) -%}
    (
        {{ facteur }} * case when {{ numerateur }} > {{ d }} then {{ numerateur }} - {{ d }} else 0 end
        / nullif(cast({{ denominateur }} + {{ d }} as double precision), 0)
    )
{%- endmacro %}

{% macro bruit_haut(numerateur, denominateur, d, facteur=100) -%}
    case
        when {{ denominateur }} <= {{ d }} or {{ numerateur }} + {{ d }} >= {{ denominateur }} - {{ d }}
            then cast({{ facteur }} as double precision)
        else {{ facteur }} * ({{ numerateur }} + {{ d }}) / cast({{ denominateur }} - {{ d }} as double precision)
    end
{%- endmacro %}

{# The worse of two statuses. NA has no rank: it is left out unless the other has none either. #}
{% macro pire_statut(statut, rang_gravite, autre_statut, autre_rang_gravite) -%}
    case
        when coalesce({{ autre_rang_gravite }}, -1) > coalesce({{ rang_gravite }}, -1) then {{ autre_statut }}
        else {{ statut }}
    end
{%- endmacro %}

{# Exact sum of doubles, whatever the order of the rows. #}
{% macro somme_exacte(expression) -%}
    cast(sum(cast({{ expression }} as numeric(28, 6))) as double precision)
{%- endmacro %}

{# A number with its unit: one decimal for percentages and points, two for ratios, none for the rest. #}
{% macro valeur_avec_unite(expression, unite) -%}
    case
        when {{ unite }} in ('pourcent', 'points') then {{ nombre_affiche(expression, 1) }}
        when {{ unite }} = 'rapport' then {{ nombre_affiche(expression, 2) }}
        else {{ nombre_affiche(expression, 0) }}
    end
    || case {{ unite }}
        when 'pourcent' then chr(8239) || '%'
        when 'euros' then chr(8239) || '€'
        when 'rapport' then ''
        else ' ' || replace({{ unite }}, '_', ' ')
    end
{%- endmacro %}

{# A day as French readers write it: 31/12/2023. #}
{% macro date_affichee(expression) -%}
    substr(cast({{ expression }} as varchar), 9, 2) || '/' || substr(cast({{ expression }} as varchar), 6, 2)
    || '/' || substr(cast({{ expression }} as varchar), 1, 4)
{%- endmacro %}

{# What is printed where there is no value: the words of seed statut. #}
{% macro statut_affiche(code_statut) -%}
    case {{ code_statut }}
        when 'SECRET' then 'secret'
        when 'NC' then 'non collecté'
        when 'NS' then 'n.s.'
        when 'NA' then 'sans objet'
        when 'CLASSE' then 'classe seule'
        else 'nd'
    end
{%- endmacro %}

{# A list of columns (name -> type), empty for those that the relation lacks: the arms of a union keep one form. #}
{% macro colonnes_ou_vides(colonnes, vides) -%}
    {%- for colonne, type in colonnes.items() -%}
    {%- if colonne in vides -%}cast(null as {{ type }}) as {{ colonne }}{%- else -%}{{ colonne }}{%- endif -%}
    {%- if not loop.last %},
        {% endif -%}
    {%- endfor -%}
{%- endmacro %}
