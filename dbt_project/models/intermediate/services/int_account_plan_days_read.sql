-- Which plans an account was seen with on a day.
{{ read_by_day('spans') }}

with account_days as (
    select * from {{ ref('stg_lake__span_account_days') }}
),

days as (
    {{ days_to_read('spans') }}
),

final as (
    select
        account_days.source,
        account_days.event_date,
        account_days.account_id,
        account_days.account_plan,
        days.made_from,
        sum(account_days.span_count) as span_count
    from account_days
    inner join days on account_days.source = days.source and account_days.event_date = days.event_date
    where account_days.account_plan is not null
    group by
        account_days.source,
        account_days.event_date,
        account_days.account_id,
        account_days.account_plan,
        days.made_from
)

select * from final
