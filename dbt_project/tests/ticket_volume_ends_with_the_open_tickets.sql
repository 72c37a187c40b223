-- The backlog of the last day that was heard is what is open: created, solved and open tickets tell one story.
with volume as (
    select * from {{ ref('fct_ticket_volume_daily') }}
    where backlog_count is not null
),

tickets as (
    select * from {{ ref('fct_tickets') }}
    where created_at is not null
),

dated as (
    select
        *,
        max(event_date) over () as last_date
    from volume
),

backlogs as (
    select
        service,
        sum(backlog_count) as backlog_count
    from dated
    where event_date = last_date
    group by service
),

open_tickets as (
    select
        service,
        sum(case when is_open then 1 else 0 end) as open_count
    from tickets
    group by service
),

final as (
    select
        open_tickets.service,
        open_tickets.open_count,
        backlogs.backlog_count
    from open_tickets
    left join backlogs on open_tickets.service = backlogs.service
    where backlogs.backlog_count is distinct from open_tickets.open_count
)

select * from final
