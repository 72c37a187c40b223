with own_times as (
    select * from {{ ref('int_own_times_by_hour') }}
),

requests as (
    select * from {{ ref('stg_lake__span_requests') }}
),

reference_values as (
    select * from {{ ref('int_operation_references') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

slow as (
    select
        own_times.operation_id,
        own_times.feature_flag,
        own_times.feature_variant,
        own_times.service_version,
        own_times.hour_start_at,
        sum(
            case when own_times.bucket > reference_values.slow_bucket then own_times.span_count else 0 end
        ) as slow_count,
        sum(
            case when own_times.bucket > reference_values.very_slow_bucket then own_times.span_count else 0 end
        ) as very_slow_count,
        sum(
            case when own_times.bucket > reference_values.objective_bucket then own_times.span_count else 0 end
        ) as beyond_objective_count
    from own_times
    inner join reference_values on own_times.operation_id = reference_values.operation_id
    group by
        own_times.operation_id,
        own_times.feature_flag,
        own_times.feature_variant,
        own_times.service_version,
        own_times.hour_start_at
),

counted as (
    select
        {{ operation_id('requests') }} as operation_id,
        requests.service,
        requests.operation,
        requests.span_kind,
        requests.dependency,
        requests.feature_flag,
        requests.feature_variant,
        requests.service_version,
        requests.hour_start_at,
        sum(requests.span_count) as span_count,
        sum(requests.origin_error_count) as origin_error_count
    from requests
    cross join ranking
    where {{ in_window('requests.hour_start_at', day='requests.event_date') }}
    group by
        requests.service,
        requests.operation,
        requests.span_kind,
        requests.dependency,
        requests.feature_flag,
        requests.feature_variant,
        requests.service_version,
        requests.hour_start_at
),

final as (
    select
        counted.operation_id,
        counted.service,
        counted.operation,
        counted.span_kind,
        counted.dependency,
        counted.feature_flag,
        counted.feature_variant,
        counted.service_version,
        counted.hour_start_at,
        cast(counted.hour_start_at as date) as event_date,
        counted.span_count,
        counted.origin_error_count,
        coalesce(slow.slow_count, 0) as slow_count,
        coalesce(slow.very_slow_count, 0) as very_slow_count,
        coalesce(slow.beyond_objective_count, 0) as beyond_objective_count
    from counted
    left join slow
        on
            counted.operation_id = slow.operation_id
            and counted.feature_flag is not distinct from slow.feature_flag
            and counted.feature_variant is not distinct from slow.feature_variant
            and counted.service_version is not distinct from slow.service_version
            and counted.hour_start_at = slow.hour_start_at
)

select * from final
