with source as (
    select * from {{ source('lake', 'span_account_days') }}
),

final as (
    select
        source,
        event_date,
        account_id,
        account_plan,
        coalesce(service, 'unknown') as service,
        coalesce(operation, '(no name)') as operation,
        coalesce(kind, 'unspecified') as span_kind,
        service_version,
        feature_flag,
        feature_variant,
        span_count,
        origin_error_count,
        slowest_self_bucket,
        self_ms
    from source
)

select * from final
