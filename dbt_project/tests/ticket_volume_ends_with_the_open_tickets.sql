-- The backlog of the last day, where it is known and nothing changed after it, is what is open: created, solved and
-- open tickets tell one story.
with volume as (
    select * from {{ ref('fct_ticket_volume_daily') }}
),

tickets as (
    select * from {{ ref('int_tickets_latest') }}
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
        last_date,
        sum(backlog_count) as backlog_count
    from dated
    where event_date = last_date
    group by service, last_date
),

open_tickets as (
    select
        service,
        cast(max(updated_at) as date) as changed_date,
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
    where
        backlogs.service is null
        or (
            open_tickets.changed_date <= backlogs.last_date
            and backlogs.backlog_count != open_tickets.open_count
        )
)

select * from final
