with pull_requests as (
    select * from {{ ref('int_pull_requests_timed') }}
),

deployed as (
    select * from {{ ref('int_changes_deployed') }}
),

joined as (
    select
        pull_requests.*,
        deployed.deployment_id,
        deployed.deployed_at,
        deployed.deployment_ground,
        deployed.deployment_confidence,
        -- Opened before its first commit: begun with that.
        case
            when pull_requests.first_commit_at is not null
                then least(pull_requests.first_commit_at, pull_requests.created_at)
        end as started_at,
        case
            when pull_requests.status = 'open' and not pull_requests.is_draft and pull_requests.first_review_at is null
                then 'review'
            when pull_requests.status = 'open' and not pull_requests.is_draft then 'merge'
            when pull_requests.merged_at is not null and deployed.deployed_at is null then 'deployment'
        end as waiting_for
    from pull_requests
    left join deployed
        on pull_requests.source = deployed.source and pull_requests.pull_request_id = deployed.pull_request_id
),

explained as (
    select
        *,
        case when first_commit_at is null then 'not_recorded' end as no_coding_reason,
        {{ no_stage_reason(
            'created_at', 'first_review_at', "case when status != 'open' then 'no_review' when is_draft then 'draft' else 'open' end"
        ) }} as no_pickup_reason,
        case
            when first_review_at is null and merged_at is not null then 'no_review'
            else {{ no_stage_reason(
                'first_review_at', 'merged_at', "case when status = 'open' then 'open' else 'not_merged' end"
            ) }}
        end as no_review_reason,
        case
            when merged_at is null then case when status = 'open' then 'not_merged_yet' else 'not_merged' end
            else {{ no_stage_reason('merged_at', 'deployed_at', "'open'") }}
        end as no_deploy_reason
    from joined
),

measured as (
    select
        *,
        coalesce(no_deploy_reason, no_review_reason, no_pickup_reason, no_coding_reason) as no_lead_time_reason
    from explained
),

final as (
    select
        source,
        pull_request_id,
        repository,
        service,
        status,
        changed_lines,
        created_at,
        first_commit_at,
        started_at,
        first_review_at,
        merged_at,
        closed_at,
        deployment_id,
        deployed_at,
        deployment_ground,
        cast(deployment_confidence as double) as deployment_confidence,
        {{ minutes_between('started_at', 'created_at') }} as coding_minutes,
        {{ minutes_between('created_at', 'first_review_at') }} as pickup_minutes,
        {{ minutes_between('first_review_at', 'merged_at') }} as review_minutes,
        {{ minutes_between('merged_at', 'deployed_at') }} as deploy_minutes,
        case
            when no_lead_time_reason is null then {{ minutes_between('started_at', 'deployed_at') }}
        end as lead_time_minutes,
        no_coding_reason,
        no_pickup_reason,
        no_review_reason,
        no_deploy_reason,
        no_lead_time_reason,
        waiting_for,
        case waiting_for
            when 'review' then {{ minutes_between('created_at', as_of()) }}
            when 'merge' then {{ minutes_between('first_review_at', as_of()) }}
            when 'deployment' then {{ minutes_between('merged_at', as_of()) }}
        end as waiting_minutes,
        {{ audit_columns() }}
    from measured
)

select * from final
