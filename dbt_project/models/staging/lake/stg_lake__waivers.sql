with source as (
    select * from {{ source('lake', 'waivers') }}
),

final as (
    select
        waiver,
        dataset,
        expectation,
        first_date,
        last_date,
        expires_at,
        asked_by,
        approved_by,
        reason
    from source
)

select * from final
