with source as (
    select * from {{ source('lake', 'triage_weights') }}
)

-- Every weight of the policy: its columns are the policy's own.
select * from source  -- noqa: ambiguous.column_count
