with operation_days as (
    select * from {{ ref('int_operation_days_counted') }}
),

measured as (
    select * from {{ ref('int_latency_days_measured') }}
),

final as (
    select
        operation_days.service,
        operation_days.operation,
        operation_days.event_date,
        operation_days.request_count,
        operation_days.failed_request_count as error_count,
        {{ ratio('operation_days.failed_request_count', 'operation_days.request_count') }} as error_ratio,
        measured.p50_ms,
        measured.p95_ms,
        measured.p99_ms,
        {{ audit_columns() }}
    from operation_days
    left join measured
        on
            operation_days.service = measured.service
            and operation_days.operation = measured.operation
            and operation_days.event_date = measured.event_date
    where operation_days.request_count > 0
)

select * from final
