-- When each service was last heard in each signal, as far back as the list of pain points looks.
with ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

operation_days as (
    select * from {{ ref('int_operation_days_read') }}
),

log_days as (
    select * from {{ ref('int_log_days_read') }}
),

deployments as (
    select * from {{ ref('int_deployments_finished') }}
),

tickets as (
    select * from {{ ref('int_tickets_latest') }}
),

heard as (
    select service, 'spans' as signal, cast(event_date as timestamp with time zone) as heard_at
    from operation_days
    union all
    select service, 'logs' as signal, cast(event_date as timestamp with time zone) as heard_at
    from log_days
    union all
    select service, 'deployments' as signal, finished_at as heard_at
    from deployments
    union all
    select service, 'tickets' as signal, created_at as heard_at
    from tickets
),

final as (
    select
        heard.service,
        cast(max(case when heard.signal = 'spans' then heard.heard_at end) as date) as last_span_date,
        cast(max(case when heard.signal = 'logs' then heard.heard_at end) as date) as last_log_date,
        cast(max(case when heard.signal = 'deployments' then heard.heard_at end) as date) as last_deployed_date,
        cast(max(case when heard.signal = 'tickets' then heard.heard_at end) as date) as last_ticket_date
    from heard
    cross join ranking
    where {{ in_window('heard.heard_at') }} and heard.service is not null
    group by heard.service
)

select * from final
