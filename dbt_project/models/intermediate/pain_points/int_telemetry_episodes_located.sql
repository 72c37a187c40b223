-- Where in an operation an episode is: only under one variant of a flag, only in one version? And do the traces that
-- say a log line fail?
with episodes as (
    select * from {{ ref('int_telemetry_episodes_timed') }}
),

operation_counts as (
    select * from {{ ref('int_operation_counts_by_hour') }}
),

warnings as (
    select * from {{ ref('int_log_warnings_identified') }}
),

met as (
    select
        episodes.episode_id,
        operation_counts.feature_flag,
        operation_counts.feature_variant,
        operation_counts.service_version,
        operation_counts.span_count,
        case episodes.test
            when 'slow' then operation_counts.slow_count
            when 'very_slow' then operation_counts.very_slow_count
            when 'objective' then operation_counts.beyond_objective_count
            else operation_counts.origin_error_count
        end as bad_count
    from episodes
    inner join operation_counts
        on
            episodes.operation_id = operation_counts.operation_id
            and episodes.started_at <= operation_counts.hour_start_at
            and episodes.ended_at > operation_counts.hour_start_at
),

slices as (
    select
        episode_id,
        'variant' as dimension,
        feature_flag,
        feature_variant as slice,
        sum(span_count) as span_count,
        sum(bad_count) as bad_count
    from met
    where feature_flag is not null and feature_variant is not null
    group by episode_id, feature_flag, feature_variant
    union all
    select
        episode_id,
        'version' as dimension,
        cast(null as varchar) as feature_flag,
        service_version as slice,
        sum(span_count) as span_count,
        sum(bad_count) as bad_count
    from met
    where service_version is not null
    group by episode_id, service_version
),

compared as (
    select
        *,
        sum(span_count) over (partition by episode_id, dimension) - span_count as other_span_count,
        sum(bad_count) over (partition by episode_id, dimension) - bad_count as other_bad_count,
        row_number() over (
            partition by episode_id, dimension
            order by bad_count * 1.0 / (span_count + 3) desc, slice asc
        ) as place
    from slices
),

concentrated as (
    -- Three times as bad as the rest, most of what is bad, and enough of both to tell.
    select *
    from compared
    where
        place = 1
        and other_span_count >= 10
        and bad_count >= 4
        and bad_count >= 2 * other_bad_count
        and bad_count * 1.0 / span_count >= 3 * (other_bad_count + 0.5) / (other_span_count + 1)
),

bad_counts as (
    select episode_id, sum(span_count) as span_count, sum(bad_count) as bad_count
    from met
    group by episode_id
),

failing as (
    select
        episodes.episode_id,
        sum(warnings.trace_count) as trace_count,
        sum(warnings.failing_trace_count) as failing_trace_count
    from episodes
    inner join warnings
        on
            episodes.symptom_id = warnings.symptom_id
            and episodes.started_at <= warnings.hour_start_at
            and episodes.ended_at > warnings.hour_start_at
    where episodes.problem_kind = 'log'
    group by episodes.episode_id
),

final as (
    select
        episodes.episode_id,
        episodes.symptom_id,
        episodes.problem_kind,
        episodes.test,
        episodes.operation_id,
        episodes.service,
        episodes.operation,
        episodes.span_kind,
        episodes.dependency,
        variants.feature_flag,
        variants.slice as feature_variant,
        versions.slice as service_version,
        episodes.severity,
        episodes.template,
        episodes.has_spans,
        episodes.bucket,
        episodes.usual_ratio,
        episodes.evidence,
        episodes.started_at,
        episodes.is_over,
        episodes.ended_at,
        -- Of those it hits: where it is confined, of these only.
        coalesce(
            variants.bad_count * 1.0 / variants.span_count,
            versions.bad_count * 1.0 / versions.span_count,
            bad_counts.bad_count * 1.0 / bad_counts.span_count
        ) as bad_ratio,
        variants.bad_count as variant_bad_count,
        versions.bad_count as version_bad_count,
        failing.failing_trace_count * 2 >= failing.trace_count and failing.failing_trace_count > 0 as is_failing
    from episodes
    left join concentrated as variants
        on episodes.episode_id = variants.episode_id and variants.dimension = 'variant'
    left join concentrated as versions
        on episodes.episode_id = versions.episode_id and versions.dimension = 'version'
    left join bad_counts on episodes.episode_id = bad_counts.episode_id
    left join failing on episodes.episode_id = failing.episode_id
)

select * from final
