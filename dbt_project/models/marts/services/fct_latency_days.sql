-- Counts by bucket, so that the percentile of any period is that of its days together and never a mean of percentiles.
with latency as (
    select * from {{ ref('int_latency_days_counted') }}
    where is_request
),

final as (
    select
        service,
        operation,
        event_date,
        bucket,
        cast(sum(span_count) as bigint) as request_count,
        {{ audit_columns() }}
    from latency
    group by service, operation, event_date, bucket
)

select * from final
