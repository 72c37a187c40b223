with source as (
    {{ each_record_once(source('lake', 'reviews')) }}
),

final as (
    select
        source,
        record_id,
        event_at as occurred_at,
        review_id,
        pull_request_id,
        repository,
        coalesce(service, 'unknown') as service,
        status,
        reviewer,
        sha,
        body
    from source
)

select * from final
