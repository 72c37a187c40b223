-- DORA's four measures over the last complete weeks, by service and of all together (*), and the bands they are in.
with friction_days as (
    select * from {{ ref('fct_friction_daily') }}
),

changes as (
    select * from {{ ref('fct_changes') }}
),

deployments as (
    select * from {{ ref('fct_deployments') }}
),

incidents as (
    select * from {{ ref('fct_incidents') }}
),

rules as (
    select * from {{ ref('stg_lake__change_rules') }}
),

bands as (
    select * from {{ ref('dora_bands') }}
),

periods as (
    select distinct
        performance_weeks,
        policy_digest,
        cast(date_trunc('week', {{ as_of() }}) as date) as until_date
    from rules
),

counted_days as (
    select
        service,
        event_date,
        case when deployment_count > 0 then 1 else 0 end as is_deploy_day
    from friction_days
    where deployment_count is not null
),

last_days as (
    {{ in_the_last_weeks('counted_days', 'event_date', ['event_date', 'is_deploy_day', 'until_date']) }}
),

deploy_days as (
    select
        service,
        {{ days_between('event_date', 'until_date') }} - 1 as days_before,
        max(is_deploy_day) as is_deploy_day
    from last_days
    group by service, event_date, until_date
),

blocks as (
    -- Complete ones alone: a week in which a service began says little.
    select service, 7 as length, floor(days_before / 7) as block, sum(is_deploy_day) as deploy_days
    from deploy_days
    group by service, floor(days_before / 7)
    having count(*) = 7
    union all
    select service, 28 as length, floor(days_before / 28) as block, sum(is_deploy_day) as deploy_days
    from deploy_days
    group by service, floor(days_before / 28)
    having count(*) = 28
),

frequencies as (
    select
        service,
        median(case when length = 7 then deploy_days end) as per_week,
        median(case when length = 28 then deploy_days end) as per_four_weeks,
        sum(case when length = 7 then 1 else 0 end) as counted_count
    from blocks
    group by service
),

lead_times as (
    {{ in_the_last_weeks('changes', 'cast(deployed_at as date)', ['lead_time_minutes']) }}
),

failures as (
    {{ in_the_last_weeks('deployments', 'cast(finished_at as date)', ['incident_count']) }}
),

attributed as (
    select
        service,
        dated_at,
        coalesce(
            time_to_recover_minutes,
            case when no_time_to_recover_reason = 'open' then unrecovered_minutes end
        ) as duration,
        time_to_recover_minutes is not null as is_event
    from incidents
    where attributed_deployment_id is not null
),

recoveries as (
    {{ in_the_last_weeks('attributed', 'cast(dated_at as date)', ['duration', 'is_event']) }}
),

known_recoveries as (
    select * from recoveries
    where duration is not null
),

recovery_medians as (
    {{ kaplan_meier('known_recoveries', ['service'], [50]) }}
),

measured as (
    select
        service,
        'deployment_frequency' as metric,
        cast(per_week as double) as value,
        'days per week' as unit,
        case
            when per_week >= 3 then 'daily'
            when per_week >= 1 then 'weekly'
            when per_four_weeks >= 1 then 'monthly'
            when per_four_weeks < 1 then 'yearly'
        end as frequency,
        counted_count,
        0 as unknown_count,
        0 as open_count
    from frequencies
    union all
    select
        service,
        'lead_time' as metric,
        cast(median(lead_time_minutes) as double) as value,
        'minutes' as unit,
        cast(null as varchar) as frequency,
        count(lead_time_minutes) as counted_count,
        count(*) - count(lead_time_minutes) as unknown_count,
        0 as open_count
    from lead_times
    group by service
    union all
    select
        service,
        'change_failure_rate' as metric,
        {{ ratio('sum(case when incident_count > 0 then 1 else 0 end)', 'count(incident_count)') }} as value,
        'ratio' as unit,
        cast(null as varchar) as frequency,
        count(incident_count) as counted_count,
        count(*) - count(incident_count) as unknown_count,
        0 as open_count
    from failures
    group by service
    union all
    select
        recoveries.service,
        'recovery_time' as metric,
        max(recovery_medians.p50) as value,
        'minutes' as unit,
        cast(null as varchar) as frequency,
        count(recoveries.duration) as counted_count,
        sum(case when recoveries.duration is null then 1 else 0 end) as unknown_count,
        sum(case when recoveries.duration is not null and not recoveries.is_event then 1 else 0 end) as open_count
    from recoveries
    left join recovery_medians on recoveries.service = recovery_medians.service
    group by recoveries.service
),

editions as (
    select distinct edition, metric from bands
),

scopes as (
    select distinct friction_days.service, editions.edition, editions.metric
    from friction_days
    cross join editions
    union distinct
    select '*' as service, editions.edition, editions.metric
    from friction_days
    cross join editions
),

fitting as (
    select
        measured.service,
        bands.edition,
        bands.metric,
        bands.band,
        row_number() over (
            partition by measured.service, bands.edition, bands.metric order by bands.place asc
        ) as place
    from measured
    inner join bands
        on
            measured.metric = bands.metric
            and measured.value is not null
            and case
                when bands.frequency is not null then measured.frequency = bands.frequency
                else coalesce(measured.value < bands.below, measured.value <= bands.at_most, true)
            end
),

final as (
    select
        scopes.service,
        scopes.metric,
        scopes.edition,
        measured.value,
        measured.unit,
        measured.frequency,
        fitting.band,
        cast(coalesce(measured.counted_count, 0) as bigint) as counted_count,
        cast(coalesce(measured.unknown_count, 0) as bigint) as unknown_count,
        cast(coalesce(measured.open_count, 0) as bigint) as open_count,
        case
            when measured.value is not null then null
            when coalesce(measured.counted_count + measured.unknown_count, 0) = 0 then 'no_data'
            when measured.open_count > 0 then 'not_reached'
            else 'unknown'
        end as no_value_reason,
        periods.performance_weeks as weeks,
        periods.until_date,
        {{ audit_columns('periods.policy_digest') }}
    from scopes
    cross join periods
    left join measured on scopes.service = measured.service and scopes.metric = measured.metric
    left join fitting
        on
            scopes.service = fitting.service
            and scopes.metric = fitting.metric
            and scopes.edition = fitting.edition
            and fitting.place = 1
)

select * from final
