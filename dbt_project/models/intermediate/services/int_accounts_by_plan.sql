-- The plan an account was last seen with; of several on its last day the one of most spans.
with days as (
    select * from {{ ref('int_account_plan_days_read') }}
),

last_days as (
    select account_id, max(event_date) as event_date
    from days
    group by account_id
),

ranked as (
    select
        days.account_id,
        days.account_plan,
        row_number() over (
            partition by days.account_id
            order by sum(days.span_count) desc, days.account_plan asc
        ) as place
    from days
    inner join last_days on days.account_id = last_days.account_id and days.event_date = last_days.event_date
    group by days.account_id, days.account_plan
),

final as (
    select
        account_id,
        account_plan
    from ranked
    where place = 1
)

select * from final
