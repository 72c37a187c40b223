with source as (
    select * from {{ source('lake', 'log_templates') }}
),

template_days as (
    select * from {{ source('lake', 'log_template_days') }}
),

-- A template becomes more general with time; its id stays. What it is called by now is its name on earlier days too.
latest as (
    select source, template_id, max_by(template, event_date) as template
    from template_days
    group by source, template_id
),

final as (
    select
        source.source,
        source.minute_start_at,
        date_trunc('hour', source.minute_start_at) as hour_start_at,
        source.event_date,
        coalesce(source.service, 'unknown') as service,
        source.service_version,
        coalesce(source.severity, 'UNSET') as severity,
        source.template_id,
        coalesce(latest.template, source.template) as template,
        source.record_count,
        source.trace_count,
        source.failing_trace_count,
        source.raw_bytes
    from source
    left join latest on source.source = latest.source and source.template_id = latest.template_id
)

select * from final
