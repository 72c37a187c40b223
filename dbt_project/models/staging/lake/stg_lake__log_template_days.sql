with source as (
    select * from {{ source('lake', 'log_template_days') }}
),

-- See stg_lake__log_templates.
latest as (
    select source, template_id, max_by(template, event_date) as template
    from source
    group by source, template_id
),

final as (
    select
        source.source,
        source.event_date,
        coalesce(source.service, 'unknown') as service,
        coalesce(source.severity, 'UNSET') as severity,
        source.template_id,
        latest.template,
        source.record_count,
        source.trace_count,
        source.failing_trace_count,
        source.first_seen_on,
        source.compared_days,
        source.expected_count,
        source.is_new,
        source.is_rising,
        source.is_noise
    from source
    inner join latest on source.source = latest.source and source.template_id = latest.template_id
)

select * from final
