{# Where a row comes from: the run, the time it is true for, and what its figures mean by definition: the SQL, and the
   policy where one has a say in it (`policy_digest`: an expression). #}
{% macro audit_columns(policy_digest=none) -%}
    cast('{{ of_the_run("run_id") }}' as varchar) as run_id,
    {{ as_of() }} as as_of,
    {% if policy_digest -%}
    substr(md5('{{ definition_hash() }}' || {{ policy_digest }}), 1, 16) as definition_hash
    {%- else -%}
    cast('{{ definition_hash() }}' as varchar) as definition_hash
    {%- endif %}
{%- endmacro %}


{% macro as_of() -%}
    cast('{{ of_the_run("as_of") }}' as timestamp with time zone)
{%- endmacro %}


{# The UTC day that goes on at the as-of time; at midnight the one that has just ended. #}
{% macro today() -%}
    cast({{ as_of() }} - interval 1 second as date)
{%- endmacro %}


{# run_id or as_of: from the environment (FEEDBACK_RUN_ID, FEEDBACK_AS_OF), or from --vars. The flow uses the
   environment: with other vars dbt parses the whole project again, which took 6 s of each run. #}
{% macro of_the_run(name) -%}
    {%- if var(name, '') or not execute -%}
        {{- var(name, '') -}}
    {%- else -%}
        {{- env_var('FEEDBACK_' ~ name | upper) -}}
    {%- endif -%}
{%- endmacro %}


{# Hash of the SQL of the model and of every model and seed above it: changes when any of them does.
   A unit test stands in for its model and is no node of the graph. #}
{% macro definition_hash() -%}
    {%- if execute -%}
        {%- set found = [model.unique_id] -%}
        {%- for unique_id in found if unique_id in graph.nodes -%}
            {%- for parent in graph.nodes[unique_id].depends_on.nodes if parent.startswith(('model.', 'seed.')) -%}
                {%- if parent not in found -%}{%- do found.append(parent) -%}{%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set texts = [] -%}
        {%- for unique_id in found | sort if unique_id in graph.nodes -%}
            {%- set node = graph.nodes[unique_id] -%}
            {%- do texts.append(node.raw_code if node.resource_type == 'model' else node.checksum.checksum) -%}
        {%- endfor -%}
        {{- local_md5(texts | join('\n'))[:16] -}}
    {%- endif -%}
{%- endmacro %}
