with requests as (
    select * from {{ ref('int_operation_days_read') }}
),

kinds as (
    select * from {{ ref('int_span_kinds_classified') }}
),

final as (
    select
        requests.service,
        requests.operation,
        requests.event_date,
        cast(sum(requests.span_count) as bigint) as span_count,
        cast(sum(requests.error_count) as bigint) as error_count,
        cast(sum(case when kinds.is_request then requests.span_count else 0 end) as bigint) as request_count,
        cast(sum(case when kinds.is_request then requests.error_count else 0 end) as bigint) as failed_request_count
    from requests
    inner join kinds on requests.service = kinds.service and requests.span_kind = kinds.span_kind
    group by requests.service, requests.operation, requests.event_date
)

select * from final
