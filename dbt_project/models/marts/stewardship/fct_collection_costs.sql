-- What came in is counted over all checked records; what was kept, by the samples themselves.
with operation_days as (
    select * from {{ ref('int_operation_days_read') }}
),

log_days as (
    select * from {{ ref('int_log_days_read') }}
),

kept as (
    select * from {{ ref('stg_lake__kept_records') }}
),

ledger as (
    select * from {{ ref('stg_lake__ledger') }}
),

costs as (
    select * from {{ ref('stg_lake__costs') }}
),

came_in as (
    select
        source,
        'spans' as signal,
        service,
        event_date,
        cast(sum(span_count) as bigint) as record_count,
        cast(sum(raw_bytes) as bigint) as raw_bytes
    from operation_days
    group by source, service, event_date
    union all
    select source, 'logs' as signal, service, event_date, record_count, raw_bytes
    from log_days
),

-- Of a day that was sampled, a service nothing was kept of has a zero; of one that was not, nothing is known.
sampled_days as (
    select source, signal, event_date
    from kept
    union distinct
    select source, signal, event_date
    from ledger
    where sampled = 0
),

counted as (
    select
        came_in.source,
        came_in.signal,
        came_in.service,
        came_in.event_date,
        came_in.record_count,
        case when sampled_days.source is not null then coalesce(kept.record_count, 0) end as kept_count,
        -- A record takes a byte at least: none means that the source does not say.
        nullif(came_in.raw_bytes, 0) as raw_bytes,
        case
            when sampled_days.source is not null and came_in.raw_bytes > 0 then coalesce(kept.raw_bytes, 0)
        end as kept_bytes
    from came_in
    left join sampled_days
        on
            came_in.source = sampled_days.source
            and came_in.signal = sampled_days.signal
            and came_in.event_date = sampled_days.event_date
    left join kept
        on
            came_in.source = kept.source
            and came_in.signal = kept.signal
            and came_in.service = kept.service
            and came_in.event_date = kept.event_date
),

final as (
    select
        counted.source,
        counted.signal,
        counted.service,
        counted.event_date,
        counted.record_count,
        counted.kept_count,
        counted.record_count - counted.kept_count as removed_count,
        counted.raw_bytes,
        counted.kept_bytes,
        counted.raw_bytes - counted.kept_bytes as removed_bytes,
        counted.raw_bytes * costs.price_per_gigabyte / 1e9 as cost,
        (counted.raw_bytes - counted.kept_bytes) * costs.price_per_gigabyte / 1e9 as saved_cost,
        costs.currency,
        {{ audit_columns('costs.policy_digest') }}
    from counted
    cross join costs
)

select * from final
