{# A schema means a layer here, whatever the developer's default schema is. On a server, where several candidates
   are built at once, each layer bears the name of its candidate first (`schema_de_couche`, moteur.sql). #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ schema_de_couche(custom_schema_name | trim) if custom_schema_name else target.schema }}
{%- endmacro %}
