with slos as (
    select * from {{ ref('int_slos_by_service') }}
),

periods as (
    select * from {{ ref('int_slo_periods_counted') }}
),

maintenance as (
    select * from {{ ref('int_maintenance_merged') }}
),

known_days as (
    select distinct event_date
    from {{ ref('stg_lake__partitions') }}
    where signal = 'spans'
),

bounds as (
    -- Complete days only.
    select
        min(event_date) as first_date,
        cast({{ as_of() }} - interval 24 hour as date) as last_date
    from known_days
),

days as (
    {{ calendar('bounds') }}
),

slo_days as (
    select
        slos.*,
        days.event_date,
        known_days.event_date is not null as is_known,
        {{ minute_of('cast(days.event_date as timestamp with time zone)') }} as start_minute,
        {{ minute_of('cast(days.event_date as timestamp with time zone)') }} + 1440 as end_minute
    from slos
    inner join days on {{ is_in_force('slos', 'days.event_date') }}
    left join known_days on days.event_date = known_days.event_date
),

counted as (
    select
        slo,
        service,
        event_date,
        sum(case when is_maintenance then 0 else request_count end) as counted_count,
        sum(case when is_maintenance then 0 else bad_count end) as bad_count,
        sum(case when is_maintenance then request_count else 0 end) as excluded_count,
        sum(case when is_maintenance then bad_count else 0 end) as excluded_bad_count,
        max(case when is_maintenance then end_minute - start_minute end) as cut_minutes
    from periods
    group by slo, service, event_date
),

maintained as (
    select
        slo_days.slo,
        slo_days.service,
        slo_days.event_date,
        sum(
            least(slo_days.end_minute, maintenance.end_minute)
            - greatest(slo_days.start_minute, maintenance.start_minute)
        ) as maintenance_minutes,
        {{ text_list('maintenance.reasons', 'maintenance.start_minute', '; ') }} as maintenance_reasons
    from slo_days
    inner join maintenance
        on
            slo_days.service = maintenance.service
            and slo_days.start_minute < maintenance.end_minute
            and slo_days.end_minute > maintenance.start_minute
    group by slo_days.slo, slo_days.service, slo_days.event_date
),

measured as (
    select
        slo_days.*,
        case when slo_days.is_known then cast(coalesce(counted.counted_count, 0) as bigint) end as counted_count,
        case when slo_days.is_known then cast(coalesce(counted.bad_count, 0) as bigint) end as bad_count,
        case when slo_days.is_known then cast(coalesce(counted.excluded_count, 0) as bigint) end as excluded_count,
        case
            when slo_days.is_known then cast(coalesce(counted.excluded_bad_count, 0) as bigint)
        end as excluded_bad_count,
        cast(coalesce(maintained.maintenance_minutes, 0) as bigint) as maintenance_minutes,
        maintained.maintenance_reasons,
        case counted.cut_minutes when 1 then 'minute' when 60 then 'hour' when 1440 then 'day' end as maintenance_grain
    from slo_days
    left join counted
        on
            slo_days.slo = counted.slo
            and slo_days.service = counted.service
            and slo_days.event_date = counted.event_date
    left join maintained
        on
            slo_days.slo = maintained.slo
            and slo_days.service = maintained.service
            and slo_days.event_date = maintained.event_date
),

final as (
    select
        slo,
        service,
        event_date,
        indicator,
        valid_from,
        owner_team,
        objective_ratio,
        budget_ratio,
        effective_threshold_ms,
        counted_count,
        counted_count - bad_count as good_count,
        bad_count,
        excluded_count,
        excluded_bad_count,
        maintenance_minutes,
        maintenance_reasons,
        maintenance_grain,
        round(counted_count * budget_ratio, 9) as allowed_bad_count,
        {{ ratio('bad_count', 'counted_count') }} as sli_error_ratio,
        {{ burn_rate('bad_count', '(counted_count * budget_ratio)') }} as burn_rate,
        case
            when not is_known then 'no_data'
            when counted_count = 0 and (excluded_count > 0 or maintenance_minutes >= 1440) then 'only_maintenance'
            when counted_count = 0 then 'no_requests'
        end as no_figure_reason,
        {{ audit_columns('digest') }}
    from measured
)

select * from final
