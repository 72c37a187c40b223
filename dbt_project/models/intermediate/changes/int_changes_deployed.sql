-- The first successful deployment to production that contains a merged pull request; one row per pull request in one.
--   named_commit     it ships the merge's commit, or the last one of the pull request's branch: certain
--   later_commit     it ships a later merge into the same branch of the repository
--   next_deployment  the first of its service created after the merge, where nothing is known of the commit it ships
-- The first to finish of the first two, which rest on commits; else of the third.
with all_pull_requests as (
    select * from {{ ref('int_pull_requests_timed') }}
),

pull_requests as (
    select * from all_pull_requests
    where merged_at is not null
),

deployments as (
    select
        *,
        source || '|' || deployment_id as deployment_key
    from {{ ref('int_deployments_finished') }}
    where finished_at is not null
),

rules as (
    select * from {{ ref('stg_lake__change_rules') }}
),

services as (
    select distinct service from pull_requests
),

ruled as (
    {{ rules_of('services') }}
),

known_commits as (
    select merge_commit_sha as sha from all_pull_requests
    union distinct
    select head_sha as sha from all_pull_requests
),

named as (
    select
        pull_requests.source,
        pull_requests.pull_request_id,
        deployments.deployment_key,
        deployments.finished_at
    from pull_requests
    inner join deployments on pull_requests.merge_commit_sha = deployments.sha
    union all
    select
        pull_requests.source,
        pull_requests.pull_request_id,
        deployments.deployment_key,
        deployments.finished_at
    from pull_requests
    inner join deployments on pull_requests.head_sha = deployments.sha
),

shipped_merges as (
    select
        pull_requests.repository,
        pull_requests.base_branch,
        pull_requests.merged_at,
        deployments.deployment_key,
        deployments.finished_at
    from pull_requests
    inner join deployments on pull_requests.merge_commit_sha = deployments.sha
    where deployments.created_at >= pull_requests.merged_at
),

along_branches as (
    select
        source,
        pull_request_id,
        repository,
        base_branch,
        merged_at,
        cast(null as timestamp with time zone) as finished_at
    from pull_requests
    union all
    select
        cast(null as varchar) as source,
        cast(null as varchar) as pull_request_id,
        repository,
        base_branch,
        merged_at,
        finished_at
    from shipped_merges
),

later as (
    -- From the end of a branch back: what finishes first of all that was merged at the same time or later.
    select
        *,
        min(finished_at) over (partition by repository, base_branch order by merged_at desc) as first_finished_at
    from along_branches
),

unknown_commits as (
    select deployments.*
    from deployments
    left join known_commits on deployments.sha = known_commits.sha
    where known_commits.sha is null
),

along_services as (
    select
        source,
        pull_request_id,
        service,
        merged_at as happened_at,
        cast(null as timestamp with time zone) as finished_at
    from pull_requests
    union all
    select
        cast(null as varchar) as source,
        cast(null as varchar) as pull_request_id,
        service,
        created_at as happened_at,
        finished_at
    from unknown_commits
),

following as (
    select
        *,
        min(finished_at) over (partition by service order by happened_at desc) as first_finished_at
    from along_services
    where service != '{{ unknown_service() }}'
),

candidates as (
    select source, pull_request_id, deployment_key, finished_at, 'named_commit' as deployment_ground, 1 as ground
    from named
    union all
    select
        later.source,
        later.pull_request_id,
        shipped_merges.deployment_key,
        shipped_merges.finished_at,
        'later_commit' as deployment_ground,
        2 as ground
    from later
    inner join shipped_merges
        on
            later.repository = shipped_merges.repository
            and later.base_branch = shipped_merges.base_branch
            and later.first_finished_at = shipped_merges.finished_at
            and later.merged_at <= shipped_merges.merged_at
    where later.pull_request_id is not null
    union all
    select
        following.source,
        following.pull_request_id,
        unknown_commits.deployment_key,
        unknown_commits.finished_at,
        'next_deployment' as deployment_ground,
        3 as ground
    from following
    inner join unknown_commits
        on
            following.service = unknown_commits.service
            and following.first_finished_at = unknown_commits.finished_at
            and following.happened_at <= unknown_commits.created_at
    where following.pull_request_id is not null
),

chosen as (
    select *
    from (
        select
            *,
            row_number() over (
                partition by source, pull_request_id
                order by case when ground = 3 then 1 else 0 end asc, finished_at asc, ground asc, deployment_key asc
            ) as place
        from candidates
    ) as ordered
    where place = 1
),

final as (
    select
        chosen.source,
        chosen.pull_request_id,
        deployments.source as deployment_source,
        deployments.deployment_id,
        deployments.finished_at as deployed_at,
        chosen.deployment_ground,
        case chosen.ground
            when 1 then 1.0
            when 2 then ruled.later_commit_confidence
            else ruled.next_deployment_confidence
        end as deployment_confidence
    from chosen
    inner join deployments on chosen.deployment_key = deployments.deployment_key
    inner join pull_requests
        on chosen.source = pull_requests.source and chosen.pull_request_id = pull_requests.pull_request_id
    inner join ruled on pull_requests.service = ruled.service
)

select * from final
