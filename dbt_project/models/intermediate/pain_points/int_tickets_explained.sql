-- Tickets that a telemetry problem explains: about the same service, while it lasted or a day after, by accounts that
-- met it that day or the day before. A subject that such accounts use far more often than they write about other
-- services is explained as a whole; where no account is known, a subject is that nobody used before. One row per
-- ticket, for the problem that explains it best.
with tickets as (
    select * from {{ ref('int_tickets_latest') }}
),

problems as (
    select * from {{ ref('int_telemetry_problems') }}
),

met as (
    select * from {{ ref('int_problem_account_days') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

met_tickets as (
    select distinct met.problem_id, tickets.source, tickets.ticket_id
    from tickets
    inner join met
        on
            tickets.account_id = met.account_id
            and cast(tickets.created_at as date) in (met.event_date, met.event_date + interval 1 day)
),

meanwhile as (
    select
        problems.problem_id,
        problems.started_at,
        tickets.source,
        tickets.ticket_id,
        tickets.created_at,
        tickets.subject_key,
        problems.service = tickets.service as is_about,
        tickets.account_id is not null as is_known,
        met_tickets.ticket_id is not null as has_met
    from problems
    inner join tickets
        on
            tickets.created_at >= problems.started_at - interval 1 hour
            and tickets.created_at <= problems.ended_at + interval 1 day
    left join met_tickets
        on
            problems.problem_id = met_tickets.problem_id
            and tickets.source = met_tickets.source
            and tickets.ticket_id = met_tickets.ticket_id
),

-- How many who write about something else met it too: as many would of any subject, by chance. One more who did not
-- keeps a single one from standing for all.
chances as (
    select problem_id, sum(case when has_met then 1.0 else 0.0 end) / (count(*) + 1) as met_ratio
    from meanwhile
    where not is_about and is_known
    group by problem_id
),

candidates as (
    select * from meanwhile
    where is_about
),

subjects as (
    select
        candidates.problem_id,
        candidates.subject_key,
        coalesce(max(chances.met_ratio), 0) as chance_ratio,
        sum(case when candidates.is_known then 1 else 0 end) as known_count,
        sum(case when candidates.has_met then 1 else 0 end) as met_count,
        count(*) as ticket_count
    from candidates
    left join chances on candidates.problem_id = chances.problem_id
    group by candidates.problem_id, candidates.subject_key
),

first_uses as (
    select service, subject_key, min(created_at) as first_used_at
    from tickets
    group by service, subject_key
),

judged as (
    select
        candidates.problem_id,
        candidates.source,
        candidates.ticket_id,
        candidates.has_met,
        case
            -- Of those who met it, the share beyond chance: (met - chance) / (1 - chance), the attributable fraction.
            when subjects.known_count >= 3
                then
                    subjects.met_count - subjects.chance_ratio * subjects.known_count
                    > ranking.ticket_match_ratio * (1 - subjects.chance_ratio) * subjects.known_count
            when subjects.known_count > 0 then candidates.has_met
            else subjects.ticket_count >= 3 and first_uses.first_used_at >= candidates.started_at - interval 1 hour
        end as is_explained,
        subjects.met_count * 1.0 / subjects.ticket_count as met_ratio,
        row_number() over (
            partition by candidates.source, candidates.ticket_id
            order by
                subjects.met_count * 1.0 / subjects.ticket_count desc,
                candidates.started_at desc,
                candidates.problem_id asc
        ) as place
    from candidates
    inner join problems on candidates.problem_id = problems.problem_id
    inner join subjects
        on candidates.problem_id = subjects.problem_id and candidates.subject_key = subjects.subject_key
    inner join first_uses
        on problems.service = first_uses.service and candidates.subject_key = first_uses.subject_key
    cross join ranking
),

final as (
    select problem_id, source, ticket_id
    from judged
    where place = 1 and is_explained
)

select * from final
