with log_templates as (
    select * from {{ ref('stg_lake__log_templates') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

final as (
    select
        {{ log_symptom_id('log_templates') }} as symptom_id,
        log_templates.service,
        log_templates.severity,
        log_templates.template_id,
        log_templates.template,
        log_templates.minute_start_at,
        log_templates.hour_start_at,
        log_templates.event_date,
        log_templates.record_count,
        log_templates.trace_count,
        log_templates.failing_trace_count
    from log_templates
    cross join ranking
    where
        log_templates.severity in ('WARN', 'ERROR', 'FATAL')
        and {{ in_window('log_templates.hour_start_at', day='log_templates.event_date') }}
)

select * from final
