-- Which service itself became slow when an incident began: by the mean time it spent on a request itself, calls to
-- others left out. Only what it answered counts: the own time of a call is waiting, for the network and for the other
-- side, and steps within can be calls that nobody traced.
with incidents as (
    select *, coalesce(started_at, detected_at) as began_at
    from {{ ref('int_incidents_timed') }}
),

requests as (
    select *
    from {{ ref('stg_lake__span_requests') }}
    where grain = 'minute' and span_kind = 'server'
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

-- Minutes that are whole: the one in which it began is half and half.
windows as (
    select
        incidents.source,
        incidents.incident_id,
        incidents.began_at,
        incidents.began_at - ranking.suspect_before_minutes * interval 1 minute as from_at,
        least(
            incidents.began_at + ranking.suspect_minutes * interval 1 minute,
            coalesce(incidents.mitigated_at, incidents.ended_at, {{ as_of() }})
        ) as until_at
    from incidents
    cross join ranking
),

summed as (
    select
        windows.source,
        windows.incident_id,
        requests.service,
        sum(case when requests.period_start_at < windows.began_at then requests.span_count else 0 end)
            as request_count_before,
        sum(case when requests.period_start_at < windows.began_at then 0 else requests.span_count end)
            as request_count_during,
        sum(case when requests.period_start_at < windows.began_at then requests.self_ms else 0 end) as self_ms_before,
        sum(case when requests.period_start_at < windows.began_at then 0 else requests.self_ms end) as self_ms_during
    from windows
    inner join requests
        on
            cast(windows.from_at as date) <= requests.event_date
            and cast(windows.until_at as date) >= requests.event_date
            and windows.from_at <= requests.period_start_at
            and windows.until_at >= requests.period_start_at + interval 1 minute
    where
        requests.period_start_at + interval 1 minute <= windows.began_at
        or requests.period_start_at >= windows.began_at
    group by windows.source, windows.incident_id, requests.service
),

-- Rounded, as sums of fractions in another order differ in their last digit.
means as (
    select
        summed.source,
        summed.incident_id,
        summed.service,
        summed.request_count_before,
        summed.request_count_during,
        round(summed.self_ms_before / nullif(summed.request_count_before, 0), 6) as self_ms_before,
        round(summed.self_ms_during / nullif(summed.request_count_during, 0), 6) as self_ms_during,
        case
            when summed.request_count_before < ranking.suspect_requests then 'too_few_requests_before'
            when summed.request_count_during < ranking.suspect_requests then 'too_few_requests_during'
            when summed.self_ms_before = 0 then 'no_time_before'
        end as no_growth_reason
    from summed
    cross join ranking
),

grown as (
    select
        *,
        case when no_growth_reason is null then self_ms_during / nullif(self_ms_before, 0) end as growth_factor
    from means
),

placed as (
    select
        *,
        row_number() over (
            partition by source, incident_id
            order by growth_factor desc nulls last, service asc
        ) as place
    from grown
),

final as (
    select
        placed.source,
        placed.incident_id,
        case when placed.growth_factor is not null then placed.place end as rank,
        placed.service,
        placed.self_ms_before,
        placed.self_ms_during,
        placed.growth_factor,
        placed.no_growth_reason,
        cast(placed.request_count_before as bigint) as request_count_before,
        cast(placed.request_count_during as bigint) as request_count_during,
        {{ audit_columns('ranking.policy_digest') }}
    from placed
    cross join ranking
)

select * from final
