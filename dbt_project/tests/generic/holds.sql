{# Every row meets `condition`; a row for which it is unknown does. #}
{% test holds(model, condition) %}
    select *
    from {{ model }}
    where not ({{ condition }})
{% endtest %}
