with source as (
    select * from {{ source('lake', 'state_history') }}
),

final as (
    select
        recorded_at,
        subject_kind,
        subject_id,
        state,
        reason,
        owner_team,
        initiative_id,
        service,
        place,
        score
    from source
    -- A recording is what its own run leaves: a run for an earlier time knows nothing of later ones.
    where recorded_at < {{ as_of() }}
)

select * from final
