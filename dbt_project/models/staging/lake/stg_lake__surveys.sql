with source as (
    {{ each_record_once(source('lake', 'surveys')) }}
),

final as (
    select
        source,
        record_id,
        event_at as occurred_at,
        response_id,
        respondent,
        audience,
        team,
        coalesce(service, 'unknown') as service,
        survey,
        question,
        score,
        score_min,
        score_max,
        body
    from source
)

select * from final
