with log_templates as (
    select * from {{ ref('stg_lake__log_templates') }}
),

requests as (
    select * from {{ ref('stg_lake__span_requests') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

final as (
    select
        {{ log_symptom_id('log_templates') }} as symptom_id,
        log_templates.service,
        log_templates.severity,
        max_by(log_templates.template, log_templates.record_count) as template,
        log_templates.service in (select requests.service from requests) as has_spans
    from log_templates
    cross join ranking
    where
        log_templates.severity in ('WARN', 'ERROR', 'FATAL')
        and {{ in_window('log_templates.hour_start_at', day='log_templates.event_date') }}
    group by
        log_templates.service,
        log_templates.severity,
        {{ letters_of('log_templates.template') }}
)

select * from final
