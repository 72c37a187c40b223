with operation_days as (
    select * from {{ ref('int_operation_days_counted') }}
),

measured as (
    select * from {{ ref('int_latency_days_measured') }}
    where operation is null
),

counted as (
    select
        service,
        event_date,
        cast(sum(span_count) as bigint) as span_count,
        cast(sum(request_count) as bigint) as request_count,
        cast(sum(error_count) as bigint) as error_count,
        cast(sum(failed_request_count) as bigint) as failed_request_count
    from operation_days
    group by service, event_date
),

final as (
    select
        counted.service,
        counted.event_date,
        counted.span_count,
        counted.request_count,
        counted.error_count,
        counted.failed_request_count,
        {{ ratio('counted.failed_request_count', 'counted.request_count') }} as error_ratio,
        measured.p50_ms,
        measured.p90_ms,
        measured.p95_ms,
        measured.p99_ms,
        {{ audit_columns() }}
    from counted
    left join measured on counted.service = measured.service and counted.event_date = measured.event_date
)

select * from final
