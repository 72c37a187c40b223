{# The records of a signal that is not versioned, each once. One that came again with another time of its own (somebody
   corrected the date of an answer) stands in two days of the lake, as what has landed stays: the later of them counts.
   Which those are, the checks `..._have_one_time` tell. Ids of which something was removed (`<SSN>`) can be those of two
   records: both stay, and the model's own check stops them. #}
{% macro each_record_once(records) -%}
    select *
    from (
        select
            *,
            row_number() over (
                partition by source, record_id, case when record_id like '%<%' then event_at end
                order by event_at desc
            ) as place
        from {{ records }}
    ) as placed
    where place = 1
{%- endmacro %}
