-- The days that MetricFlow counts along, where a deployment uses it.
with bounds as (
    select
        cast('2020-01-01' as date) as first_date,
        cast('2039-12-31' as date) as last_date
),

final as (
    {{ calendar('bounds') }}
)

select event_date as date_day from final
