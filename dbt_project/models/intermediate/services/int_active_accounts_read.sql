{{ read_by_day('spans', of_all_sources=true) }}

with account_days as (
    select * from {{ ref('stg_lake__span_account_days') }}
),

days as (
    {{ days_to_read('spans', of_all_sources=true) }}
),

final as (
    select
        account_days.service,
        account_days.event_date,
        days.made_from,
        count(distinct account_days.account_id) as active_account_count
    from account_days
    inner join days on account_days.event_date = days.event_date
    where account_days.account_id is not null
    group by account_days.service, account_days.event_date, days.made_from
)

select * from final
