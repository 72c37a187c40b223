with source as (
    select * from {{ source('lake', 'request_attributes') }}
),

final as (
    select
        attribute,
        max_values_per_service,
        policy_digest
    from source
)

select * from final
