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
        alerts.at_least_requests,
        alerts.digest as alerts_digest,
        clock.evaluated_at,
        round(alerts.spent_ratio * slos.period_days * 1440.0 / alerts.long_minutes, 9) as factor
    from slos
    cross join clock
    cross join alerts
    where {{ is_in_force('slos', 'clock.evaluated_date') }}
),

judged as (
    select
        expected.*,
        long_windows.counted_count as long_counted_count,
        long_windows.bad_count as long_bad_count,
        long_windows.sli_error_ratio as long_error_ratio,
        long_windows.burn_rate as long_burn_rate,
        long_windows.no_figure_reason as long_reason,
        short_windows.counted_count as short_counted_count,
        short_windows.bad_count as short_bad_count,
        short_windows.sli_error_ratio as short_error_ratio,
        short_windows.burn_rate as short_burn_rate,
        short_windows.no_figure_reason as short_reason,
        -- One window below the factor is enough to know that it does not.
        long_windows.burn_rate > expected.factor and short_windows.burn_rate > expected.factor as is_burning
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
),

told as (
    select
        *,
        case
            -- Not even nothing but bad requests burns as fast.
            when factor * budget_ratio >= 1 then 'factor_out_of_reach'
            when is_burning is null then coalesce(long_reason, short_reason)
            when is_burning and long_counted_count < at_least_requests then 'too_few_requests'
        end as no_figure_reason
    from judged
),

final as (
    select
        slo,
        service,
        severity,
        long_minutes,
        short_minutes,
        factor,
        at_least_requests,
        indicator,
        owner_team,
        owner_email,
        budget_ratio,
        evaluated_at,
        long_counted_count,
        long_bad_count,
        long_error_ratio,
        long_burn_rate,
        short_counted_count,
        short_bad_count,
        short_error_ratio,
        short_burn_rate,
        case when no_figure_reason is null then is_burning end as is_firing,
        no_figure_reason,
        {{ audit_columns('digest || alerts_digest') }}
    from told
)

select * from final
