with problems as (
    select * from {{ ref('int_problems_united') }}
),

states as (
    select * from {{ ref('int_problem_states') }}
),

history as (
    select *
    from {{ ref('stg_lake__state_history') }}
    where subject_kind = 'pain_point'
),

triage as (
    select * from {{ ref('stg_lake__triage') }}
),

first_recording as (
    select coalesce(min(recorded_at), {{ as_of() }}) as first_recorded_at
    from history
),

seen as (
    select
        subject_id as problem_id,
        min(recorded_at) as found_at,
        min(case when state = 'verified' then recorded_at end) as verified_at
    from history
    group by subject_id
),

-- The times of each step. What was there already when the first list was made became known at no time that is known.
timed as (
    select
        problems.problem_id,
        problems.service,
        problems.started_at,
        states.owner_team,
        states.state,
        case
            when coalesce(seen.found_at, {{ as_of() }}) > first_recording.first_recorded_at
                then coalesce(seen.found_at, {{ as_of() }})
        end as found_at,
        states.decided_at,
        states.shipped_at,
        case
            when states.state = 'verified' and seen.problem_id is not null
                and coalesce(seen.verified_at, {{ as_of() }}) > seen.found_at
                then coalesce(seen.verified_at, {{ as_of() }})
        end as verified_at
    from problems
    inner join states on problems.problem_id = states.problem_id
    left join seen on problems.problem_id = seen.problem_id
    cross join first_recording
),

steps as (
    select
        problem_id, service, owner_team, 'signal_to_problem' as step, started_at as begun_at, found_at as ended_at,
        case when found_at is null then 'older_than_records' end as no_end_reason
    from timed
    union all
    select
        problem_id, service, owner_team, 'problem_to_decision' as step, found_at as begun_at, decided_at as ended_at,
        case
            when decided_at is not null then null
            when shipped_at is not null then 'not_recorded'
            when state = 'aged out' then 'aged_out'
            else 'open'
        end as no_end_reason
    from timed
    union all
    select
        problem_id, service, owner_team, 'decision_to_shipped' as step, decided_at as begun_at, shipped_at as ended_at,
        case when shipped_at is null then 'open' end as no_end_reason
    from timed
    where decided_at is not null or shipped_at is not null
    union all
    select
        problem_id, service, owner_team, 'shipped_to_verified' as step, shipped_at as begun_at, verified_at as ended_at,
        case
            when verified_at is not null then null
            when state = 'verified' then 'older_than_records'
            when state = 'shipped' then 'open'
            else 'did_not_help'
        end as no_end_reason
    from timed
    where shipped_at is not null
    union all
    select
        problem_id, service, owner_team, 'signal_to_shipped' as step, started_at as begun_at, shipped_at as ended_at,
        case
            when shipped_at is not null then null
            when state = 'aged out' then 'aged_out'
            else 'open'
        end as no_end_reason
    from timed
),

measured as (
    select
        steps.*,
        {{ hours_between('steps.begun_at', 'steps.ended_at') }} / 24 as days_taken,
        {{ hours_between('steps.begun_at', as_of()) }} / 24 as days_by_now,
        case steps.step
            when 'signal_to_problem' then triage.signal_to_problem_days
            when 'problem_to_decision' then triage.problem_to_decision_days
            when 'decision_to_shipped' then triage.decision_to_shipped_days
            when 'shipped_to_verified' then triage.shipped_to_verified_days
            else
                triage.signal_to_problem_days + triage.problem_to_decision_days + triage.decision_to_shipped_days
        end as target_days,
        triage.policy_digest
    from steps
    cross join triage
),

final as (
    select
        problem_id as pain_point_id,
        step,
        service,
        owner_team,
        begun_at,
        ended_at,
        -- A decision can be older than its place on the list.
        cast(case when days_taken >= 0 then days_taken end as double) as days,
        cast(case when no_end_reason = 'open' and days_by_now >= 0 then days_by_now end as double) as open_days,
        case
            when begun_at is null then 'begin_not_known'
            when days_taken < 0 then 'wrong_order'
            else no_end_reason
        end as no_time_reason,
        cast(target_days as double) as target_days,
        case
            when days_taken >= 0 then days_taken <= target_days
            when no_end_reason = 'open' and days_by_now > target_days then false
        end as is_within_target,
        {{ audit_columns('policy_digest') }}
    from measured
)

select * from final
