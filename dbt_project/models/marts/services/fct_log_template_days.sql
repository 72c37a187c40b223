with template_days as (
    select * from {{ ref('stg_lake__log_template_days') }}
),

final as (
    select
        source,
        service,
        severity,
        template_id,
        template,
        event_date,
        record_count,
        trace_count,
        failing_trace_count,
        compared_days,
        expected_count,
        first_seen_on,
        case
            when is_new then 'new'
            when is_rising then 'rising'
            when is_noise then 'noise'
            else 'ordinary'
        end as template_kind,
        {{ audit_columns() }}
    from template_days
)

select * from final
