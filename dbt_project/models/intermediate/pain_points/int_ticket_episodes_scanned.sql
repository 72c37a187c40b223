with days as (
    select symptom_id, event_date, observed, expected from {{ ref('int_ticket_symptoms_by_day') }}
),

episodes as (
    {{ scan_episodes('days') }}
)

select * from episodes
