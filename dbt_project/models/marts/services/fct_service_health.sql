with operation_days as (
    select * from {{ ref('int_operation_days_counted') }}
),

latency as (
    select * from {{ ref('int_latency_histograms_read') }}
),

log_days as (
    select * from {{ ref('int_log_days_read') }}
),

counted as (
    select
        service,
        cast(sum(span_count) as bigint) as span_count,
        cast(sum(request_count) as bigint) as request_count,
        cast(sum(error_count) as bigint) as error_count,
        cast(sum(failed_request_count) as bigint) as failed_request_count
    from operation_days
    group by service
),

measured as (
    {{ percentiles('latency', ['service'], [50, 90, 95, 99]) }}
),

logged as (
    select
        service,
        cast(sum(record_count) as bigint) as log_count,
        cast(sum(error_record_count) as bigint) as error_log_count
    from log_days
    group by service
),

services as (
    select service from counted
    union distinct
    select service from logged
),

final as (
    select
        services.service,
        coalesce(counted.span_count, 0) as span_count,
        coalesce(counted.request_count, 0) as request_count,
        coalesce(counted.error_count, 0) as error_count,
        coalesce(counted.failed_request_count, 0) as failed_request_count,
        {{ ratio('counted.failed_request_count', 'counted.request_count') }} as error_ratio,
        measured.p50_ms,
        measured.p90_ms,
        measured.p95_ms,
        measured.p99_ms,
        coalesce(logged.log_count, 0) as log_count,
        coalesce(logged.error_log_count, 0) as error_log_count,
        {{ audit_columns() }}
    from services
    left join counted on services.service = counted.service
    left join measured on services.service = measured.service
    left join logged on services.service = logged.service
)

select * from final
