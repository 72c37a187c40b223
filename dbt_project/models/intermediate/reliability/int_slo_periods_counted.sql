with slos as (
    select * from {{ ref('int_slos_by_service') }}
),

operation_days as (
    select * from {{ ref('int_operation_days_read') }}
),

kinds as (
    select * from {{ ref('int_span_kinds_classified') }}
),

requests as (
    select * from {{ ref('stg_lake__span_requests') }}
),

latency as (
    select * from {{ ref('stg_lake__span_latency') }}
    where measure = 'duration'
),

maintenance as (
    select * from {{ ref('int_maintenance_merged') }}
),

operations as (
    select distinct service, operation
    from operation_days
),

scoped as (
    -- Patterns are tried once per operation, not once per row of the rollups.
    select slos.*, operations.operation
    from slos
    inner join operations on slos.service = operations.service
    where
        (slos.operation_pattern is null or {{ has_pattern('operations.operation', 'slos.operation_pattern') }})
        and (
            slos.excluded_operations is null
            or not {{ has_pattern('operations.operation', 'slos.excluded_operations') }}
        )
),

judged as (
    select
        scoped.slo,
        scoped.service,
        scoped.valid_from,
        requests.event_date,
        requests.period_start_at,
        requests.grain,
        cast(sum(requests.span_count) as bigint) as request_count,
        cast(sum(requests.error_count) as bigint) as bad_count
    from requests
    inner join scoped on requests.service = scoped.service and requests.operation = scoped.operation
    inner join kinds on requests.service = kinds.service and requests.span_kind = kinds.span_kind
    where scoped.indicator = 'availability' and {{ in_scope('requests') }}
    group by
        scoped.slo,
        scoped.service,
        scoped.valid_from,
        requests.event_date,
        requests.period_start_at,
        requests.grain
    union all
    select
        scoped.slo,
        scoped.service,
        scoped.valid_from,
        latency.event_date,
        latency.period_start_at,
        latency.grain,
        cast(sum(latency.span_count) as bigint) as request_count,
        cast(
            sum(case when latency.bucket > scoped.threshold_bucket then latency.span_count else 0 end) as bigint
        ) as bad_count
    from latency
    inner join scoped on latency.service = scoped.service and latency.operation = scoped.operation
    inner join kinds on latency.service = kinds.service and latency.span_kind = kinds.span_kind
    where scoped.indicator = 'latency' and {{ in_scope('latency') }}
    group by
        scoped.slo,
        scoped.service,
        scoped.valid_from,
        latency.event_date,
        latency.period_start_at,
        latency.grain
),

periods as (
    select
        *,
        {{ minute_of('period_start_at') }} as start_minute,
        {{ minute_of('period_start_at') }} + {{ minutes_of_grain('grain') }} as end_minute
    from judged
),

touched as (
    -- What was counted by the hour or by the day cannot be cut: all of it is left out.
    select distinct periods.service, periods.start_minute, periods.end_minute
    from periods
    inner join maintenance
        on
            periods.service = maintenance.service
            and periods.start_minute < maintenance.end_minute
            and periods.end_minute > maintenance.start_minute
),

final as (
    select
        periods.slo,
        periods.service,
        periods.valid_from,
        periods.event_date,
        periods.grain,
        periods.start_minute,
        periods.end_minute,
        periods.request_count,
        periods.bad_count,
        touched.service is not null as is_maintenance
    from periods
    left join touched
        on
            periods.service = touched.service
            and periods.start_minute = touched.start_minute
            and periods.end_minute = touched.end_minute
)

select * from final
