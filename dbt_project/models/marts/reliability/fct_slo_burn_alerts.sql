with slos as (
    select * from {{ ref('int_slos_by_service') }}
),

clock as (
    select * from {{ ref('int_slo_clock') }}
),

alerts as (
    select * from {{ ref('stg_lake__slo_alerts') }}
),

windows as (
    select * from {{ ref('int_slo_windows_counted') }}
),

expected as (
    select
        slos.*,
        alerts.severity,
        alerts.long_minutes,
        alerts.short_minutes,
        alerts.digest as alerts_digest,
        clock.evaluated_at,
        round(alerts.spent_ratio * slos.period_days * 1440.0 / alerts.long_minutes, 9) as factor
    from slos
    cross join clock
    cross join alerts
    where
        slos.valid_from <= clock.evaluated_date
        and (slos.valid_to is null or slos.valid_to > clock.evaluated_date)
),

final as (
    select
        expected.slo,
        expected.service,
        expected.severity,
        expected.long_minutes,
        expected.short_minutes,
        expected.factor,
        expected.indicator,
        expected.owner_team,
        expected.owner_email,
        expected.budget_ratio,
        expected.evaluated_at,
        long_windows.counted_count as long_counted_count,
        long_windows.bad_count as long_bad_count,
        long_windows.sli_error_ratio as long_error_ratio,
        long_windows.burn_rate as long_burn_rate,
        short_windows.counted_count as short_counted_count,
        short_windows.bad_count as short_bad_count,
        short_windows.sli_error_ratio as short_error_ratio,
        short_windows.burn_rate as short_burn_rate,
        -- One window below the factor is enough to know that it does not.
        case
            when expected.factor * expected.budget_ratio < 1
                then long_windows.burn_rate > expected.factor and short_windows.burn_rate > expected.factor
        end as is_firing,
        case
            -- Not even nothing but bad requests burns as fast.
            when expected.factor * expected.budget_ratio >= 1 then 'factor_out_of_reach'
            when
                (long_windows.burn_rate > expected.factor and short_windows.burn_rate > expected.factor) is null
                then coalesce(long_windows.no_figure_reason, short_windows.no_figure_reason)
        end as no_figure_reason,
        {{ audit_columns('expected.digest || expected.alerts_digest') }}
    from expected
    inner join windows as long_windows
        on
            expected.slo = long_windows.slo
            and expected.service = long_windows.service
            and expected.long_minutes = long_windows.window_minutes
    inner join windows as short_windows
        on
            expected.slo = short_windows.slo
            and expected.service = short_windows.service
            and expected.short_minutes = short_windows.window_minutes
)

select * from final
