with source as (
    select * from {{ source('lake', 'span_latency') }}
),

final as (
    select
        source,
        period_start_at,
        grain,
        date_trunc('hour', period_start_at) as hour_start_at,
        event_date,
        coalesce(service, 'unknown') as service,
        coalesce(operation, '(no name)') as operation,
        coalesce(kind, 'unspecified') as span_kind,
        service_version,
        feature_flag,
        feature_variant,
        dependency,
        status,
        measure,
        bucket,
        span_count
    from source
)

select * from final
