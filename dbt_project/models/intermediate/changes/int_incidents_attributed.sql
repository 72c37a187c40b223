-- The deployment an incident is put down to; one row per incident. The one it names; where it names none, the last one
-- of its service that had finished before it started, at most the service's hours (policies/changes.yml) before.
with incidents as (
    select
        *,
        coalesce(started_at, detected_at) as began_at
    from {{ ref('int_incidents_timed') }}
),

deployments as (
    select * from {{ ref('int_deployments_finished') }}
),

rules as (
    select * from {{ ref('stg_lake__change_rules') }}
),

services as (
    select distinct service from incidents
),

ruled as (
    {{ rules_of('services') }}
),

named as (
    select
        incidents.source,
        incidents.incident_id,
        deployments.source as deployment_source,
        deployments.deployment_id,
        deployments.finished_at,
        -- An id of two systems: the one of its own service, then the later one.
        row_number() over (
            partition by incidents.source, incidents.incident_id
            order by
                case when deployments.service = incidents.service then 0 else 1 end,
                deployments.created_at desc,
                deployments.source asc
        ) as place
    from incidents
    inner join deployments on incidents.deployment_id = deployments.deployment_id
),

nearby as (
    select
        incidents.source,
        incidents.incident_id,
        deployments.source as deployment_source,
        deployments.deployment_id,
        deployments.finished_at,
        ruled.same_service_confidence / count(*) over (
            partition by incidents.source, incidents.incident_id
        ) as confidence,
        row_number() over (
            partition by incidents.source, incidents.incident_id
            order by deployments.finished_at desc, deployments.source asc, deployments.deployment_id asc
        ) as place
    from incidents
    inner join ruled on incidents.service = ruled.service
    inner join deployments
        on
            incidents.service = deployments.service
            and incidents.began_at > deployments.finished_at
            and {{ hours_between('deployments.finished_at', 'incidents.began_at') }} <= ruled.incident_hours
    where incidents.deployment_id is null and incidents.service != '{{ unknown_service() }}'
),

first_finished as (
    select service, min(finished_at) as finished_at
    from deployments
    group by service
),

attributed as (
    select source, incident_id, deployment_source, deployment_id, finished_at, 'named' as attribution, 1.0 as confidence
    from named
    where place = 1
    union all
    select
        source,
        incident_id,
        deployment_source,
        deployment_id,
        finished_at,
        'same_service' as attribution,
        confidence
    from nearby
    where place = 1
),

final as (
    select
        incidents.source,
        incidents.incident_id,
        attributed.deployment_source,
        attributed.deployment_id,
        attributed.finished_at as deployment_finished_at,
        attributed.attribution,
        attributed.confidence as attribution_confidence,
        case
            when attributed.deployment_id is not null then null
            when incidents.deployment_id is not null then 'named_deployment_unknown'
            when incidents.service = '{{ unknown_service() }}' then 'service_unknown'
            when incidents.began_at is null then 'start_unknown'
            when first_finished.finished_at < incidents.began_at then 'too_long_before'
            else 'no_deployment_before'
        end as no_attribution_reason
    from incidents
    left join attributed on incidents.source = attributed.source and incidents.incident_id = attributed.incident_id
    left join first_finished on incidents.service = first_finished.service
)

select * from final
