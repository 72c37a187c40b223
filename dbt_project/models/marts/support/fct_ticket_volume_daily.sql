-- Days without tickets are rows too: a mean over the days that have rows would be too high.
with tickets as (
    select * from {{ ref('int_tickets_latest') }}
),

dated as (
    select
        service,
        cast(created_at as date) as created_date,
        -- A ticket whose solution lies before its creation leaves the backlog when it was last changed.
        case
            when not is_open then cast(case when solved_at >= created_at then solved_at else updated_at end as date)
        end as solved_date
    from tickets
    where created_at is not null
),

bounds as (
    select
        min(created_date) as first_date,
        greatest(
            max(created_date),
            coalesce(max(solved_date), max(created_date)),
            cast({{ as_of() }} - interval '1' second as date)
        ) as last_date
    from dated
),

days as (
    {{ calendar('bounds') }}
),

services as (
    select distinct service from dated
),

spine as (
    select
        days.event_date,
        services.service
    from days
    cross join services
),

created as (
    select
        service,
        created_date,
        count(*) as created_count
    from dated
    group by service, created_date
),

solved as (
    select
        service,
        solved_date,
        count(*) as solved_count
    from dated
    where solved_date is not null
    group by service, solved_date
),

counted as (
    select
        spine.event_date,
        spine.service,
        coalesce(created.created_count, 0) as created_count,
        coalesce(solved.solved_count, 0) as solved_count
    from spine
    left join created on spine.service = created.service and spine.event_date = created.created_date
    left join solved on spine.service = solved.service and spine.event_date = solved.solved_date
),

final as (
    select
        event_date,
        service,
        created_count,
        solved_count,
        cast(
            sum(created_count - solved_count) over (
                partition by service order by event_date asc rows unbounded preceding
            ) as bigint
        ) as backlog_count,
        {{ audit_columns() }}
    from counted
)

select * from final
