-- A bucket comes once per source and kind of span: whoever reads it adds them up.
{{ config(materialized='view') }}

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
        latency.span_count
    from latency
    inner join kinds on latency.service = kinds.service and latency.span_kind = kinds.span_kind
)

select * from final
