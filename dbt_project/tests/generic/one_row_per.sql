{# The grain: no two rows have the same `columns`; of the model, or of what it is made of (`of`: a relation). #}
{% test one_row_per(model, columns, of=none) %}
    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ of or model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
