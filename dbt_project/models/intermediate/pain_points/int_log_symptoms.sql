with warnings as (
    select * from {{ ref('int_log_warnings_identified') }}
),

requests as (
    select * from {{ ref('stg_lake__span_requests') }}
),

final as (
    select
        symptom_id,
        service,
        severity,
        max_by(template, record_count) as template,
        service in (select requests.service from requests) as has_spans
    from warnings
    group by symptom_id, service, severity
)

select * from final
