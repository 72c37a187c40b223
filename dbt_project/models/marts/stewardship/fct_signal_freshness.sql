with freshness as (
    select * from {{ ref('stg_lake__freshness') }}
),

final as (
    select
        source,
        signal,
        cast({{ as_of() }} as date) as as_of_date,
        last_event_at,
        age_hours,
        warn_after_hours,
        late_after_hours,
        state,
        case when state is null then 'no_window' end as no_state_reason,
        {{ audit_columns('policy_digest') }}
    from freshness
)

select * from final
