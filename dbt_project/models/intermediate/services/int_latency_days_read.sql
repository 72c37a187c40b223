{{ read_by_day('spans') }}

with latency as (
    select * from {{ ref('stg_lake__span_latency') }}
),

days as (
    {{ days_to_read('spans') }}
),

final as (
    select
        latency.source,
        latency.service,
        latency.operation,
        latency.span_kind,
        latency.event_date,
        latency.bucket,
        cast(sum(latency.span_count) as bigint) as span_count,
        days.made_from
    from latency
    inner join days on latency.source = days.source and latency.event_date = days.event_date
    where latency.measure = 'duration'
    group by
        latency.source,
        latency.service,
        latency.operation,
        latency.span_kind,
        latency.event_date,
        latency.bucket,
        days.made_from
)

select * from final
