with source as (
    select * from {{ source('lake', 'owners') }}
),

final as (
    select
        service,
        owner_team,
        owner_email
    from source
)

select * from final
