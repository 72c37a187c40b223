-- The plan an account was last seen with; of several on its last day the one of most spans.
with days as (
    select * from {{ ref('int_account_plan_days_read') }}
),

counted as (
    select
        account_id,
        account_plan,
        event_date,
        sum(span_count) as span_count
    from days
    group by account_id, account_plan, event_date
),

ranked as (
    select
        *,
        row_number() over (
            partition by account_id
            order by event_date desc, span_count desc, account_plan asc
        ) as place
    from counted
),

final as (
    select
        account_id,
        account_plan
    from ranked
    where place = 1
)

select * from final
