-- What began a problem, what went with it and what was done about it; one row per problem.
-- Cause: the deployment its incident names, else that of the only version it is in, else the one its incident is put
-- down to (int_incidents_attributed), else the nearest of its service. It can begin up to a day later than usual where
-- it is likelier that nothing showed until then, exp(-missed), than that the further hours hold a deployment of the
-- service by chance, hours * its deployments an hour.
-- Fix: a deployment of the service with which it ended, else the latest one that was meant as a fix and did not end it.
-- Where no deployment began it, one ended it only if it says so: what others broke, others mend.
with problems as (
    select * from {{ ref('int_problems_united') }}
),

measures as (
    select * from {{ ref('int_problem_measures') }}
),

deployments as (
    select *
    from {{ ref('int_deployments_finished') }}
    where finished_at is not null
),

timed as (
    select *, coalesce(started_at, detected_at) as began_at
    from {{ ref('int_incidents_timed') }}
),

attributed as (
    select * from {{ ref('int_incidents_attributed') }}
),

incidents as (
    select
        timed.service,
        timed.incident_id,
        timed.began_at,
        timed.ended_at,
        coalesce(timed.mitigated_at, timed.ended_at) as over_at,
        attributed.deployment_id,
        attributed.attribution
    from timed
    left join attributed on timed.source = attributed.source and timed.incident_id = attributed.incident_id
),

services as (
    select * from {{ ref('int_services_known') }}
),

problem_tickets as (
    select * from {{ ref('int_problem_tickets') }}
),

tickets as (
    select * from {{ ref('int_tickets_latest') }}
),

operation_counts as (
    select * from {{ ref('int_operation_counts_by_hour') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

own_incidents as (
    select problem_id, incident_id, deployment_id, attribution, over_at
    from (
        select
            problems.problem_id,
            incidents.incident_id,
            incidents.deployment_id,
            incidents.attribution,
            incidents.over_at,
            row_number() over (
                partition by problems.problem_id
                order by
                    abs({{ hours_between('problems.started_at', 'incidents.began_at') }}) asc,
                    incidents.incident_id asc
            ) as place
        from problems
        inner join incidents
            on
                problems.service = incidents.service
                and incidents.began_at >= problems.started_at - interval 24 hour
                and incidents.began_at <= problems.started_at + interval 48 hour
                and problems.ended_at >= incidents.began_at
                -- One that was over while customers went on writing for days was about something else.
                and (
                    problems.problem_kind != 'ticket'
                    or incidents.ended_at is null
                    or (not problems.is_ongoing and problems.ended_at <= incidents.ended_at + interval 2 day)
                )
    ) as ordered
    where place = 1
),

suspects as (
    select
        problems.problem_id,
        deployments.deployment_id,
        deployments.service_version,
        {{ hours_between('deployments.finished_at', 'problems.started_at') }} as hours_before,
        coalesce(deployments.deployment_id = own_incidents.deployment_id, false) as is_of_incident,
        case
            when
                deployments.deployment_id = own_incidents.deployment_id and own_incidents.attribution = 'named'
                then 1
            when deployments.service_version = problems.service_version then 2
            else 3
        end as ground
    from problems
    inner join deployments
        on problems.service = deployments.service and problems.ended_at >= deployments.finished_at
    left join own_incidents on problems.problem_id = own_incidents.problem_id
),

-- Where it could have shown: a theme of tickets where others are written, anything else in requests of its operation.
chances as (
    select problems.problem_id, tickets.created_at as met_at, 1.0 as chance_count
    from problems
    cross join tickets
    left join problem_tickets
        on tickets.source = problem_tickets.source and tickets.ticket_id = problem_tickets.ticket_id
    where problems.problem_kind = 'ticket' and problem_tickets.ticket_id is null
    union all
    select problems.problem_id, operation_counts.hour_start_at as met_at, operation_counts.span_count as chance_count
    from problems
    inner join operation_counts on problems.operation_id = operation_counts.operation_id
    where
        (problems.feature_variant is null or problems.feature_variant = operation_counts.feature_variant)
        and (problems.service_version is null or problems.service_version = operation_counts.service_version)
),

-- How often it should have shown between a deployment and its beginning, by how often it did from then on.
missed as (
    select
        suspects.problem_id,
        suspects.deployment_id,
        max(case when problems.problem_kind = 'ticket' then measures.ticket_count else measures.affected_count end)
        * sum(case when chances.met_at < problems.started_at then chances.chance_count else 0 end)
        / nullif(sum(case when chances.met_at < problems.started_at then 0 else chances.chance_count end), 0)
            as missed_count
    from suspects
    inner join problems on suspects.problem_id = problems.problem_id
    inner join measures on suspects.problem_id = measures.problem_id
    inner join chances
        on
            suspects.problem_id = chances.problem_id
            and problems.ended_at >= chances.met_at
    cross join ranking
    where
        -- Customers take their time to notice and to write.
        chances.met_at >= problems.started_at - (
            suspects.hours_before - case when problems.problem_kind = 'ticket' then ranking.noticed_hours else 0 end
        ) * interval 1 hour
        and suspects.hours_before between ranking.before_hours and ranking.before_hours + 24
    group by suspects.problem_id, suspects.deployment_id
),

history as (
    select greatest({{ hours_between('min(finished_at)', as_of()) }}, 24) as hour_count
    from deployments
),

deployed as (
    select deployments.service, count(*) / max(history.hour_count) as deployments_per_hour
    from deployments
    cross join history
    group by deployments.service
),

causes as (
    select problem_id, deployment_id, service_version
    from (
        select
            suspects.*,
            row_number() over (
                partition by suspects.problem_id
                order by
                    suspects.ground asc,
                    case when suspects.is_of_incident then 0 else 1 end asc,
                    abs(suspects.hours_before) asc,
                    suspects.deployment_id asc
            ) as place
        from suspects
        inner join problems on suspects.problem_id = problems.problem_id
        left join missed
            on suspects.problem_id = missed.problem_id and suspects.deployment_id = missed.deployment_id
        inner join deployed on problems.service = deployed.service
        cross join ranking
        where
            suspects.ground < 3
            or (
                not problems.is_as_old_as_data
                and suspects.hours_before >= -ranking.after_hours
                and (
                    suspects.hours_before <= ranking.before_hours
                    or exp(-missed.missed_count)
                    >= (suspects.hours_before - ranking.before_hours) * deployed.deployments_per_hour
                )
            )
    ) as ordered
    where place = 1
),

later_deployments as (
    select
        problems.problem_id,
        deployments.deployment_id,
        deployments.finished_at,
        deployments.description,
        causes.deployment_id is not null as is_caused,
        lower(coalesce(deployments.description, '') || ' ' || coalesce(deployments.ref, '')) as said,
        not problems.is_ongoing
        and {{ hours_between('deployments.finished_at', 'problems.ended_at') }} between -8 and 12
        -- What came when its incident was over already did not end it; people note that within the hour.
        and deployments.finished_at
        <= coalesce(own_incidents.over_at, deployments.finished_at) + interval 1 hour as is_end,
        problems.is_ongoing
        or {{ hours_between('deployments.finished_at', 'problems.ended_at') }} > 12 as is_before_end
    from problems
    inner join deployments
        on
            problems.service = deployments.service
            and deployments.finished_at > problems.started_at + interval 1 hour
    left join causes on problems.problem_id = causes.problem_id
    left join own_incidents on problems.problem_id = own_incidents.problem_id
    where causes.deployment_id is null or causes.deployment_id != deployments.deployment_id
),

problem_words as (
    {{ words_of('measures', 'said') }}
),

said_in_deployments as (
    select problem_id, deployment_id, description
    from later_deployments
),

deployment_words as (
    {{ words_of('said_in_deployments', "coalesce(description, '')") }}
),

shared_words as (
    -- A deployment that speaks of the problem's own words was meant for it.
    select distinct deployment_words.problem_id, deployment_words.deployment_id
    from deployment_words
    inner join problem_words
        on deployment_words.problem_id = problem_words.problem_id and deployment_words.word = problem_words.word
    where
        length(deployment_words.word) >= 5
        and deployment_words.word not in (select lower(services.service) from services)
        and deployment_words.word not in (
            'about', 'after', 'error', 'errors', 'request', 'requests', 'service', 'since'
        )
),

attempts as (
    select
        later_deployments.problem_id,
        later_deployments.deployment_id,
        case
            when later_deployments.is_end then true
            when {{ hours_between('later_deployments.finished_at', as_of()) }} >= ranking.fix_hours then false
        end as is_effective,
        row_number() over (
            partition by later_deployments.problem_id
            order by
                case when later_deployments.is_end then 0 else 1 end,
                later_deployments.finished_at desc,
                later_deployments.deployment_id asc
        ) as place
    from later_deployments
    cross join ranking
    left join shared_words
        on
            later_deployments.problem_id = shared_words.problem_id
            and later_deployments.deployment_id = shared_words.deployment_id
    where
        (later_deployments.is_end and later_deployments.is_caused)
        or (
            (later_deployments.is_end or later_deployments.is_before_end)
            and (
                shared_words.deployment_id is not null
                or {{ has_pattern('later_deployments.said', "'(^|[^a-z])(' || ranking.fix_words || ')'") }}
            )
        )
),

final as (
    select
        problems.problem_id,
        causes.deployment_id,
        coalesce(problems.service_version, causes.service_version) as service_version,
        own_incidents.incident_id,
        attempts.deployment_id as fix_deployment_id,
        attempts.is_effective as is_fix_effective
    from problems
    left join causes on problems.problem_id = causes.problem_id
    left join own_incidents on problems.problem_id = own_incidents.problem_id
    left join attempts on problems.problem_id = attempts.problem_id and attempts.place = 1
)

select * from final
