with source as (
    {{ each_record_once(source('lake', 'commits')) }}
),

final as (
    select
        source,
        record_id,
        event_at as occurred_at,
        sha,
        repository,
        coalesce(service, 'unknown') as service,
        pull_request_id,
        author,
        authored_at,
        message
    from source
)

select * from final
