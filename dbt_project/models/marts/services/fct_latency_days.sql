-- Counts by bucket, so that the percentile of any period is that of its days together and never a mean of percentiles.
with latency as (
    select * from {{ ref('int_latency_histograms_read') }}
    where is_request
),

final as (
    select
        service,
        operation,
        event_date,
        bucket,
        span_count as request_count,
        {{ audit_columns() }}
    from latency
)

select * from final
