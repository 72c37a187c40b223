with versions as (
    select * from {{ ref('stg_lake__pull_requests') }}
),

commits as (
    select * from {{ ref('stg_lake__commits') }}
),

reviews as (
    select * from {{ ref('stg_lake__reviews') }}
),

ordered as (
    select
        *,
        row_number() over (partition by source, pull_request_id order by occurred_at desc, record_id desc) as place
    from versions
),

latest as (
    select * from ordered
    where place = 1
),

histories as (
    select
        source,
        pull_request_id,
        min(first_commit_at) as first_commit_at,
        min(first_review_at) as first_review_at
    from versions
    group by source, pull_request_id
),

written as (
    select
        source,
        pull_request_id,
        min(authored_at) as first_commit_at
    from commits
    where pull_request_id is not null
    group by source, pull_request_id
),

reviewed as (
    -- Somebody whose name is not given is somebody else.
    select
        reviews.source,
        reviews.pull_request_id,
        min(reviews.occurred_at) as first_review_at
    from reviews
    inner join latest on reviews.source = latest.source and reviews.pull_request_id = latest.pull_request_id
    where coalesce(reviews.reviewer, '') != coalesce(latest.author, '')
    group by reviews.source, reviews.pull_request_id
),

final as (
    select
        latest.source,
        latest.pull_request_id,
        latest.repository,
        latest.service,
        latest.status,
        coalesce(latest.is_draft, false) as is_draft,
        coalesce(latest.base_branch, '') as base_branch,
        latest.head_sha,
        latest.merge_commit_sha,
        latest.additions + latest.deletions as changed_lines,
        latest.created_at,
        least(histories.first_commit_at, written.first_commit_at) as first_commit_at,
        -- What the pull request says was told before anonymising, so a new key in between made nobody somebody else.
        coalesce(histories.first_review_at, reviewed.first_review_at) as first_review_at,
        latest.merged_at,
        case when latest.status != 'open' then coalesce(latest.closed_at, latest.merged_at, latest.occurred_at) end
            as closed_at
    from latest
    inner join histories on latest.source = histories.source and latest.pull_request_id = histories.pull_request_id
    left join written on latest.source = written.source and latest.pull_request_id = written.pull_request_id
    left join reviewed on latest.source = reviewed.source and latest.pull_request_id = reviewed.pull_request_id
)

select * from final
