-- Percentiles of a closed day stay as they are: a year of them is measured a day at a time.
{{ read_by_day('spans', of_all_sources=true, given=['int_span_kinds_classified']) }}

with latency as (
    select * from {{ ref('int_latency_histograms_read') }}
),

days as (
    {{ days_to_read('spans', of_all_sources=true, given=['int_span_kinds_classified']) }}
),

of_services as (
    select
        latency.service,
        latency.event_date,
        days.made_from,
        latency.bucket,
        latency.span_count
    from latency
    inner join days on latency.event_date = days.event_date
),

of_operations as (
    select
        latency.service,
        latency.operation,
        latency.event_date,
        days.made_from,
        latency.bucket,
        latency.span_count
    from latency
    inner join days on latency.event_date = days.event_date
    where latency.is_request
),

services_measured as (
    {{ percentiles('of_services', ['service', 'event_date', 'made_from'], [50, 90, 95, 99]) }}
),

operations_measured as (
    {{ percentiles('of_operations', ['service', 'operation', 'event_date', 'made_from'], [50, 90, 95, 99]) }}
),

final as (
    select service, cast(null as varchar) as operation, event_date, p50_ms, p90_ms, p95_ms, p99_ms, made_from
    from services_measured
    union all
    select service, operation, event_date, p50_ms, p90_ms, p95_ms, p99_ms, made_from
    from operations_measured
)

select * from final
