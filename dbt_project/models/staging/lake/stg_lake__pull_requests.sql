with source as (
    select * from {{ source('lake', 'pull_requests') }}
),

final as (
    select
        source,
        record_id,
        event_at as occurred_at,
        pull_request_id,
        repository,
        coalesce(service, 'unknown') as service,
        status,
        is_draft,
        title,
        description,
        author,
        base_branch,
        head_branch,
        head_sha,
        merge_commit_sha,
        created_at,
        first_commit_at,
        first_review_at,
        approved_at,
        merged_at,
        closed_at,
        additions,
        deletions,
        changed_files,
        tags
    from source
)

select * from final
