{# Milliseconds a bucket of the exponential histogram (scale 6, nanoseconds) stands for. #}
{% macro bucket_ms(bucket) -%}
    (power(2.0, ({{ bucket }} + 0.5) / 64.0) / 1000000.0)
{%- endmacro %}


{# Nearest-rank percentiles from histograms: one row per distinct `keys`, a column per percentile (whole percent).
   `relation` has the keys, bucket and span_count; buckets that come several times are added up. #}
{% macro percentiles(relation, keys, percents) -%}
    {%- set key_list = keys | join(', ') -%}
    select
        {{ key_list }},
        {%- for percent in percents %}
        {%- set reached = 'counted_up * 100 >= total_count * ' ~ percent %}
        {{ bucket_ms('min(case when ' ~ reached ~ ' then bucket end)') }} as p{{ percent }}_ms{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            {{ key_list }},
            bucket,
            sum(span_count) over (partition by {{ key_list }} order by bucket asc rows unbounded preceding) as counted_up,
            sum(span_count) over (partition by {{ key_list }}) as total_count
        from (
            select {{ key_list }}, bucket, cast(sum(span_count) as bigint) as span_count
            from {{ relation }}
            group by {{ key_list }}, bucket
        ) as per_bucket
    ) as counted
    group by {{ key_list }}
{%- endmacro %}
