{# A share between 0 and 1; null where there is nothing to take a share of. #}
{% macro ratio(part, whole) -%}
    ({{ part }} * 1.0 / nullif({{ whole }}, 0))
{%- endmacro %}


{# Minutes from one time to another, with fraction; null where one is unknown or the later one comes first. #}
{% macro minutes_between(earlier, later) -%}
    case when {{ later }} >= {{ earlier }} then round({{ hours_between(earlier, later) }} * 60.0, 6) end
{%- endmacro %}
