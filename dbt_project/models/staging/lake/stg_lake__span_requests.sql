with source as (
    select * from {{ source('lake', 'span_requests') }}
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
        span_count,
        error_count,
        origin_error_count,
        duration_ms,
        self_ms,
        raw_bytes
    from source
)

select * from final
