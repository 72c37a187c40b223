{# A share between 0 and 1; null where there is nothing to take a share of. #}
{% macro ratio(part, whole) -%}
    ({{ part }} * 1.0 / nullif({{ whole }}, 0))
{%- endmacro %}


{# Minutes from one time to another, with fraction; null where one is unknown or the later one comes first. #}
{% macro minutes_between(earlier, later) -%}
    case when {{ later }} >= {{ earlier }} then round({{ hours_between(earlier, later) }} * 60.0, 6) end
{%- endmacro %}


{# A count of a day: 0 where nothing was told on a day that was heard, null where the day was not (int_days_unheard).
   Days before the first record count what later records say of them, where they do. #}
{% macro counted_where_heard(count, unheard_reason) -%}
    case
        when {{ unheard_reason }} is null then coalesce({{ count }}, 0)
        when {{ unheard_reason }} = 'not_yet' then nullif({{ count }}, 0)
    end
{%- endmacro %}
