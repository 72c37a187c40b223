with source as (
    select * from {{ source('lake', 'ranking') }}
),

rules as (
    select * from {{ source('lake', 'change_rules') }}
),

-- Every parameter of the policy: its columns are the policy's own. How far back a cause may lie is said in changes.yml.
final as (
    select
        source.*,
        rules.incident_hours as before_hours
    from source
    cross join rules
    where rules.service = '*'
)

select * from final  -- noqa: ambiguous.column_count
