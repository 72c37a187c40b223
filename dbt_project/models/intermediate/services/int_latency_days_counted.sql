with latency as (
    select * from {{ ref('int_latency_days_read') }}
),

kinds as (
    select * from {{ ref('int_span_kinds_classified') }}
),

final as (
    select
        latency.service,
        latency.operation,
        latency.event_date,
        kinds.is_request,
        latency.bucket,
        cast(sum(latency.span_count) as bigint) as span_count
    from latency
    inner join kinds on latency.service = kinds.service and latency.span_kind = kinds.span_kind
    group by latency.service, latency.operation, latency.event_date, kinds.is_request, latency.bucket
)

select * from final
