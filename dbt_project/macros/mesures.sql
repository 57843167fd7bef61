{# Derived measures, one formula each (DOMAIN, « Derived measures and their guards »). A macro computes; the model
   that calls it holds the guards. Shares and rates run from 0 to 100. #}

{# Targeting index: share of QPV residents over their share in the public it should reach. 1 is parity. #}
{% macro indice_ciblage(part_qpv, part_parite) -%}
    (cast({{ part_qpv }} as double precision) / nullif(cast({{ part_parite }} as double precision), 0))
{%- endmacro %}

{# Beneficiaries per thousand persons of the potential public. #}
{% macro recours_pour_1000(beneficiaires_qpv, public_qpv) -%}
    (1000.0 * cast({{ beneficiaires_qpv }} as double precision)
        / nullif(cast({{ public_qpv }} as double precision), 0))
{%- endmacro %}

{# Persons missing to parity (negative) or beyond it. #}
{% macro ecart_a_la_parite(beneficiaires_qpv, beneficiaires_total, part_parite) -%}
    (cast({{ beneficiaires_qpv }} as double precision)
        - cast({{ beneficiaires_total }} as double precision) * {{ part_parite }} / 100.0)
{%- endmacro %}

{# Share of a target that is achieved, in %, by type of target. `base` is the starting value of the text, or of
   the publication that gives the gap at T0. #}
{% macro taux_atteinte(type_cible, unite, valeur, base, cible) -%}
    case {{ type_cible }}
        when 'niveau' then 100.0 * {{ valeur }} / nullif({{ cible }}, 0)
        when 'part' then 100.0 * {{ valeur }} / nullif({{ cible }}, 0)
        when 'variation'
            then
                case
                    when {{ unite }} = 'pourcent'
                        then 100.0 * (100.0 * ({{ valeur }} / nullif({{ base }}, 0) - 1)) / nullif({{ cible }}, 0)
                    else 100.0 * ({{ valeur }} - {{ base }}) / nullif({{ cible }}, 0)
                end
        when 'multiplication'
            then 100.0 * ({{ valeur }} / nullif({{ base }}, 0) - 1) / nullif({{ cible }} - 1, 0)
        when 'reduction_ecart'
            then 100.0 * (1 - {{ valeur }} / nullif({{ base }}, 0)) / nullif({{ cible }} / 100.0, 0)
    end
{%- endmacro %}
