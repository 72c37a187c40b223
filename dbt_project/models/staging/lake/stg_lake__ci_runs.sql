with source as (
    select * from {{ source('lake', 'ci_runs') }}
),

final as (
    select
        source,
        record_id,
        event_at as occurred_at,
        run_id,
        attempt,
        repository,
        coalesce(service, 'unknown') as service,
        workflow,
        trigger,
        branch,
        sha,
        status,
        conclusion,
        title,
        actor,
        created_at,
        started_at,
        completed_at
    from source
)

select * from final
