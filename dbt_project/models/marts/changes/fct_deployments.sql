with deployments as (
    select * from {{ ref('int_deployments_finished') }}
),

attributed as (
    select * from {{ ref('int_incidents_attributed') }}
),

known as (
    select count(*) as incident_count from attributed
),

incidents as (
    select
        deployment_source,
        deployment_id,
        count(*) as incident_count,
        max(attribution_confidence) as confidence
    from attributed
    where deployment_id is not null
    group by deployment_source, deployment_id
),

retried as (
    -- One of the same service and commit (version where no commit is told) had failed before it was created.
    select
        source,
        deployment_id,
        min(failed_at) over (
            partition by service, coalesce(sha, service_version, deployment_id)
        ) < coalesce(created_at, first_status_at) as is_retry
    from deployments
),

final as (
    select
        deployments.source,
        deployments.deployment_id,
        deployments.service,
        deployments.service_version,
        deployments.environment,
        deployments.sha,
        deployments.created_at,
        deployments.finished_at,
        deployments.failed_at,
        deployments.status,
        case
            when not deployments.is_in_wrong_order
                then {{ minutes_between('deployments.created_at', 'deployments.finished_at') }}
        end as duration_minutes,
        case
            when deployments.finished_at is null then 'not_finished'
            when deployments.created_at is null then 'not_recorded'
            when deployments.is_in_wrong_order then 'wrong_order'
        end as no_duration_reason,
        coalesce(retried.is_retry, false) as is_retry,
        -- Where no incident was ever told of, nothing is known of failures.
        case when known.incident_count > 0 then coalesce(incidents.incident_count, 0) end as incident_count,
        cast(incidents.confidence as double) as attribution_confidence,
        {{ audit_columns() }}
    from deployments
    inner join retried
        on deployments.source = retried.source and deployments.deployment_id = retried.deployment_id
    left join incidents
        on deployments.source = incidents.deployment_source and deployments.deployment_id = incidents.deployment_id
    cross join known
)

select * from final
