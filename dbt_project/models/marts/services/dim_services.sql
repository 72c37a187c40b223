with services as (
    select * from {{ ref('int_services_known') }}
),

final as (
    select
        service,
        owner_team,
        owner_email,
        first_seen_at,
        last_seen_at,
        {{ audit_columns() }}
    from services
)

select * from final
