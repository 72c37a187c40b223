-- By the hour at every age that the list looks at (hours_kept_for_days in policies/retention.yml).
{{ read_by_day('spans', of_all_sources=true) }}

with latency as (
    select * from {{ ref('stg_lake__span_latency') }}
),

days as (
    {{ days_to_read('spans', of_all_sources=true) }}
),

final as (
    select
        {{ operation_id('latency') }} as operation_id,
        latency.service,
        latency.operation,
        latency.span_kind,
        latency.dependency,
        latency.feature_flag,
        latency.feature_variant,
        latency.service_version,
        latency.hour_start_at,
        latency.event_date,
        days.made_from,
        latency.bucket,
        sum(latency.span_count) as span_count
    from latency
    inner join days on latency.event_date = days.event_date
    where latency.measure = 'self'
    group by
        latency.service,
        latency.operation,
        latency.span_kind,
        latency.dependency,
        latency.feature_flag,
        latency.feature_variant,
        latency.service_version,
        latency.hour_start_at,
        latency.event_date,
        days.made_from,
        latency.bucket
)

select * from final
