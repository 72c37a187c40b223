{# What is shown where nothing says which service something is about. #}
{% macro unknown_service() -%}unknown{%- endmacro %}
