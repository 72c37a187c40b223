with source as (
    select * from {{ source('lake', 'spans') }}
),

final as (
    select
        source,
        record_id,
        coalesce(trace_id, record_id) as trace_id,
        event_at,
        event_date,
        coalesce(service, 'unknown') as service,
        service_version,
        operation,
        coalesce(kind, 'unspecified') as span_kind,
        coalesce(status = 'error', false) as is_error,
        duration_ns / 1000000.0 as duration_ms,
        account_id,
        account_plan,
        feature_flag,
        feature_variant,
        dependency,
        attributes,
        weight
    from source
)

select * from final
