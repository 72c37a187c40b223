with source as (
    select * from {{ source('lake', 'costs') }}
),

final as (
    select
        price_per_gigabyte,
        currency,
        policy_digest
    from source
)

select * from final
