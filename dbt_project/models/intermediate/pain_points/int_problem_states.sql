-- Where a problem stands: what is done about it, whether it helped, and whether it is worth looking at at all; one row
-- per problem.
with problems as (
    select * from {{ ref('int_problems_united') }}
),

initiatives as (
    select * from {{ ref('int_problem_initiatives') }}
),

compared as (
    select * from {{ ref('int_initiatives_compared') }}
),

services as (
    select * from {{ ref('int_services_known') }}
),

triage as (
    select * from {{ ref('stg_lake__triage') }}
),

-- Days that are over of which nothing is known do not count as days on which nothing bad was seen.
unheard as (
    select problems.problem_id, count(*) as day_count
    from problems
    inner join {{ ref('int_days_unheard') }} as unheard_days
        on
            problems.ended_at < unheard_days.event_date
            and unheard_days.event_date < {{ today() }}
            and unheard_days.signal = case problems.problem_kind
                when 'ticket' then 'tickets' when 'log' then 'logs' else 'spans'
            end
    group by problems.problem_id
),

-- What speaks for itself first: that something helped, then that it is too early to tell, then what is under way, then
-- what did not help; of equal ones the latest.
chosen as (
    select *
    from (
        select
            initiatives.*,
            compared.verdict,
            compared.no_verdict_reason,
            row_number() over (
                partition by initiatives.problem_id
                order by
                    case
                        when compared.verdict = 'improved' then 1
                        when compared.verdict = 'too early' then 2
                        when compared.verdict is null then 3
                        else 4
                    end,
                    coalesce(initiatives.shipped_at, initiatives.decided_at) desc nulls last,
                    initiatives.initiative_id asc
            ) as choice
        from initiatives
        inner join compared
            on
                initiatives.problem_id = compared.problem_id
                and initiatives.initiative_id = compared.initiative_id
    ) as ordered
    where choice = 1
),

judged as (
    select
        problems.problem_id,
        problems.service,
        problems.started_at,
        problems.ended_at,
        problems.is_ongoing,
        chosen.initiative_id,
        chosen.title,
        chosen.milestone,
        chosen.due_on,
        chosen.decided_at,
        chosen.shipped_at,
        chosen.verdict,
        -- Who does something about it answers for it, else who has the service.
        coalesce(chosen.owner_team, services.owner_team) as owner_team,
        coalesce(chosen.owner_email, services.owner_email) as owner_email,
        case
            when chosen.verdict = 'improved' then 'verified'
            when chosen.verdict = 'too early' then 'shipped'
            when chosen.initiative_id is not null and chosen.verdict is null then 'in progress'
            when
                not problems.is_ongoing
                and {{ hours_between('problems.ended_at', as_of()) }}
                >= (triage.aged_out_after_days + coalesce(unheard.day_count, 0)) * 24
                then 'aged out'
            when {{ hours_between('problems.started_at', as_of()) }} < triage.new_days * 24 then 'new'
            else 'open'
        end as state,
        triage.aged_out_after_days
    from problems
    inner join services on problems.service = services.service
    left join chosen on problems.problem_id = chosen.problem_id
    left join unheard on problems.problem_id = unheard.problem_id
    cross join triage
),

final as (
    select
        problem_id,
        initiative_id,
        owner_team,
        owner_email,
        milestone,
        due_on,
        decided_at,
        shipped_at,
        verdict,
        state,
        case state
            when 'verified'
                then
                    title || ' shipped on ' || cast(cast(shipped_at as date) as varchar) || ' and helped'
                    || case when is_ongoing then ', yet it goes on' else '' end
            when 'shipped'
                then
                    title || ' shipped on ' || cast(cast(shipped_at as date) as varchar)
                    || '; too early to tell whether it helped'
            when 'in progress' then title || coalesce(', due on ' || cast(due_on as varchar), ', no due date')
            when 'aged out'
                then
                    'Nothing bad for ' || cast(aged_out_after_days as varchar)
                    || ' days, and nobody did anything about it'
            when 'new' then 'First seen on ' || cast(cast(started_at as date) as varchar)
            else
                coalesce(
                    title || ' shipped on ' || cast(cast(shipped_at as date) as varchar)
                    || case verdict when 'worse' then ' and made it worse' else ' and did not help' end,
                    'Nothing is planned'
                    || case
                        when is_ongoing then ''
                        else '; it ages out when nothing bad is seen for '
                            || cast(aged_out_after_days as varchar) || ' days'
                    end
                )
        end as state_reason
    from judged
)

select * from final
