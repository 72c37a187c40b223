with history as (
    select * from {{ ref('stg_lake__state_history') }}
),

states_now as (
    select * from {{ ref('int_states_now') }}
),

ticket_initiatives as (
    select * from {{ ref('int_initiatives_dated') }}
),

ticket_versions as (
    select * from {{ ref('stg_lake__tickets') }}
),

recorded as (
    select * from history
    union all
    select * from states_now
),

recordings as (
    select
        recorded_at,
        lag(recorded_at) over (order by recorded_at) as recorded_before_at,
        lead(recorded_at) over (order by recorded_at) as recorded_next_at
    from (select distinct recorded_at from recorded) as times
),

compared as (
    select
        recorded.*,
        recordings.recorded_next_at,
        coalesce(
            lag(recorded.recorded_at) over in_order = recordings.recorded_before_at
            and lag(recorded.state) over in_order = recorded.state
            and lag(coalesce(recorded.owner_team, '')) over in_order = coalesce(recorded.owner_team, '')
            and lag(coalesce(recorded.initiative_id, '')) over in_order = coalesce(recorded.initiative_id, ''),
            false
        ) as is_same
    from recorded
    inner join recordings on recorded.recorded_at = recordings.recorded_at
    window in_order as (partition by recorded.subject_kind, recorded.subject_id order by recorded.recorded_at)
),

numbered as (
    select
        *,
        sum(case when is_same then 0 else 1 end) over (
            partition by subject_kind, subject_id
            order by recorded_at
            rows unbounded preceding
        ) as period
    from compared
),

periods as (
    select
        subject_kind,
        subject_id,
        period,
        min(service) as service,
        min(state) as state,
        min_by(reason, recorded_at) as reason,
        min(owner_team) as owner_team,
        min(initiative_id) as initiative_id,
        min(recorded_at) as valid_from,
        -- Until it was recorded otherwise, or not any more.
        case when count(recorded_next_at) = count(*) then max(recorded_next_at) end as valid_to
    from numbered
    group by subject_kind, subject_id, period
),

ticket_changes as (
    select
        source,
        ticket_id,
        updated_at,
        record_id,
        coalesce(status, 'unknown') as state,
        lag(coalesce(status, 'unknown')) over (
            partition by source, ticket_id
            order by updated_at, record_id
        ) as state_before
    from ticket_versions
),

ticket_periods as (
    select
        source,
        ticket_id,
        state,
        updated_at as valid_from,
        lead(updated_at) over (partition by source, ticket_id order by updated_at, record_id) as valid_to
    from ticket_changes
    where state_before is null or state_before != state
),

united as (
    select
        subject_kind,
        subject_id,
        cast(null as varchar) as source,
        service,
        state,
        reason,
        owner_team,
        initiative_id,
        valid_from,
        valid_to
    from periods
    union all
    select
        'initiative' as subject_kind,
        ticket_initiatives.initiative_id as subject_id,
        ticket_initiatives.source,
        ticket_initiatives.service,
        ticket_initiatives.state,
        ticket_initiatives.title as reason,
        -- The team that its ticket names, else that which was recorded for its service then, else the one of now.
        case
            when ticket_initiatives.is_owner_named then ticket_initiatives.owner_team
            else coalesce(owned.owner_team, ticket_initiatives.owner_team)
        end as owner_team,
        ticket_initiatives.initiative_id,
        ticket_initiatives.valid_from,
        ticket_initiatives.valid_to
    from ticket_initiatives
    left join periods as owned
        on
            owned.subject_kind = 'service'
            and ticket_initiatives.service = owned.subject_id
            and ticket_initiatives.valid_from >= owned.valid_from
            and (owned.valid_to is null or ticket_initiatives.valid_from < owned.valid_to)
    union all
    select
        'ticket' as subject_kind,
        ticket_id as subject_id,
        source,
        cast(null as varchar) as service,
        state,
        cast(null as varchar) as reason,
        cast(null as varchar) as owner_team,
        cast(null as varchar) as initiative_id,
        valid_from,
        valid_to
    from ticket_periods
    -- Two versions of one second: the later one counts.
    where valid_to is null or valid_to > valid_from
),

final as (
    select
        *,
        {{ audit_columns() }}
    from united
)

select * from final
