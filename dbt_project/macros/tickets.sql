{# When a ticket was seen solved or open: versions, events and the closing time all tell, and often only one of them is
   there. #}
{% macro observed_statuses(versions, events) -%}
    select
        source,
        ticket_id,
        status in ('solved', 'closed') as is_solved,
        updated_at as observed_at
    from {{ versions }}
    where status is not null
    union all
    select
        source,
        ticket_id,
        status in ('solved', 'closed') as is_solved,
        occurred_at as observed_at
    from {{ events }}
    where event_type = 'status' and status is not null
    union all
    select
        source,
        ticket_id,
        true as is_solved,
        closed_at as observed_at
    from {{ versions }}
    where closed_at is not null
{%- endmacro %}
