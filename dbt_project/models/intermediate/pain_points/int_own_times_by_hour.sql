with latency as (
    select * from {{ ref('stg_lake__span_latency') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
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
        latency.bucket,
        sum(latency.span_count) as span_count
    from latency
    cross join ranking
    where
        latency.measure = 'self'
        and {{ in_window('latency.hour_start_at') }}
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
        latency.bucket
)

select * from final
