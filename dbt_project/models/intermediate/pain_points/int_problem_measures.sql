-- Whom a problem reached and what it cost them; one row per problem.
with problems as (
    select * from {{ ref('int_problems_united') }}
),

own_times as (
    select * from {{ ref('int_own_times_by_hour') }}
),

reference_values as (
    select * from {{ ref('int_operation_references') }}
),

operation_counts as (
    select * from {{ ref('int_operation_counts_by_hour') }}
),

log_hours as (
    select * from {{ ref('int_log_symptoms_by_hour') }}
),

met as (
    select * from {{ ref('int_problem_account_days') }}
),

problem_tickets as (
    select * from {{ ref('int_problem_tickets') }}
),

tickets as (
    select * from {{ ref('int_tickets_latest') }}
),

plans as (
    select * from {{ ref('int_accounts_by_plan') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

slos as (
    select * from {{ ref('stg_lake__slos') }}
),

slo_days as (
    select * from {{ ref('fct_slo_days') }}
),

ledger as (
    select * from {{ ref('stg_lake__ledger') }}
),

times_met as (
    select
        problems.problem_id,
        own_times.bucket,
        sum(own_times.span_count) as span_count
    from problems
    inner join own_times
        on
            problems.operation_id = own_times.operation_id
            and problems.started_at <= own_times.hour_start_at
            and problems.ended_at > own_times.hour_start_at
            and (problems.feature_variant is null or problems.feature_variant = own_times.feature_variant)
            and (problems.service_version is null or problems.service_version = own_times.service_version)
    where problems.problem_kind = 'latency'
    group by problems.problem_id, own_times.bucket
),

percentiles_met as (
    {{ percentiles('times_met', ['problem_id'], [95]) }}
),

slow as (
    select
        problems.problem_id,
        sum(times_met.span_count) as affected_count,
        sum(times_met.span_count * greatest({{ bucket_ms('times_met.bucket') }} - reference_values.mean_ms, 0))
        / 60000.0 as waited_minutes
    from problems
    inner join reference_values on problems.operation_id = reference_values.operation_id
    inner join times_met on problems.problem_id = times_met.problem_id and problems.bucket < times_met.bucket
    group by problems.problem_id
),

failed as (
    select
        problems.problem_id,
        sum(operation_counts.origin_error_count) as affected_count
    from problems
    inner join operation_counts
        on
            problems.operation_id = operation_counts.operation_id
            and problems.started_at <= operation_counts.hour_start_at
            and problems.ended_at > operation_counts.hour_start_at
            and (problems.feature_variant is null or problems.feature_variant = operation_counts.feature_variant)
            and (problems.service_version is null or problems.service_version = operation_counts.service_version)
    where problems.problem_kind = 'error'
    group by problems.problem_id
),

logged as (
    select
        problems.problem_id,
        sum(log_hours.observed) as affected_count
    from problems
    inner join log_hours
        on
            problems.symptom_id = log_hours.symptom_id
            and problems.started_at <= log_hours.hour_start_at
            and problems.ended_at > log_hours.hour_start_at
    where problems.problem_kind = 'log'
    group by problems.problem_id
),

accounts_reached as (
    select problem_id, account_id
    from met
    union distinct
    select problem_tickets.problem_id, tickets.account_id
    from problem_tickets
    inner join tickets
        on problem_tickets.source = tickets.source and problem_tickets.ticket_id = tickets.ticket_id
    where tickets.account_id is not null
),

account_counts as (
    select problem_id, count(distinct account_id) as account_count
    from accounts_reached
    group by problem_id
),

plan_sizes as (
    select
        account_plan,
        count(*) * 1.0 / sum(count(*)) over () as usual_ratio
    from plans
    group by account_plan
),

plans_reached as (
    select
        accounts_reached.problem_id,
        plans.account_plan,
        sum(count(*)) over (partition by accounts_reached.problem_id) as known_count,
        count(*) * 1.0 / sum(count(*)) over (partition by accounts_reached.problem_id) as reached_ratio
    from accounts_reached
    inner join plans on accounts_reached.account_id = plans.account_id
    group by accounts_reached.problem_id, plans.account_plan
),

-- Nearly all it reached have one plan (above a half, so one at most), more than chance gives: log-likelihood ratio.
plans_hit as (
    select
        plans_reached.problem_id,
        plans_reached.account_plan
    from plans_reached
    inner join plan_sizes on plans_reached.account_plan = plan_sizes.account_plan
    cross join ranking
    where
        plans_reached.reached_ratio >= ranking.plan_ratio
        and plans_reached.reached_ratio > plan_sizes.usual_ratio
        and plans_reached.known_count * (
            plans_reached.reached_ratio * ln(plans_reached.reached_ratio / plan_sizes.usual_ratio)
            + case
                when plans_reached.reached_ratio < 1
                    then
                        (1 - plans_reached.reached_ratio)
                        * ln((1 - plans_reached.reached_ratio) / (1 - plan_sizes.usual_ratio))
                else 0
            end
        ) >= ranking.least_evidence
),

account_days as (
    select problem_id, count(*) as account_day_count
    from met
    group by problem_id
),

-- Of the service's objectives of its kind the one whose budget of a period went fastest.
budgets as (
    select problem_id, max(burnt_ratio) as budget_burnt_ratio
    from (
        select
            problems.problem_id,
            slo_days.slo,
            sum(case when slo_days.event_date >= cast(problems.started_at as date) then slo_days.bad_count end) * 1.0
            / nullif(sum(slo_days.allowed_bad_count), 0) as burnt_ratio
        from problems
        inner join slo_days
            on
                problems.service = slo_days.service
                and case problems.problem_kind when 'error' then 'availability' when 'latency' then 'latency' end
                = slo_days.indicator
                and slo_days.event_date <= cast(problems.ended_at as date)
        inner join slos on slo_days.slo = slos.slo and slo_days.valid_from = slos.valid_from
        where slo_days.event_date > cast(problems.ended_at as date) - slos.period_days * interval 1 day
        group by problems.problem_id, slo_days.slo
    ) as by_objective
    group by problem_id
),

judged_days as (
    select
        signal,
        event_date,
        bool_or(coalesce(is_withheld, true)) as is_withheld
    from ledger
    group by signal, event_date
),

spans as (
    select
        problem_id,
        {{ days_between('cast(started_at as date)', 'cast(ended_at as date)') }} + 1 as day_count
    from problems
),

-- Days of which the gate let everything pass; one without tickets is no gap.
coverage as (
    select
        problems.problem_id,
        case problems.problem_kind
            when 'ticket' then 1 - sum(case when judged_days.is_withheld then 1.0 else 0 end) / max(spans.day_count)
            else sum(case when judged_days.is_withheld then 0 else 1.0 end) / max(spans.day_count)
        end as coverage_ratio
    from problems
    inner join spans on problems.problem_id = spans.problem_id
    inner join judged_days
        on
            case problems.problem_kind when 'log' then 'logs' when 'ticket' then 'tickets' else 'spans' end
            = judged_days.signal
            and judged_days.event_date >= cast(problems.started_at as date)
            and judged_days.event_date <= cast(problems.ended_at as date)
    group by problems.problem_id, problems.problem_kind
),

ticket_counts as (
    select problem_id, count(*) as ticket_count
    from problem_tickets
    group by problem_id
),

subjects as (
    -- Words are shown when several accounts used them; a subject of one account may name somebody.
    select
        problem_tickets.problem_id,
        tickets.subject_key,
        min(tickets.subject) as subject,
        count(*) as ticket_count,
        row_number() over (
            partition by problem_tickets.problem_id
            order by count(*) desc, tickets.subject_key asc
        ) as place
    from problem_tickets
    inner join tickets
        on problem_tickets.source = tickets.source and problem_tickets.ticket_id = tickets.ticket_id
    cross join ranking
    where tickets.subject_key != ''
    group by problem_tickets.problem_id, tickets.subject_key, ranking.shown_from_accounts
    having count(distinct tickets.account_id) >= ranking.shown_from_accounts
),

subject_lists as (
    select
        problem_id,
        max(case when place = 1 then subject_key end) as subject,
        {{ text_list('subject_key', 'place', ' ') }} as subjects
    from subjects
    group by problem_id
),

final as (
    select
        problems.problem_id,
        coalesce(account_counts.account_count, 0) as account_count,
        plans_hit.account_plan,
        coalesce(ticket_counts.ticket_count, 0) as ticket_count,
        cast(
            coalesce(slow.affected_count, failed.affected_count, logged.affected_count, 0) as bigint
        ) as affected_count,
        coalesce(slow.waited_minutes, 0) as waited_minutes,
        coalesce(account_days.account_day_count, 0) as account_day_count,
        budgets.budget_burnt_ratio,
        coverage.coverage_ratio,
        case when problems.test != 'objective' then reference_values.p95_ms end as p95_before_ms,
        percentiles_met.p95_ms as p95_after_ms,
        subject_lists.subject,
        lower(
            coalesce(problems.template, '') || ' ' || coalesce(problems.operation, '') || ' '
            || coalesce(problems.dependency, '') || ' ' || coalesce(subject_lists.subjects, '')
        ) as said
    from problems
    left join reference_values
        on problems.operation_id = reference_values.operation_id and problems.problem_kind = 'latency'
    left join percentiles_met on problems.problem_id = percentiles_met.problem_id
    left join slow on problems.problem_id = slow.problem_id
    left join failed on problems.problem_id = failed.problem_id
    left join logged on problems.problem_id = logged.problem_id
    left join account_counts on problems.problem_id = account_counts.problem_id
    left join plans_hit on problems.problem_id = plans_hit.problem_id
    left join ticket_counts on problems.problem_id = ticket_counts.problem_id
    left join subject_lists on problems.problem_id = subject_lists.problem_id
    left join account_days on problems.problem_id = account_days.problem_id
    left join budgets on problems.problem_id = budgets.problem_id
    left join coverage on problems.problem_id = coverage.problem_id
)

select * from final
