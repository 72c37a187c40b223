with source as (
    select * from {{ source('lake', 'freshness') }}
),

final as (
    select
        source,
        signal,
        last_event_at,
        age_hours,
        warn_after_hours,
        late_after_hours,
        state,
        policy_digest
    from source
)

select * from final
