with statuses as (
    select * from {{ ref('stg_lake__deployments') }}
),

ordered as (
    select
        *,
        row_number() over (
            partition by source, deployment_id
            -- Created and the first status often share a second.
            order by occurred_at desc, case when status = 'created' then 1 else 0 end asc, record_id desc
        ) as place
    from statuses
),

latest as (
    select * from ordered
    where place = 1
),

histories as (
    select
        source,
        deployment_id,
        coalesce(min(created_at), min(case when status = 'created' then occurred_at end)) as created_at,
        min(occurred_at) as first_status_at,
        min(case when status = 'in_progress' then occurred_at end) as begun_at,
        -- The first success: a system that touches a deployment later does not move it.
        min(case when status = 'success' then occurred_at end) as finished_at,
        min(case when status in ('failure', 'error') then occurred_at end) as failed_at
    from statuses
    group by source, deployment_id
),

final as (
    select
        latest.source,
        latest.deployment_id,
        latest.service,
        latest.service_version,
        latest.environment,
        latest.description,
        latest.ref,
        latest.sha,
        histories.created_at,
        histories.first_status_at,
        histories.finished_at,
        coalesce(
            histories.finished_at < histories.created_at or histories.finished_at < histories.begun_at, false
        ) as is_in_wrong_order,
        case when histories.finished_at is null then histories.failed_at end as failed_at,
        case when histories.finished_at is not null then 'success' else latest.status end as status
    from latest
    inner join histories on latest.source = histories.source and latest.deployment_id = histories.deployment_id
    where
        latest.environment is null
        or lower(latest.environment) like 'prod%'
        or lower(latest.environment) = 'live'
)

select * from final
