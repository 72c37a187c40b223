-- Days on which nothing was deployed, built or asked are rows too. What no source tells of a service is null, not 0.
with known_services as (
    select * from {{ ref('int_services_known') }}
),

deployments as (
    select * from {{ ref('fct_deployments') }}
),

ci_runs as (
    select * from {{ ref('fct_ci_runs') }}
),

changes as (
    select * from {{ ref('fct_changes') }}
),

operation_days as (
    select * from {{ ref('int_operation_days_counted') }}
),

latency as (
    select * from {{ ref('int_latency_histograms_read') }}
    where is_request
),

slos as (
    select * from {{ ref('int_slos_by_service') }}
),

active as (
    select * from {{ ref('int_active_accounts_read') }}
),

tickets as (
    select
        service,
        event_date,
        cast(sum(created_count) as bigint) as created_count,
        cast(sum(defect_count) as bigint) as defect_count
    from {{ ref('fct_ticket_volume_daily') }}
    group by service, event_date
),

span_days as (
    select distinct event_date
    from {{ ref('stg_lake__partitions') }}
    where signal = 'spans'
),

events as (
    -- What was delivered and waited for, by the day it happened or the waiting began.
    select
        service,
        'deployments' as kind,
        cast(coalesce(created_at, finished_at, failed_at) as date) as event_date,
        cast(is_retry as integer) as retries,
        0 as counted,
        0 as failed,
        cast(null as double) as waited,
        0 as waiting
    from deployments
    union all
    select
        service,
        'deployments' as kind,
        cast(finished_at as date) as event_date,
        0 as retries,
        1 as counted,
        0 as failed,
        cast(null as double) as waited,
        0 as waiting
    from deployments
    where finished_at is not null
    union all
    select
        service,
        'deployments' as kind,
        cast(failed_at as date) as event_date,
        0 as retries,
        0 as counted,
        1 as failed,
        cast(null as double) as waited,
        0 as waiting
    from deployments
    where failed_at is not null
    union all
    select
        service,
        'builds' as kind,
        cast(coalesce(waiting_since, ended_at, started_at) as date) as event_date,
        cast(is_retry as integer) as retries,
        1 as counted,
        case when is_failed then 1 else 0 end as failed,
        coalesce(wait_minutes, open_minutes) as waited,
        cast(is_open as integer) as waiting
    from ci_runs
    union all
    select
        service,
        'reviews' as kind,
        cast(created_at as date) as event_date,
        0 as retries,
        1 as counted,
        0 as failed,
        coalesce(pickup_minutes, case when no_pickup_reason = 'open' then waiting_minutes end) as waited,
        case when no_pickup_reason = 'open' then 1 else 0 end as waiting
    from changes
),

event_days as (
    select
        service,
        event_date,
        cast(sum(case when kind = 'deployments' then counted else 0 end) as bigint) as deployment_count,
        cast(sum(case when kind = 'deployments' then failed else 0 end) as bigint) as failed_deployment_count,
        cast(sum(case when kind = 'deployments' then retries else 0 end) as bigint) as retried_deployment_count,
        cast(sum(case when kind = 'builds' then counted else 0 end) as bigint) as build_count,
        cast(sum(case when kind = 'builds' then failed else 0 end) as bigint) as failed_build_count,
        cast(sum(case when kind = 'builds' then retries else 0 end) as bigint) as retried_build_count,
        round(sum(case when kind = 'builds' then waited end), 6) as ci_wait_minutes,
        cast(sum(case when kind = 'builds' then waiting else 0 end) as bigint) as ci_waiting_count,
        cast(sum(case when kind = 'reviews' then counted else 0 end) as bigint) as pull_request_count,
        round(sum(case when kind = 'reviews' then waited end), 6) as review_wait_minutes,
        cast(sum(case when kind = 'reviews' then waiting else 0 end) as bigint) as review_waiting_count
    from events
    group by service, event_date
),

firsts as (
    select
        service,
        cast(first_seen_at as date) as first_date,
        false as has_deployments,
        false as has_builds,
        false as has_reviews
    from known_services
    union all
    select
        service,
        min(event_date) as first_date,
        max(kind = 'deployments') as has_deployments,
        max(kind = 'builds') as has_builds,
        max(kind = 'reviews') as has_reviews
    from events
    group by service
),

services as (
    select
        service,
        min(first_date) as first_date,
        max(has_deployments) as has_deployments,
        max(has_builds) as has_builds,
        max(has_reviews) as has_reviews
    from firsts
    group by service
    having min(first_date) is not null
),

bounds as (
    select
        min(first_date) as first_date,
        {{ today() }} as last_date
    from services
),

days as (
    {{ calendar('bounds') }}
),

unheard as (
    select
        event_date,
        max(case when signal = 'deployments' then reason end) as deployments,
        max(case when signal = 'ci_runs' then reason end) as builds,
        max(case when signal = 'pull_requests' then reason end) as reviews
    from {{ ref('int_days_unheard') }}
    group by event_date
),

requests as (
    select
        service,
        event_date,
        cast(sum(request_count) as bigint) as request_count,
        cast(sum(failed_request_count) as bigint) as error_count
    from operation_days
    group by service, event_date
),

thresholds as (
    -- Slow is what the strictest latency objective of the whole service calls slow on that day.
    select
        services.service,
        days.event_date,
        min(slos.threshold_bucket) as threshold_bucket
    from services
    inner join slos on services.service = slos.service
    inner join days on {{ is_in_force('slos', 'days.event_date') }}
    where slos.indicator = 'latency' and slos.operation_pattern is null and slos.feature_flag is null
    group by services.service, days.event_date
),

slow_days as (
    select
        latency.service,
        latency.event_date,
        cast(
            sum(case when latency.bucket > thresholds.threshold_bucket then latency.span_count else 0 end) as bigint
        ) as slow_count
    from latency
    inner join thresholds on latency.service = thresholds.service and latency.event_date = thresholds.event_date
    group by latency.service, latency.event_date
),

spine as (
    select
        services.service,
        days.event_date,
        case when services.has_deployments then unheard.deployments else 'never' end as unheard_deployments,
        case when services.has_builds then unheard.builds else 'never' end as unheard_builds,
        case when services.has_reviews then unheard.reviews else 'never' end as unheard_reviews,
        span_days.event_date is not null as has_spans,
        thresholds.threshold_bucket is not null as has_threshold
    from services
    inner join days on services.first_date <= days.event_date
    left join unheard on days.event_date = unheard.event_date
    left join span_days on days.event_date = span_days.event_date
    left join thresholds on services.service = thresholds.service and days.event_date = thresholds.event_date
),

counted as (
    select
        spine.service,
        spine.event_date,
        {{ counted_where_heard('event_days.deployment_count', 'spine.unheard_deployments') }} as deployment_count,
        {{ counted_where_heard('event_days.failed_deployment_count', 'spine.unheard_deployments') }}
            as failed_deployment_count,
        {{ counted_where_heard('event_days.retried_deployment_count', 'spine.unheard_deployments') }}
            as retried_deployment_count,
        {{ counted_where_heard('event_days.build_count', 'spine.unheard_builds') }} as build_count,
        {{ counted_where_heard('event_days.failed_build_count', 'spine.unheard_builds') }} as failed_build_count,
        {{ counted_where_heard('event_days.retried_build_count', 'spine.unheard_builds') }} as retried_build_count,
        event_days.ci_wait_minutes,
        {{ counted_where_heard('event_days.ci_waiting_count', 'spine.unheard_builds') }} as ci_waiting_count,
        {{ counted_where_heard('event_days.pull_request_count', 'spine.unheard_reviews') }} as pull_request_count,
        event_days.review_wait_minutes,
        {{ counted_where_heard('event_days.review_waiting_count', 'spine.unheard_reviews') }} as review_waiting_count,
        case when spine.has_spans then coalesce(requests.error_count, 0) end as error_count,
        case when spine.has_spans and spine.has_threshold then coalesce(slow_days.slow_count, 0) end as slow_count,
        -- Requests whose accounts are not told are of an unknown number of them.
        case
            when active.active_account_count > 0 then active.active_account_count
            when spine.has_spans and coalesce(requests.request_count, 0) = 0 then 0
        end as active_account_count,
        tickets.created_count as ticket_count,
        tickets.defect_count
    from spine
    left join event_days on spine.service = event_days.service and spine.event_date = event_days.event_date
    left join requests on spine.service = requests.service and spine.event_date = requests.event_date
    left join slow_days on spine.service = slow_days.service and spine.event_date = slow_days.event_date
    left join active on spine.service = active.service and spine.event_date = active.event_date
    left join tickets on spine.service = tickets.service and spine.event_date = tickets.event_date
),

final as (
    select
        *,
        {{ ratio('error_count', 'active_account_count') }} as errors_per_active_account,
        {{ ratio('slow_count', 'active_account_count') }} as slow_requests_per_active_account,
        {{ ratio('ticket_count * 1000', 'active_account_count') }} as tickets_per_1000_active_accounts,
        {{ ratio('defect_count * 1000', 'active_account_count') }} as defects_per_1000_active_accounts,
        {{ audit_columns() }}
    from counted
)

select * from final
