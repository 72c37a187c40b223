{# The best run of days of each series, and the best one beside it (Kulldorff's scan statistic, Poisson).

   `relation`: symptom_id, event_date, observed, expected; one row per symptom and day, days without gaps.
   One row per symptom and round (1, 2): first_date, last_date, observed, expected, evidence = o * ln(o / e) - (o - e),
   the log-likelihood ratio of the run against "no more than expected". #}
{% macro scan_episodes(relation) -%}
    with summed as (
        select
            symptom_id,
            event_date,
            sum(observed) over (partition by symptom_id order by event_date rows unbounded preceding) as observed_until,
            sum(expected) over (partition by symptom_id order by event_date rows unbounded preceding) as expected_until,
            observed,
            expected
        from {{ relation }}
    ),

    spans_of_days as (
        select
            first_day.symptom_id,
            first_day.event_date as first_date,
            last_day.event_date as last_date,
            last_day.observed_until - first_day.observed_until + first_day.observed as observed,
            last_day.expected_until - first_day.expected_until + first_day.expected as expected
        from summed as first_day
        inner join summed as last_day
            on first_day.symptom_id = last_day.symptom_id and first_day.event_date <= last_day.event_date
        where first_day.observed > first_day.expected and last_day.observed > last_day.expected
    ),

    weighed as (
        select
            *,
            observed * ln(observed / expected) - (observed - expected) as evidence
        from spans_of_days
        where observed > expected and expected > 0
    ),

    {%- for round in (1, 2) %}

    round_{{ round }} as (
        select *
        from (
            select
                weighed.*,
                row_number() over (
                    partition by weighed.symptom_id
                    order by weighed.evidence desc, weighed.first_date asc, weighed.last_date asc
                ) as place
            from weighed
            {%- if round == 2 %}
            inner join round_1 on weighed.symptom_id = round_1.symptom_id
            where weighed.last_date < round_1.first_date or weighed.first_date > round_1.last_date
            {%- endif %}
        ) as placed
        where place = 1
    ),
    {%- endfor %}

    final as (
        select symptom_id, 1 as round, first_date, last_date, observed, expected, evidence
        from round_1
        union all
        select symptom_id, 2 as round, first_date, last_date, observed, expected, evidence
        from round_2
    )

    select * from final
{%- endmacro %}
