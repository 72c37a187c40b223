{% set given = ['int_span_kinds_classified'] -%}
{{ read_by_day('spans', of_all_sources=true, given=given) }}

with latency as (
    select * from {{ ref('stg_lake__span_latency') }}
),

kinds as (
    select * from {{ ref('int_span_kinds_classified') }}
),

days as (
    {{ days_to_read('spans', of_all_sources=true, given=given) }}
),

final as (
    select
        latency.service,
        latency.operation,
        latency.event_date,
        kinds.is_request,
        latency.bucket,
        cast(sum(latency.span_count) as bigint) as span_count,
        days.made_from
    from latency
    inner join days on latency.event_date = days.event_date
    inner join kinds on latency.service = kinds.service and latency.span_kind = kinds.span_kind
    where latency.measure = 'duration'
    group by
        latency.service,
        latency.operation,
        latency.event_date,
        kinds.is_request,
        latency.bucket,
        days.made_from
)

select * from final
