{{ config(materialized='view') }}

with own_times as (
    select * from {{ ref('int_own_times_read') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

final as (
    select
        own_times.operation_id,
        own_times.service,
        own_times.operation,
        own_times.span_kind,
        own_times.dependency,
        own_times.feature_flag,
        own_times.feature_variant,
        own_times.service_version,
        own_times.hour_start_at,
        own_times.event_date,
        own_times.bucket,
        own_times.span_count
    from own_times
    cross join ranking
    where {{ in_window('own_times.hour_start_at', day='own_times.event_date') }}
)

select * from final
