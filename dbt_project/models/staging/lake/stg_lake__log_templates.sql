with source as (
    select * from {{ source('lake', 'log_templates') }}
),

final as (
    select
        source,
        hour_start_at,
        cast(hour_start_at as date) as event_date,
        coalesce(service, 'unknown') as service,
        service_version,
        coalesce(severity, 'UNSET') as severity,
        template_id,
        template,
        record_count,
        trace_count,
        failing_trace_count
    from source
)

select * from final
