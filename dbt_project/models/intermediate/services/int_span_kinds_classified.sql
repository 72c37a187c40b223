-- A request is a span of kind server or consumer. A service whose instrumentation sets neither kind anywhere would have
-- no requests at all: there every span counts as one.
with requests as (
    select * from {{ ref('int_operation_days_read') }}
),

kinds as (
    select
        service,
        span_kind,
        span_kind in ('server', 'consumer') as is_answering
    from requests
    group by service, span_kind
),

final as (
    select
        service,
        span_kind,
        is_answering or not max(is_answering) over (partition by service) as is_request
    from kinds
)

select * from final
