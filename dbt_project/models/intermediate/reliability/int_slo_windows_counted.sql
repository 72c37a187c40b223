-- What each definition in force is judged by: its period and the windows of its alerts, up to the evaluated minute.
with slos as (
    select * from {{ ref('int_slos_by_service') }}
),

clock as (
    select * from {{ ref('int_slo_clock') }}
),

alerts as (
    select * from {{ ref('stg_lake__slo_alerts') }}
),

periods as (
    select * from {{ ref('int_slo_periods_counted') }}
),

days as (
    select distinct event_date
    from {{ ref('stg_lake__partitions') }}
    where signal = 'spans'
),

maintenance as (
    select * from {{ ref('int_maintenance_merged') }}
),

in_force as (
    select
        slos.slo,
        slos.service,
        slos.period_days * 1440 as period_minutes,
        clock.evaluated_minute
    from slos
    cross join clock
    where {{ is_in_force('slos', 'clock.evaluated_date') }}
),

windows as (
    select slo, service, period_minutes as window_minutes, evaluated_minute
    from in_force
    union distinct
    select in_force.slo, in_force.service, alerts.long_minutes as window_minutes, in_force.evaluated_minute
    from in_force
    cross join alerts
    union distinct
    select in_force.slo, in_force.service, alerts.short_minutes as window_minutes, in_force.evaluated_minute
    from in_force
    cross join alerts
),

bounded as (
    select
        slo,
        service,
        window_minutes,
        evaluated_minute - window_minutes as start_minute,
        evaluated_minute as end_minute
    from windows
),

day_minutes as (
    select {{ minute_of('cast(event_date as timestamp with time zone)') }} as start_minute
    from days
),

-- Days are the same for all objectives.
covered as (
    select
        lengths.window_minutes,
        cast(count(day_minutes.start_minute) as integer) as days_with_data
    from (select distinct window_minutes, start_minute, end_minute from bounded) as lengths
    left join day_minutes
        on
            lengths.end_minute > day_minutes.start_minute
            and lengths.start_minute < day_minutes.start_minute + 1440
    group by lengths.window_minutes
),

maintained as (
    select
        bounded.slo,
        bounded.service,
        bounded.window_minutes,
        sum(
            least(bounded.end_minute, maintenance.end_minute) - greatest(bounded.start_minute, maintenance.start_minute)
        ) as maintenance_minutes
    from bounded
    inner join maintenance
        on
            bounded.service = maintenance.service
            and bounded.start_minute < maintenance.end_minute
            and bounded.end_minute > maintenance.start_minute
    group by bounded.slo, bounded.service, bounded.window_minutes
),

by_definition as (
    select
        bounded.slo,
        bounded.service,
        bounded.window_minutes,
        periods.valid_from,
        sum(case when periods.is_maintenance then 0 else periods.request_count end) as counted_count,
        sum(case when periods.is_maintenance then 0 else periods.bad_count end) as bad_count,
        sum(case when periods.is_maintenance then periods.request_count else 0 end) as excluded_count,
        max(
            case
                when periods.start_minute < bounded.start_minute or periods.end_minute > bounded.end_minute then 1
                else 0
            end
        ) as is_across
    from bounded
    inner join periods
        on
            bounded.slo = periods.slo
            and bounded.service = periods.service
            and bounded.end_minute > periods.start_minute
            and bounded.start_minute < periods.end_minute
    group by bounded.slo, bounded.service, bounded.window_minutes, periods.valid_from
),

counted as (
    -- What was allowed follows from the definition of each day, so days of several definitions add up.
    select
        by_definition.slo,
        by_definition.service,
        by_definition.window_minutes,
        sum(by_definition.counted_count) as counted_count,
        sum(by_definition.bad_count) as bad_count,
        sum(by_definition.excluded_count) as excluded_count,
        max(by_definition.is_across) as is_across,
        round(sum(by_definition.counted_count * slos.budget_ratio), 9) as allowed_bad_count
    from by_definition
    inner join slos
        on
            by_definition.slo = slos.slo
            and by_definition.service = slos.service
            and by_definition.valid_from = slos.valid_from
    group by by_definition.slo, by_definition.service, by_definition.window_minutes
),

judged as (
    select
        bounded.slo,
        bounded.service,
        bounded.window_minutes,
        bounded.start_minute,
        bounded.end_minute,
        covered.days_with_data,
        coalesce(maintained.maintenance_minutes, 0) as maintenance_minutes,
        coalesce(counted.counted_count, 0) as counted_count,
        coalesce(counted.bad_count, 0) as bad_count,
        coalesce(counted.excluded_count, 0) as excluded_count,
        coalesce(counted.allowed_bad_count, 0) as allowed_bad_count,
        case
            when covered.days_with_data = 0 then 'no_data'
            when counted.is_across = 1 then 'rollups_too_coarse'
            when
                coalesce(counted.counted_count, 0) = 0
                and (counted.excluded_count > 0 or maintained.maintenance_minutes >= bounded.window_minutes)
                then 'only_maintenance'
            when coalesce(counted.counted_count, 0) = 0 then 'no_requests'
        end as no_figure_reason
    from bounded
    inner join covered on bounded.window_minutes = covered.window_minutes
    left join counted
        on
            bounded.slo = counted.slo
            and bounded.service = counted.service
            and bounded.window_minutes = counted.window_minutes
    left join maintained
        on
            bounded.slo = maintained.slo
            and bounded.service = maintained.service
            and bounded.window_minutes = maintained.window_minutes
),

told as (
    -- Of a window that cannot be cut out of the rollups no count is told either.
    select
        *,
        coalesce(no_figure_reason, '') not in ('no_data', 'rollups_too_coarse') as is_told
    from judged
),

final as (
    select
        slo,
        service,
        window_minutes,
        start_minute,
        days_with_data,
        cast(maintenance_minutes as bigint) as maintenance_minutes,
        no_figure_reason,
        case when is_told then cast(counted_count as bigint) end as counted_count,
        case when is_told then cast(bad_count as bigint) end as bad_count,
        case when is_told then cast(excluded_count as bigint) end as excluded_count,
        case when no_figure_reason is null then cast(allowed_bad_count as double) end as allowed_bad_count,
        case when no_figure_reason is null then {{ ratio('bad_count', 'counted_count') }} end as sli_error_ratio,
        case when no_figure_reason is null then {{ burn_rate('bad_count', 'allowed_bad_count') }} end as burn_rate
    from told
)

select * from final
