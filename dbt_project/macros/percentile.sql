{# Milliseconds a bucket of the exponential histogram (scale 6, nanoseconds) stands for. #}
{% macro bucket_ms(bucket) -%}
    (power(2.0, ({{ bucket }} + 0.5) / 64.0) / 1000000.0)
{%- endmacro %}


{# Nearest-rank percentiles from histograms: one row per distinct `keys`, a column per percentile (whole percent).
   `relation` has the keys, bucket and span_count; buckets that come several times are added up. #}
{% macro percentiles(relation, keys, percents) -%}
    select
        {{ keys | join(', ') }},
        {%- for percent in percents %}
        {{ bucket_ms('min(case when counted_up * 100 >= total_count * ' ~ percent ~ ' then bucket end)') }} as p{{ percent }}_ms{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            {{ keys | join(', ') }},
            bucket,
            sum(span_count) over (partition by {{ keys | join(', ') }} order by bucket rows unbounded preceding) as counted_up,
            sum(span_count) over (partition by {{ keys | join(', ') }}) as total_count
        from (
            select {{ keys | join(', ') }}, bucket, cast(sum(span_count) as bigint) as span_count
            from {{ relation }}
            group by {{ keys | join(', ') }}, bucket
        ) as per_bucket
    ) as counted
    group by {{ keys | join(', ') }}
{%- endmacro %}
