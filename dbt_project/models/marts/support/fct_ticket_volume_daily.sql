-- Days without tickets are rows too: a mean over the days that have rows would be too high. Where nothing is known of a
-- day its counts are null; today is no row before it is known.
with tickets as (
    select
        latest.*,
        coalesce(plans.account_plan, 'unknown') as account_plan
    from {{ ref('int_tickets_latest') }} as latest
    left join {{ ref('int_accounts_by_plan') }} as plans on latest.account_id = plans.account_id
),

unheard as (
    select event_date, reason
    from {{ ref('int_days_unheard') }}
    where signal = 'tickets'
),

reopenings as (
    select
        tickets.service,
        tickets.account_plan,
        cast(reopened.reopened_at as date) as reopened_date,
        count(*) as reopened_count
    from {{ ref('int_tickets_reopened') }} as reopened
    inner join tickets on reopened.source = tickets.source and reopened.ticket_id = tickets.ticket_id
    where tickets.created_at is not null
    group by tickets.service, tickets.account_plan, cast(reopened.reopened_at as date)
),

dated as (
    select
        service,
        account_plan,
        is_defect,
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
        greatest(max(created_date), coalesce(max(solved_date), max(created_date)), {{ today() }}) as last_date
    from dated
),

days as (
    {{ calendar('bounds') }}
),

services as (
    select distinct service, account_plan from dated
),

spine as (
    select
        days.event_date,
        services.service,
        services.account_plan,
        unheard.reason as unheard_reason
    from days
    cross join services
    left join unheard on days.event_date = unheard.event_date
),

created as (
    select
        service,
        account_plan,
        created_date,
        count(*) as created_count,
        cast(sum(case when is_defect then 1 else 0 end) as bigint) as defect_count
    from dated
    group by service, account_plan, created_date
),

solved as (
    select
        service,
        account_plan,
        solved_date,
        count(*) as solved_count
    from dated
    where solved_date is not null
    group by service, account_plan, solved_date
),

counted as (
    select
        spine.event_date,
        spine.service,
        spine.account_plan,
        spine.unheard_reason,
        created.created_count,
        created.defect_count,
        solved.solved_count,
        reopenings.reopened_count
    from spine
    left join created
        on {{ same_keys('spine', 'created', ['service', 'account_plan']) }} and spine.event_date = created.created_date
    left join solved
        on {{ same_keys('spine', 'solved', ['service', 'account_plan']) }} and spine.event_date = solved.solved_date
    left join reopenings
        on
            {{ same_keys('spine', 'reopenings', ['service', 'account_plan']) }}
            and spine.event_date = reopenings.reopened_date
),

summed as (
    select
        *,
        cast(
            sum(coalesce(created_count, 0) - coalesce(solved_count, 0)) over (
                partition by service, account_plan order by event_date asc rows unbounded preceding
            ) as bigint
        ) as backlog_count
    from counted
),

final as (
    select
        event_date,
        service,
        account_plan,
        {{ counted_where_heard('created_count', 'unheard_reason') }} as created_count,
        {{ counted_where_heard('defect_count', 'unheard_reason') }} as defect_count,
        {{ counted_where_heard('solved_count', 'unheard_reason') }} as solved_count,
        {{ counted_where_heard('reopened_count', 'unheard_reason') }} as reopened_count,
        {{ counted_where_heard('backlog_count', 'unheard_reason') }} as backlog_count,
        {{ audit_columns() }}
    from summed
    where event_date != {{ today() }} or unheard_reason is null
)

select * from final
