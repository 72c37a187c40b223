with source as (
    select * from {{ source('lake', 'ranking') }}
)

select * from source
