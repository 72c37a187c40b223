with slos as (
    select * from {{ ref('int_slos_by_service') }}
),

clock as (
    select * from {{ ref('int_slo_clock') }}
),

windows as (
    select * from {{ ref('int_slo_windows_counted') }}
),

final as (
    select
        slos.slo,
        slos.service,
        slos.indicator,
        slos.valid_from,
        slos.owner_team,
        slos.owner_email,
        slos.objective_ratio,
        slos.budget_ratio,
        slos.effective_threshold_ms,
        slos.period_days,
        clock.evaluated_at,
        {{ time_of_minute('windows.start_minute') }} as period_start_at,
        windows.days_with_data,
        windows.counted_count,
        windows.bad_count,
        windows.excluded_count,
        windows.maintenance_minutes,
        windows.allowed_bad_count,
        windows.sli_error_ratio,
        windows.burn_rate,
        1 - windows.burn_rate as remaining_ratio,
        windows.burn_rate >= 1 as is_exhausted,
        windows.no_figure_reason,
        {{ audit_columns('slos.digest') }}
    from slos
    cross join clock
    inner join windows
        on
            slos.slo = windows.slo
            and slos.service = windows.service
            and slos.period_days * 1440 = windows.window_minutes
    where {{ is_in_force('slos', 'clock.evaluated_date') }}
)

select * from final
