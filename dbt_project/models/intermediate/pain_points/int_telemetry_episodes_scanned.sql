with span_hours as (
    select * from {{ ref('int_span_symptoms_by_hour') }}
),

log_hours as (
    select * from {{ ref('int_log_symptoms_by_hour') }}
),

hours as (
    select symptom_id, event_date, observed, expected
    from span_hours
    union all
    select symptom_id, event_date, observed, expected
    from log_hours
),

days as (
    select symptom_id, event_date, sum(observed) as observed, sum(expected) as expected
    from hours
    group by symptom_id, event_date
),

episodes as (
    {{ scan_episodes('days') }}
)

select * from episodes
