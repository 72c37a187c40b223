-- Nothing is lost on the way: the spans of all services are the spans of the rollups, and so are those of their days.
with rolled_up as (
    select coalesce(sum(span_count), 0) as span_count from {{ ref('stg_lake__span_requests') }}
),

health as (
    select coalesce(sum(span_count), 0) as span_count from {{ ref('fct_service_health') }}
),

daily as (
    select coalesce(sum(span_count), 0) as span_count from {{ ref('fct_service_health_daily') }}
),

final as (
    select
        rolled_up.span_count,
        health.span_count as health_span_count,
        daily.span_count as daily_span_count
    from rolled_up
    cross join health
    cross join daily
    where rolled_up.span_count != health.span_count or rolled_up.span_count != daily.span_count
)

select * from final
