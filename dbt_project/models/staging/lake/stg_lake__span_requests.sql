with source as (
    select * from {{ source('lake', 'span_requests') }}
),

final as (
    select
        source,
        hour_start_at,
        cast(hour_start_at as date) as event_date,
        coalesce(service, 'unknown') as service,
        coalesce(operation, '(no name)') as operation,
        coalesce(kind, 'unspecified') as span_kind,
        service_version,
        feature_flag,
        feature_variant,
        dependency,
        span_count,
        error_count,
        origin_error_count,
        duration_ms,
        self_ms
    from source
)

select * from final
