-- The last complete hour there is something to say of: a day that has not come yet burns nothing.
with days as (
    select event_date
    from {{ ref('stg_lake__partitions') }}
    where signal = 'spans'
),

ends as (
    select
        {{ minute_of("date_trunc('hour', " ~ as_of() ~ ")") }} as as_of_minute,
        {{ minute_of('cast(max(event_date) as timestamp with time zone)') }} + 1440 as day_end_minute
    from days
),

evaluated as (
    select coalesce(least(as_of_minute, day_end_minute), as_of_minute) as evaluated_minute
    from ends
),

final as (
    select
        evaluated_minute,
        {{ time_of_minute('evaluated_minute') }} as evaluated_at,
        cast({{ time_of_minute('evaluated_minute - 1') }} as date) as evaluated_date
    from evaluated
)

select * from final
