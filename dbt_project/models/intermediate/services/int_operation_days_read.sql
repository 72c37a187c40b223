{{ read_by_day('spans') }}

with requests as (
    select * from {{ ref('stg_lake__span_requests') }}
),

days as (
    {{ days_to_read('spans') }}
),

final as (
    select
        requests.source,
        requests.service,
        requests.operation,
        requests.span_kind,
        requests.event_date,
        cast(sum(requests.span_count) as bigint) as span_count,
        cast(sum(requests.error_count) as bigint) as error_count,
        cast(sum(requests.raw_bytes) as bigint) as raw_bytes,
        days.made_from
    from requests
    inner join days on requests.source = days.source and requests.event_date = days.event_date
    group by
        requests.source,
        requests.service,
        requests.operation,
        requests.span_kind,
        requests.event_date,
        days.made_from
)

select * from final
